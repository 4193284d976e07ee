//! What one thread counts, and over which span of time.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

use super::{
    failure::{Failure, Failures},
    latency::{Latency, Sparse},
};

/// The measured time: after the warm-up, up to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) opens: Instant,
    /// `None` where a number of requests ends it.
    pub(super) closes: Option<Instant>,
}

impl Window {
    pub(super) fn holds(&self, instant: Instant) -> bool {
        instant >= self.opens && !self.is_past(instant)
    }

    pub(super) fn is_past(&self, instant: Instant) -> bool {
        self.closes.is_some_and(|end| instant >= end)
    }
}

/// Counts of one thread.
///
/// The rate is made of replies that *end* in the window, the latencies and failures of requests
/// that were *due* in it, however late their replies are: a stall at the end is not cut off.
#[derive(Debug)]
pub(super) struct Tally {
    window: Window,
    pub(super) answered: u64,
    pub(super) by_second: Vec<u64>,
    /// All but those of the present second.
    pub(super) latency: Latency,
    /// Those of the present second.
    present: Latency,
    /// Latencies of each second, by the time of the reply.
    pub(super) seconds: Vec<Sparse>,
    pub(super) failures: Failures,
    /// Connections opened in the window.
    pub(super) opened: u64,
    /// Requests in the window that were sent a second time.
    pub(super) retried: u64,
    /// When the last request that counts ended.
    pub(super) last_end: Instant,
    /// What became of the requests of slow clients that ended in the window.
    pub(super) slow: Slow,
}

/// Requests of slow clients: they are a burden beside the load, and have no part in its figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slow {
    /// Answered as expected.
    pub answered: u64,
    /// The others. Servers may give up on who is too slow: it is up to the reader whether they should.
    pub failures: Failures,
}

impl Slow {
    pub(super) fn merge(&mut self, other: Self) {
        self.answered += other.answered;
        self.failures.merge(other.failures);
    }
}

impl Tally {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            answered: 0,
            by_second: Vec::with_capacity(64),
            latency: Latency::new(),
            present: Latency::new(),
            seconds: Vec::new(),
            failures: Failures::default(),
            opened: 0,
            retried: 0,
            last_end: window.opens,
            slow: Slow::default(),
        }
    }

    pub(super) fn answer(&mut self, due: Instant, now: Instant) {
        if self.window.holds(due) {
            self.turn_to(now);
            self.present.record(now - due);
            self.last_end = now;
        }
        // Where a number of requests ends the window, it is these requests that count.
        let counts = match self.window.closes {
            Some(_) => self.window.holds(now),
            None => self.window.holds(due),
        };
        if counts {
            self.answered += 1;
            let second = (now - self.window.opens).as_secs() as usize;
            if second >= self.by_second.len() {
                self.by_second.resize(second + 1, 0);
            }
            self.by_second[second] += 1;
        }
    }

    /// Puts the past seconds away.
    fn turn_to(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.window.opens).as_secs() as usize;
        while self.seconds.len() < second {
            self.latency.merge(&self.present);
            self.seconds.push(self.present.drain());
        }
    }

    /// Puts the last second away: nothing more is counted.
    pub(super) fn end(&mut self) {
        self.latency.merge(&self.present);
        self.seconds.push(self.present.drain());
    }

    pub(super) fn failure(&mut self, failure: &Failure, due: Instant, now: Instant) {
        if self.window.holds(due) {
            self.failures.add(failure);
            self.last_end = now;
        }
    }

    pub(super) fn slow_answer(&mut self, now: Instant) {
        if self.window.holds(now) {
            self.slow.answered += 1;
        }
    }

    pub(super) fn slow_failure(&mut self, failure: &Failure, now: Instant) {
        if self.window.holds(now) {
            self.slow.failures.add(failure);
        }
    }

    pub(super) fn retry(&mut self, due: Instant) {
        if self.window.holds(due) {
            self.retried += 1;
        }
    }

    pub(super) fn open(&mut self, now: Instant) {
        if self.window.holds(now) {
            self.opened += 1;
        }
    }
}

/// CPU time of the calling thread within the window.
#[derive(Debug)]
pub(super) struct Cpu {
    window: Window,
    at_open: Option<Duration>,
    at_close: Option<Duration>,
}

impl Cpu {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            at_open: None,
            at_close: None,
        }
    }

    /// Reads the clock of the thread when `now` has come to an edge of the window.
    pub(super) fn mark(&mut self, now: Instant) {
        if self.at_open.is_none() && now >= self.window.opens {
            self.at_open = Some(spent());
        }
        if self.at_close.is_none() && self.window.is_past(now) {
            self.at_close = Some(spent());
        }
    }

    /// What the thread used in the window, or until now where the window is still open.
    pub(super) fn used(&self) -> Duration {
        let end = self.at_close.unwrap_or_else(spent);
        end.saturating_sub(self.at_open.unwrap_or(end))
    }
}

fn spent() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else {
        return Duration::ZERO; // Linux has RUSAGE_THREAD since 2.6.26.
    };
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn window() -> (Instant, Tally) {
        let opens = Instant::now();
        let closes = Some(opens + ms(2000));
        (opens, Tally::new(Window { opens, closes }))
    }

    #[test]
    fn the_warm_up_is_not_counted() {
        let (opens, mut tally) = window();
        let before = opens - ms(10);
        tally.answer(before, opens - ms(5));
        tally.end();
        tally.failure(&Failure::Timeout(ms(1)), before, opens);
        tally.open(before);
        assert_eq!((tally.answered, tally.latency.count()), (0, 0));
        assert_eq!((tally.failures.total(), tally.opened), (0, 0));
    }

    #[test]
    fn a_late_reply_has_a_latency_but_no_part_in_the_rate() {
        let (opens, mut tally) = window();
        tally.answer(opens + ms(1900), opens + ms(3400));
        tally.end();
        assert_eq!(tally.answered, 0);
        assert_eq!(tally.latency.count(), 1);
        assert!(tally.latency.percentiles().max >= 1_500_000);
    }

    #[test]
    fn replies_are_counted_in_the_second_in_which_they_end() {
        let (opens, mut tally) = window();
        for end in [100, 999, 1000, 1999] {
            tally.answer(opens + ms(end - 50), opens + ms(end));
        }
        assert_eq!(tally.by_second, [2, 2]);
        tally.end();
        assert_eq!(tally.seconds.len(), 2);
        assert_eq!(tally.latency.count(), 4);
    }
}
