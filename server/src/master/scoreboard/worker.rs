//! One worker's part of the scoreboard.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use nix::unistd::Pid;

use super::core::{CoreRecord, CoreSlot};
use super::{Global, Groups, State, Status};

/// What is known of the worker in one place. Its counters go on from one process in that place to
/// the next, unless they say otherwise.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct WorkerRecord {
    /// 0 while no process has the place.
    pid: AtomicU32,
    /// A [`State`].
    state: AtomicU32,
    /// Processes that have had the place, the present one included.
    spawns: AtomicU32,
    accepting: AtomicU32,
    /// Unix time in seconds.
    started_at: AtomicU64,
    pub(super) requests: AtomicU64,
    /// Requests of the present process.
    pub(super) delta_requests: AtomicU64,
    exceptions: AtomicU64,
    harakiris: AtomicU64,
    signals: AtomicU64,
    /// Bytes of replies.
    tx: AtomicU64,
    /// Microseconds spent with requests.
    pub(super) running_time: AtomicU64,
    /// Microseconds, uWSGI's running mean: half of it is the last request.
    pub(super) average_time: AtomicU64,
    rss: AtomicU64,
    vsz: AtomicU64,
    groups: Groups,
}

/// A worker's place: its worker writes, the master and whoever tells of it read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerSlot {
    pub(super) global: &'static Global,
    pub(super) record: &'static WorkerRecord,
    pub(super) cores: &'static [CoreRecord],
    /// Counted from 0.
    pub(super) number: usize,
}

/// A worker's counters at one moment; see `WorkerRecord` for the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerFacts {
    pub(crate) requests: u64,
    pub(crate) delta_requests: u64,
    pub(crate) exceptions: u64,
    /// How often a process in this place was killed by harakiri.
    pub(crate) harakiris: u64,
    pub(crate) signals: u64,
    /// Bytes of replies.
    pub(crate) tx: u64,
    /// Microseconds.
    pub(crate) running_time: u64,
    /// Microseconds.
    pub(crate) average_time: u64,
    /// Bytes, when last measured.
    pub(crate) rss: u64,
    /// Bytes, when last measured.
    pub(crate) vsz: u64,
    /// Processes that have had the place.
    pub(crate) spawns: u32,
    /// When the present one started: Unix time in seconds.
    pub(crate) started_at: u64,
    pub(crate) accepting: bool,
}

impl WorkerSlot {
    /// Counted from 0.
    pub(crate) fn number(self) -> usize {
        self.number
    }

    /// The process groups of its CGI programs.
    pub(crate) fn groups(self) -> &'static Groups {
        &self.record.groups
    }

    /// A fresh worker takes the place, from inside its process.
    pub(crate) fn occupy(self) {
        let spawns = self.record.spawns.fetch_add(1, Relaxed) + 1;
        for core in self.cores {
            core.reset(spawns);
        }
        self.record.delta_requests.store(0, Relaxed);
        self.record.accepting.store(0, Relaxed);
        self.record.started_at.store(crate::clock::unix(), Relaxed);
        self.record.pid.store(std::process::id(), Relaxed);
        self.set_state(State::Starting);
    }

    /// The place is empty: its process has ended, or has left it to finish its last requests.
    pub(crate) fn vacate(self) {
        self.record.pid.store(0, Relaxed);
        self.record.accepting.store(0, Relaxed);
        self.set_state(State::Absent);
    }

    /// What its process is up to.
    pub(crate) fn set_state(self, state: State) {
        self.record.state.store(state as u32, Relaxed);
    }

    /// Whether it takes new connections.
    pub(crate) fn set_accepting(self, accepting: bool) {
        self.record.accepting.store(accepting.into(), Relaxed);
    }

    /// Counts a request that is complete; returns how many this place and all places have served.
    pub(crate) fn count(self) -> (u64, u64) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Relaxed) + 1;
        add(&self.record.delta_requests);
        (add(&self.record.requests), add(&self.global.requests))
    }

    /// Counts bytes of a reply.
    pub(crate) fn count_sent(self, bytes: u64) {
        self.record.tx.fetch_add(bytes, Relaxed);
    }

    /// Counts an exception that an application let through.
    pub(crate) fn count_exception(self) {
        self.record.exceptions.fetch_add(1, Relaxed);
    }

    /// Counts a kill by harakiri.
    pub(crate) fn count_harakiri(self) {
        self.record.harakiris.fetch_add(1, Relaxed);
    }

    /// Counts a signal of the application's own.
    pub(crate) fn count_signal(self) {
        self.record.signals.fetch_add(1, Relaxed);
    }

    /// The process's memory in bytes, as measured just now.
    pub(crate) fn set_memory(self, rss: u64, vsz: u64) {
        self.record.rss.store(rss, Relaxed);
        self.record.vsz.store(vsz, Relaxed);
    }

    /// The process that has the place.
    pub(crate) fn pid(self) -> Option<Pid> {
        let pid = i32::try_from(self.record.pid.load(Relaxed)).ok()?;
        (pid > 0).then(|| Pid::from_raw(pid))
    }

    /// What its process is doing.
    pub(crate) fn status(self) -> Status {
        let busy = || self.cores().any(|core| core.running() > 0);
        match State::of(self.record.state.load(Relaxed)) {
            State::Absent => Status::Cheap,
            State::Starting => Status::Starting,
            State::Paused => Status::Pause,
            State::Serving if busy() => Status::Busy,
            State::Serving => Status::Idle,
        }
    }

    /// Its counters.
    pub(crate) fn facts(self) -> WorkerFacts {
        let record = self.record;
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        WorkerFacts {
            requests: read(&record.requests),
            delta_requests: read(&record.delta_requests),
            exceptions: read(&record.exceptions),
            harakiris: read(&record.harakiris),
            signals: read(&record.signals),
            tx: read(&record.tx),
            running_time: read(&record.running_time),
            average_time: read(&record.average_time),
            rss: read(&record.rss),
            vsz: read(&record.vsz),
            spawns: record.spawns.load(Relaxed),
            started_at: read(&record.started_at),
            accepting: record.accepting.load(Relaxed) != 0,
        }
    }

    /// One of its cores, counted from 0. Requests beyond the last share the last one's record.
    pub(crate) fn core(self, number: usize) -> CoreSlot {
        let number = number.min(self.cores.len() - 1);
        CoreSlot {
            worker: self.record,
            record: &self.cores[number],
            number,
            spawn: self.record.spawns.load(Relaxed),
        }
    }

    /// All its cores.
    pub(crate) fn cores(self) -> impl Iterator<Item = CoreSlot> {
        (0..self.cores.len()).map(move |number| self.core(number))
    }
}
