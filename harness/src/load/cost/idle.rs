//! Waiting until a set of processes has nothing to do, so that start-up work is not measured.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use super::Meter;

/// Over this long the processes must be quiet.
const QUIET_FOR: Duration = Duration::from_millis(200);

/// Ticks that quiet processes may still use: one in 200 ms is 5 % of a core.
const QUIET_TICKS: u64 = 1;

impl Meter<'_> {
    /// Waits until gateway and backend are idle, at most for `limit`; `false` if they never were.
    /// Then the next cost says so.
    pub fn settle(&mut self, limit: Duration, cancel: &AtomicBool) -> bool {
        let end = Instant::now() + limit;
        let mut before = self.ticks();
        self.was_busy = true;
        while self.was_busy && Instant::now() < end && !cancel.load(Relaxed) {
            thread::sleep(QUIET_FOR.min(limit));
            let now = self.ticks();
            self.was_busy = !is_quiet(before, now);
            before = now;
        }
        !self.was_busy
    }

    /// Ticks that all processes of both sides used so far.
    fn ticks(&self) -> u64 {
        let seats = [&self.gateway, &self.backend].into_iter();
        let processes = seats.flat_map(|seat| seat.processes(&self.proc));
        processes.map(|process| process.ticks).sum()
    }
}

/// A sum that falls means that processes ended, which is no rest either.
fn is_quiet(before: u64, now: u64) -> bool {
    (before..=before + QUIET_TICKS).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tick_is_quiet_and_two_are_not() {
        assert!(is_quiet(100, 100) && is_quiet(100, 101));
        assert!(!is_quiet(100, 102));
    }

    #[test]
    fn processes_that_end_are_not_quiet() {
        assert!(!is_quiet(100, 60));
    }
}
