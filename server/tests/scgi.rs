//! The SCGI listener, byte for byte.

mod support;

use bytes::BytesMut;
use support::{Report, Server, environ, payload};
use wire::scgi::encode_request;

fn server() -> Server {
    Server::start(&["--scgi-socket", "127.0.0.1:0", "--probe"])
}

fn post(probe: &str, body: &[u8]) -> BytesMut {
    let mut request = BytesMut::new();
    encode_request(
        &environ("POST", probe, body.len()),
        body.len() as u64,
        &mut request,
    )
    .unwrap();
    request.extend_from_slice(body);
    request
}

/// Head and body of the CGI response to `request`.
#[track_caller]
fn reply(server: &Server, request: &[u8], write_size: usize) -> (String, Vec<u8>) {
    let mut peer = server.connect();
    peer.send_in(request, write_size);
    let bytes = peer.rest();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head")
        + 4;
    (
        String::from_utf8(bytes[..end].to_vec()).unwrap(),
        bytes[end..].to_vec(),
    )
}

#[test]
fn a_request_is_served_whole_and_byte_by_byte() {
    let server = server();
    let request = post("", b"hello");
    for size in [request.len(), 1] {
        let (head, body) = reply(&server, &request, size);
        assert!(
            head.starts_with("Content-Type: application/json\r\n"),
            "{head}"
        );
        let report = Report::of(&body);
        assert_eq!(report.var("PATH_INFO"), Some("/a"));
        assert_eq!(report.body_size(), 5);
    }
}

#[test]
fn a_unix_socket_serves_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = Server::start(&["--scgi-socket", path.to_str().unwrap(), "--probe"]);
    assert_eq!(
        reply(&server, &post("body=unix", b""), usize::MAX).1,
        b"unix"
    );
}

#[test]
fn bodies_stream_both_ways_at_the_same_time() {
    let server = server();
    let body = payload(8 << 20);
    let mut peer = server.connect();
    let mut sender = peer.another();
    let request = post("echo", &body);
    let sending = std::thread::spawn(move || sender.send(request));
    assert!(peer.rest().ends_with(&body));
    sending.join().unwrap();
}

#[test]
fn the_comma_may_come_late() {
    let server = server();
    let request = post("body=x", b"");
    let mut peer = server.connect();
    let (all_but_comma, comma) = request.split_at(request.len() - 1);
    peer.send(all_but_comma);
    peer.send(comma);
    assert!(peer.rest().ends_with(b"\r\n\r\nx"));
}

#[test]
fn what_is_no_scgi_is_refused_as_cgi() {
    let mut server = server();
    for (request, part) in [
        (
            &b"GET / HTTP/1.0\r\n\r\n"[..],
            "expected the length of a netstring",
        ),
        (
            b"24:SCGI\x001\x00CONTENT_LENGTH\x000\x00,",
            "first header is",
        ),
        (b"24:CONTENT_LENGTH\x000\x00SCGI\x002\x00,", "SCGI is"),
    ] {
        let (head, _) = reply(&server, request, usize::MAX);
        assert!(head.starts_with("Status: 400 Bad Request\r\n"), "{head}");
        server.line(part);
    }
}

#[test]
fn a_request_that_ends_half_way_is_not_run() {
    let server = server();
    let request = post("body=x", b"");
    for cut in 0..request.len() {
        let mut peer = server.connect();
        peer.send(&request[..cut]);
        peer.end_sending();
        assert_eq!(peer.rest(), b"", "after {cut} bytes");
    }
}
