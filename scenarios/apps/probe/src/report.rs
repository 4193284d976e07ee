//! What the application saw of a request, as `report.schema.json` describes it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::command;

/// How the request reached the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// A process per request, RFC 3875.
    #[default]
    Cgi,
    /// FastCGI 1.0, Responder.
    FastCgi,
    /// The uwsgi protocol.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// HTTP/1.1 without a gateway.
    Http,
    /// A WSGI callable, PEP 3333.
    Wsgi,
}

/// The reply without other commands; the field order is that of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the form, 1.
    pub probe: u32,
    /// The language of the probe that answers: `rust` or `python`.
    pub language: String,
    /// How the request came in.
    pub interface: Interface,
    /// Process id of the application.
    pub pid: u32,
    /// Meta-variables in order, duplicates kept, one character per byte.
    pub environ: Vec<(String, String)>,
    /// What was read of the request body.
    pub body: BodySeen,
    /// Command line, CGI only.
    pub argv: Option<Vec<String>>,
    /// Working directory, CGI only.
    pub cwd: Option<String>,
}

/// What was read of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodySeen {
    /// Bytes read.
    pub size: u64,
    /// SHA-256 of them, in lower-case hexadecimal.
    pub sha256: String,
    /// Why reading ended early, if it did.
    pub error: Option<String>,
}

/// Counts and digests a request body as it is read.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    hasher: Sha256,
    size: u64,
}

impl Interface {
    /// True where the application's output is a CGI response, head included (RFC 3875 section 6).
    pub fn takes_cgi_output(self) -> bool {
        matches!(self, Self::Cgi | Self::FastCgi | Self::Scgi)
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            probe: 1,
            language: "rust".into(),
            interface: Interface::Cgi,
            pid: std::process::id(),
            environ: Vec::new(),
            body: Digest::default().finish(None),
            argv: None,
            cwd: None,
        }
    }
}

impl Report {
    /// A report of the given meta-variables, without a body.
    pub fn new<'a>(
        interface: Interface,
        environ: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Self {
        let pairs = environ.into_iter();
        let environ = pairs.map(|(name, value)| (command::latin1(name), command::latin1(value)));
        Self {
            interface,
            environ: environ.collect(),
            ..Self::default()
        }
    }

    /// The reply body, without white space.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a report has string keys only")
    }

    /// CONTENT_LENGTH as a number, if it is one.
    pub fn content_length(&self) -> Option<u64> {
        command::number(self.variable("CONTENT_LENGTH").as_bytes())
    }

    /// Whether the request has the query of this location, so that it is the one that a local
    /// redirect made: it comes with the same commands again.
    pub(crate) fn is_target(&self, location: &[u8]) -> bool {
        let location = command::latin1(location);
        let query = location.split_once('?').map_or("", |(_, query)| query);
        !query.is_empty() && self.variable("QUERY_STRING") == query
    }

    /// A meta-variable, empty if it is not set.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let found = self.environ.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value)
    }
}

impl Digest {
    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What was seen, with the reason why reading ended early.
    pub fn finish(self, error: Option<String>) -> BodySeen {
        BodySeen {
            size: self.size,
            sha256: command::hexadecimal(&self.hasher.finalize()),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_compact_and_in_order() {
        let environ = [
            (&b"PATH_INFO"[..], &b"/\xe9\n"[..]),
            (b"A", b""),
            (b"A", b"2"),
        ];
        let mut report = Report::new(Interface::FastCgi, environ);
        report.pid = 7;
        assert_eq!(
            String::from_utf8(report.to_json()).unwrap(),
            concat!(
                r#"{"probe":1,"language":"rust","interface":"fastcgi","pid":7,"#,
                "\"environ\":[[\"PATH_INFO\",\"/\u{e9}\\n\"],[\"A\",\"\"],[\"A\",\"2\"]],",
                r#""body":{"size":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","error":null},"#,
                r#""argv":null,"cwd":null}"#
            )
        );
    }

    #[test]
    fn a_digest_does_not_depend_on_the_cuts() {
        let mut digest = Digest::default();
        digest.update(b"he");
        digest.update(b"llo");
        let seen = digest.finish(None);
        assert_eq!(seen.size, 5);
        assert_eq!(
            seen.sha256,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
    }

    #[test]
    fn content_length_is_digits_or_nothing() {
        let length = |value: &[u8]| {
            Report::new(Interface::Cgi, [(&b"CONTENT_LENGTH"[..], value)]).content_length()
        };
        assert_eq!(length(b"12"), Some(12));
        assert_eq!(length(b""), None);
        assert_eq!(length(b"+1"), None);
    }
}
