//! Peers that are slow, or stop: what they may hold up, and for how long.

mod support;

use std::io::Write;
use std::thread::{sleep, spawn};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use support::{Peer, Responses, Server, environ};
use wire::fastcgi::{BeginRequest, Kind, params, record, values};

/// One that gives up on its peers after a second.
fn server(socket: &str) -> Server {
    Server::start(&[socket, "127.0.0.1:0", "--probe", "--socket-timeout", "1"])
}

/// Sends `bytes` and then one more now and then, for as long as the server takes them.
fn trickle(mut peer: Peer, bytes: &'static [u8]) {
    spawn(move || {
        let mut sent = peer.write_all(bytes);
        while sent.is_ok() {
            sleep(Duration::from_millis(50));
            sent = peer.write_all(b"a");
        }
    });
}

#[test]
fn a_head_that_trickles_is_given_up() {
    let beginnings: [(&str, &[u8]); 3] = [
        ("--http-socket", b"GET / HTTP/1.1\r\nHost: "),
        ("--uwsgi-socket", b"\0\x00\x0f\0\x04\0"),
        ("--scgi-socket", b"3000:CONTENT_LENGTH"),
    ];
    for (socket, beginning) in beginnings {
        let mut server = server(socket);
        let mut peer = server.connect();
        trickle(peer.another(), beginning);
        let reply = String::from_utf8(peer.rest()).unwrap();
        assert!(reply.contains("408 Request Timeout\r\n"), "{reply}");
        server.line("client sent no whole head within 1 s (socket-timeout)");
    }
}

#[test]
fn a_head_that_stops_half_way_is_given_up() {
    let server = server("--http-socket");
    let mut responses = Responses::on(server.connect());
    responses.peer.send("GET / HTTP/1.1\r\nHost:");
    assert_eq!(responses.next("GET").head.status, 408);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    assert_eq!(server("--http-socket").connect().rest(), b"");
}

#[test]
fn a_body_that_stops_is_given_up() {
    let server = server("--http-socket");
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    assert_eq!(responses.next("POST").head.status, 408);
}

#[test]
fn a_body_that_trickles_is_taken() {
    let server = server("--http-socket");
    let mut responses = Responses::on(server.connect());
    trickle(
        responses.peer.another(),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n",
    );
    assert_eq!(responses.next("POST").report().body_size(), 30);
}

#[test]
fn a_reply_that_nobody_takes_is_given_up() {
    let mut server = server("--http-socket");
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: size=100000000\r\n\r\n");
    server.line("client took none of the reply for 1 s");
}

/// The beginning of a FastCGI request on a kept connection, all but the end of its parameters.
fn half_a_request() -> BytesMut {
    let begin = BeginRequest {
        role: BeginRequest::RESPONDER,
        flags: BeginRequest::KEEP_CONN,
    };
    let mut bytes = BytesMut::new();
    record::encode(Kind::BEGIN_REQUEST, 1, &begin.encode(), &mut bytes);
    params::encode(1, &environ("GET", "body=x", 0), &mut bytes);
    bytes.truncate(bytes.len() - 8);
    bytes
}

#[test]
fn half_a_fastcgi_request_is_given_up() {
    for cut in [0, 3] {
        let mut server = server("--fastcgi-socket");
        let (mut peer, request) = (server.connect(), half_a_request());
        peer.send(&request[..request.len() - cut]);
        assert!(peer.is_closed());
        server.line("gateway sent half a request and then nothing for 1 s (socket-timeout)");
    }
}

#[test]
fn a_kept_fastcgi_connection_may_be_idle_for_long() {
    let server = server("--fastcgi-socket");
    let mut peer = server.connect();
    sleep(Duration::from_millis(1500));
    peer.send(half_a_request());
    peer.send(record::header(Kind::PARAMS, 1, 0, 0));
    assert!(peer.more(&mut BytesMut::new()), "it is served");
}

#[test]
fn a_gateway_that_asks_and_never_reads_is_not_listened_to_for_ever() {
    let server = Server::start(&["--fastcgi-socket", "127.0.0.1:0", "--probe"]);
    let question = values::query(&["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"]);
    let mut questions = BytesMut::new();
    for _ in 0..10_000 {
        record::encode(Kind::GET_VALUES, 0, &question, &mut questions);
    }
    let questions: Bytes = questions.into();
    let mut peer = server.connect();
    peer.give_up_after(Duration::from_secs(1));
    let taken = (0..200).take_while(|_| peer.write_all(&questions).is_ok());
    assert!(taken.count() < 200, "all of it was taken");
}
