//! The request of a scenario, and the script by which the client sends it.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Place,
    content::{Content, counter, digest},
    probe::Probe,
    text::{Hex, Text, Time, octets},
};

/// What the HTTP client asks. Host, X-Probe and the framing of the body are added unless
/// `headers` spell them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Method, byte for byte.
    pub method: Text,
    /// Request target, byte for byte; `{app}` is where the probe is mounted.
    pub target: Text,
    /// Protocol version.
    pub version: Text,
    /// Field lines, byte for byte, without their line end.
    pub headers: Vec<Text>,
    /// The whole body, sent at once with its length.
    pub body: Option<Content>,
    /// The body, and whatever else is sent or waited for, one after another.
    pub parts: Vec<Part>,
}

impl Default for Request {
    fn default() -> Self {
        let text = |text: &str| Text::try_from(text.to_owned()).expect("plain text is a text");
        Self {
            method: text("GET"),
            target: text("{app}/"),
            version: text("HTTP/1.1"),
            headers: Vec::new(),
            body: None,
            parts: Vec::new(),
        }
    }
}

/// One thing that the client does after the head.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Sends octets of the body as they are.
    Body(Content),
    /// Sends octets of the body as one chunk (a large one by rule as several).
    Chunk(Content),
    /// Sends the last chunk, without trailers.
    LastChunk,
    /// Sends these octets, which are not counted as body.
    Send(Text),
    /// As `send`, spelled in hexadecimal.
    Hex(Hex),
    /// Waits.
    Pause(Time),
    /// Waits for an interim 100 or the final response.
    AwaitContinue,
    /// Ends the sending direction.
    HalfClose,
    /// Closes the connection.
    Close,
}

/// One action of the client. It reads all the while; a final response that comes early does not
/// end the sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends these octets.
    Send(Vec<u8>),
    /// Sends `size` octets of the counter, in chunks of at most 64 KiB where `chunked`, without
    /// the last chunk.
    SendPattern {
        /// Octets of content.
        size: u64,
        /// Framed as chunks.
        chunked: bool,
    },
    /// Waits.
    Pause(Duration),
    /// Waits until an interim 100 or a final response has come.
    AwaitContinue,
    /// Shuts down the sending direction.
    HalfClose,
    /// Closes the connection.
    Close,
}

impl Action {
    /// The octets to send, by the block; none for what sends nothing.
    pub fn blocks(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send + '_> {
        match self {
            Self::Send(octets) => Box::new(std::iter::once(octets.clone())),
            Self::SendPattern { size, chunked } => {
                let frame = if *chunked { chunk } else { |block| block };
                Box::new(counter(*size).map(frame))
            }
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// All that the client does for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Method: what the response's framing depends on.
    pub method: String,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// Time for all of it, the response included.
    pub within: Duration,
}

impl Request {
    /// The script for a probe that is told to reply by `probe`.
    pub fn script(&self, probe: &Probe, place: &Place, within: Duration) -> Script {
        let mut actions = vec![Action::Send(self.head(probe, place))];
        actions.extend(self.body.iter().map(|body| send(body, false, place)));
        actions.extend(self.parts.iter().map(|part| part.action(place)));
        Script {
            method: self.method.at(place),
            actions: join(actions),
            within,
        }
    }

    /// Whether the client waits between its parts.
    pub(super) fn pauses(&self) -> bool {
        let waits = |part: &Part| matches!(part, Part::Pause(_));
        self.parts.iter().any(waits)
    }

    /// Octets of the body as the application shall see it: size and SHA-256.
    pub fn content(&self, place: &Place) -> (u64, String) {
        let size = self.contents().map(|content| content.size(place)).sum();
        let blocks = self.contents().flat_map(|content| content.blocks(place));
        (size, digest(blocks))
    }

    fn contents(&self) -> impl Iterator<Item = &Content> {
        let parts = self.parts.iter().filter_map(|part| match part {
            Part::Body(content) | Part::Chunk(content) => Some(content),
            _ => None,
        });
        self.body.iter().chain(parts)
    }

    fn head(&self, probe: &Probe, place: &Place) -> Vec<u8> {
        let (method, target) = (self.method.at(place), self.target.at(place));
        let mut head = format!("{method} {target} {}\r\n", self.version.at(place));
        let spelled: Vec<String> = self.headers.iter().map(|field| field.at(place)).collect();
        if !spells(&spelled, "host") {
            head.push_str(&format!("Host: {}\r\n", place.host));
        }
        for field in &spelled {
            head.push_str(&format!("{field}\r\n"));
        }
        if let Some(told) = probe.header(place) {
            head.push_str(&format!("X-Probe: {told}\r\n"));
        }
        if let Some(framing) = self.framing(&spelled, place) {
            head.push_str(&format!("{framing}\r\n"));
        }
        octets(&(head + "\r\n"))
    }

    /// The field that frames the body, unless the scenario spells one.
    fn framing(&self, spelled: &[String], place: &Place) -> Option<String> {
        let is_spelled = spells(spelled, "content-length") || spells(spelled, "transfer-encoding");
        if is_spelled || self.contents().next().is_none() {
            return None;
        }
        if self.parts.iter().any(|part| matches!(part, Part::Chunk(_))) {
            return Some("Transfer-Encoding: chunked".to_owned());
        }
        let size: u64 = self.contents().map(|content| content.size(place)).sum();
        Some(format!("Content-Length: {size}"))
    }
}

impl Part {
    fn action(&self, place: &Place) -> Action {
        match self {
            Self::Body(content) => send(content, false, place),
            Self::Chunk(content) => send(content, true, place),
            Self::LastChunk => Action::Send(b"0\r\n\r\n".to_vec()),
            Self::Send(text) => Action::Send(text.octets(place)),
            Self::Hex(hex) => Action::Send(hex.0.clone()),
            Self::Pause(time) => Action::Pause(time.0),
            Self::AwaitContinue => Action::AwaitContinue,
            Self::HalfClose => Action::HalfClose,
            Self::Close => Action::Close,
        }
    }
}

fn send(content: &Content, chunked: bool, place: &Place) -> Action {
    if let Content::Counter(size) = *content {
        return Action::SendPattern { size, chunked };
    }
    let octets = content.blocks(place).flatten().collect();
    Action::Send(if chunked { chunk(octets) } else { octets })
}

/// One chunk that holds `content`.
fn chunk(content: Vec<u8>) -> Vec<u8> {
    let size = format!("{:x}\r\n", content.len()).into_bytes();
    [size, content, b"\r\n".to_vec()].concat()
}

/// What is sent without a wait between leaves in one write, as clients do.
fn join(actions: Vec<Action>) -> Vec<Action> {
    let mut joined: Vec<Action> = Vec::new();
    for action in actions {
        match (joined.last_mut(), action) {
            (Some(Action::Send(before)), Action::Send(octets)) => before.extend(octets),
            (_, action) => joined.push(action),
        }
    }
    joined
}

fn spells(fields: &[String], name: &str) -> bool {
    let named = |field: &String| {
        let (field, _) = field.split_once(':').unwrap_or((field, ""));
        field.eq_ignore_ascii_case(name)
    };
    fields.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::testing::{place, scenario};

    /// The actions as text, one a line.
    fn played(lines: &str) -> String {
        let script = scenario(lines).script(&place());
        let line = |action: &Action| match action {
            Action::Send(octets) => octets.escape_ascii().to_string(),
            other => format!("{other:?}"),
        };
        script
            .actions
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn host_and_probe_are_added() {
        let sent = played("probe.body = 'x'");
        insta::assert_snapshot!(sent, @r"GET /probe/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Probe: body=x\r\n\r\n");
    }

    #[test]
    fn a_field_that_is_spelled_is_not_added() {
        let sent =
            played("request = { headers = ['hOsT: other', 'Content-Length: 9'], body = 'x' }");
        insta::assert_snapshot!(sent, @r"GET /probe/ HTTP/1.1\r\nhOsT: other\r\nContent-Length: 9\r\n\r\nx");
    }

    #[test]
    fn a_body_leaves_with_its_head_and_length() {
        let sent = played("request = { method = 'POST', body = 'hello' }");
        assert!(sent.ends_with(r"Content-Length: 5\r\n\r\nhello"), "{sent}");
        let empty = played("request = { method = 'POST', body = '' }");
        assert!(empty.ends_with(r"Content-Length: 0\r\n\r\n"), "{empty}");
    }

    #[test]
    fn chunks_are_framed_and_pauses_kept() {
        let sent = played(
            "[scenario.request]\nmethod = 'POST'\nparts = [
             { chunk = 'hello ' }, { pause = '5ms' }, { chunk = { size = 7, pattern = 'counter' } },
             { hex = '0D 0a' }, 'last_chunk', 'await_continue', 'half_close', 'close' ]",
        );
        insta::assert_snapshot!(sent, @r"
        POST /probe/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n
        Pause(5ms)
        SendPattern { size: 7, chunked: true }
        \r\n0\r\n\r\n
        AwaitContinue
        HalfClose
        Close
        ");
    }

    #[test]
    fn a_body_in_parts_has_the_length_of_all() {
        let sent = played(
            "[scenario.request]\nparts = [{ body = 'a' }, { pause = '1ms' }, { body = { size = 9, pattern = 'counter' } }]",
        );
        assert!(
            sent.starts_with(
                r"GET /probe/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 10\r\n"
            ),
            "{sent}"
        );
    }

    #[test]
    fn a_large_body_is_chunked_by_the_block() {
        let pattern = Action::SendPattern {
            size: 65_537,
            chunked: true,
        };
        let blocks: Vec<Vec<u8>> = pattern.blocks().collect();
        assert!(blocks[0].starts_with(b"10000\r\n\x00\x01"));
        assert_eq!(blocks[1], b"1\r\n\x19\r\n");
        assert_eq!(blocks.len(), 2);
    }

    #[test]
    fn the_digest_covers_every_part_of_the_body() {
        let scenario =
            scenario("request = { parts = [{ chunk = 'he' }, 'last_chunk', { body = 'llo' }] }");
        let (size, sha256) = scenario.request.content(&place());
        assert_eq!(size, 5);
        assert_eq!(sha256, digest([b"hello".to_vec()]));
    }
}
