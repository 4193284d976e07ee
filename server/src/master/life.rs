//! The life of one worker process, as rules with time as an argument: no clock, signal or process.

use std::time::{Duration, Instant};

/// A worker that dies younger than this is not replaced at once: it would most likely die again.
const TOO_YOUNG: Duration = Duration::from_secs(1);

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its process runs but has not yet begun to accept.
    Booting {
        /// When it was forked.
        since: Instant,
    },
    /// It accepts connections.
    Ready {
        /// When it was forked.
        since: Instant,
    },
    /// It has no process; a new one is due then.
    Gone {
        /// When to fork.
        respawn: Instant,
    },
    /// It has no process and gets none until more workers are needed.
    Cheap,
}

impl Life {
    /// After its process ended; `expected` if it ended because it was meant to. `delay` is how
    /// long the place stays empty else (`forkbomb-delay`).
    pub(super) fn ended(self, now: Instant, expected: bool, delay: Duration) -> Self {
        let too_young = match self {
            Self::Booting { .. } => !expected,
            Self::Ready { since } => now - since < TOO_YOUNG && !expected,
            Self::Gone { .. } => false,
            Self::Cheap => return Self::Cheap,
        };
        Self::Gone {
            respawn: if too_young { now + delay } else { now },
        }
    }

    /// After it has told that it accepts.
    pub(super) fn told_ready(self) -> Self {
        match self {
            Self::Booting { since } => Self::Ready { since },
            other => other,
        }
    }

    pub(super) fn is_ready(self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    pub(super) fn is_cheap(self) -> bool {
        self == Self::Cheap
    }

    /// When its process was forked, if it has one.
    pub(super) fn since(self) -> Option<Instant> {
        match self {
            Self::Booting { since } | Self::Ready { since } => Some(since),
            Self::Gone { .. } | Self::Cheap => None,
        }
    }

    /// When something is due that no signal tells of.
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Gone { respawn } => Some(respawn),
            Self::Booting { .. } | Self::Ready { .. } | Self::Cheap => None,
        }
    }
}

/// A process that was told to end, in uWSGI's word; it is killed if it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Curse {
    since: Instant,
    /// When mercy ends; none once it has.
    until: Option<Instant>,
}

impl Curse {
    pub(super) fn new(now: Instant, mercy: Duration) -> Self {
        Self {
            since: now,
            until: Some(now + mercy),
        }
    }

    /// The same curse with no more mercy than this.
    pub(super) fn within(self, now: Instant, mercy: Duration) -> Self {
        Self {
            until: self.until.map(|until| until.min(now + mercy)),
            ..self
        }
    }

    /// When mercy ends.
    pub(super) fn due(self) -> Option<Instant> {
        self.until
    }

    /// Whether mercy has ended just now; true once.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let over = self.until.is_some_and(|until| until <= now);
        if over {
            self.until = None;
        }
        over
    }

    /// Whole seconds since it was told.
    pub(super) fn age(self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DELAY: Duration = Duration::from_secs(2);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_worker_that_worked_is_replaced_at_once() {
        let now = Instant::now();
        let ready = Life::Ready { since: now };
        let ended = ready.ended(now + MINUTE, false, DELAY);
        assert_eq!(ended.due(), Some(now + MINUTE));
    }

    #[test]
    fn a_worker_that_never_got_ready_is_replaced_with_a_delay() {
        let now = Instant::now();
        let booting = Life::Booting { since: now };
        let ended = booting.ended(now + MINUTE, false, DELAY);
        assert_eq!(ended.due(), Some(now + MINUTE + DELAY));
    }

    #[test]
    fn a_worker_that_dies_young_is_replaced_with_a_delay_unless_it_was_meant_to() {
        let now = Instant::now();
        let ready = Life::Booting { since: now }.told_ready();
        assert!(ready.is_ready());
        assert_eq!(ready.ended(now, false, DELAY).due(), Some(now + DELAY));
        assert_eq!(ready.ended(now, true, DELAY).due(), Some(now));
    }

    #[test]
    fn a_place_that_is_cheap_stays_empty() {
        let now = Instant::now();
        assert_eq!(Life::Cheap.ended(now, false, DELAY), Life::Cheap);
        assert_eq!(Life::Cheap.due(), None);
    }

    #[test]
    fn mercy_ends_once() {
        let now = Instant::now();
        let mut curse = Curse::new(now, MINUTE);
        assert!(!curse.is_over(now + SECOND));
        assert_eq!(curse.within(now, SECOND).due(), Some(now + SECOND));
        assert!(curse.is_over(now + MINUTE));
        assert!(!curse.is_over(now + MINUTE));
        assert_eq!(curse.due(), None);
        assert_eq!(curse.age(now + MINUTE + SECOND), 61);
    }
}
