//! A whole request of any model, and the environment that tells of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Base;
use crate::{
    model::Model,
    scenario::{
        content::Content,
        probe::Probe,
        text::{Text, octets},
    },
};

/// What is asked. Without a key: `GET /` of the probe, with every meta-variable that a gateway sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// REQUEST_METHOD; `GET` unless told.
    pub method: Option<Text>,
    /// PATH_INFO and the path of REQUEST_URI, byte for byte; `/` unless told.
    pub path: Option<Text>,
    /// QUERY_STRING, raw.
    pub query: Option<Text>,
    /// Variables that are set, whatever they would be.
    pub params: BTreeMap<String, Text>,
    /// Pairs behind all others, duplicates kept.
    pub also: Vec<(Text, Text)>,
    /// Variables that are left out.
    pub without: Vec<String>,
    /// How the probe shall reply.
    pub probe: Probe,
    /// The body; its size is CONTENT_LENGTH.
    pub body: Option<Content>,
    /// FastCGI: the request's id, 1 unless told.
    pub id: Option<u16>,
    /// Whether another request may follow on the connection: FastCGI's flag, and HTTP without
    /// `Connection: close`.
    pub keep: bool,
    /// CGI: the arguments behind the program's name.
    pub argv: Vec<Text>,
    /// CGI: keeps the standard input open behind the body.
    pub open: bool,
}

/// A meta-variable that every request has.
const FIXED: [(&str, &str); 6] = [
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("SERVER_SOFTWARE", "gatebench"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("SERVER_NAME", "localhost"),
    ("SERVER_PORT", "80"),
    ("REMOTE_ADDR", "127.0.0.1"),
];

/// Name and value in the order of the wire.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

impl Ask {
    /// A plain request with this command for the probe, which may not exist.
    pub fn telling_probe(command: &str) -> Self {
        let text = Text::try_from(command.to_owned()).unwrap_or_default();
        Self {
            params: [("HTTP_X_PROBE".to_owned(), text)].into(),
            ..Self::default()
        }
    }

    /// FastCGI's request id.
    pub fn id(&self) -> u16 {
        self.id.unwrap_or(1)
    }

    /// The method as it is sent.
    pub fn method(&self, base: &Base<'_>) -> String {
        let method = self.method.as_ref();
        method.map_or_else(|| "GET".to_owned(), |method| method.at(base.place))
    }

    /// The octets of the body.
    pub fn content(&self, base: &Base<'_>) -> Vec<u8> {
        let body = self.body.iter();
        body.flat_map(|body| body.blocks(base.place))
            .flatten()
            .collect()
    }

    /// The meta-variables: CONTENT_LENGTH first, as SCGI wants it, then the others.
    pub(crate) fn environ(&self, base: &Base<'_>) -> Pairs {
        let path = self.path(base);
        let query = self.query.as_ref().map(|query| query.at(base.place));
        let uri = match &query {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        let size = self.body.as_ref().map_or(0, |body| body.size(base.place));
        let mut pairs = Variables::default();
        pairs.set("CONTENT_LENGTH", size.to_string());
        if base.model == Model::Scgi {
            pairs.set("SCGI", "1");
        }
        for (name, value) in FIXED {
            pairs.set(name, value);
        }
        pairs.set("REQUEST_METHOD", self.method(base));
        pairs.set("REQUEST_URI", uri);
        pairs.set("SCRIPT_NAME", "");
        pairs.set("PATH_INFO", path);
        pairs.set("QUERY_STRING", query.unwrap_or_default());
        pairs.set("HTTP_HOST", base.place.host.clone());
        if self.body.is_some() {
            pairs.set("CONTENT_TYPE", "application/octet-stream");
        }
        for (name, value) in base.params {
            pairs.set(name, value.as_str());
        }
        pairs.extend(self.probe.header(base.place));
        for (name, value) in &self.params {
            pairs.set(name, value.at(base.place));
        }
        let also = self.also.iter();
        let also = also.map(|(n, v)| (n.octets(base.place), v.octets(base.place)));
        let kept = pairs.0.into_iter().filter(|(name, _)| {
            let is_dropped = |other: &String| octets(other) == *name;
            !self.without.iter().any(is_dropped)
        });
        kept.chain(also).collect()
    }

    /// The HTTP request, whole: request line, fields, body.
    pub(crate) fn http(&self, base: &Base<'_>) -> Vec<u8> {
        let mut target = self.path(base);
        if let Some(query) = &self.query {
            target = format!("{target}?{}", query.at(base.place));
        }
        let mut head = octets(&format!("{} {target} HTTP/1.1\r\n", self.method(base)));
        for (name, value) in self.environ(base) {
            let bodiless = self.body.is_none() && !self.params.contains_key("CONTENT_LENGTH");
            if name == b"CONTENT_LENGTH" && bodiless {
                continue;
            }
            if let Some(field) = field_name(&name) {
                head.extend([field.as_bytes(), b": ", &value, b"\r\n"].concat());
            }
        }
        if !self.keep && !self.params.contains_key("HTTP_CONNECTION") {
            head.extend(b"Connection: close\r\n");
        }
        head.extend(b"\r\n");
        head.extend(self.content(base));
        head
    }

    fn path(&self, base: &Base<'_>) -> String {
        let path = self.path.as_ref();
        path.map_or_else(|| "/".to_owned(), |path| path.at(base.place))
    }

    /// Whether it tells the probe something.
    pub(super) fn tells_probe(&self) -> bool {
        self.probe != Probe::default() || self.params.contains_key("HTTP_X_PROBE")
    }
}

/// The HTTP field behind a meta-variable: `HTTP_X_PROBE` is `X-Probe`.
fn field_name(variable: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(variable);
    let words = match &*text {
        "CONTENT_LENGTH" | "CONTENT_TYPE" => &text,
        other => other.strip_prefix("HTTP_")?,
    };
    let words = words.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_ascii_lowercase())
    });
    Some(words.collect::<Vec<_>>().join("-"))
}

#[derive(Default)]
struct Variables(Pairs);

impl Variables {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        let (name, value) = (octets(name), octets(&value.into()));
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some(pair) => pair.1 = value,
            None => self.0.push((name, value)),
        }
    }

    fn extend(&mut self, told: Option<String>) {
        if let Some(told) = told {
            self.set("HTTP_X_PROBE", told);
        }
    }
}
