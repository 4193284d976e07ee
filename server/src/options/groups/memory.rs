//! The memory that a worker may take.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "reload-on-as",
        One("MB"),
        Processes,
        "Replace a worker whose address space has so many megabytes after a request, or while it \
         is idle [default: no limit]",
    ),
    opt(
        "reload-on-rss",
        One("MB"),
        Processes,
        "Replace a worker whose resident memory has so many megabytes after a request, or while it \
         is idle [default: no limit]",
    ),
    opt(
        "evil-reload-on-as",
        One("MB"),
        Processes,
        "Kill a worker whose address space has so many megabytes, whatever it is doing [default: \
         no limit]",
    ),
    opt(
        "evil-reload-on-rss",
        One("MB"),
        Processes,
        "Kill a worker whose resident memory has so many megabytes, whatever it is doing \
         [default: no limit]",
    ),
    opt(
        "mem-collector-freq",
        One("SECONDS"),
        Processes,
        "How often the master looks at the memory of the workers, where one of these limits is \
         set [default: 3]",
    ),
    opt(
        "memory-report",
        Flag,
        Processes,
        "Tell the worker's memory in the line of each request",
    )
    .short('m'),
];

/// The memory that a worker may take. Limits are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySettings {
    /// `reload-on-as` and `reload-on-rss`: the worker ends when it can.
    pub reload: MemoryLimits,
    /// `evil-reload-on-as` and `evil-reload-on-rss`: the worker is killed.
    pub evil: MemoryLimits,
    /// `mem-collector-freq`: how often the master looks.
    pub interval: Duration,
    /// `memory-report`: whether lines of requests tell.
    pub report: bool,
}

/// Limits on a worker's memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Of its address space.
    pub address_space: Option<u64>,
    /// Of what of it is in memory.
    pub resident: Option<u64>,
}

impl MemoryLimits {
    /// Whether there is any.
    pub fn exist(&self) -> bool {
        *self != Self::default()
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<MemorySettings, OptionError> {
    let limits = |address_space, resident| -> Result<_, OptionError> {
        Ok(MemoryLimits {
            address_space: gathered.megabytes(address_space)?,
            resident: gathered.megabytes(resident)?,
        })
    };
    Ok(MemorySettings {
        reload: limits("reload-on-as", "reload-on-rss")?,
        evil: limits("evil-reload-on-as", "evil-reload-on-rss")?,
        interval: gathered.seconds_or("mem-collector-freq", 3)?,
        report: gathered.flag("memory-report")?,
    })
}
