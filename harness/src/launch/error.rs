//! Why a subject did not start.

use std::{error::Error, fmt, io, path::PathBuf, time::Duration};

use super::EngineError;

/// A subject that could not be started, with the evidence.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LaunchError {
    /// The bench's own trouble.
    #[error("{name}: cannot write {}: {source}", path.display())]
    File {
        name: String,
        path: PathBuf,
        source: io::Error,
    },
    /// The user's choice of address, or a program that was left running.
    #[error("{name}: {address} is taken by another program; stop it or choose another address")]
    Taken { name: String, address: String },
    /// The program is missing or cannot be executed.
    #[error(
        "{name}: cannot execute {}: {source}; install it, or name another with --binary {name}=PATH",
        program.display()
    )]
    Execute {
        name: String,
        program: PathBuf,
        source: io::Error,
    },
    /// The container engine's trouble.
    #[error("{name}: {source}")]
    Engine { name: String, source: EngineError },
    /// The subject gave up, mostly over its configuration.
    #[error("{name} ended before it was ready, {how}{}", LogEnd(log))]
    Ended {
        name: String,
        /// Exit status or signal.
        how: String,
        /// All that it logged.
        log: String,
    },
    /// The subject runs but does not serve.
    #[error(
        "{name} was not ready within {} s, {what}: {last}{}",
        waited.as_secs(),
        LogEnd(log)
    )]
    NotReady {
        name: String,
        waited: Duration,
        /// What was tried.
        what: String,
        /// What the last try gave.
        last: String,
        /// All that it logged.
        log: String,
    },
}

/// What is at the bottom of an error: the layers above only say that something failed.
pub(super) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The last lines of a log, as an appendix to a sentence.
struct LogEnd<'a>(&'a str);

impl LogEnd<'_> {
    const LINES: usize = 3;
}

impl fmt::Display for LogEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.0.lines().filter(|l| !l.trim().is_empty()).collect();
        match &lines[lines.len().saturating_sub(Self::LINES)..] {
            [] => f.write_str("; it logged nothing"),
            last => write!(f, "; its log ends: {}", last.join(" | ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(log: &str) -> String {
        let error = LaunchError::Ended {
            name: "nginx".into(),
            how: "exit status 1".into(),
            log: log.into(),
        };
        error.to_string()
    }

    #[test]
    fn an_early_end_quotes_the_last_three_lines() {
        assert_eq!(
            ended("one\ntwo\n\nthree\nfour\n"),
            "nginx ended before it was ready, exit status 1; its log ends: two | three | four"
        );
    }

    #[test]
    fn an_early_end_without_a_log_says_so() {
        assert_eq!(
            ended("\n"),
            "nginx ended before it was ready, exit status 1; it logged nothing"
        );
    }
}
