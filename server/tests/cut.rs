//! Replies that are cut off, and how their receivers can tell.

mod support;

use std::io::{ErrorKind, Read};

use bytes::BytesMut;
use support::{Peer, Server, environ};
use wire::environ::Environ;
use wire::http::LAST_CHUNK;
use wire::{scgi, uwsgi};

/// A request of the probe with these commands.
type Ask = fn(&str) -> BytesMut;

/// The protocols whose replies may end with the connection.
const PROTOCOLS: [(&str, Ask); 3] = [
    ("--http-socket", http10),
    ("--uwsgi-socket", packet),
    ("--scgi-socket", netstring),
];

fn http10(probe: &str) -> BytesMut {
    BytesMut::from(&*format!("GET / HTTP/1.0\r\nX-Probe: {probe}\r\n\r\n"))
}

fn packet(probe: &str) -> BytesMut {
    let mut bytes = BytesMut::new();
    uwsgi::encode_request(&environ("GET", probe, 0), 0, 0, &mut bytes).unwrap();
    bytes
}

fn netstring(probe: &str) -> BytesMut {
    let (mut bytes, environ): (_, Environ) = (BytesMut::new(), environ("GET", probe, 0));
    scgi::encode_request(&environ, 0, &mut bytes).unwrap();
    bytes
}

fn server(socket: &str) -> Server {
    Server::start(&[socket, "127.0.0.1:0", "--probe"])
}

/// Asks the probe and reads to the end, which may be a reset.
fn asked(server: &Server, request: BytesMut) -> Result<Vec<u8>, ErrorKind> {
    let mut peer: Peer = server.connect();
    peer.send(request);
    let mut bytes = Vec::new();
    match peer.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.kind()),
    }
}

#[test]
fn a_chunked_reply_has_no_last_chunk() {
    let server = server("--http-socket");
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: die=after-head; length=no; body=x\r\n\r\n";
    let bytes = asked(&server, request.into()).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(!bytes.ends_with(LAST_CHUNK), "{}", bytes.escape_ascii());
}

#[test]
fn a_reply_that_only_the_close_would_end_is_reset() {
    for (socket, request) in PROTOCOLS {
        let commands = "die=after-head; length=no; body=x";
        let end = asked(&server(socket), request(commands));
        assert_eq!(end, Err(ErrorKind::ConnectionReset), "{socket}");
    }
}

#[test]
fn a_reply_whose_length_tells_is_not() {
    for (socket, request) in PROTOCOLS {
        let commands = "die=after-head; body=x";
        let bytes = asked(&server(socket), request(commands)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("Content-Length: 1\r\n"), "{socket}: {text}");
    }
}
