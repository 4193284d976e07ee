//! The monotonic clock of the machine, which the demo's parts have in common.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// Microseconds of `CLOCK_MONOTONIC`, as gateserve's trace and `time.monotonic_ns` in Python count.
pub(super) fn now_us() -> u64 {
    // It fails for an unknown clock only.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    u64::try_from(now.unwrap_or_default().as_micros()).unwrap_or_default()
}

/// An instant on that clock.
pub(super) fn at_us(instant: Instant) -> u64 {
    let ago = u64::try_from(instant.elapsed().as_micros()).unwrap_or_default();
    now_us().saturating_sub(ago)
}
