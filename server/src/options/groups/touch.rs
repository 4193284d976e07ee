//! What reloads or stops the server from outside: files that are touched, and the master fifo.

use std::path::PathBuf;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::Many;
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "touch-reload",
        Many("FILE"),
        Processes,
        "Reload when FILE is touched",
    ),
    opt(
        "touch-workers-reload",
        Many("FILE"),
        Processes,
        "Replace the workers when FILE is touched; the master goes on",
    ),
    opt(
        "touch-chain-reload",
        Many("FILE"),
        Processes,
        "Replace the workers one after the other when FILE is touched; with --lazy-apps they load \
         new code",
    ),
    opt(
        "touch-logreopen",
        Many("FILE"),
        Processes,
        "Open the log file anew when FILE is touched",
    ),
    opt(
        "touch-logrotate",
        Many("FILE"),
        Processes,
        "Put the log file aside and begin a new one when FILE is touched",
    ),
    opt(
        "touch-gracefully-stop",
        Many("FILE"),
        Processes,
        "Let the workers finish and stop when FILE is touched",
    ),
    opt(
        "fs-reload",
        Many("PATH"),
        Processes,
        "Reload when the file PATH, or anything in the folder PATH, changes",
    ),
    opt(
        "fs-brutal-reload",
        Many("PATH"),
        Processes,
        "The same at once, without waiting for requests that run",
    ),
    opt(
        "master-fifo",
        Many("FILE"),
        Processes,
        "Take commands, one letter each, from the named pipe FILE; up to 10, of which 0 to 9 \
         choose one",
    ),
];

/// The most fifos that a digit can choose from.
const MAX_FIFOS: usize = 10;

/// Files that are watched, and the master fifo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchSettings {
    /// `touch-reload`.
    pub reload: Vec<PathBuf>,
    /// `touch-workers-reload`.
    pub workers: Vec<PathBuf>,
    /// `touch-chain-reload`.
    pub chain: Vec<PathBuf>,
    /// `touch-logreopen`.
    pub reopen: Vec<PathBuf>,
    /// `touch-logrotate`.
    pub rotate: Vec<PathBuf>,
    /// `touch-gracefully-stop`.
    pub stop: Vec<PathBuf>,
    /// `fs-reload`.
    pub folders: Vec<PathBuf>,
    /// `fs-brutal-reload`.
    pub folders_brutal: Vec<PathBuf>,
    /// `master-fifo`: at most ten.
    pub fifos: Vec<PathBuf>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<TouchSettings, OptionError> {
    if let Some(more) = gathered.all("master-fifo").nth(MAX_FIFOS) {
        return Err(more.refuse("at most 10 times"));
    }
    Ok(TouchSettings {
        reload: gathered.paths("touch-reload"),
        workers: gathered.paths("touch-workers-reload"),
        chain: gathered.paths("touch-chain-reload"),
        reopen: gathered.paths("touch-logreopen"),
        rotate: gathered.paths("touch-logrotate"),
        stop: gathered.paths("touch-gracefully-stop"),
        folders: gathered.paths("fs-reload"),
        folders_brutal: gathered.paths("fs-brutal-reload"),
        fifos: gathered.paths("master-fifo"),
    })
}
