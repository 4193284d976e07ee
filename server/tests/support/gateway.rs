//! A web server's end of FastCGI: one request on a connection of its own.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::fastcgi::{BeginRequest, EndRequest, Kind, params, record};

use super::Peer;

/// A connection that carries the request 1.
pub struct Gateway {
    pub peer: Peer,
    buf: BytesMut,
}

/// What came back.
#[derive(Debug, Default)]
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
    pub stderr: String,
    pub exit_status: u32,
}

impl Gateway {
    /// Sends the head of a request.
    #[track_caller]
    pub fn begin(address: &str, variables: &[(&'static str, &str)]) -> Self {
        let mut environ = Environ::new();
        for (name, value) in variables {
            environ.push(*name, (*value).to_owned());
        }
        let begin = BeginRequest {
            role: BeginRequest::RESPONDER,
            flags: 0,
        };
        let mut bytes = BytesMut::new();
        record::encode(Kind::BEGIN_REQUEST, 1, &begin.encode(), &mut bytes);
        params::encode(1, &environ, &mut bytes);
        let mut peer = Peer::to(address);
        peer.send(&bytes);
        Self {
            peer,
            buf: BytesMut::new(),
        }
    }

    /// Another handle of the same connection, to send from another thread.
    pub fn beside(other: &Self) -> Self {
        Self {
            peer: other.peer.another(),
            buf: BytesMut::new(),
        }
    }

    /// Sends some of the body.
    #[track_caller]
    pub fn body(&mut self, bytes: &[u8]) {
        let mut records = BytesMut::new();
        record::encode_stream(Kind::STDIN, 1, bytes, &mut records);
        self.peer.send(&records);
    }

    /// Tells that the body is complete.
    #[track_caller]
    pub fn end(&mut self) {
        let mut bytes = BytesMut::new();
        record::encode_end(Kind::STDIN, 1, &mut bytes);
        self.peer.send(&bytes);
    }

    /// Takes the request back.
    #[track_caller]
    pub fn abort(&mut self) {
        let mut bytes = BytesMut::new();
        record::encode(Kind::ABORT_REQUEST, 1, b"", &mut bytes);
        self.peer.send(&bytes);
    }

    /// Reads until the standard output so far ends in this.
    #[track_caller]
    pub fn until(&mut self, end: &str) {
        let mut stdout = Vec::new();
        while !stdout.ends_with(end.as_bytes()) {
            let record = self.record();
            assert_eq!(record.kind, Kind::STDOUT, "after {stdout:?}");
            stdout.extend_from_slice(&record.content);
        }
    }

    /// Reads to the end of the request.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let end = loop {
            let record = self.record();
            match record.kind {
                Kind::STDOUT => stdout.extend_from_slice(&record.content),
                Kind::STDERR => stderr.extend_from_slice(&record.content),
                _ => break EndRequest::decode(&record.content).unwrap(),
            }
        };
        let split = stdout.windows(4).position(|four| four == b"\r\n\r\n");
        let split = split.expect("a head") + 4;
        Answer {
            head: String::from_utf8(stdout[..split].to_vec()).unwrap(),
            body: stdout.split_off(split),
            stderr: String::from_utf8(stderr).unwrap(),
            exit_status: end.app_status,
        }
    }

    #[track_caller]
    fn record(&mut self) -> record::Record {
        loop {
            if let Some(record) = record::decode(&mut self.buf).unwrap() {
                return record;
            }
            assert!(self.peer.more(&mut self.buf), "the connection is cut off");
        }
    }
}

impl Answer {
    /// The status; 200 where none is said.
    pub fn status(&self) -> u16 {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("Status: "));
        line.map_or(200, |line| line[..3].parse().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
