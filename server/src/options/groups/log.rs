//! Where messages go.

use std::path::PathBuf;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "logto",
        One("FILE"),
        Logging,
        "Append everything that goes to standard error to FILE instead",
    ),
    opt(
        "disable-logging",
        Flag,
        Logging,
        "Write no line per request; errors are still told",
    )
    .short('L'),
];

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Whether each request gets a line.
    pub requests: bool,
    /// `logto`: a file in place of standard error.
    pub file: Option<PathBuf>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<LogSettings, OptionError> {
    Ok(LogSettings {
        requests: !gathered.flag("disable-logging")?,
        file: gathered.path("logto"),
    })
}
