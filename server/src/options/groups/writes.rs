//! What becomes of a reply that its client does not wait for.

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "ignore-sigpipe",
        Flag,
        Logging,
        "Accepted; a client that left raises no signal here",
    ),
    opt(
        "ignore-write-errors",
        Flag,
        Logging,
        "Say nothing of clients that left before their reply was complete",
    ),
    opt(
        "disable-write-exception",
        Flag,
        Logging,
        "Let an application that writes to a client who left go on, without an exception",
    ),
    opt(
        "write-errors-tolerance",
        One("N"),
        Logging,
        "Number of failed writes of one reply that the application is not told of [default: 0]",
    ),
    opt(
        "write-errors-exception-only",
        Flag,
        Logging,
        "Leave it to the application to stop after a failed write",
    ),
];

/// What becomes of a reply that its client does not wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSettings {
    /// `ignore-sigpipe`.
    pub ignore_sigpipe: bool,
    /// `ignore-write-errors`: the log says nothing of clients that left.
    pub ignore_errors: bool,
    /// `disable-write-exception`: the application is not told of a failed write.
    pub disable_exception: bool,
    /// `write-errors-tolerance`: failed writes before the application is told.
    pub tolerance: u64,
    /// `write-errors-exception-only`: only the exception ends an application's output.
    pub exception_only: bool,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<WriteSettings, OptionError> {
    let tolerance = gathered.last("write-errors-tolerance");
    Ok(WriteSettings {
        ignore_sigpipe: gathered.flag("ignore-sigpipe")?,
        ignore_errors: gathered.flag("ignore-write-errors")?,
        disable_exception: gathered.flag("disable-write-exception")?,
        tolerance: tolerance.map_or(Ok(0), Given::number)?,
        exception_only: gathered.flag("write-errors-exception-only")?,
    })
}
