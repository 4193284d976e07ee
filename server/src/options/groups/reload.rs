//! Reloading and stopping.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "worker-reload-mercy",
        One("SECONDS"),
        Processes,
        "On shutdown, the time that workers get to finish running requests [default: 60]",
    )
    .aliases(&["reload-mercy"]),
    opt(
        "die-on-term",
        Flag,
        Processes,
        "Stop on SIGTERM; always so here",
    ),
];

/// Reloading and stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadSettings {
    /// `worker-reload-mercy`: time for running requests on shutdown.
    pub mercy: Duration,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<ReloadSettings, OptionError> {
    gathered.flag("die-on-term")?;
    Ok(ReloadSettings {
        mercy: gathered.seconds("worker-reload-mercy")?,
    })
}
