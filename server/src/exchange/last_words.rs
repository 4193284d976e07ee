//! What can be said on a connection when the process that serves it is about to be killed.

use std::fmt::Debug;
use std::time::Duration;

/// One request's end of a connection, for a thread that does not turn the event loop. It holds
/// until the request is over; after that nothing is said.
pub(crate) trait LastWords: Debug + Send {
    /// Answers the request with a bare `status` and ends it. Where part of the reply has left
    /// (`begun`), or part of something else that shares the connection, the connection is made to
    /// end like the break that it is. Returns whether the answer was sent.
    fn say(&self, status: u16, begun: bool) -> bool;

    /// Waits until the peer has closed the connection, at most for so long: what it still sends
    /// to a closed one would take the answer with it (DF-LINGER).
    fn wait_for_close(&self, most: Duration);
}
