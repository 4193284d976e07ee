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
    /// Reads a body with Content-Length to its end before the program starts.
    pub(super) buffers_request: bool,
    /// Takes the heads of chunks for a part of the body.
    pub(super) keeps_chunk_heads: bool,
    /// Leaves the program's input open where a chunked body is empty.
    pub(super) holds_empty_chunks: bool,
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
    /// How long a reply may take in all once its head is out.
    pub(super) reply_within: Option<Duration>,
    /// The answer where the program ends without a head.
    pub(super) no_head_status: u16,
    /// Takes no output at all for an empty document.
    pub(super) empty_is_200: bool,
    /// Ends a reply of unknown length as if it were whole, whatever became of the program.
    pub(super) hides_cuts: bool,
    /// Puts a chunk head before each piece but the first of a reply in chunks.
    pub(super) chunks_twice: bool,
    /// Dies when the output ends within its head.
    pub(super) dies_of_a_cut_head: bool,
    /// Sends output that begins as HTTP to the client as it stands.
    pub(super) nph: bool,
    /// What becomes of NPH scripts.
    pub(super) nph_scripts: NphScripts,
    /// Takes an interim status for the final one.
    pub(super) interim_is_final: bool,
    /// Which replies get a Date.
    pub(super) dates: Dates,
    /// Puts a POST to the backend twice.
    pub(super) asks_twice: bool,
    /// Puts targets that are no path to the program, too.
    pub(super) forwards_any_target: bool,
    /// Serves what only begins like the program's path.
    pub(super) serves_prefixes: bool,
    /// Splits the path behind the last occurrence of the program's.
    pub(super) splits_at_last: bool,
    /// Logs control characters as they are.
    pub(super) logs_raw: bool,
    /// When it asks for a user below the folder that is open to one alone.
    pub(super) asks: Asks,
    /// What becomes of the gateway when a program is killed before its head.
    pub(super) goes_down: Option<fn() -> Health>,
}

/// The text on the error stream that a gateway may be configured to catch.
pub(super) const CAUGHT: &[u8] = b"gatebench: catch me";

/// What becomes of scripts whose name begins with `nph-` (RFC 3875 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NphScripts {
    /// Their output goes to the client as it comes.
    Direct,
    /// They are taken for other scripts.
    Parsed,
    /// Their output goes to the client once it has ended.
    Gathered,
    /// They get half of the request body.
    HalfFed,
}

/// When a gateway asks for a user (RFC 3875 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Before anything runs.
    First,
    /// Never.
    Never,
    /// Before anything runs, and any password of the user's will do.
    AnyPassword,
    /// When the program's reply is there.
    Late,
}

impl Conduct {
    /// How it goes about with an NPH script.
    pub(super) fn of_nph(&self) -> Self {
        let mut conduct = self.clone();
        conduct.nph = self.nph_scripts != NphScripts::Parsed;
        match self.nph_scripts {
            NphScripts::Gathered => conduct.waits_for = WaitsFor::Output,
            NphScripts::HalfFed => conduct.feeds = |length| length / 2,
            NphScripts::Direct | NphScripts::Parsed => {}
        }
        conduct
    }
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
    /// The end of the output.
    Output,
    /// The end of the error stream: [`CAUGHT`] in it spoils the reply.
    CaughtErrors,
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
            buffers_request: false,
            keeps_chunk_heads: false,
            holds_empty_chunks: false,
            keeps_trailers: false,
            waits_for: WaitsFor::Nothing,
            follows: Follows::Local,
            head_patience: None,
            body_patience: None,
            reply_within: None,
            no_head_status: 502,
            empty_is_200: false,
            hides_cuts: false,
            chunks_twice: false,
            dies_of_a_cut_head: false,
            nph: false,
            nph_scripts: NphScripts::Direct,
            interim_is_final: false,
            dates: Dates::Missing,
            asks_twice: false,
            forwards_any_target: false,
            serves_prefixes: false,
            splits_at_last: false,
            logs_raw: false,
            asks: Asks::First,
            goes_down: None,
        }
    }
}
