//! The uwsgi listener, byte for byte.

mod support;

use std::io::Write;

use bytes::BytesMut;
use support::{Peer, Responses, Server, counter, environ, payload};
use wire::environ::Environ;
use wire::uwsgi::encode_request;

fn server() -> Server {
    Server::start(&["--socket", "127.0.0.1:0", "--probe"])
}

fn packet(environ: &Environ) -> BytesMut {
    let mut packet = BytesMut::new();
    encode_request(environ, 0, 0, &mut packet).unwrap();
    packet
}

fn get(probe: &str) -> BytesMut {
    packet(&environ("GET", probe, 0))
}

fn post(probe: &str, body: &[u8]) -> BytesMut {
    let mut request = packet(&environ("POST", probe, body.len()));
    request.extend_from_slice(body);
    request
}

/// Everything that comes back until the close.
#[track_caller]
fn reply(server: &Server, request: &[u8]) -> String {
    let mut peer = server.connect();
    peer.send(request);
    String::from_utf8(peer.rest()).unwrap()
}

#[test]
fn a_request_is_served_whole_and_byte_by_byte() {
    let server = server();
    let request = post("", b"hello");
    for size in [request.len(), 1] {
        let mut responses = Responses::on(server.connect());
        responses.peer.send_in(&request, size);
        let response = responses.next("POST");
        assert_eq!(response.head.status, 200);
        let report = response.report();
        assert_eq!(report.var("SCRIPT_NAME"), Some("/probe"));
        assert_eq!(report.var("PATH_INFO"), Some("/a"));
        assert_eq!(report.body_size(), 5);
        assert!(responses.peer.is_closed());
    }
}

#[test]
fn a_unix_socket_serves_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = Server::start(&["--socket", path.to_str().unwrap(), "--probe"]);
    assert!(reply(&server, &get("body=unix")).ends_with("\r\n\r\nunix"));
}

#[test]
fn the_response_is_http_without_framing_of_the_connection() {
    let server = server();
    assert_eq!(
        reply(
            &server,
            &get("body=hello; header=X-A: 1; header=X-A: 2; status=404 Gone Fishing")
        ),
        "HTTP/1.1 404 Gone Fishing\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\
         X-A: 1\r\nX-A: 2\r\n\r\nhello"
    );
}

#[test]
fn a_body_of_unknown_length_ends_with_the_connection() {
    let server = server();
    let reply = reply(&server, &post("echo", b"echoed"));
    assert!(
        reply.ends_with("\r\n\r\nechoed") && !reply.contains("Transfer-Encoding"),
        "{reply}"
    );
}

#[test]
fn bodies_stream_both_ways_at_the_same_time() {
    let server = server();
    let body = payload(8 << 20);
    let peer = server.connect();
    let mut sender = peer.another();
    let request = post("echo", &body);
    let sending = std::thread::spawn(move || sender.send(request));
    assert_eq!(Responses::on(peer).next("POST").body, body);
    sending.join().unwrap();
}

#[test]
fn bytes_beyond_the_body_are_left_alone() {
    let server = server();
    let mut request = post("echo", b"abc");
    request.extend_from_slice(b"defg");
    assert!(reply(&server, &request).ends_with("\r\n\r\nabc"));
}

#[test]
fn an_empty_content_length_is_no_body() {
    let server = server();
    let mut environ = environ("GET", "body=x", 0);
    environ.set("CONTENT_LENGTH", "");
    assert!(reply(&server, &packet(&environ)).ends_with("\r\n\r\nx"));
}

#[test]
fn a_content_length_that_is_none_is_refused() {
    let server = server();
    for length in ["abc", "-1", "5x", "99999999999999999999"] {
        let mut environ = environ("POST", "", 0);
        environ.set("CONTENT_LENGTH", length);
        let reply = reply(&server, &packet(&environ));
        assert!(reply.starts_with("HTTP/1.1 400 "), "{length}: {reply}");
    }
}

#[test]
fn a_body_that_ends_early_is_told_to_the_application() {
    let mut server = server();
    let mut peer = server.connect();
    peer.send(packet(&environ("POST", "", 10)));
    peer.send("four");
    peer.end_sending();
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
    server.line("closed the connection in the middle of the request body");
}

#[test]
fn an_unread_body_does_not_cost_the_reply() {
    let server = server();
    let peer = server.connect();
    let mut sender = peer.another();
    let sending = std::thread::spawn(move || {
        sender.send(packet(&environ(
            "POST",
            "read=none; size=1000000",
            10_000_000,
        )));
        // The server may stop to listen once it has answered.
        let _ = sender.write_all(&payload(10_000_000));
    });
    assert_eq!(Responses::on(peer).next("POST").body, counter(1_000_000));
    sending.join().unwrap();
}

#[test]
fn a_ping_is_answered() {
    let server = server();
    let mut peer = server.connect();
    peer.send([100, 0, 0, 0]);
    assert_eq!(peer.rest(), [100, 0, 0, 1]);
}

#[test]
fn other_packets_are_no_requests() {
    let mut server = server();
    for modifier in [4, 12, 99, 200, 254] {
        let mut peer = server.connect();
        peer.send([modifier, 0, 0, 0]);
        assert_eq!(peer.rest(), b"");
        server.line(&format!("modifiers {modifier} and 0, which is no request"));
    }
}

#[test]
fn modifier_2_means_nothing_to_a_request() {
    let server = server();
    let mut request = get("body=x");
    request[3] = 7;
    assert!(reply(&server, &request).ends_with("\r\n\r\nx"));
}

#[test]
fn what_is_no_packet_is_refused_in_http() {
    let mut server = server();
    for (request, part) in [
        (
            &b"GET / HTTP/1.0\r\n\r\n"[..],
            "speaks HTTP on a uwsgi socket",
        ),
        (&[0, 0, 0, 0], "without variables"),
        (&[0, 4, 0, 0, 9, 0, b'A', b'B'], "runs past its end"),
    ] {
        let reply = reply(&server, request);
        assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
        server.line(part);
    }
}

#[test]
fn a_block_beyond_the_buffer_size_is_refused_with_the_option_to_raise() {
    let mut server = Server::start(&[
        "--socket",
        "127.0.0.1:0",
        "--probe",
        "--buffer-size",
        "1024",
    ]);
    let mut environ = environ("GET", "", 0);
    environ.push("HTTP_X_LONG", "x".repeat(2000));
    let reply = reply(&server, &packet(&environ));
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    server.line("invalid request block size: 2");
    server.line("raise --buffer-size");
}

#[test]
fn variables_without_number_are_refused() {
    let server = server();
    let environ: Environ = (0..1025).map(|at| (format!("V{at}"), "")).collect();
    let reply = reply(&server, &packet(&environ));
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

#[test]
fn a_packet_that_ends_half_way_leaves_the_worker_free() {
    let server = server();
    let request = get("body=x");
    for cut in [0, 1, 3, request.len() - 1] {
        let mut peer = server.connect();
        peer.send(&request[..cut]);
        peer.end_sending();
        assert_eq!(peer.rest(), b"", "after {cut} bytes");
    }
    assert!(reply(&server, &request).ends_with("x"));
}

#[test]
fn a_silent_connection_does_not_hold_up_others() {
    let server = server();
    let _silent = Peer::to(&server.addresses[0]);
    assert!(reply(&server, &get("body=x")).ends_with("x"));
}
