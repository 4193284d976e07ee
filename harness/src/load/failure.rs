//! What can go wrong with one request, and how often it did.

use std::{fmt, io, time::Duration};

use super::head::Malformed;

/// Why a request has no good reply.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection.
    #[error("connection refused or not made: {0}")]
    Connect(io::Error),
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(io::Error),
    /// The server closed before the reply was whole.
    #[error("connection closed after {body_len} bytes of the body, reply unfinished")]
    Cut {
        /// Bytes of the body that had come.
        body_len: u64,
    },
    /// A whole reply with another status.
    #[error("status {actual}, expected {expected}")]
    Status {
        /// Status asked for.
        expected: u16,
        /// Status that came.
        actual: u16,
    },
    /// A whole reply with a body of another length.
    #[error("body of {actual} bytes, expected {expected}")]
    Body {
        /// Length asked for.
        expected: u64,
        /// Length that came.
        actual: u64,
    },
    /// No HTTP/1.1.
    #[error("malformed reply: {0}")]
    Malformed(#[from] Malformed),
    /// No whole reply in time.
    #[error("no whole reply within {} ms", .0.as_millis())]
    Timeout(Duration),
}

/// The kinds in which failures are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The connection could not be made.
    Connect,
    /// The connection was reset or closed before the reply was whole.
    Reset,
    /// The reply had another status.
    Status,
    /// The reply had a body of another length.
    Body,
    /// The reply was no HTTP/1.1.
    Malformed,
    /// No whole reply in time.
    Timeout,
}

impl FailureKind {
    /// All of them, in the order that reports show.
    pub const ALL: [Self; 6] = [
        Self::Connect,
        Self::Reset,
        Self::Status,
        Self::Body,
        Self::Malformed,
        Self::Timeout,
    ];

    /// The words that reports use.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Status => "bad status",
            Self::Body => "bad body",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
        }
    }
}

impl Failure {
    /// The kind it is counted in.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Connect(_) => FailureKind::Connect,
            Self::Lost(_) | Self::Cut { .. } => FailureKind::Reset,
            Self::Status { .. } => FailureKind::Status,
            Self::Body { .. } => FailureKind::Body,
            Self::Malformed(_) => FailureKind::Malformed,
            Self::Timeout(_) => FailureKind::Timeout,
        }
    }
}

/// How many requests failed, by kind, with the first of each kind in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    counts: [u64; FailureKind::ALL.len()],
    first: [Option<String>; FailureKind::ALL.len()],
}

impl Failures {
    /// Counts one.
    pub(super) fn add(&mut self, failure: &Failure) {
        let slot = failure.kind() as usize;
        self.counts[slot] += 1;
        self.first[slot].get_or_insert_with(|| failure.to_string());
    }

    /// Adds what another thread counted.
    pub(super) fn merge(&mut self, other: Self) {
        for (slot, first) in other.first.into_iter().enumerate() {
            self.counts[slot] += other.counts[slot];
            self.first[slot] = self.first[slot].take().or(first);
        }
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Those of one kind.
    pub fn count(&self, kind: FailureKind) -> u64 {
        self.counts[kind as usize]
    }
}

/// `12 bad status (status 502, expected 200), 1 timeout (…)`: each kind with its first case.
impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for kind in FailureKind::ALL {
            if let Some(first) = &self.first[kind as usize] {
                write!(f, "{comma}{} {} ({first})", self.count(kind), kind.words())?;
                comma = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(actual: u16) -> Failure {
        Failure::Status {
            expected: 200,
            actual,
        }
    }

    #[test]
    fn each_kind_is_counted_and_shown_by_its_first_case() {
        let mut failures = Failures::default();
        for failure in [
            status(502),
            Failure::Timeout(Duration::from_secs(2)),
            status(504),
        ] {
            failures.add(&failure);
        }
        assert_eq!(failures.count(FailureKind::Status), 2);
        assert_eq!(
            failures.to_string(),
            "2 bad status (status 502, expected 200), 1 timeout (no whole reply within 2000 ms)"
        );
    }

    #[test]
    fn threads_are_added_up() {
        let (mut one, mut two) = (Failures::default(), Failures::default());
        one.add(&status(500));
        two.add(&status(404));
        two.add(&Malformed::StatusLine.into());
        one.merge(two);
        assert_eq!(one.total(), 3);
        assert_eq!(
            one.to_string(),
            "2 bad status (status 500, expected 200), \
             1 malformed (malformed reply: first line is no HTTP/1 status line)"
        );
    }
}
