//! Responses on a connection, and the probe's report in them.

use bytes::BytesMut;
use wire::http::{ChunkEvent, ChunkedDecoder, Framing, Limits, ResponseHead, decode_response};

use super::Peer;

/// One HTTP response.
#[derive(Debug)]
pub struct Response {
    pub head: ResponseHead,
    pub body: Vec<u8>,
}

impl Response {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head
            .header(name)
            .map(|value| std::str::from_utf8(value).unwrap())
    }

    /// The body as the probe's report.
    #[track_caller]
    pub fn report(&self) -> Report {
        Report::of(&self.body)
    }
}

/// Reads responses off a connection that may carry several.
pub struct Responses {
    pub peer: Peer,
    buf: BytesMut,
}

impl Responses {
    pub fn on(peer: Peer) -> Self {
        Self {
            peer,
            buf: BytesMut::new(),
        }
    }

    #[track_caller]
    pub fn head(&mut self) -> ResponseHead {
        loop {
            if let Some(head) = decode_response(&mut self.buf, &Limits::default()).unwrap() {
                return head;
            }
            assert!(
                self.peer.more(&mut self.buf),
                "no response, but {:?}",
                self.buf
            );
        }
    }

    /// The next response, to a request of this method.
    #[track_caller]
    pub fn next(&mut self, method: &str) -> Response {
        let head = self.head();
        let body = match head.framing(method.as_bytes()).unwrap() {
            Framing::None => Vec::new(),
            Framing::Length(length) => self.counted(length.try_into().unwrap()),
            Framing::Chunked => self.chunked(),
            Framing::UntilClose => {
                while self.peer.more(&mut self.buf) {}
                self.buf.split().to_vec()
            }
        };
        Response { head, body }
    }

    /// The next bytes of a body whose head was read.
    #[track_caller]
    pub fn body(&mut self, length: usize) -> Vec<u8> {
        self.counted(length)
    }

    fn counted(&mut self, length: usize) -> Vec<u8> {
        while self.buf.len() < length {
            assert!(self.peer.more(&mut self.buf), "the body is cut off");
        }
        self.buf.split_to(length).to_vec()
    }

    fn chunked(&mut self) -> Vec<u8> {
        let (mut decoder, mut body) = (ChunkedDecoder::new(), Vec::new());
        loop {
            match decoder.decode(&mut self.buf).unwrap() {
                Some(ChunkEvent::Data(piece)) => body.extend_from_slice(&piece),
                Some(ChunkEvent::End { .. }) => return body,
                None => assert!(self.peer.more(&mut self.buf), "the body is cut off"),
            }
        }
    }
}

/// What the probe says that it saw.
#[derive(Debug)]
pub struct Report(serde_json::Value);

impl Report {
    #[track_caller]
    pub fn of(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).expect("a report"))
    }

    pub fn var(&self, name: &str) -> Option<&str> {
        let vars = self.0["environ"].as_array()?;
        vars.iter().find(|pair| pair[0] == name)?[1].as_str()
    }

    pub fn body_size(&self) -> u64 {
        self.0["body"]["size"].as_u64().expect("a size")
    }

    pub fn pid(&self) -> u64 {
        self.0["pid"].as_u64().expect("a pid")
    }
}
