//! The life of one worker process, as rules with time as an argument: no clock, signal or process.

use std::time::{Duration, Instant};

/// A worker that dies younger than this is not replaced at once: it would most likely die again.
const TOO_YOUNG: Duration = Duration::from_secs(1);

/// How long such a worker's place stays empty, as in uWSGI (`forkbomb-delay`).
pub(super) const RESPAWN_DELAY: Duration = Duration::from_secs(2);

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
}

impl Life {
    /// After its process ended; `expected` if it ended because it was meant to.
    pub(super) fn ended(self, now: Instant, expected: bool) -> Self {
        let too_young = match self {
            Self::Booting { .. } => true,
            Self::Ready { since } => now - since < TOO_YOUNG && !expected,
            Self::Gone { .. } => false,
        };
        Self::Gone {
            respawn: if too_young { now + RESPAWN_DELAY } else { now },
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

    /// When something is due that no signal tells of.
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Gone { respawn } => Some(respawn),
            Self::Booting { .. } | Self::Ready { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_worker_that_worked_is_replaced_at_once() {
        let now = Instant::now();
        let ready = Life::Ready { since: now };
        assert_eq!(ready.ended(now + MINUTE, false).due(), Some(now + MINUTE));
    }

    #[test]
    fn a_worker_that_never_got_ready_is_replaced_with_a_delay() {
        let now = Instant::now();
        let booting = Life::Booting { since: now };
        assert_eq!(
            booting.ended(now + MINUTE, false).due(),
            Some(now + MINUTE + RESPAWN_DELAY)
        );
    }

    #[test]
    fn a_worker_that_dies_young_is_replaced_with_a_delay_unless_it_was_meant_to() {
        let now = Instant::now();
        let ready = Life::Booting { since: now }.told_ready();
        assert!(ready.is_ready());
        assert_eq!(ready.ended(now, false).due(), Some(now + RESPAWN_DELAY));
        assert_eq!(ready.ended(now, true).due(), Some(now));
    }
}
