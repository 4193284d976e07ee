//! Master and workers.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "master",
        Flag,
        Processes,
        "Supervise the workers from a master process; always so here",
    )
    .short('M'),
    opt(
        "processes",
        One("N"),
        Processes,
        "Number of worker processes [default: 1]",
    )
    .short('p')
    .aliases(&["workers"]),
];

/// Master and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// `processes`: number of workers.
    pub workers: u32,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<ProcessSettings, OptionError> {
    gathered.flag("master")?;
    Ok(ProcessSettings {
        workers: gathered.number("processes", 1, 1, 1024)?,
    })
}
