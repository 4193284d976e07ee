//! Master and workers.

use std::thread::available_parallelism;
use std::time::Duration;

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
        "Number of worker processes; `auto` is one a processor [default: 1]",
    )
    .short('p')
    .aliases(&["workers"]),
    opt(
        "threads",
        One("N"),
        Processes,
        "Number of threads that run the application in each worker [default: 1]",
    ),
    opt(
        "enable-threads",
        Flag,
        Processes,
        "Let threads that the application starts run between requests too; always so with \
         more than one of --threads",
    )
    .short('T'),
    opt(
        "lazy-apps",
        Flag,
        Processes,
        "Load the application in each worker after the fork instead of once before it",
    ),
    opt(
        "lazy",
        Flag,
        Processes,
        "Old spelling of --lazy-apps, with its meaning",
    ),
    opt(
        "forkbomb-delay",
        One("SECONDS"),
        Processes,
        "The time for which the place of a worker that dies young stays empty [default: 2]",
    ),
    opt(
        "single-interpreter",
        Flag,
        Processes,
        "One interpreter for all applications of a worker; always so here",
    )
    .short('i'),
];

/// Master and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// `processes`: number of workers.
    pub workers: u32,
    /// `threads`: threads of each worker that run the application.
    pub threads: u32,
    /// `enable-threads`: whether the application's own threads run between requests.
    pub enable_threads: bool,
    /// `lazy-apps`: whether each worker loads the application for itself.
    pub lazy_apps: bool,
    /// `forkbomb-delay`: how long the place of a worker that dies young stays empty.
    pub respawn_delay: Duration,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<ProcessSettings, OptionError> {
    for accepted in ["master", "single-interpreter"] {
        gathered.flag(accepted)?;
    }
    let threads = gathered.number("threads", 1, 1, 1024)?;
    // More threads than that cost more than they bring.
    let greenlets = gathered.number("gevent", 1, 1, u32::MAX)?.min(64);
    let threads = threads.max(greenlets);
    Ok(ProcessSettings {
        workers: workers(gathered)?,
        threads,
        enable_threads: gathered.flag("enable-threads")? || threads > 1,
        respawn_delay: Duration::from_secs(gathered.number("forkbomb-delay", 2, 0, 3600)?.into()),
        lazy_apps: gathered.flag("lazy-apps")? || gathered.flag("lazy")?,
    })
}

/// As uWSGI's development version has it, `auto` is one worker a processor.
fn workers(gathered: &Gathered) -> Result<u32, OptionError> {
    match gathered.last("processes") {
        Some(given) if given.value.trim() == "auto" => {
            Ok(available_parallelism().map_or(1, |count| count.get() as u32))
        }
        _ => gathered.number("processes", 1, 1, 1024),
    }
}
