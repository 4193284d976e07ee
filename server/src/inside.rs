//! What code that runs inside the server may ask of it: who else there is, what they do, and that
//! the server reload or end. The `uwsgi` module of Python is made of this.

use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::master::{Scoreboard, WorkerFacts, WorkerSlot};

/// A process of the server, as seen from inside it.
#[derive(Clone, Copy, Debug)]
pub struct Inside {
    board: Scoreboard,
    worker: Option<WorkerSlot>,
    master: Pid,
}

/// One worker at one moment, in uWSGI's words and units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// Counted from 1.
    pub id: usize,
    /// 0 while there is no process.
    pub pid: i32,
    /// `idle`, `busy`, `cheap` or `pause`.
    pub status: &'static str,
    /// Whether it takes new connections.
    pub accepting: bool,
    /// Requests that it and those before it in its place have served.
    pub requests: u64,
    /// Requests that it has served.
    pub delta_requests: u64,
    /// Exceptions that applications let through.
    pub exceptions: u64,
    /// How often harakiri has killed a worker in this place.
    pub harakiri_count: u64,
    /// Signals of the applications' own.
    pub signals: u64,
    /// Bytes.
    pub rss: u64,
    /// Bytes.
    pub vsz: u64,
    /// Microseconds spent with requests.
    pub running_time: u64,
    /// Unix time in seconds.
    pub last_spawn: u64,
    /// Processes that have had the place.
    pub respawn_count: u32,
    /// Bytes of replies.
    pub tx: u64,
    /// Microseconds that a request took, uWSGI's running mean.
    pub avg_rt: u64,
}

impl Inside {
    pub(crate) fn new(board: Scoreboard, worker: WorkerSlot, master: Pid) -> Self {
        Self {
            board,
            worker: Some(worker),
            master,
        }
    }

    /// The number of this worker, counted from 1; 0 in the master.
    pub fn worker(&self) -> usize {
        self.worker.map_or(0, |worker| worker.number() + 1)
    }

    /// The master's process id.
    pub fn master(&self) -> i32 {
        self.master.as_raw()
    }

    /// Requests that this worker and those before it in its place have served.
    pub fn requests(&self) -> u64 {
        self.worker.map_or(0, |worker| worker.facts().requests)
    }

    /// Requests that all workers have served.
    pub fn total_requests(&self) -> u64 {
        self.board.requests()
    }

    /// All workers at this moment.
    pub fn workers(&self) -> Vec<WorkerView> {
        self.board.workers().map(view).collect()
    }

    /// Whether this worker takes new connections.
    pub fn set_accepting(&self, accepting: bool) {
        if let Some(worker) = self.worker {
            worker.set_accepting(accepting);
        }
    }

    /// Asks the master for a graceful reload.
    ///
    /// # Errors
    /// The master is gone.
    pub fn reload(&self) -> io::Result<()> {
        Ok(kill(self.master, Signal::SIGHUP)?)
    }

    /// Asks the master to end the server.
    ///
    /// # Errors
    /// The master is gone.
    pub fn stop(&self) -> io::Result<()> {
        Ok(kill(self.master, Signal::SIGINT)?)
    }
}

fn view(slot: WorkerSlot) -> WorkerView {
    let WorkerFacts {
        requests,
        delta_requests,
        exceptions,
        harakiris,
        signals,
        tx,
        running_time,
        average_time,
        rss,
        vsz,
        spawns,
        started_at,
        accepting,
    } = slot.facts();
    WorkerView {
        id: slot.number() + 1,
        pid: slot.pid().map_or(0, Pid::as_raw),
        status: slot.status().name(),
        accepting,
        requests,
        delta_requests,
        exceptions,
        harakiri_count: harakiris,
        signals,
        rss,
        vsz,
        running_time,
        last_spawn: started_at,
        respawn_count: spawns,
        tx,
        avg_rt: average_time,
    }
}
