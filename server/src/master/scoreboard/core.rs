//! One core's part of the scoreboard: a core is what runs one request at a time, a thread of the
//! worker. Requests of applications that do not block all count on the first one.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use nix::unistd::{Pid, gettid};

use super::text::Text;
use super::worker::WorkerRecord;
use crate::clock;

/// What is known of one core. Counters go on from one process to the next.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct CoreRecord {
    /// Requests that run, in the lower half; the spawn of the process that runs them, in the upper
    /// one. A worker that has left its place but finishes its last requests counts them no more.
    running: AtomicU64,
    /// When the request that began last did so: microseconds of the monotonic clock.
    began_us: AtomicU64,
    /// The same as Unix time in seconds.
    began_at: AtomicU64,
    /// When harakiri is due: microseconds of the monotonic clock; 0 for never.
    deadline_us: AtomicU64,
    requests: AtomicU64,
    static_requests: AtomicU64,
    offloaded_requests: AtomicU64,
    routed_requests: AtomicU64,
    read_errors: AtomicU64,
    write_errors: AtomicU64,
    /// The kernel's id of the thread.
    thread: AtomicU32,
    /// Peer, method, URI of the request that began last.
    text: Text,
}

/// A core: its thread writes, the master and whoever tells of it read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreSlot {
    pub(super) worker: &'static WorkerRecord,
    pub(super) record: &'static CoreRecord,
    /// Counted from 0.
    pub(super) number: usize,
    /// Which process in the worker's place this handle was made for.
    pub(super) spawn: u32,
}

/// Counters of one core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CoreFacts {
    pub(crate) requests: u64,
    pub(crate) static_requests: u64,
    pub(crate) offloaded_requests: u64,
    pub(crate) routed_requests: u64,
    pub(crate) read_errors: u64,
    pub(crate) write_errors: u64,
}

/// The request that began last on a core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Current {
    /// Microseconds of the monotonic clock.
    pub(crate) began_us: u64,
    /// Unix time in seconds.
    pub(crate) began_at: u64,
    pub(crate) remote_addr: Vec<u8>,
    pub(crate) method: Vec<u8>,
    pub(crate) uri: Vec<u8>,
}

/// A request that runs on a core; given up when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    core: CoreSlot,
    began_us: u64,
}

impl Running {
    /// It has ended.
    pub(crate) fn end(self) {
        let took = clock::monotonic_us().saturating_sub(self.began_us);
        self.core.count_request(took);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One less: the lower half alone is touched, since this one is counted there.
        self.core.add_running(u64::MAX);
    }
}

/// How many of something a core has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Answered with a file.
    Static,
    /// Handed to a thread that only copies.
    Offloaded,
    /// Answered by a routing rule.
    Routed,
    /// The peer did not send what it announced.
    ReadError,
    /// The peer did not take the reply.
    WriteError,
}

impl CoreRecord {
    /// For a fresh process.
    pub(super) fn reset(&self, spawn: u32) {
        self.deadline_us.store(0, Relaxed);
        self.thread.store(0, Relaxed);
        self.running.store(u64::from(spawn) << 32, Relaxed);
    }
}

impl CoreSlot {
    /// Counted from 0.
    pub(crate) fn number(self) -> usize {
        self.number
    }

    /// The calling thread runs this core's requests from now on.
    pub(crate) fn attach_thread(self) {
        let thread = gettid().as_raw().unsigned_abs();
        self.record.thread.store(thread, Relaxed);
    }

    /// A request begins.
    pub(crate) fn begin(self, remote_addr: &[u8], method: &[u8], uri: &[u8]) -> Running {
        let began_us = clock::monotonic_us();
        self.record.began_us.store(began_us, Relaxed);
        self.record.began_at.store(clock::unix(), Relaxed);
        self.record.text.write(&[remote_addr, method, uri]);
        self.add_running(1);
        Running {
            core: self,
            began_us,
        }
    }

    /// A request has ended, after so many microseconds.
    fn count_request(self, took_us: u64) {
        self.record.requests.fetch_add(1, Relaxed);
        self.worker.running_time.fetch_add(took_us, Relaxed);
        // Two threads that do so at once lose one of two figures of a mean.
        let mean = self.worker.average_time.load(Relaxed);
        self.worker
            .average_time
            .store(mean.midpoint(took_us), Relaxed);
    }

    /// Adds to the requests that run, if this process still has the worker's place.
    fn add_running(self, difference: u64) {
        let own = |value: u64| value >> 32 == u64::from(self.spawn);
        let _ = self.record.running.fetch_update(Relaxed, Relaxed, |value| {
            own(value).then(|| value.wrapping_add(difference))
        });
    }

    /// Sets when harakiri is due, in microseconds of the monotonic clock; 0 for never.
    pub(crate) fn set_deadline(self, deadline_us: u64) {
        if self.record.running.load(Relaxed) >> 32 == u64::from(self.spawn) {
            self.record.deadline_us.store(deadline_us, Relaxed);
        }
    }

    /// When harakiri is due.
    pub(crate) fn deadline(self) -> Option<u64> {
        let deadline = self.record.deadline_us.load(Relaxed);
        (deadline > 0).then_some(deadline)
    }

    /// Counts one.
    pub(crate) fn count(self, counter: Counter) {
        let counter = match counter {
            Counter::Static => &self.record.static_requests,
            Counter::Offloaded => &self.record.offloaded_requests,
            Counter::Routed => &self.record.routed_requests,
            Counter::ReadError => &self.record.read_errors,
            Counter::WriteError => &self.record.write_errors,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Requests that run now: at most one, or any number on the first core.
    pub(crate) fn running(self) -> u32 {
        self.record.running.load(Relaxed) as u32
    }

    /// The thread that runs its requests.
    pub(crate) fn thread(self) -> Option<Pid> {
        let thread = i32::try_from(self.record.thread.load(Relaxed)).ok()?;
        (thread > 0).then(|| Pid::from_raw(thread))
    }

    /// The request that began last.
    pub(crate) fn current(self) -> Current {
        let parts = self.record.text.read().unwrap_or_default();
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or_default();
        Current {
            began_us: self.record.began_us.load(Relaxed),
            began_at: self.record.began_at.load(Relaxed),
            remote_addr: next(),
            method: next(),
            uri: next(),
        }
    }

    /// Its counters.
    pub(crate) fn facts(self) -> CoreFacts {
        let record = self.record;
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        CoreFacts {
            requests: read(&record.requests),
            static_requests: read(&record.static_requests),
            offloaded_requests: read(&record.offloaded_requests),
            routed_requests: read(&record.routed_requests),
            read_errors: read(&record.read_errors),
            write_errors: read(&record.write_errors),
        }
    }
}
