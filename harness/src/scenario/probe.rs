//! How the probe shall reply: the commands that travel in the header `X-Probe`.

use serde::Deserialize;

use super::{
    Place,
    app::App,
    loose::{Loose, NoTable},
    text::{Text, Time, octets},
};

/// What the probe is told; without a key that gives a body it replies with its report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// A WSGI application that answers instead, and may read the other commands.
    pub app: Option<App>,
    /// Status line, such as `404 Not Found`.
    pub status: Option<Text>,
    /// Response fields `Name: value` in order.
    pub headers: Vec<Text>,
    /// The body.
    pub body: Option<Text>,
    /// Sends the request body back as it comes.
    pub echo: bool,
    /// A body of so many octets of the counter.
    pub size: Option<u64>,
    /// Whether Content-Length is sent, or which.
    pub length: Option<Length>,
    /// Wait before the head.
    pub delay: Option<Time>,
    /// The body is written in so many flushed pieces.
    pub chunks: Option<u64>,
    /// Wait between the pieces.
    pub pause: Option<Time>,
    /// Text for stderr before the head.
    pub stderr: Option<Text>,
    /// So many octets of `e` for stderr.
    pub stderr_size: Option<u64>,
    /// Exit status after the reply.
    pub exit: Option<u8>,
    /// Where the reply ends at once.
    pub die: Option<Die>,
    /// Exactly these octets as CGI output.
    pub raw: Option<Text>,
    /// A bare CGI `Location` reply.
    pub location: Option<Text>,
    /// How much of the request body is read before the reply.
    pub read: Option<Read>,
}

/// Whether Content-Length is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub enum Length {
    /// The true one.
    Yes,
    /// None.
    No,
    /// This one, true or not.
    Exactly(u64),
}

/// How much of the request body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub enum Read {
    /// Everything.
    All,
    /// Nothing.
    None,
    /// So many octets.
    Exactly(u64),
}

/// Where a reply ends at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Die {
    /// Without any output.
    BeforeHead,
    /// After the head, whatever it announced.
    AfterHead,
}

impl TryFrom<Loose<NoTable>> for Length {
    type Error = &'static str;

    fn try_from(form: Loose<NoTable>) -> Result<Self, Self::Error> {
        match form {
            Loose::Text(word) if word == "yes" => Ok(Self::Yes),
            Loose::Text(word) if word == "no" => Ok(Self::No),
            Loose::Number(number) => Ok(Self::Exactly(number)),
            _ => Err("expected `yes`, `no`, or a number of octets"),
        }
    }
}

impl TryFrom<Loose<NoTable>> for Read {
    type Error = &'static str;

    fn try_from(form: Loose<NoTable>) -> Result<Self, Self::Error> {
        match form {
            Loose::Text(word) if word == "all" => Ok(Self::All),
            Loose::Text(word) if word == "none" => Ok(Self::None),
            Loose::Number(number) => Ok(Self::Exactly(number)),
            _ => Err("expected `all`, `none`, or a number of octets"),
        }
    }
}

impl Length {
    fn word(self) -> String {
        match self {
            Self::Yes => "yes".to_owned(),
            Self::No => "no".to_owned(),
            Self::Exactly(number) => number.to_string(),
        }
    }
}

impl Read {
    fn word(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::None => "none".to_owned(),
            Self::Exactly(number) => number.to_string(),
        }
    }
}

impl Die {
    fn word(self) -> String {
        match self {
            Self::BeforeHead => "before-head".to_owned(),
            Self::AfterHead => "after-head".to_owned(),
        }
    }
}

impl Probe {
    /// The value of the header `X-Probe`, or `None` where there is nothing to tell.
    pub fn header(&self, place: &Place) -> Option<String> {
        let told: Vec<String> = self.commands(place).into_iter().map(spell).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn commands(&self, place: &Place) -> Vec<(&'static str, String)> {
        let text = |text: &Text| text.at(place);
        let mut told = Vec::new();
        let mut tell = |key, value: Option<String>| told.extend(value.map(|value| (key, value)));
        if let Some(app) = &self.app {
            tell("app", Some(app.to_string()));
            tell("case", Some(place.case.clone()));
        }
        tell("status", self.status.as_ref().map(text));
        for field in &self.headers {
            tell("header", Some(text(field)));
        }
        tell("body", self.body.as_ref().map(text));
        tell("echo", self.echo.then(String::new));
        tell("size", self.size.map(|size| size.to_string()));
        tell("length", self.length.map(Length::word));
        tell("delay", self.delay.map(|time| time.to_string()));
        tell("chunks", self.chunks.map(|chunks| chunks.to_string()));
        tell("pause", self.pause.map(|time| time.to_string()));
        tell("stderr", self.stderr.as_ref().map(text));
        tell("stderr-size", self.stderr_size.map(|size| size.to_string()));
        tell("exit", self.exit.map(|status| status.to_string()));
        tell("die", self.die.map(Die::word));
        tell("raw", self.raw.as_ref().map(text));
        tell("location", self.location.as_ref().map(text));
        tell("read", self.read.map(Read::word));
        told
    }
}

/// `key=value`, or the key alone where there is no value to give.
fn spell((key, value): (&'static str, String)) -> String {
    match key {
        "echo" => key.to_owned(),
        _ => format!("{key}={}", encode(&value)),
    }
}

/// Percent-encodes what a header value or the command syntax could not hold.
fn encode(value: &str) -> String {
    let octets = octets(value);
    let last = octets.len().saturating_sub(1);
    let mut encoded = String::with_capacity(octets.len());
    for (i, octet) in octets.into_iter().enumerate() {
        let at_edge = i == 0 || i == last;
        match octet {
            b'%' | b';' => encoded.push_str(&format!("%{octet:02X}")),
            b' ' if at_edge => encoded.push_str("%20"),
            b' '..=b'~' => encoded.push(octet.into()),
            _ => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(source: &str) -> Option<String> {
        let probe: Probe = toml::from_str(source).unwrap();
        probe.header(&Place::new("/probe", "h:1"))
    }

    #[test]
    fn commands_are_told_in_order() {
        let told = header("status = '404 Not Found'\nheaders = ['A: 1', 'A: 2']\nbody = 'x'");
        let expected = "status=404 Not Found; header=A: 1; header=A: 2; body=x";
        assert_eq!(told.as_deref(), Some(expected));
    }

    #[test]
    fn what_a_header_cannot_hold_is_encoded() {
        let told = header("raw = \"Status: 200\\n\\na;b%c\\u00e9 \"");
        let expected = "raw=Status: 200%0A%0Aa%3Bb%25c%E9%20";
        assert_eq!(told.as_deref(), Some(expected));
    }

    #[test]
    fn nothing_to_tell_is_no_header() {
        assert_eq!(header(""), None);
    }

    #[test]
    fn echo_is_a_bare_word() {
        assert_eq!(
            header("echo = true\nread = 0").as_deref(),
            Some("echo; read=0")
        );
    }
}
