//! The load generator: sends one request over and over, and measures what comes back.
//!
//! ```text
//!  LoadSpec ──▶ run ──▶ client (a thread: epoll, connections) ──▶ LoadReport ─┐
//!                │        pacing → due     reply ← head, chunks               ├─▶ summary ──▶ Throughput
//!                └──▶ cost::Meter (gateway's and backend's processes) ──▶ Cost ┘      + caveats
//! ```
//!
//! Latency counts from the time a request was due. In closed pacing that is when its connection
//! became free; in open pacing it is fixed beforehand, so that a server which stalls cannot hide
//! the requests that it held up (coordinated omission).

mod ask;
pub mod caveat;
mod chunks;
mod client;
mod connection;
pub mod cost;
pub mod failure;
mod head;
pub mod latency;
mod machine;
pub mod pacing;
mod reply;
mod report;
mod run;
mod steady;
pub mod summary;
mod tally;
pub mod url;
mod watch;

use std::{io, time::Duration};

use crate::address::Address;

pub use ask::Ask;
pub use caveat::Caveat;
pub use cost::{Cost, Meter};
pub use failure::{Failure, FailureKind, Failures};
pub use latency::Latency;
pub use pacing::{Pacing, Spacing};
pub use report::LoadReport;
pub use run::{run, run_watched};
pub use summary::{Labels, measure, throughput};
pub use tally::Slow;
pub use watch::Watch;

/// What to send where, how fast and how long.
#[derive(Clone, Debug)]
pub struct LoadSpec {
    /// The server.
    pub to: Address,
    /// What is asked, one after the other and from the first again; at least one.
    pub asks: Vec<Ask>,
    /// Client connections over all threads.
    pub connections: u32,
    /// Connections besides these whose clients are slow: each sends one byte of its request every
    /// 10 ms. How fast they are served is not counted; that they fail is.
    pub slow: u32,
    /// Whether a connection carries more than one request. `false` closes each after its reply;
    /// the request should say so with `Connection: close`.
    pub keep_alive: bool,
    /// When requests leave.
    pub pacing: Pacing,
    /// Load before the measured time, which is not counted.
    pub warm_up: Duration,
    /// What ends the measured time.
    pub stop: Stop,
    /// Threads that send; one is enough for most servers.
    pub threads: u32,
    /// How long one request may take once it left.
    pub timeout: Duration,
}

/// What ends the measured time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// So much time. Requests that are under way then are still waited for.
    After(Duration),
    /// So many requests, answered or failed.
    Requests(u64),
    /// The rate is known well enough: half of the 95 % interval of its mean over spans of 250 ms
    /// is no more than `within` of the mean, or `most` is over.
    Steady {
        /// A share of the mean, for example 0.02.
        within: f64,
        /// The longest measured time.
        most: Duration,
    },
}

impl LoadSpec {
    /// Closed pacing on 32 kept connections for 2 s after a warm-up of 500 ms; any body, status 200.
    pub fn new(to: Address, request: Vec<u8>) -> Self {
        Self {
            to,
            asks: vec![Ask::new(request)],
            connections: 32,
            slow: 0,
            keep_alive: true,
            pacing: Pacing::Closed,
            warm_up: Duration::from_millis(500),
            stop: Stop::After(Duration::from_secs(2)),
            threads: 1,
            timeout: Duration::from_secs(5),
        }
    }

    /// The same, where every good reply's body has this length in bytes.
    pub fn expecting(mut self, body_len: u64) -> Self {
        for ask in &mut self.asks {
            ask.body_len = Some(body_len);
        }
        self
    }
}

/// Why no load could be made at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The specification makes no sense.
    #[error("bad load: {0}")]
    Spec(&'static str),
    /// The address does not resolve.
    #[error("cannot resolve {address}: {source}")]
    Resolve {
        /// As it was given.
        address: Address,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nothing accepts connections there.
    #[error("nothing accepts connections at {address}: {source}; is the server running?")]
    Unreachable {
        /// As it was given.
        address: Address,
        /// What connecting met.
        source: io::Error,
    },
    /// The machine refused sockets, threads or epoll.
    #[error(
        "load generator cannot go on: {source}; each of {connections} connections is an open file, see `ulimit -n`"
    )]
    System {
        /// Connections asked for.
        connections: u32,
        /// What the machine said.
        source: io::Error,
    },
}
