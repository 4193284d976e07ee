//! What one request asks the probe to do.

use std::time::Duration;

use crate::answer::Status;
use crate::command::{self, Command, Unknown};

/// One request's wishes; the default is a report with status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Status line, `None` where the interface's default is wanted.
    pub status: Option<Status>,
    /// Response fields (`header=`), in order, repeated names kept.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the body is made of; the last command that gives one counts.
    pub content: Content,
    /// Whether Content-Length is sent.
    pub length: Length,
    /// Wait before the head.
    pub delay: Duration,
    /// CPU time to use up before the head.
    pub burn: Duration,
    /// Number of pieces the body is written in, at least 1; `None` to leave it to the driver.
    pub chunks: Option<u64>,
    /// Wait between two pieces.
    pub pause: Duration,
    /// Text for the error stream, before the head.
    pub stderr: Vec<u8>,
    /// Number of bytes `e` for the error stream, after the text.
    pub stderr_size: u64,
    /// Exit status (CGI) or appStatus (FastCGI).
    pub exit: u32,
    /// Where the reply ends with a crash.
    pub die: Option<Death>,
    /// Request body bytes to read at most.
    pub read: u64,
}

/// What the response body is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// What was seen, as JSON.
    Report,
    /// The given bytes (`body=`).
    Text(Vec<u8>),
    /// The request body as it comes (`echo`).
    Echo,
    /// This many bytes of the counter pattern (`size=`).
    Counter(u64),
    /// The whole CGI output, head included (`raw=`).
    Raw(Vec<u8>),
    /// A bare Location reply (`location=`).
    Location(Vec<u8>),
    /// A WSGI application beside the probe (`app=`, `recall=`), which needs a WSGI server.
    Guest,
}

/// The rule for Content-Length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Sent where the size is known and the body is neither echoed nor in chunks.
    Default,
    /// Sent where the size is known.
    Yes,
    /// Not sent.
    No,
    /// Sent with this number, true or not.
    Exactly(u64),
}

/// Where a reply ends with a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Nothing of the reply is sent.
    BeforeHead,
    /// The head is sent, nothing of the body.
    AfterHead,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            status: None,
            fields: Vec::new(),
            content: Content::Report,
            length: Length::Default,
            delay: Duration::ZERO,
            burn: Duration::ZERO,
            chunks: None,
            pause: Duration::ZERO,
            stderr: Vec::new(),
            stderr_size: 0,
            exit: 0,
            die: None,
            read: u64::MAX,
        }
    }
}

impl Plan {
    /// Reads the value of `X-Probe`; an empty one asks for the report.
    ///
    /// # Errors
    /// The first command, from the left, that is unknown or has a bad value.
    pub fn parse(header: &[u8]) -> Result<Self, Unknown> {
        let mut plan = Self::default();
        for command in command::split(header) {
            plan.apply(command)?;
        }
        Ok(plan)
    }

    /// True where the request body is not read before the head but sent back as it comes.
    pub fn echoes(&self) -> bool {
        self.content == Content::Echo
    }

    /// Whether the reply depends on this meta-variable; who drives the plan may leave the others
    /// out of its [`Report`](crate::Report).
    pub fn tells_of(&self, variable: &[u8]) -> bool {
        match self.content {
            Content::Report | Content::Location(_) => true,
            _ => variable == b"CONTENT_LENGTH",
        }
    }

    fn apply(&mut self, command: Command<'_>) -> Result<(), Unknown> {
        let Some(name) = NAMES.iter().find(|name| name.as_bytes() == command.name) else {
            return Err(Unknown::Command(command::latin1(command.name)));
        };
        self.set(name, command.value).ok_or_else(|| Unknown::Value {
            name,
            value: command::latin1(command.value.unwrap_or_default()),
        })
    }

    /// Applies one known command, or `None` where its value is not of the form it takes.
    fn set(&mut self, name: &str, value: Option<&[u8]>) -> Option<()> {
        let Some(value) = value else {
            self.content = (name == "echo").then_some(Content::Echo)?;
            return Some(());
        };
        let value = &command::percent_decode(value)?[..];
        match name {
            "status" => self.status = Some(Status::parse(value)?),
            "header" => self.fields.push(field(value)?),
            "body" => self.content = Content::Text(value.to_vec()),
            "size" => self.content = Content::Counter(command::number(value)?),
            "raw" => self.content = Content::Raw(value.to_vec()),
            "location" => self.content = Content::Location(printable(value)?.to_vec()),
            "length" => self.length = length(value)?,
            "delay" => self.delay = command::duration(value)?,
            "burn" => self.burn = command::duration(value)?,
            "chunks" => self.chunks = Some(command::number(value).filter(|&n| n > 0)?),
            "pause" => self.pause = command::duration(value)?,
            "stderr" => self.stderr = value.to_vec(),
            "stderr-size" => self.stderr_size = command::number(value)?,
            "exit" => self.exit = u32::try_from(command::number(value)?).ok()?,
            "die" => self.die = Some(death(value)?),
            "read" => self.read = read(value)?,
            "app" | "recall" => self.content = Content::Guest,
            "case" => {}
            _ => return None,
        }
        Some(())
    }
}

/// Every command; what is not here is answered with status 400.
const NAMES: &[&str] = &[
    "status",
    "header",
    "body",
    "echo",
    "size",
    "length",
    "delay",
    "burn",
    "chunks",
    "pause",
    "stderr",
    "stderr-size",
    "exit",
    "die",
    "raw",
    "location",
    "read",
    "app",
    "case",
    "recall",
];

fn length(value: &[u8]) -> Option<Length> {
    match value {
        b"yes" => Some(Length::Yes),
        b"no" => Some(Length::No),
        digits => command::number(digits).map(Length::Exactly),
    }
}

fn death(value: &[u8]) -> Option<Death> {
    match value {
        b"before-head" => Some(Death::BeforeHead),
        b"after-head" => Some(Death::AfterHead),
        _ => None,
    }
}

fn read(value: &[u8]) -> Option<u64> {
    match value {
        b"all" => Some(u64::MAX),
        b"none" => Some(0),
        digits => command::number(digits),
    }
}

/// A response field: a token, a colon, a value on one line. Malformed output is `raw`'s job.
fn field(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = value.iter().position(|&byte| byte == b':')?;
    let (name, text) = (&value[..colon], &value[colon + 1..]);
    let is_token = !name.is_empty() && name.iter().all(|&byte| is_token_byte(byte));
    is_token.then(|| Some((name.to_vec(), printable(text)?.trim_ascii().to_vec())))?
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Text that cannot end or split a header line.
fn printable(value: &[u8]) -> Option<&[u8]> {
    let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    (!value.iter().any(breaks)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_commands_ask_for_the_report() {
        for header in [&b""[..], b" ", b";;"] {
            assert_eq!(Plan::parse(header).unwrap(), Plan::default());
        }
    }

    #[test]
    fn every_command_finds_its_place() {
        let plan = Plan::parse(
            b"status=418 I'm a teapot; header=X-A: 1; header=x-a:2; size=7; length=no; \
              delay=300ms; burn=2ms; chunks=3; pause=1s; stderr=oops%0A; stderr-size=9; exit=3; \
              die=after-head; read=5",
        );
        let expected = Plan {
            status: Some(Status {
                code: 418,
                reason: b"I'm a teapot".to_vec(),
            }),
            fields: vec![
                (b"X-A".to_vec(), b"1".to_vec()),
                (b"x-a".to_vec(), b"2".to_vec()),
            ],
            content: Content::Counter(7),
            length: Length::No,
            delay: Duration::from_millis(300),
            burn: Duration::from_millis(2),
            chunks: Some(3),
            pause: Duration::from_secs(1),
            stderr: b"oops\n".to_vec(),
            stderr_size: 9,
            exit: 3,
            die: Some(Death::AfterHead),
            read: 5,
        };
        assert_eq!(plan.unwrap(), expected);
    }

    #[test]
    fn the_last_body_command_counts() {
        let plan = Plan::parse(b"body=x; echo; location=/y").unwrap();
        assert_eq!(plan.content, Content::Location(b"/y".to_vec()));
    }

    #[test]
    fn a_reply_without_the_report_tells_of_no_variable_but_the_length() {
        let tells = |header: &[u8], name: &[u8]| Plan::parse(header).unwrap().tells_of(name);
        for header in [&b"body=x"[..], b"echo", b"size=1", b"raw=x"] {
            assert!(!tells(header, b"QUERY_STRING"));
            assert!(tells(header, b"CONTENT_LENGTH"));
        }
        assert!(tells(b"", b"QUERY_STRING") && tells(b"location=/a?b", b"QUERY_STRING"));
    }

    #[test]
    fn an_unknown_command_is_named() {
        let error = Plan::parse(b"body=x; colour=red; size=z").unwrap_err();
        assert_eq!(error.to_string(), "unknown probe command: colour");
    }

    #[test]
    fn a_bad_value_is_quoted_as_sent() {
        for (header, message) in [
            (&b"size=many"[..], "bad value for size: many"),
            (b"size", "bad value for size: "),
            (b"echo=1", "bad value for echo: 1"),
            (b"chunks=0", "bad value for chunks: 0"),
            (b"status=20", "bad value for status: 20"),
            (b"status=200OK", "bad value for status: 200OK"),
            (b"header=X-A", "bad value for header: X-A"),
            (b"header=X A: b", "bad value for header: X A: b"),
            (b"header=X: a%0Ab", "bad value for header: X: a%0Ab"),
            (b"location=/%0D", "bad value for location: /%0D"),
            (b"die=now", "bad value for die: now"),
            (b"exit=4294967296", "bad value for exit: 4294967296"),
            (b"read=some", "bad value for read: some"),
            (b"length=maybe", "bad value for length: maybe"),
            (b"body=%4", "bad value for body: %4"),
        ] {
            assert_eq!(Plan::parse(header).unwrap_err().to_string(), message);
        }
    }
}
