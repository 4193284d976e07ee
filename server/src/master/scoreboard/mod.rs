//! The scoreboard: what master and workers know of each other, in memory that they share.
//!
//! One record a worker, one a core of a worker, all made before the first fork. Whoever writes
//! does so with single atomic stores and without a system call; whoever reads may see a record in
//! the middle of a change, never anything but figures.

// What no part of the server reads yet, its statistics do.
#![allow(dead_code)]

mod core;
mod groups;
mod memory;
mod text;
mod worker;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[allow(unused_imports)]
pub(crate) use self::core::{CoreFacts, CoreSlot, Counter, Current, Running};
pub(crate) use groups::Groups;
#[allow(unused_imports)]
pub(crate) use worker::{WorkerFacts, WorkerSlot};

use memory::Records;

/// The strictest alignment of a record: a cache line, so that workers do not slow each other down.
const MAX_ALIGN: usize = 64;

/// What concerns no single worker.
#[repr(C, align(64))]
#[derive(Debug)]
struct Global {
    requests: AtomicU64,
    /// Unix time in seconds.
    started_at: AtomicU64,
    /// Whether workers that leave are followed by none.
    last: AtomicBool,
}

/// What a worker's process is up to, as the process and its master tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum State {
    /// There is none.
    Absent = 0,
    /// It loads its applications.
    Starting = 1,
    /// It answers requests.
    Serving = 2,
    /// It was told to rest.
    Paused = 3,
}

impl State {
    fn of(value: u32) -> Self {
        match value {
            1 => Self::Starting,
            2 => Self::Serving,
            3 => Self::Paused,
            _ => Self::Absent,
        }
    }
}

/// What a worker is doing, in uWSGI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// No process has the place.
    Cheap,
    /// It loads its applications.
    Starting,
    /// It has nothing to do.
    Idle,
    /// A request runs.
    Busy,
    /// It was told to rest.
    Pause,
}

impl Status {
    /// The word that the statistics use; uWSGI has none for a worker that starts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Starting | Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Pause => "pause",
        }
    }
}

/// All of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scoreboard {
    records: Records,
    cores_each: usize,
}

impl Scoreboard {
    /// A scoreboard for so many workers of so many cores; it lives as long as the process.
    pub(crate) fn new(workers: usize, cores_each: usize) -> io::Result<Self> {
        let cores_each = cores_each.max(1);
        let records = memory::map(workers, workers * cores_each)?;
        records
            .global
            .started_at
            .store(crate::clock::unix(), Relaxed);
        Ok(Self {
            records,
            cores_each,
        })
    }

    /// The place of one worker, counted from 0.
    pub(crate) fn worker(self, number: usize) -> WorkerSlot {
        let first = number * self.cores_each;
        WorkerSlot {
            global: self.records.global,
            record: &self.records.workers[number],
            cores: &self.records.cores[first..first + self.cores_each],
            number,
        }
    }

    /// The places of all workers.
    pub(crate) fn workers(self) -> impl Iterator<Item = WorkerSlot> {
        (0..self.records.workers.len()).map(move |number| self.worker(number))
    }

    /// Requests served by all workers since the start.
    pub(crate) fn requests(self) -> u64 {
        self.records.global.requests.load(Relaxed)
    }

    /// Tells the workers whether others will serve after them.
    pub(crate) fn set_heirs(self, follow: bool) {
        self.records.global.last.store(!follow, Relaxed);
    }

    /// Whether others will serve after the workers of now.
    pub(crate) fn has_heirs(self) -> bool {
        !self.records.global.last.load(Relaxed)
    }

    /// When the server started: Unix time in seconds.
    pub(crate) fn started_at(self) -> u64 {
        self.records.global.started_at.load(Relaxed)
    }
}

#[cfg(test)]
mod tests;
