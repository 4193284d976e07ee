//! When requests leave: as soon as the last one is answered, or when they are due.

use std::time::{Duration, Instant};

use crate::stats::SplitMix;

/// How requests are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pacing {
    /// Each connection sends its next request when the last one is answered.
    #[default]
    Closed,
    /// Requests are due at `rate` per second, whether or not earlier ones are answered.
    Open {
        /// Requests per second over all connections.
        rate: f64,
        /// How the gaps between them vary.
        spacing: Spacing,
    },
}

/// The gaps between requests in open pacing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// All the same.
    Constant,
    /// Exponentially distributed, as from many clients that know nothing of each other.
    Poisson,
}

/// One thread's share of the requests: when each is due, and when there are no more.
///
/// Time comes in as an argument, so that every rule is a plain test.
#[derive(Debug)]
pub(super) struct Schedule {
    pacing: Pacing,
    start: Instant,
    until: Option<Instant>,
    /// Requests still to be taken that are due at `counted_from` or later.
    left: Option<u64>,
    counted_from: Instant,
    /// Of the next request in open pacing, from `start`.
    offset: Duration,
    taken: u64,
    /// How far into the first gap the first request is, with constant gaps: threads that start
    /// one after the other are even together.
    turn: f64,
    random: SplitMix,
}

/// Which of how many threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) index: u32,
    pub(super) of: u32,
}

impl Share {
    /// This thread's part of a whole number; the first threads take what does not divide.
    pub(super) fn portion(self, whole: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        whole / of + u64::from(index < whole % of)
    }
}

impl Schedule {
    pub(super) fn new(pacing: Pacing, share: Share, start: Instant) -> Self {
        let pacing = match pacing {
            Pacing::Open { rate, spacing } => Pacing::Open {
                rate: rate / f64::from(share.of),
                spacing,
            },
            Pacing::Closed => Pacing::Closed,
        };
        let mut schedule = Self {
            pacing,
            start,
            until: None,
            left: None,
            counted_from: start,
            offset: Duration::ZERO,
            taken: 0,
            turn: f64::from(share.index) / f64::from(share.of),
            random: SplitMix(u64::from(share.index)),
        };
        schedule.offset = schedule.following();
        schedule
    }

    /// Ends it at a time: what is due later is not taken.
    pub(super) fn until(mut self, end: Instant) -> Self {
        self.until = Some(end);
        self
    }

    /// Ends it after `requests` that are due at `from` or later.
    pub(super) fn limit(mut self, requests: u64, from: Instant) -> Self {
        self.left = Some(requests);
        self.counted_from = from;
        self
    }

    /// Ends it now.
    pub(super) fn end(&mut self) {
        self.left = Some(0);
    }

    /// Takes the next request if it is due: gives the time from which its latency counts.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due(now);
        if due > now || self.is_over(now) {
            return None;
        }
        if due >= self.counted_from {
            self.left = self.left.map(|left| left - 1);
        }
        self.taken += 1;
        self.offset = self.following();
        Some(due)
    }

    /// When the next request is due.
    pub(super) fn due(&self, now: Instant) -> Instant {
        match self.pacing {
            Pacing::Closed => now,
            Pacing::Open { .. } => self.start + self.offset,
        }
    }

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.left == Some(0) || self.until.is_some_and(|end| now >= end)
    }

    /// Requests that were due before the end, or before `now` if that is earlier, and that nobody
    /// could take.
    pub(super) fn missed(mut self, now: Instant) -> u64 {
        let (Pacing::Open { .. }, Some(end)) = (self.pacing, self.until) else {
            return 0;
        };
        let end = end.min(now);
        let before = self.taken;
        while self.start + self.offset < end {
            self.taken += 1;
            self.offset = self.following();
        }
        self.taken - before
    }

    /// Where the next request is due, after `taken` ones.
    fn following(&mut self) -> Duration {
        match self.pacing {
            Pacing::Closed => Duration::ZERO,
            Pacing::Open { rate, spacing } => match spacing {
                // Multiplied and not added up, so that no rounding grows.
                Spacing::Constant => {
                    Duration::from_secs_f64((self.taken as f64 + self.turn) / rate)
                }
                Spacing::Poisson => {
                    self.offset + Duration::from_secs_f64(self.random.exponential() / rate)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Share = Share { index: 0, of: 1 };
    const CONSTANT: Pacing = Pacing::Open {
        rate: 10.0,
        spacing: Spacing::Constant,
    };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Everything that is due by `now`, in milliseconds from the start.
    fn taken(schedule: &mut Schedule, start: Instant, now: u64) -> Vec<u128> {
        std::iter::from_fn(|| schedule.take(start + ms(now)))
            .map(|due| (due - start).as_millis())
            .collect()
    }

    #[test]
    fn closed_pacing_is_always_due_now() {
        let start = Instant::now();
        let mut schedule = Schedule::new(Pacing::Closed, ALONE, start).until(start + ms(100));
        assert_eq!(schedule.take(start + ms(42)), Some(start + ms(42)));
        assert_eq!(schedule.take(start + ms(42)), Some(start + ms(42)));
        assert_eq!(schedule.take(start + ms(100)), None);
        assert_eq!(schedule.missed(start + ms(100)), 0);
    }

    #[test]
    fn constant_gaps_count_from_the_start_and_not_from_the_last_reply() {
        let start = Instant::now();
        let mut schedule = Schedule::new(CONSTANT, ALONE, start);
        assert_eq!(taken(&mut schedule, start, 250), [0, 100, 200]);
        assert_eq!(taken(&mut schedule, start, 250), []);
        assert_eq!(taken(&mut schedule, start, 520), [300, 400, 500]);
    }

    #[test]
    fn threads_share_the_rate_and_take_turns() {
        let start = Instant::now();
        let second = Share { index: 1, of: 2 };
        let mut schedule = Schedule::new(CONSTANT, second, start);
        assert_eq!(taken(&mut schedule, start, 599), [100, 300, 500]);
    }

    #[test]
    fn portions_add_up_to_the_whole() {
        let portions = [0, 1, 2].map(|index| Share { index, of: 3 }.portion(11));
        assert_eq!(portions, [4, 4, 3]);
    }

    #[test]
    fn what_could_not_be_sent_before_the_end_is_counted() {
        let start = Instant::now();
        let mut schedule = Schedule::new(CONSTANT, ALONE, start).until(start + ms(1000));
        assert_eq!(taken(&mut schedule, start, 250), [0, 100, 200]);
        assert_eq!(schedule.take(start + ms(1000)), None);
        assert_eq!(schedule.missed(start + ms(1000)), 7);
    }

    #[test]
    fn what_was_not_due_yet_when_a_run_is_cut_short_is_not_missed() {
        let start = Instant::now();
        let schedule = Schedule::new(CONSTANT, ALONE, start).until(start + ms(1000));
        assert_eq!(schedule.missed(start + ms(250)), 3);
    }

    #[test]
    fn a_limit_counts_only_after_the_warm_up() {
        let start = Instant::now();
        let mut schedule = Schedule::new(CONSTANT, ALONE, start).limit(2, start + ms(200));
        assert_eq!(taken(&mut schedule, start, 1000), [0, 100, 200, 300]);
        assert!(schedule.is_over(start));
    }

    #[test]
    fn poisson_gaps_have_the_asked_mean() {
        let start = Instant::now();
        let pacing = Pacing::Open {
            rate: 1000.0,
            spacing: Spacing::Poisson,
        };
        let mut schedule = Schedule::new(pacing, ALONE, start);
        let taken = taken(&mut schedule, start, 10_000).len();
        assert!((9_700..10_300).contains(&taken), "{taken}");
    }

    #[test]
    fn poisson_threads_do_not_move_in_step() {
        let start = Instant::now();
        let pacing = Pacing::Open {
            rate: 10.0,
            spacing: Spacing::Poisson,
        };
        let dues = [0, 1].map(|index| {
            let mut schedule = Schedule::new(pacing, Share { index, of: 2 }, start);
            taken(&mut schedule, start, 2000)
        });
        assert_ne!(dues[0], dues[1]);
    }
}
