//! From an item to what goes over the wire of a model.

use std::time::Duration;

use bytes::BytesMut;
use wire::{
    cgi,
    fastcgi::Kind,
    field::Header,
    http::{Limits, Version},
};

use super::{Act, EndRequest, Item, Records, Until, fastcgi};
use crate::{model::Model, scenario::Place};

/// The request that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// The protocol.
    pub model: Model,
    /// FastCGI request id.
    pub id: u16,
    /// Whether it is a HEAD request.
    pub is_head: bool,
}

/// One thing that the recorder does on a connection; of a CGI program's pipes, on those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Play {
    /// Reads the request so far, and then no further.
    Read(Until),
    /// Replies with the probe's report.
    Report,
    /// Writes to the connection, or to the standard output of a program.
    Write {
        /// The octets.
        octets: Vec<u8>,
        /// In pieces of so many.
        cut: Option<usize>,
        /// Time between them.
        every: Duration,
    },
    /// Writes to the standard error of a program.
    Complain(Vec<u8>),
    /// Closes the standard output of a program.
    CloseStdout,
    /// Closes the standard error of a program.
    CloseStderr,
    /// Waits.
    Pause(Duration),
    /// Waits until the gateway gives up.
    AwaitAbort,
    /// The reply is complete as the protocol has it; the connection may serve another request.
    Complete,
    /// Ends the sending direction.
    HalfClose,
    /// Closes the connection; a program ends with status 0.
    Close,
    /// Resets the connection.
    Reset,
    /// Ends the program with this status.
    Exit(u8),
    /// Ends the program by this signal.
    Signal(i32),
}

pub(super) fn play(item: &Item, to: &Answering, place: &Place) -> Vec<Play> {
    let write = |octets| Play::Write {
        octets,
        cut: item.cut,
        every: item.every,
    };
    match &item.act {
        Act::Read(until) => vec![Play::Read(*until)],
        Act::Report => vec![Play::Report],
        Act::Cgi(content) => {
            let output: Vec<u8> = content.blocks(place).flatten().collect();
            let mut plays = vec![write(output_of(&output, to)), Play::Complete];
            if to.model.is_cgi() {
                plays.push(Play::Exit(0));
            }
            plays
        }
        Act::Stdout(content, records) => {
            let octets: Vec<u8> = content.blocks(place).flatten().collect();
            match (to.model, octets.is_empty()) {
                (Model::Cgi | Model::CgiWarm, true) => vec![Play::CloseStdout],
                (Model::Cgi | Model::CgiWarm, false) => vec![write(octets)],
                _ => vec![write(stream(Kind::STDOUT, &octets, records, to))],
            }
        }
        Act::Stderr(content, records) => {
            let octets: Vec<u8> = content.blocks(place).flatten().collect();
            match (to.model, octets.is_empty()) {
                (Model::Cgi | Model::CgiWarm, true) => vec![Play::CloseStderr],
                (Model::Cgi | Model::CgiWarm, false) => vec![Play::Complain(octets)],
                _ => vec![write(stream(Kind::STDERR, &octets, records, to))],
            }
        }
        Act::EndRequest(end) => vec![write(end.record(to.id)), Play::Complete],
        Act::Record(record) => vec![write(record.record(to.id, place))],
        Act::Octets(content) => {
            let octets = content.blocks(place).flatten().collect();
            let mut plays = vec![write(octets)];
            // Where the reply ends is for the gateway to see.
            plays.extend((to.model == Model::Http).then_some(Play::Complete));
            plays
        }
        Act::Pause(time) => vec![Play::Pause(*time)],
        Act::AwaitAbort => vec![Play::AwaitAbort],
        Act::HalfClose => vec![Play::HalfClose],
        Act::Close => vec![Play::Close],
        Act::Reset => vec![Play::Reset],
        Act::Exit(status) => vec![Play::Exit(*status)],
        Act::Signal(signal) => vec![Play::Signal(*signal)],
        Act::CloseStdout => vec![Play::CloseStdout],
    }
}

/// A stream of the request, or its end.
fn stream(kind: Kind, octets: &[u8], records: &Records, to: &Answering) -> Vec<u8> {
    let id = records.id.unwrap_or(to.id);
    match octets {
        [] => fastcgi::record(kind, id, b"", records.padding),
        octets => {
            let each = records.each.unwrap_or(u16::MAX);
            fastcgi::stream(kind, id, octets, each, records.padding)
        }
    }
}

/// CGI output as a whole reply of the model.
pub(crate) fn output_of(output: &[u8], to: &Answering) -> Vec<u8> {
    match to.model {
        Model::FastCgi => [
            fastcgi::stream(Kind::STDOUT, to.id, output, u16::MAX, 0),
            fastcgi::record(Kind::STDOUT, to.id, b"", 0),
            EndRequest::default().record(to.id),
        ]
        .concat(),
        Model::Scgi | Model::Cgi | Model::CgiWarm => output.to_vec(),
        Model::Uwsgi => as_http(output, false).unwrap_or_else(|| output.to_vec()),
        Model::Http => {
            let mut reply = as_http(output, true).unwrap_or_else(|| output.to_vec());
            if to.is_head {
                let head = reply.windows(4).position(|four| four == b"\r\n\r\n");
                reply.truncate(head.map_or(reply.len(), |at| at + 4));
            }
            reply
        }
    }
}

/// CGI output with an HTTP head, and with its length where `framed`; `None` where it has no head
/// that could be read.
fn as_http(output: &[u8], framed: bool) -> Option<Vec<u8>> {
    let limits = Limits {
        head_bytes: 1 << 20,
        headers: 1000,
    };
    let mut body = BytesMut::from(output);
    let head = cgi::decode_head(&mut body, &limits).ok()??;
    let mut head = head.to_response(Version::Http11).ok()?;
    let has_length = head.header("Content-Length").is_some();
    let is_bodiless = matches!(head.status, 100..=199 | 204 | 304);
    if framed && !has_length && !is_bodiless {
        let length = body.len().to_string();
        head.headers.push(Header::new("Content-Length", length));
    }
    let mut reply = BytesMut::new();
    head.encode(&mut reply);
    reply.extend_from_slice(&body);
    Some(reply.to_vec())
}
