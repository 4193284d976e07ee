//! When a worker makes room for a fresh one.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[opt(
    "max-requests",
    One("N"),
    Processes,
    "Replace a worker after so many requests [default: never]",
)
.short('R')];

/// When a worker makes room for a fresh one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecycleSettings {
    /// `max-requests`: requests after which a worker is replaced.
    pub max_requests: Option<u32>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<RecycleSettings, OptionError> {
    Ok(RecycleSettings {
        max_requests: gathered.nonzero("max-requests")?,
    })
}
