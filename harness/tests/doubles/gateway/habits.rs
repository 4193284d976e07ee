//! How the double goes about on the wire behind it.

use bytes::BytesMut;
use wire::fastcgi::pairs;

use super::{inbound::Inbound, outbound::Outbound};

/// Habits on the wire; the default is right in all of them.
#[derive(Clone, Debug)]
pub(in super::super) struct Habits {
    /// Encodes one name-value pair of FastCGI.
    pub(in super::super) pair: fn(&[u8], &[u8], &mut BytesMut),
    /// Changes each FastCGI record before it goes out.
    pub(in super::super) record: fn(&mut Outbound),
    /// Changes FastCGI records before they go out: the opening at once, then the body piece by
    /// piece, then its end.
    pub(in super::super) records: fn(&mut Vec<Outbound>),
    /// Changes the octets of a uwsgi packet, SCGI netstring or HTTP head before they go out.
    pub(in super::super) opening: fn(&mut BytesMut),
    /// Octets behind the body of a uwsgi, SCGI or HTTP request.
    pub(in super::super) trailer: &'static [u8],
    /// Id of every FastCGI request.
    pub(in super::super) request_id: u16,
    /// Asks for a connection that stays open, and uses it again.
    pub(in super::super) keeps: bool,
    /// Looks whether a kept connection is fit before it is used.
    pub(in super::super) looks_at_kept: bool,
    /// Asks again over a new connection where a kept one brings nothing.
    pub(in super::super) asks_again: bool,
    /// Keeps a connection for the next request with all that came over it already.
    pub(in super::super) keeps_rest: bool,
    /// Uses a connection again as soon as the STDOUT of a reply with a length has ended, before
    /// END_REQUEST.
    pub(in super::super) keeps_before_end: bool,
    /// Begins to read only when the whole body is written.
    pub(in super::super) writes_all_first: bool,
    /// Which version of a record is understood.
    pub(in super::super) understands: fn(u8) -> bool,
    /// What becomes of padding.
    pub(in super::super) padding: Padding,
    /// Needs every record to come whole in one read.
    pub(in super::super) needs_whole_reads: bool,
    /// The longest content of a record that is understood.
    pub(in super::super) longest: u16,
    /// What becomes of a record that is no part of the response.
    pub(in super::super) strays: fn(&Inbound) -> Stray,
    /// Whether the head of the response has to come in one record.
    pub(in super::super) needs_whole_head: bool,
    /// Whether END_REQUEST counts only behind the end of STDOUT.
    pub(in super::super) needs_stdout_end: bool,
    /// Takes STDERR for a part of the response.
    pub(in super::super) mixes_stderr: bool,
    /// Whether a protocol status of END_REQUEST ends the reply as it should be; told besides
    /// whether output came.
    pub(in super::super) completes: fn(u8, bool) -> bool,
    /// Takes any length of END_REQUEST.
    pub(in super::super) needs_end_body: bool,
    /// Takes a close without END_REQUEST for the end of the reply.
    pub(in super::super) close_ends: bool,
    /// What is taken for the output of a request that ends without any.
    pub(in super::super) empty_reply: &'static [u8],
    /// What is taken for the last output at such a close.
    pub(in super::super) last_output: &'static [u8],
    /// Takes the end of a uwsgi, SCGI or HTTP reply without a length for a cut.
    pub(in super::super) end_cuts: bool,
    /// Decodes a chunked reply.
    pub(in super::super) decodes_chunks: bool,
    /// Skips interim replies.
    pub(in super::super) skips_interim: bool,
    /// Passes nothing on before the reply is whole.
    pub(in super::super) holds_back: bool,
    /// What is done where the client is gone.
    pub(in super::super) when_gone: WhenGone,
    /// Passes the fields on that Connection names.
    pub(in super::super) passes_named: bool,
    /// Passes the fields on that concern one connection.
    pub(in super::super) passes_hops: bool,
    /// Changes the octets of a reply before its head is read.
    pub(in super::super) reply: fn(&mut BytesMut),
    /// Takes a chunked reply that ends early for whole.
    pub(in super::super) cut_chunks_end: bool,
    /// How a CGI program is started.
    pub(in super::super) starts: Starts,
}

/// How a CGI program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Starts {
    /// As it should be.
    Well,
    /// With descriptor 9 open.
    WithDescriptor,
    /// With SIGPIPE ignored.
    WithoutPipeSignal,
    /// In the root folder.
    Elsewhere,
    /// With other names for the variables.
    WithPrefix,
    /// With one stream for output and errors.
    Mixed,
    /// By nobody who waits for its end.
    Unwaited,
}

/// What becomes of padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Padding {
    /// It is skipped.
    Skipped,
    /// It is taken for content.
    Content,
    /// It is skipped behind content, and left where a record has none.
    LeftWithoutContent,
    /// That of END_REQUEST is left.
    LeftAtEnd,
}

/// What becomes of a record that is no part of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Stray {
    /// It is skipped.
    Skip,
    /// The reply is broken off.
    Refuse,
    /// Its content is taken for output.
    Output,
}

/// What is done where the client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum WhenGone {
    /// The connection is closed.
    Close,
    /// The rest is read as if nothing had happened.
    GoOn,
    /// FastCGI's ABORT_REQUEST is sent, and the connection is for the next request at once.
    AbortAndKeep,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            pair: pairs::encode,
            record: |_| {},
            records: |_| {},
            opening: |_| {},
            trailer: b"",
            request_id: 1,
            keeps: true,
            looks_at_kept: true,
            asks_again: true,
            keeps_rest: false,
            keeps_before_end: false,
            writes_all_first: false,
            understands: |version| version == 1,
            padding: Padding::Skipped,
            needs_whole_reads: false,
            longest: u16::MAX,
            strays: stray,
            needs_whole_head: false,
            needs_stdout_end: false,
            mixes_stderr: false,
            completes: |status, _| status == 0,
            needs_end_body: true,
            close_ends: false,
            empty_reply: b"",
            last_output: b"",
            end_cuts: false,
            decodes_chunks: true,
            skips_interim: true,
            holds_back: false,
            when_gone: WhenGone::Close,
            passes_named: false,
            passes_hops: false,
            reply: |_| {},
            cut_chunks_end: false,
            starts: Starts::Well,
        }
    }
}

/// Management records and types that do not exist are skipped, everything else is an error.
fn stray(record: &Inbound) -> Stray {
    match record.kind {
        10.. => Stray::Skip,
        _ => Stray::Refuse,
    }
}
