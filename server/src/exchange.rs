//! One request and its reply, whatever carried them.
//!
//! This is the seam between the listeners (`serve`), which turn bytes into a [`Request`] and a
//! [`Reply`] into bytes, and the applications (`app`), which know neither sockets nor protocols.
//! Receiving ([`Body`]) and sending ([`Reply`]) are two owned halves, so an application can do
//! both at the same time.

mod body;
mod edits;
mod last_words;
mod notes;
mod part;
#[cfg(test)]
mod recording;
mod reply;

use bytes::Bytes;
use wire::environ::Environ;
use wire::http::Version;

pub(crate) use body::Intake;
pub use body::{Body, BodyError};
pub(crate) use edits::HeadEdits;
pub(crate) use last_words::LastWords;
pub use notes::{Notes, Via};
pub(crate) use part::{FileFault, FilePart};
#[cfg(test)]
pub(crate) use recording::Recording;
pub(crate) use reply::{Carrier, Ending, HeadSize, Offloaded};
pub use reply::{Reply, ReplyError, Sent};

/// The most that one [`Body::chunk`] hands out, and about what a request may hold in memory in
/// each direction.
pub const PIECE: usize = 64 * 1024;

/// How a request reached this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http,
    /// uWSGI's own packet protocol.
    Uwsgi,
    /// FastCGI 1.0, Responder role.
    FastCgi,
    /// SCGI.
    Scgi,
}

impl Protocol {
    /// The name that `--protocol` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Uwsgi => "uwsgi",
            Self::FastCgi => "fastcgi",
            Self::Scgi => "scgi",
        }
    }

    /// Whether the reply travels as an HTTP response; else it is a CGI response.
    pub fn replies_in_http(self) -> bool {
        matches!(self, Self::Http | Self::Uwsgi)
    }
}

/// What only an HTTP listener knows of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFacts {
    /// The request target as received.
    pub target: Bytes,
    /// The version of the request line.
    pub version: Version,
}

/// One request: meta-variables and the receiving half of its body.
#[derive(Debug)]
pub struct Request {
    /// The CGI meta-variables, as the gateway sent them or as made from HTTP.
    pub environ: Environ,
    /// The request body, which streams.
    pub body: Body,
    /// What carried the request here.
    pub protocol: Protocol,
    /// Present where `protocol` is [`Protocol::Http`].
    pub http: Option<HttpFacts>,
}
