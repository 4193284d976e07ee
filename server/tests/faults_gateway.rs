//! Gateways and clients that misbehave, over every protocol: what they get, what the log says, and
//! that the same worker answers the next request.

mod support;

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::BytesMut;
use nix::unistd::Pid;
use support::{Peer, Server, environ, payload};
use wire::fastcgi::{BeginRequest, Kind, params, record};

/// The protocols; each server gives up on a silent peer after a second.
const PROTOCOLS: [&str; 4] = ["http", "uwsgi", "scgi", "fastcgi"];

fn server(protocol: &str) -> Server {
    let socket = format!("--{protocol}-socket");
    Server::start(&[&socket, "127.0.0.1:0", "--probe", "--socket-timeout", "1"])
}

/// A whole POST; where its head ends.
fn post(protocol: &str, probe: &str, body: &[u8]) -> (Vec<u8>, usize) {
    let environ = environ("POST", probe, body.len());
    let mut head = BytesMut::new();
    match protocol {
        "http" => {
            let length = body.len();
            let fields = format!("Host: a\r\nX-Probe: {probe}\r\nContent-Length: {length}");
            let end = "Connection: close\r\n\r\n";
            head.extend_from_slice(format!("POST /a HTTP/1.1\r\n{fields}\r\n{end}").as_bytes());
        }
        "uwsgi" => wire::uwsgi::encode_request(&environ, 0, 0, &mut head).unwrap(),
        "scgi" => wire::scgi::encode_request(&environ, body.len() as u64, &mut head).unwrap(),
        _ => {
            let begin = BeginRequest {
                role: BeginRequest::RESPONDER,
                flags: 0,
            };
            record::encode(Kind::BEGIN_REQUEST, 1, &begin.encode(), &mut head);
            params::encode(1, &environ, &mut head);
        }
    }
    let at = head.len();
    if protocol == "fastcgi" {
        record::encode_stream(Kind::STDIN, 1, body, &mut head);
        record::encode_end(Kind::STDIN, 1, &mut head);
    } else {
        head.extend_from_slice(body);
    }
    (head.to_vec(), at)
}

/// Makes the close of the connection a reset.
fn reset(peer: Peer) {
    let Peer::Tcp(stream) = &peer else {
        panic!("only TCP has resets")
    };
    socket2::SockRef::from(&stream.as_fd())
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// The worker that was there at first answers in full.
#[track_caller]
fn assert_goes_on(protocol: &str, server: &Server, worker: Pid) {
    let mut peer = server.connect();
    peer.send(post(protocol, "echo", b"the next one").0);
    let reply = peer.rest();
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.contains("the next one"), "{protocol}: {reply}");
    let status = std::fs::read_to_string(format!("/proc/{worker}/status"));
    assert!(status.is_ok(), "{protocol}: the worker has ended");
}

#[test]
fn a_reset_anywhere_in_a_request_costs_that_request_alone() {
    for protocol in PROTOCOLS {
        let server = server(protocol);
        let worker = server.workers()[0];
        let (request, head) = post(protocol, "echo", &payload(10_000));
        for sent in [1, head / 2, head, head + 5_000, request.len()] {
            let mut peer = server.connect();
            peer.send(&request[..sent]);
            reset(peer);
        }
        assert_goes_on(protocol, &server, worker);
    }
}

#[test]
fn a_reset_in_the_middle_of_the_reply_is_told_and_costs_that_request_alone() {
    for protocol in PROTOCOLS {
        let mut server = server(protocol);
        let worker = server.workers()[0];
        let mut peer = server.connect();
        peer.send(post(protocol, "chunks=1000; pause=10ms; size=8000000", b"").0);
        assert!(peer.read(&mut [0; 100]).unwrap() > 0, "{protocol}");
        reset(peer);
        server.line("client went away before the reply was complete");
        assert_goes_on(protocol, &server, worker);
    }
}

#[test]
fn who_ends_its_direction_after_the_request_gets_the_reply() {
    for protocol in PROTOCOLS {
        let server = server(protocol);
        let worker = server.workers()[0];
        let mut peer = server.connect();
        peer.send(post(protocol, "echo", b"half-closed").0);
        peer.end_sending();
        let reply = peer.rest();
        assert!(
            String::from_utf8_lossy(&reply).contains("half-closed"),
            "{protocol}"
        );
        assert_goes_on(protocol, &server, worker);
    }
}

#[test]
fn who_ends_its_direction_in_the_middle_of_a_body_is_no_whole_request() {
    for protocol in PROTOCOLS {
        let server = server(protocol);
        let worker = server.workers()[0];
        let mut peer = server.connect();
        let (request, head) = post(protocol, "", &payload(10_000));
        peer.send(&request[..head + 5_000]);
        peer.end_sending();
        let mut reply = Vec::new();
        // A reset would do as well.
        let _ = peer.read_to_end(&mut reply);
        let reply = String::from_utf8_lossy(&reply);
        assert!(!reply.contains(" 200 OK"), "{protocol}: {reply}");
        assert_goes_on(protocol, &server, worker);
    }
}

#[test]
fn garbage_is_refused_and_told_once() {
    // What cannot be the beginning of a request in any protocol.
    let garbage: Vec<u8> = [0xff, 0xfe, 0xfd]
        .into_iter()
        .cycle()
        .take(20_000)
        .collect();
    for protocol in PROTOCOLS {
        let mut server = server(protocol);
        let worker = server.workers()[0];
        let mut peer = server.connect();
        peer.give_up_after(Duration::from_secs(10));
        // It may be refused before all of it is sent.
        let _ = std::io::Write::write_all(&mut peer, &garbage);
        assert!(peer.ends(), "{protocol}");
        assert_goes_on(protocol, &server, worker);
        let told = server.lines_until("generated");
        let about = |line: &&String| !line.contains("generated");
        let complaints: Vec<_> = told.iter().filter(about).collect();
        assert!((1..=3).contains(&complaints.len()), "{protocol}: {told:?}");
        // Nothing of it reaches the log as it came.
        assert!(
            complaints.iter().all(|it| it.is_ascii()),
            "{protocol}: {told:?}"
        );
    }
}

#[test]
fn who_never_reads_is_given_up_and_others_are_served_meanwhile() {
    for protocol in PROTOCOLS {
        let mut server = server(protocol);
        let worker = server.workers()[0];
        let mut deaf = server.connect();
        deaf.send(post(protocol, "size=60000000", b"").0);
        assert_goes_on(protocol, &server, worker);
        server.line("client took none of the reply for 1 s");
        assert_goes_on(protocol, &server, worker);
        drop(deaf);
    }
}
