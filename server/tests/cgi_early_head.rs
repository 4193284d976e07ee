//! CGI programs that write before they have read, behind a gateway: when the head of the reply leaves.

mod support;

use std::time::Duration;

use support::site::Site;
use support::{Peer, Server, environ, payload};
use wire::scgi::encode_request;

/// A program that writes its head first, behind a gateway: its server, and a peer that has sent half
/// of a body of ten bytes.
fn half_sent() -> (Site, Server, Peer) {
    let site = Site::new();
    site.program(
        "early",
        b"#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'; exec cat\n",
    );
    let server = Server::start(&["--scgi-socket", "127.0.0.1:0", "--cgi", &site.option()]);
    let mut peer = server.connect();
    let vars = [
        "CONTENT_LENGTH",
        "10",
        "SCGI",
        "1",
        "REQUEST_METHOD",
        "POST",
        "SCRIPT_NAME",
        "",
        "PATH_INFO",
        "/cgi/early",
        "QUERY_STRING",
        "",
        "SERVER_PROTOCOL",
        "HTTP/1.1",
    ];
    let block: String = vars.iter().map(|part| format!("{part}\0")).collect();
    peer.send(format!("{}:{block},12345", block.len()));
    (site, server, peer)
}

/// nginx sends no more of the body once it has read the head.
#[test]
fn behind_a_gateway_the_head_waits_for_the_body() {
    let (_site, _server, mut peer) = half_sent();
    assert!(
        !peer.read_within(Duration::from_millis(500)),
        "the head came first"
    );
    peer.send("67890");
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.ends_with("\r\n\r\n1234567890"), "{reply}");
}

/// As nginx, which sends a body as fast as it is taken, and no more of it once the head is there.
#[test]
fn behind_a_gateway_that_stops_at_the_head_a_large_body_is_echoed_whole() {
    let site = Site::new();
    let server = Server::start(&["--scgi-socket", "127.0.0.1:0", "--cgi", &site.option()]);
    let body = payload(3_000_000);
    let mut asked = environ("POST", "echo", body.len());
    asked.set("SCRIPT_NAME", "");
    asked.set("PATH_INFO", "/cgi/probe");
    let mut request = bytes::BytesMut::new();
    encode_request(&asked, body.len() as u64, &mut request).unwrap();
    let mut peer = server.connect();
    peer.send(&request);
    for piece in body.chunks(64 * 1024) {
        let has_head = peer.read_within(Duration::from_millis(1));
        assert!(!has_head, "the head came, and a gateway would stop here");
        peer.send(piece);
    }
    assert!(peer.rest().ends_with(&body), "the echo differs");
}

#[test]
fn behind_a_gateway_the_head_does_not_wait_for_a_body_that_does_not_come() {
    let (_site, _server, mut peer) = half_sent();
    assert!(
        peer.read_within(Duration::from_secs(3)),
        "the head is still held back"
    );
    peer.send("67890");
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.ends_with("67890"), "{reply}");
}
