//! Who goes on with the idle connections of a worker that leaves.

use std::rc::Rc;

use super::connection::Connection;
use crate::master::Scoreboard;
use crate::socket::{Label, Relay};

/// The workers that stay, or come next, as one listener sees them.
pub(crate) struct Heirs {
    queue: Rc<Relay>,
    board: Scoreboard,
    listener: String,
}

impl Heirs {
    /// `listener` is what the worker that takes a connection knows the listener by.
    pub(crate) fn new(queue: Rc<Relay>, board: Scoreboard, listener: String) -> Self {
        Self {
            queue,
            board,
            listener,
        }
    }

    /// Whether connections can be left to anybody at all.
    pub(super) fn are_there(&self) -> bool {
        self.board.has_heirs()
    }

    /// Leaves them an idle connection: nothing of a request has been read, nothing waits to be
    /// written. True if they have it; one with TLS cannot be left to others.
    pub(super) fn inherit(&self, connection: &Connection) -> bool {
        let idle = connection.with_input(|input| input.is_empty()) && connection.unsent() == 0;
        let stream = connection.stream();
        if !idle || !connection.is_whole() || !stream.is_plain() || !self.are_there() {
            return false;
        }
        let label = Label {
            listener: self.listener.clone(),
            client: connection.client(),
            heard: connection.has_heard(),
        };
        self.queue.give(stream.fd(), &label).is_ok()
    }
}
