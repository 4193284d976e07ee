//! The native probe over HTTP: the least that tests of master and workers need.

use super::{Peer, Responses, Server};

/// A server of the probe with these arguments in addition.
pub fn server(extra: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], extra].concat())
}

/// A request that tells the probe how to reply.
pub fn get(probe: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: {probe}\r\n\r\n")
}

/// The body of the reply to such a request.
#[track_caller]
pub fn body(peer: Peer, probe: &str) -> Vec<u8> {
    let mut responses = Responses::on(peer);
    responses.peer.send(get(probe));
    responses.next("GET").body
}

/// A request that runs for very long; its head is here, so it has begun.
pub fn busy(server: &Server) -> Responses {
    let mut responses = Responses::on(server.connect());
    responses.peer.send(get("chunks=1000; pause=1s; size=1000"));
    responses.head();
    responses
}

/// Somebody answers.
#[track_caller]
pub fn assert_alive(server: &Server) {
    assert_eq!(body(server.connect(), "body=alive"), b"alive");
}
