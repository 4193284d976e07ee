//! How the double goes about where no single value is at stake.

use std::time::Duration;

use gatebench::witness::Health;

/// Habits of the gateway; the default is right in all of them.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    /// Octets of a request head that are read at most.
    pub(super) head_limit: usize,
    /// Sends 100 Continue where the client waits for it.
    pub(super) continues: bool,
    /// How much of a body with Content-Length reaches the program.
    pub(super) feeds: fn(u64) -> u64,
    /// How long the client may pause in a body with Content-Length before the program sees its end.
    pub(super) feed_patience: Option<Duration>,
    /// Fills up a body that ends before its length.
    pub(super) pads_request: bool,
    /// Takes the heads of chunks for a part of the body.
    pub(super) keeps_chunk_heads: bool,
    /// Takes the trailer lines of a chunked body for a part of it.
    pub(super) keeps_trailers: bool,
    /// What is sent only after something else is known.
    pub(super) waits_for: WaitsFor,
    /// Which Locations are answered by another request.
    pub(super) follows: Follows,
    /// How long the program may take for its head.
    pub(super) head_patience: Option<Duration>,
    /// How long the program may pause after the first piece of its body before the reply ends.
    pub(super) body_patience: Option<Duration>,
    /// Takes no output at all for an empty document.
    pub(super) empty_is_200: bool,
    /// Sends output that begins as HTTP to the client as it stands.
    pub(super) nph: bool,
    /// Takes an interim status for the final one.
    pub(super) interim_is_final: bool,
    /// Which replies get a Date.
    pub(super) dates: Dates,
    /// Puts a POST to the backend twice.
    pub(super) asks_twice: bool,
    /// What becomes of the gateway when a program is killed before its head.
    pub(super) goes_down: Option<fn() -> Health>,
}

/// What the reply waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// Nothing: it is sent as it comes.
    Nothing,
    /// The end of the error stream, which then goes before the body.
    ErrorStream,
    /// The program's end: a status other than 0 spoils the reply.
    ExitStatus,
    /// The end of the program's input: where it was not read the reply is lost.
    Input,
}

/// Which Locations are followed inside (CGI-6.2.2-LOCAL-REDIR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Paths without Status.
    Local,
    /// None.
    Never,
    /// All paths.
    EveryPath,
}

/// Which replies get a Date of the gateway's (RFC 9110 section 6.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    /// Those that have none.
    Missing,
    /// None.
    Never,
    /// All.
    Always,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            head_limit: 64 * 1024,
            continues: true,
            feeds: |length| length,
            feed_patience: None,
            pads_request: false,
            keeps_chunk_heads: false,
            keeps_trailers: false,
            waits_for: WaitsFor::Nothing,
            follows: Follows::Local,
            head_patience: None,
            body_patience: None,
            empty_is_200: false,
            nph: false,
            interim_is_final: false,
            dates: Dates::Missing,
            asks_twice: false,
            goes_down: None,
        }
    }
}
