//! The gateway's side of uwsgi, FastCGI and SCGI, as bytes in and out.

use bytes::{Bytes, BytesMut};
use wire::cgi::{self, CgiError, CgiHead};
use wire::environ::Environ;
use wire::fastcgi::Malformed;
use wire::fastcgi::state::{Client, ClientEvent};
use wire::fastcgi::{EndRequest, Kind, ProtocolStatus, record};
use wire::http::{self, Limits, ResponseHead};
use wire::scgi::{self, Unencodable};
use wire::uwsgi::{self, TooBig};

use crate::exchange::Protocol;

/// The only request on its connection.
const REQUEST_ID: u16 = 1;

/// How the body of a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// As it is.
    Bare,
    /// In STDIN records, with an empty one at the end.
    Records,
}

/// What comes back for one request on its connection.
#[derive(Debug)]
pub(super) enum Dialect {
    /// uwsgi and SCGI: a reply runs until the upstream closes.
    Stream {
        /// Whether the connection was closed.
        closed: bool,
    },
    /// FastCGI: records.
    Records {
        client: Client,
        /// Whether STDOUT has ended.
        ended: bool,
        /// Whether the request has.
        over: bool,
    },
}

/// Something that an upstream sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A piece of the response, head or body.
    Output(Bytes),
    /// A piece of log text.
    Complaint(Bytes),
    /// The response is over.
    End,
}

/// The head of a response, and how its body is written.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) cgi: CgiHead,
    /// In chunks: no gateway expects them over uwsgi or SCGI, and some applications write them
    /// (UWSGI-RESP-TE-CHUNKED).
    pub(super) is_chunked: bool,
}

impl Head {
    fn plain(cgi: CgiHead) -> Self {
        Self {
            cgi,
            is_chunked: false,
        }
    }

    /// A length beside chunks counts for nothing (RFC 9112 section 6.3).
    fn of_http(head: &ResponseHead) -> Self {
        let mut cgi = CgiHead::from_response(head);
        let is_chunked = head.header("transfer-encoding").is_some();
        if is_chunked {
            cgi.fields.retain(|field| !field.is("content-length"));
        }
        Self { cgi, is_chunked }
    }
}

/// A request that the upstream's protocol cannot carry: the client sent too much.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsayable {
    #[error(transparent)]
    Uwsgi(#[from] TooBig),
    #[error(transparent)]
    Scgi(#[from] Unencodable),
}

/// An upstream that does not keep to its protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Break {
    #[error("it sent a malformed record: {0}")]
    Malformed(#[from] Malformed),
    #[error("it closed the connection in the middle of its reply")]
    Closed,
    #[error("it refused the request: {}", refusal(*.0))]
    Refused(ProtocolStatus),
}

fn refusal(status: ProtocolStatus) -> String {
    match status {
        ProtocolStatus::CANT_MPX_CONN => "it does not multiplex connections".into(),
        ProtocolStatus::OVERLOADED => "it is overloaded".into(),
        ProtocolStatus::UNKNOWN_ROLE => "it does not know the Responder role".into(),
        ProtocolStatus(other) => format!("protocol status {other}"),
    }
}

/// What a request is sent as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) protocol: Protocol,
    /// Whether the connection is asked for beyond the request; FastCGI alone can.
    pub(super) keep: bool,
    /// Bytes of the body.
    pub(super) length: u64,
}

/// Appends the start of a request to `dst`, everything but its body.
pub(super) fn begin(
    asked: &Asked,
    environ: &Environ,
    dst: &mut BytesMut,
) -> Result<(Framing, Dialect), Unsayable> {
    match asked.protocol {
        Protocol::FastCgi => {
            let client = Client::begin(REQUEST_ID, asked.keep, environ, dst);
            return Ok((
                Framing::Records,
                Dialect::Records {
                    client,
                    ended: false,
                    over: false,
                },
            ));
        }
        Protocol::Scgi => scgi::encode_request(environ, asked.length, dst)?,
        Protocol::Uwsgi | Protocol::Http => uwsgi::encode_request(environ, 0, 0, dst)?,
    }
    Ok((Framing::Bare, Dialect::Stream { closed: false }))
}

impl Framing {
    /// Appends a piece of the body.
    pub(super) fn body(self, piece: &[u8], dst: &mut BytesMut) {
        match self {
            Self::Bare => dst.extend_from_slice(piece),
            Self::Records => record::encode_stream(Kind::STDIN, REQUEST_ID, piece, dst),
        }
    }

    /// Appends the end of the body.
    pub(super) fn end(self, dst: &mut BytesMut) {
        if self == Self::Records {
            record::encode_end(Kind::STDIN, REQUEST_ID, dst);
        }
    }
}

impl Dialect {
    /// What the front of `buf` says, or `None` if more bytes are needed.
    pub(super) fn receive(&mut self, buf: &mut BytesMut) -> Result<Option<Event>, Break> {
        match self {
            Self::Stream { .. } if !buf.is_empty() => Ok(Some(Event::Output(buf.split().freeze()))),
            Self::Stream { closed } => Ok(closed.then_some(Event::End)),
            Self::Records {
                client,
                ended,
                over,
            } => loop {
                match client.receive(buf)? {
                    None => return Ok(None),
                    Some(ClientEvent::Stdout(piece)) => return Ok(Some(Event::Output(piece))),
                    Some(ClientEvent::Stderr(text)) => return Ok(Some(Event::Complaint(text))),
                    Some(ClientEvent::StdoutEnd) => *ended = true,
                    Some(ClientEvent::End(end)) => {
                        *over = true;
                        return completed(end).map(Some);
                    }
                }
            },
        }
    }

    /// The connection was closed: the end of a stream, and of records if STDOUT has ended
    /// (some upstreams leave END_REQUEST out).
    pub(super) fn closed(&mut self) -> Result<(), Break> {
        match self {
            Self::Stream { closed } => *closed = true,
            Self::Records { ended: true, .. } => *self = Self::Stream { closed: true },
            Self::Records { .. } => return Err(Break::Closed),
        }
        Ok(())
    }

    /// Takes the response head off the front of `buf`. FastCGI has CGI heads only; over uwsgi and
    /// SCGI an HTTP response is as common, perhaps behind interim ones, which are skipped
    /// (UWSGI-RESP-1XX).
    pub(super) fn head(
        &self,
        buf: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Head>, CgiError> {
        const HTTP: &[u8] = b"HTTP/";
        let is_stream = matches!(self, Self::Stream { .. });
        if is_stream && HTTP.starts_with(buf) {
            return Ok(None);
        }
        if !is_stream || !buf.starts_with(HTTP) {
            return Ok(cgi::decode_head(buf, limits)?.map(Head::plain));
        }
        loop {
            match http::decode_response(buf, limits)? {
                Some(head) if (100..200).contains(&head.status) && head.status != 101 => {}
                head => return Ok(head.as_ref().map(Head::of_http)),
            }
        }
    }

    /// Whether the request is over and its connection lives on.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Records { over: true, .. })
    }

    /// Whether the end of the response shows without the end of the connection.
    pub(super) fn is_framed(&self) -> bool {
        matches!(self, Self::Records { .. })
    }
}

/// FCGI-5.5-GW-PROTOSTATUS: a refused request is no reply.
fn completed(end: EndRequest) -> Result<Event, Break> {
    match end.protocol_status {
        ProtocolStatus::REQUEST_COMPLETE => Ok(Event::End),
        refused => Err(Break::Refused(refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(protocol: Protocol, length: u64) -> Asked {
        Asked {
            protocol,
            keep: false,
            length,
        }
    }

    fn begun(protocol: Protocol) -> (Framing, Dialect, BytesMut) {
        let (mut environ, mut wire) = (Environ::new(), BytesMut::new());
        environ.push("A", "b");
        let (framing, dialect) = begin(&asked(protocol, 3), &environ, &mut wire).unwrap();
        (framing, dialect, wire)
    }

    fn receive(dialect: &mut Dialect, wire: &'static [u8]) -> Result<Option<Event>, Break> {
        dialect.receive(&mut BytesMut::from(wire))
    }

    #[test]
    fn a_uwsgi_request_is_a_packet_and_the_bare_body() {
        let (framing, _, mut wire) = begun(Protocol::Uwsgi);
        framing.body(b"xyz", &mut wire);
        framing.end(&mut wire);
        assert_eq!(wire, &b"\0\x06\0\0\x01\0A\x01\0bxyz"[..]);
    }

    #[test]
    fn an_scgi_request_begins_with_its_length() {
        let (_, _, wire) = begun(Protocol::Scgi);
        assert_eq!(wire, &b"28:CONTENT_LENGTH\x003\0SCGI\x001\0A\0b\0,"[..]);
    }

    #[test]
    fn a_fastcgi_request_ends_its_body_with_an_empty_record() {
        let (framing, _, mut wire) = begun(Protocol::FastCgi);
        let opening = wire.split();
        assert!(opening.starts_with(b"\x01\x01\0\x01\0\x08"), "{opening:?}");
        framing.body(b"12345678", &mut wire);
        framing.end(&mut wire);
        let stdin = b"\x01\x05\0\x01\0\x08\0\x0012345678\x01\x05\0\x01\0\0\0\0";
        assert_eq!(wire, &stdin[..]);
    }

    #[test]
    fn a_stream_ends_with_its_connection() {
        let (_, mut dialect, _) = begun(Protocol::Uwsgi);
        assert_eq!(
            receive(&mut dialect, b"HTTP"),
            Ok(Some(Event::Output("HTTP".into())))
        );
        assert_eq!(receive(&mut dialect, b""), Ok(None));
        dialect.closed().unwrap();
        assert_eq!(receive(&mut dialect, b""), Ok(Some(Event::End)));
    }

    #[test]
    fn records_end_with_end_request() {
        let (_, mut dialect, _) = begun(Protocol::FastCgi);
        let end = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\x07\0\0\0\0";
        assert_eq!(receive(&mut dialect, end), Ok(Some(Event::End)));
    }

    #[test]
    fn a_refusal_is_no_end() {
        let (_, mut dialect, _) = begun(Protocol::FastCgi);
        let refused = receive(&mut dialect, b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x02\0\0\0");
        assert_eq!(refused, Err(Break::Refused(ProtocolStatus::OVERLOADED)));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "it refused the request: it is overloaded"
        );
    }

    #[test]
    fn records_may_not_break_off() {
        let (_, mut dialect, _) = begun(Protocol::FastCgi);
        assert_eq!(dialect.closed(), Err(Break::Closed));
        assert_eq!(receive(&mut dialect, b"\x01\x06\0\x01\0\0\0\0"), Ok(None));
        assert_eq!(dialect.closed(), Ok(()));
        assert_eq!(receive(&mut dialect, b""), Ok(Some(Event::End)));
    }

    #[test]
    fn variables_beyond_a_packet_are_refused() {
        let mut environ = Environ::new();
        environ.push("HTTP_COOKIE", vec![b'x'; 70_000]);
        let refused = begin(&asked(Protocol::Uwsgi, 0), &environ, &mut BytesMut::new());
        assert!(matches!(refused, Err(Unsayable::Uwsgi(_))));
    }
}
