//! Connections for the fuzz targets: what a peer may say over each protocol, in order or not.
//!
//! A mutation changes a field, a length or an order here and stays a connection mostly; octets that are
//! none come in between.

pub mod fastcgi;
pub mod http;
pub mod scgi;
pub mod uwsgi;

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use gateserve::{exchange::Protocol, fuzzing::Listeners};
use wire::environ::Environ;

/// What is said on one connection, and how it is cut.
#[derive(Arbitrary, Debug)]
pub struct Talk<S> {
    said: Vec<S>,
    /// Lengths of the pieces, over and over; none: all in one.
    cuts: Vec<u8>,
}

/// Variables, a few of them with the names that a server looks at.
#[derive(Arbitrary, Debug)]
pub struct Variables(Vec<(Name, Vec<u8>)>);

#[derive(Arbitrary, Debug)]
enum Name {
    ContentLength,
    RequestMethod,
    RequestUri,
    PathInfo,
    QueryString,
    ServerProtocol,
    Scgi,
    HttpHost,
    Other(Vec<u8>),
}

impl Variables {
    pub(crate) fn environ(&self) -> Environ {
        let pairs = self.0.iter().map(|(name, value)| {
            let name = match name {
                Name::ContentLength => Bytes::from("CONTENT_LENGTH"),
                Name::RequestMethod => "REQUEST_METHOD".into(),
                Name::RequestUri => "REQUEST_URI".into(),
                Name::PathInfo => "PATH_INFO".into(),
                Name::QueryString => "QUERY_STRING".into(),
                Name::ServerProtocol => "SERVER_PROTOCOL".into(),
                Name::Scgi => "SCGI".into(),
                Name::HttpHost => "HTTP_HOST".into(),
                Name::Other(name) => name.clone().into(),
            };
            (name, Bytes::from(value.clone()))
        });
        pairs.collect()
    }
}

/// A length that is a number of octets, or what somebody wrote.
#[derive(Arbitrary, Debug)]
pub enum Length {
    Right,
    Number(u16),
    Text(Vec<u8>),
}

impl Length {
    pub(crate) fn of(&self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Right => body.len().to_string().into_bytes(),
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Text(text) => text.clone(),
        }
    }
}

thread_local! {
    static LISTENERS: Listeners = Listeners::new().expect("listeners can be set up");
}

/// Holds the connection: nothing panics, and it ends.
pub fn talk<S>(protocol: Protocol, talk: Talk<S>, octets: impl Fn(&S, &mut BytesMut)) {
    let mut all = BytesMut::new();
    for said in &talk.said {
        octets(said, &mut all);
        if all.len() > 200_000 {
            return;
        }
    }
    LISTENERS.with(|listeners| {
        listeners.converse(protocol, &pieces(&all, &talk.cuts));
    });
}

fn pieces<'a>(mut rest: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle().map(|cut| usize::from(*cut) * 8 + 1) {
        if rest.is_empty() || pieces.len() > 200 {
            break;
        }
        let (piece, behind) = rest.split_at(cut.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}
