//! A plan and what was seen, turned into a head and a payload.

use crate::command::Unknown;
use crate::pieces::Pieces;
use crate::plan::{Content, Length, Plan};
use crate::report::{Interface, Report};

/// A status code with its reason phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// 100 to 999.
    pub code: u16,
    /// May be empty.
    pub reason: Vec<u8>,
}

/// The head of a reply, before it has the form of any protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `None` where the interface's default is meant (200, or a bare Location).
    pub status: Option<Status>,
    /// Response fields in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The body of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This many bytes of the counter pattern: byte `i` is `i mod 251`.
    Counter(u64),
    /// The request body, up to [`Plan::read`] bytes, as it comes.
    Echo,
}

/// A whole reply: the driver sends the head, then the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `None` where the payload holds the head already (`raw=`).
    pub head: Option<Head>,
    /// Empty for HEAD.
    pub payload: Payload,
    chunks: Option<u64>,
    pause: std::time::Duration,
}

/// The JSON of a reply that is not the one asked for.
#[derive(serde::Serialize)]
struct Refusal<'a> {
    probe: u32,
    error: &'a str,
}

impl Status {
    /// Reads `404 Not Found`, `404 ` or `404`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (digits, rest) = text.split_at_checked(3)?;
        let code = crate::command::number(digits)?;
        let reason = match rest {
            [] => rest,
            [b' ', reason @ ..] => reason,
            _ => return None,
        };
        let is_line = code >= 100 && !reason.iter().any(u8::is_ascii_control);
        let code = u16::try_from(code).ok()?;
        is_line.then(|| Self {
            code,
            reason: reason.to_vec(),
        })
    }

    /// The status as a `Status` field or WSGI status has it; the space is always there.
    pub fn line(&self) -> Vec<u8> {
        [self.code.to_string().as_bytes(), b" ", &self.reason].concat()
    }

    fn new(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl Head {
    /// The head as CGI output: `Status` where one is set, fields, an empty line; LF line ends.
    pub fn to_cgi(&self) -> Vec<u8> {
        let mut output = Vec::new();
        if let Some(status) = &self.status {
            output.extend([b"Status: ", &status.line()[..], b"\n"].concat());
        }
        for (name, value) in &self.fields {
            output.extend([name, &b": "[..], value, b"\n"].concat());
        }
        output.push(b'\n');
        output
    }

    /// The head as an NPH script writes it: a whole HTTP response, after which the connection
    /// closes.
    pub fn to_http(&self) -> Vec<u8> {
        let line = self.status.as_ref().map(Status::line);
        let line = line.unwrap_or_else(|| b"200 OK".to_vec());
        let mut output = [b"HTTP/1.1 ", &line[..], b"\r\n"].concat();
        for (name, value) in &self.fields {
            output.extend([name, &b": "[..], value, b"\r\n"].concat());
        }
        output.extend(b"Connection: close\r\n\r\n");
        output
    }

    fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.fields.push((name.into(), value.as_ref().to_vec()));
    }
}

impl Answer {
    /// The reply to commands that could not be read: status 400 and the reason as JSON.
    pub fn refusal(method: &[u8], unknown: &Unknown) -> Self {
        Self::error(
            Status::new(400, "Bad Request"),
            method,
            &unknown.to_string(),
        )
    }

    /// The payload in the pieces that the plan asks for; `None` for [`Payload::Echo`].
    pub fn pieces(&self) -> Option<Pieces<'_>> {
        Pieces::of(&self.payload, self.chunks, self.pause)
    }

    fn error(status: Status, method: &[u8], message: &str) -> Self {
        let refusal = Refusal {
            probe: 1,
            error: message,
        };
        let json = serde_json::to_vec(&refusal).expect("a refusal has string keys only");
        let plan = Plan {
            status: Some(status),
            ..Plan::default()
        };
        plan.document(method, Payload::Bytes(json), "application/json")
    }
}

impl Plan {
    /// The reply over `interface` to a request of this method that was seen as `report` says.
    pub fn answer(&self, interface: Interface, method: &[u8], report: &Report) -> Answer {
        match &self.content {
            Content::Raw(bytes) => self.raw(interface, method, bytes),
            Content::Location(target) if report.is_target(target) => {
                let json = Payload::Bytes(report.to_json());
                self.document(method, json, "application/json")
            }
            Content::Location(target) => self.location(interface, target),
            Content::Guest => {
                let status = Status::new(501, "Not Implemented");
                Answer::error(status, method, "app needs a WSGI server")
            }
            Content::Report if self.is_bodiless() => self.bare(Head::default()),
            Content::Report => {
                let json = Payload::Bytes(report.to_json());
                self.document(method, json, "application/json")
            }
            Content::Text(text) => {
                self.document(method, Payload::Bytes(text.clone()), "text/plain")
            }
            Content::Counter(size) => {
                self.document(method, Payload::Counter(*size), "application/octet-stream")
            }
            Content::Echo => {
                let length = report.content_length();
                self.sized(method, Payload::Echo, "application/octet-stream", length)
            }
        }
    }

    fn document(&self, method: &[u8], payload: Payload, media_type: &str) -> Answer {
        let size = match &payload {
            Payload::Bytes(bytes) => Some(bytes.len() as u64),
            Payload::Counter(size) => Some(*size),
            Payload::Echo => None,
        };
        self.sized(method, payload, media_type, size)
    }

    fn sized(
        &self,
        method: &[u8],
        payload: Payload,
        media_type: &str,
        size: Option<u64>,
    ) -> Answer {
        let mut head = Head::default();
        if !self.names("content-type") {
            head.field("Content-Type", media_type);
        }
        let length = self.content_length(&payload, size);
        if let Some(length) = length.filter(|_| !self.names("content-length")) {
            head.field("Content-Length", length.to_string());
        }
        let mut answer = self.bare(head);
        // CGI-4.3.3-HEAD-APP: no body for HEAD, with the head of a GET
        if method != b"HEAD" {
            answer.payload = payload;
        }
        answer
    }

    fn content_length(&self, payload: &Payload, size: Option<u64>) -> Option<u64> {
        let streamed = *payload == Payload::Echo || self.chunks.is_some();
        match self.length {
            Length::Default => size.filter(|_| !streamed),
            Length::Yes => size,
            Length::No => None,
            Length::Exactly(length) => Some(length),
        }
    }

    /// No payload; the plan's status and fields after those of `head`.
    fn bare(&self, mut head: Head) -> Answer {
        head.status.clone_from(&self.status);
        head.fields.extend_from_slice(&self.fields);
        self.with(Some(head), Payload::Bytes(Vec::new()))
    }

    fn with(&self, head: Option<Head>, payload: Payload) -> Answer {
        Answer {
            head,
            payload,
            chunks: self.chunks,
            pause: self.pause,
        }
    }

    fn raw(&self, interface: Interface, method: &[u8], bytes: &[u8]) -> Answer {
        if interface.takes_cgi_output() {
            return self.with(None, Payload::Bytes(bytes.to_vec()));
        }
        let status = Status::new(501, "Not Implemented");
        Answer::error(status, method, "raw needs a CGI interface")
    }

    /// CGI-6.2.2-LOCAL-APP: Location and nothing else; elsewhere a plain 302.
    fn location(&self, interface: Interface, target: &[u8]) -> Answer {
        let mut head = Head::default();
        if !interface.takes_cgi_output() {
            head.status = Some(Status::new(302, "Found"));
        }
        head.field("Location", target);
        self.with(Some(head), Payload::Bytes(Vec::new()))
    }

    /// True where the status allows no body: then the report is left out as well.
    fn is_bodiless(&self) -> bool {
        let code = self.status.as_ref().map(|status| status.code);
        matches!(code, Some(100..=199 | 204 | 304))
    }

    fn names(&self, field: &str) -> bool {
        self.fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(field.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
