//! The harness in the application server's seat: writes down what a gateway sends, and replies with
//! exactly the octets and times that a scenario gives.
//!
//! ```text
//! gateway ──▶ connection ──octets──▶ decode ──▶ stage: lines, requests (what is judged)
//!         ◀── play ◀──items── the scenario's reply, or the probe's report
//! ```

mod connection;
mod decode;
mod frames;
mod play;
pub mod relay;
mod report;
mod stage;

use std::{fs, io, sync::Arc};

use tokio::task::JoinHandle;

use super::socket;
use crate::{
    address::Address, model::Model, scenario::reply::Part, transcript::Log,
    witness::recorded::Recorded,
};
pub use frames::{BESIDE, Frame};
use stage::Shared;

/// A recorder that listens; it stops when dropped.
pub struct Recorder {
    shared: Arc<Shared>,
    accepting: Vec<JoinHandle<()>>,
    at: Address,
}

impl Recorder {
    /// Listens at `at` for a gateway that speaks `model`.
    ///
    /// # Errors
    /// When the socket cannot be made, such as where another program listens already.
    pub fn open(at: &Address, model: Model, log: Log) -> io::Result<Self> {
        Ok(Self::on(socket::listen(at)?, at, model, log))
    }

    /// Listens at `at` for a gateway that speaks `model` over TLS.
    ///
    /// # Errors
    /// When the socket cannot be made, such as where another program listens already.
    pub fn open_tls(at: &Address, model: Model, log: Log) -> io::Result<Self> {
        Ok(Self::on(socket::listen_tls(at)?, at, model, log))
    }

    fn on(listeners: Vec<socket::Listener>, at: &Address, model: Model, log: Log) -> Self {
        let shared = Arc::new(Shared::new(model, log));
        let accepting = listeners
            .into_iter()
            .map(|listener| tokio::spawn(connection::accept(listener, shared.clone())))
            .collect();
        let at = at.clone();
        Self {
            shared,
            accepting,
            at,
        }
    }

    /// Begins the next case, together with the log. Connections on which an earlier case left
    /// something undone are closed.
    pub fn prepare(&self, part: Part) {
        self.shared.prepare(part);
    }

    /// What comes from now on belongs to the follow-up of the case.
    pub fn follow_up(&self) {
        self.shared.follow_up();
    }

    /// All that came in the present case.
    pub fn recorded(&self) -> Recorded {
        self.shared.recorded()
    }

    /// What kept the recorder from its work in the present case: never a subject's fault.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.iter().for_each(JoinHandle::abort);
        self.shared.close();
        if let Address::Unix(path) = &self.at {
            // Where it cannot be removed, the next recorder finds that nobody listens.
            fs::remove_file(path).ok();
        }
    }
}
