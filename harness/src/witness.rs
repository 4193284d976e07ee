//! What the bench saw of one case: the evidence that scenarios judge.
//!
//! Everything here is a plain value. Octets from the wire are kept as octets, or as text in which
//! each octet is one code point (ISO-8859-1), so that nothing is repaired on the way.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

pub mod recorded;

use crate::dialogue::Driven;
use recorded::Recorded;

/// All that was seen while one scenario ran once on one pairing.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The HTTP client's side.
    pub client: ClientView,
    /// What the probe says it saw, where the reply is its report.
    pub application: Option<ProbeReport>,
    /// What the application of a WSGI case noted, where the case runs one and the notes could be
    /// read.
    pub seen: Option<Notes>,
    /// Requests that crossed the wire between gateway and backend until the reply was complete, in
    /// order: a follow-up is not among them. `None` where that wire is not watched (a gateway that
    /// executes the script itself, or an HTTP model).
    pub received: Option<Vec<Received>>,
    /// All that the recorder took, where it sits in the backend's seat.
    pub recorded: Option<Recorded>,
    /// The follow-up request, where the scenario asks for one.
    pub next: Option<NextView>,
    /// What the driver saw, where it sat in the gateway's seat.
    pub driven: Option<Driven>,
    /// Health of the subjects after the case.
    pub process: ProcessView,
    /// From the first byte sent to the end of the case.
    pub elapsed: Duration,
}

/// What an application noted, by name; of what it only counted, how often.
pub type Notes = BTreeMap<String, String>;

/// What the HTTP client got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientView {
    /// Status of the final response; `None` if none came.
    pub status: Option<u16>,
    /// Reason phrase as sent.
    pub reason: String,
    /// Fields in order, names as received.
    pub headers: Vec<(String, String)>,
    /// The body after transfer decoding.
    pub body: BodyView,
    /// Statuses of interim (1xx) responses in order.
    pub interim: Vec<u16>,
    /// What became of the connection.
    pub connection: Connection,
    /// Why a strict HTTP/1.1 parser refused the bytes, if it did.
    pub malformed: Option<String>,
    /// From the first byte sent to the first byte received.
    pub first_byte: Option<Duration>,
}

/// Interim responses that are read in front of a final one: a hundred times of what is usual.
const INTERIM: usize = 100;

/// A server that never comes to its final response.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("more than {INTERIM} interim responses and no final one")]
pub(crate) struct TooManyInterim;

impl ClientView {
    /// Notes an interim response.
    ///
    /// # Errors
    /// There were so many before that no final one is to be waited for.
    pub(crate) fn take_interim(&mut self, status: u16) -> Result<(), TooManyInterim> {
        if self.interim.len() >= INTERIM {
            return Err(TooManyInterim);
        }
        self.interim.push(status);
        Ok(())
    }

    /// First value of a field, by name without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    /// All values of a field in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_str())
    }
}

/// A message body: kept whole while small, else by its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyView {
    /// Octets in all.
    pub size: u64,
    /// SHA-256 of all octets, in lower-case hex.
    pub sha256: String,
    /// The first octets, at most [`BodyView::KEPT`].
    pub kept: Vec<u8>,
}

impl BodyView {
    /// How many octets of a body are kept: 1 MiB.
    pub const KEPT: usize = 1 << 20;
}

/// How the client connection stood after the response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Complete message, connection still open for the next request.
    #[default]
    Open,
    /// Complete message, then an orderly close.
    Closed,
    /// The message is visibly cut: short of its length or last chunk, or reset.
    Cut,
    /// Nothing more came within the case's time.
    Stalled,
}

/// What the probe reports: the schema is `scenarios/apps/report.schema.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProbeReport {
    /// Always 1.
    pub probe: u32,
    /// `rust`, `python` or `php`.
    pub language: String,
    /// `cgi`, `fastcgi`, `uwsgi`, `scgi`, `http` or `wsgi`.
    pub interface: String,
    /// Process that answered.
    pub pid: u32,
    /// Meta-variables in order, duplicates kept, one code point per octet.
    pub environ: Vec<(String, String)>,
    /// What was read of the request body.
    pub body: ProbeBody,
    /// Arguments of a CGI program.
    pub argv: Option<Vec<String>>,
    /// Current directory of a CGI program.
    pub cwd: Option<String>,
}

impl ProbeReport {
    /// First value of a meta-variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environ
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The request body as the application read it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProbeBody {
    /// Octets read.
    pub size: u64,
    /// SHA-256 of them, in lower-case hex.
    pub sha256: String,
    /// What reading it failed with, if it did.
    pub error: Option<String>,
}

/// One request as it crossed the wire between gateway and backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Params or vars in order, duplicates kept, one code point per octet.
    pub params: Vec<(String, String)>,
    /// Octets of the request body that followed.
    pub body_size: u64,
}

/// The follow-up request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextView {
    /// Whether it went over the same client connection.
    pub same_connection: bool,
    /// What the client got for it.
    pub client: ClientView,
}

/// Health of the subjects after a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessView {
    /// The gateway's processes are as they were.
    pub gateway: Health,
    /// The backend's processes are as they were.
    pub backend: Health,
    /// What the gateway logged during the case.
    pub gateway_log: String,
    /// What the backend logged during the case.
    pub backend_log: String,
    /// When the first octet of the reply left the backend: seen on the wire behind the gateway or,
    /// where that is not watched, by the client.
    pub reply_began: Option<Duration>,
}

/// Whether a subject still works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It lives.
    #[default]
    Alive,
    /// A process of it ended: how, as the bench saw it.
    Died(String),
    /// It lives but does not answer a plain request any more.
    Stuck,
}
