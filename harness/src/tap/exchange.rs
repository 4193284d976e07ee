//! One request and what came of it, as it crossed the wire.

use std::time::Duration;

use serde::Serialize;

use super::Pairs;
use crate::model::Model;

/// Octets kept of each direction of an exchange: 64 KiB.
pub const KEPT: usize = 64 * 1024;

/// How an exchange ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how", content = "why")]
pub enum Ending {
    /// It goes on.
    #[default]
    Open,
    /// By the rules of its protocol.
    Complete,
    /// The application server closed the connection before that.
    BackendClosed,
    /// The application server reset the connection.
    BackendReset,
    /// The gateway closed the connection before the reply was complete.
    GatewayClosed,
    /// Nobody took the connection.
    Refused(String),
}

/// What went one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Half {
    /// Octets in all, framing included.
    pub octets: u64,
    /// Octets of body.
    pub body: u64,
    /// FastCGI records.
    #[serde(skip_serializing_if = "is_zero")]
    pub records: u32,
    /// Whether its end was seen.
    pub whole: bool,
    /// Why it cannot be read as its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<String>,
    /// The first octets, at most [`KEPT`].
    #[serde(skip)]
    pub raw: Vec<u8>,
    /// When its first octets came, since the tap began.
    #[serde(skip)]
    pub first: Option<Duration>,
    /// When its last octets came.
    #[serde(skip)]
    pub last: Option<Duration>,
    /// The longest time between two octets.
    #[serde(skip)]
    pub gap: Duration,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Half {
    /// Notes that octets came.
    pub(super) fn came(&mut self, at: Duration, octets: &[u8]) {
        self.octets += octets.len() as u64;
        self.first.get_or_insert(at);
        if let Some(last) = self.last {
            self.gap = self.gap.max(at.saturating_sub(last));
        }
        self.last = Some(at);
        if self.raw.is_empty() {
            // Most directions are no longer than this, and come in several pieces.
            self.raw.reserve(1024);
        }
        let room = KEPT.saturating_sub(self.raw.len()).min(octets.len());
        self.raw.extend_from_slice(&octets[..room]);
    }
}

/// One request and its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Which connection, from 1.
    pub connection: u64,
    /// Which exchange of that connection, from 1.
    pub nth: u32,
    /// What is spoken, where it was told or recognised.
    pub protocol: Option<Model>,
    /// REQUEST_METHOD, or that of the request line.
    pub method: String,
    /// REQUEST_URI or the request target; where there is none, what stands for it.
    pub uri: String,
    /// Status for the client: 200 where a CGI head names none, 302 with Location.
    pub status: Option<u16>,
    /// The request's variables, or header fields over HTTP, in order.
    pub params: Pairs,
    /// The reply's header fields, in order.
    pub fields: Pairs,
    /// FastCGI request id; 0 elsewhere.
    #[serde(skip)]
    pub id: u16,
    /// Whether the gateway asked to keep the connection.
    pub keep: bool,
    /// uwsgi: the first modifier and the size of the block.
    #[serde(skip)]
    pub packet: Option<(u8, u16)>,
    /// What the gateway sent.
    pub request: Half,
    /// What came back.
    pub reply: Half,
    /// Octets of the reply's head.
    pub head_octets: u64,
    /// Whether the reply's head was whole.
    pub has_head: bool,
    /// The first output, in front of what should be a head; empty unless it cannot be read.
    #[serde(skip)]
    pub polluted: Vec<u8>,
    /// FastCGI STDERR.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// FastCGI END_REQUEST: appStatus and protocolStatus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_request: Option<(u32, u8)>,
    /// How it ended.
    pub ending: Ending,
    /// When, since the tap began.
    #[serde(skip)]
    pub ended: Option<Duration>,
    /// Whether octets of it passed without being decoded.
    pub incomplete: bool,
    /// The reply began before the request was whole.
    pub answered_early: bool,
}

impl Exchange {
    /// A variable's value; the last counts where it is sent twice.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.last(name)
    }

    /// Whether a variable is there and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.param(name).is_some_and(|value| !value.is_empty())
    }

    /// A field of the reply, compared without case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1)
    }

    /// From the first octet of the request until this.
    fn since_begin(&self, at: Option<Duration>) -> Option<Duration> {
        Some(at?.saturating_sub(self.request.first?))
    }

    /// From the first octet of the request to the end.
    pub fn took(&self) -> Option<Duration> {
        self.since_begin(self.ended.or(self.reply.last).or(self.request.last))
    }

    /// From the first octet of the request to the first of the reply.
    pub fn waited(&self) -> Option<Duration> {
        self.since_begin(self.reply.first)
    }

    /// Whether the variables are those of a request of the CGI family.
    pub fn has_environ(&self) -> bool {
        self.protocol.is_some_and(|it| it != Model::Http) && !self.params.is_empty()
    }
}
