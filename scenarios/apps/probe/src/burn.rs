//! Work that takes as much CPU time in every language.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Keeps the processor busy until this thread has used so much more of its time.
pub fn burn(time: Duration) {
    if time.is_zero() {
        return;
    }
    let begun = spent();
    while spent().saturating_sub(begun) < time {
        std::hint::black_box((0..1_000_u64).fold(0, u64::wrapping_add));
    }
}

/// CPU time of the thread. Where the kernel has no such clock, nothing is left to burn.
fn spent() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::MAX, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_after_the_time_was_used_up() {
        let begun = spent();
        burn(Duration::from_millis(3));
        assert!(spent().saturating_sub(begun) >= Duration::from_millis(3));
    }
}
