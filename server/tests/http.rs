//! The HTTP listener, byte for byte.

mod support;

use std::io::Write;

use support::{Responses, Server, counter, payload};
use wire::http::{LAST_CHUNK, encode_chunk};

fn server() -> Server {
    Server::start(&["--http-socket", "127.0.0.1:0", "--probe"])
}

fn get(probe: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Probe: {probe}\r\n\r\n")
}

#[test]
fn a_request_is_served_whole_and_byte_by_byte() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    let request =
        b"POST /a%20b?q HTTP/1.1\r\nHost: example.org:99\r\nContent-Length: 5\r\n\r\nhello";
    for size in [request.len(), 1] {
        responses.peer.send_in(request, size);
        let response = responses.next("POST");
        assert_eq!(response.head.status, 200);
        let report = response.report();
        assert_eq!(report.var("PATH_INFO"), Some("/a b"));
        assert_eq!(report.var("QUERY_STRING"), Some("q"));
        assert_eq!(report.var("SERVER_NAME"), Some("example.org"));
        assert_eq!(report.var("CONTENT_LENGTH"), Some("5"));
        assert_eq!(report.body_size(), 5);
    }
}

#[test]
fn a_connection_is_kept_for_one_request_after_the_other() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    for size in [0, 1, 5000, 200_000] {
        responses.peer.send(get(&format!("size={size}")));
        assert_eq!(responses.next("GET").body, counter(size));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        (1..=20)
            .map(|size| get(&format!("size={size}")))
            .collect::<String>(),
    );
    for size in 1..=20 {
        assert_eq!(responses.next("GET").body.len(), size);
    }
}

#[test]
fn a_connection_ends_when_the_client_says_so() {
    let server = server();
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut responses = Responses::on(server.connect());
        responses.peer.send(request);
        assert_eq!(responses.next("GET").field("Connection"), Some("close"));
        assert!(responses.peer.is_closed());
    }
}

#[test]
fn a_client_of_http_1_0_may_keep_its_connection() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    for _ in 0..2 {
        responses
            .peer
            .send("GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Probe: body=x\r\n\r\n");
        let response = responses.next("GET");
        assert_eq!(response.field("Connection"), Some("keep-alive"));
        assert_eq!(response.body, b"x");
    }
}

#[test]
fn chunks_go_both_ways() {
    let server = server();
    let body = payload(300_000);
    let mut request = bytes::BytesMut::new();
    request.extend_from_slice(
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for piece in body.chunks(70_001) {
        encode_chunk(piece, &mut request);
    }
    request.extend_from_slice(LAST_CHUNK);
    let peer = server.connect();
    let mut sender = peer.another();
    let sending = std::thread::spawn(move || sender.send(request));
    let response = Responses::on(peer).next("POST");
    sending.join().unwrap();
    assert_eq!(response.field("Transfer-Encoding"), Some("chunked"));
    assert_eq!(response.body, body);
}

#[test]
fn a_chunked_request_may_come_byte_by_byte() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    let request =
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
    responses.peer.send_in(request, 1);
    assert_eq!(responses.next("POST").body, b"abcde");
    responses.peer.send(get("body=next"));
    assert_eq!(responses.next("GET").body, b"next");
}

#[test]
fn a_body_waits_for_its_100_continue() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    for probe in ["echo", "read=all; body=done"] {
        responses.peer.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: {probe}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        ));
        assert_eq!(responses.head().status, 100);
        responses.peer.send("hello");
        let response = responses.next("POST");
        assert_eq!(response.head.status, 200);
        assert!(
            matches!(&response.body[..], b"hello" | b"done"),
            "{response:?}"
        );
    }
}

#[test]
fn a_body_that_is_refused_is_not_asked_for() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: read=none; status=403 Forbidden; body=no\r\n\
         Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(responses.next("POST").head.status, 403);
    assert!(
        responses.peer.is_closed(),
        "what follows could be the body or a request"
    );
}

#[test]
fn a_reply_to_head_has_no_body() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("HEAD / HTTP/1.1\r\nHost: a\r\nX-Probe: size=9\r\n\r\n");
    let response = responses.next("HEAD");
    assert_eq!(response.field("Content-Length"), Some("9"));
    responses.peer.send(get("body=next"));
    assert_eq!(responses.next("GET").body, b"next");
}

#[test]
fn status_204_and_304_have_no_body() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    for status in ["204 No Content", "304 Not Modified"] {
        responses
            .peer
            .send(get(&format!("status={status}; body=dropped")));
        let response = responses.next("GET");
        assert_eq!(response.body, b"");
        assert_eq!(response.field("Transfer-Encoding"), None);
    }
    responses.peer.send(get("body=next"));
    assert_eq!(responses.next("GET").body, b"next");
}

#[test]
fn a_large_body_that_nobody_reads_does_not_cost_the_reply() {
    let server = server();
    let peer = server.connect();
    let mut sender = peer.another();
    let sending = std::thread::spawn(move || {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: read=none; size=1000000\r\n\
                    Content-Length: 50000000\r\n\r\n";
        sender.send(head);
        // The server may stop to listen once it has answered.
        let _ = sender.write_all(&payload(5_000_000));
        sender.end_sending();
    });
    let response = Responses::on(peer).next("POST");
    assert_eq!(response.body, counter(1_000_000));
    sending.join().unwrap();
}

#[test]
fn a_small_body_that_nobody_reads_does_not_cost_the_connection() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: read=none; body=first\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(responses.next("POST").body, b"first");
    responses.peer.send(get("body=next"));
    assert_eq!(responses.next("GET").body, b"next");
}

#[test]
fn a_client_that_ends_its_direction_still_gets_the_reply() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(get("delay=50ms; body=late"));
    responses.peer.end_sending();
    assert_eq!(responses.next("GET").body, b"late");
}

#[test]
fn what_is_no_http_is_refused_with_a_reason() {
    let mut server = server();
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("nonsense\r\n\r\n", 400),
        ("GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
    ] {
        let mut responses = Responses::on(server.connect());
        responses.peer.send(request);
        let response = responses.next("GET");
        assert_eq!(response.head.status, status, "{request}");
        assert!(responses.peer.is_closed());
        server.line(&format!("request refused with {status}"));
    }
}

#[test]
fn tls_is_refused_without_a_wait() {
    let mut server = server();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc");
    assert_eq!(responses.next("GET").head.status, 400);
    server.line("client speaks TLS on a plain HTTP socket (127.0.0.1)");
}

#[test]
fn a_body_that_breaks_its_framing_costs_the_connection() {
    let server = server();
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n");
    let response = responses.next("POST");
    assert_eq!(response.head.status, 400);
    assert_eq!(response.field("connection"), Some("close"));
    assert!(responses.peer.is_closed());
}

#[test]
fn a_head_beyond_the_buffer_size_is_refused() {
    let server = Server::start(&[
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--buffer-size",
        "2048",
    ]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
        "x".repeat(3000)
    ));
    assert_eq!(responses.next("GET").head.status, 431);
}

#[test]
fn a_body_beyond_the_limit_is_refused_whoever_counts() {
    let server = Server::start(&[
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--limit-post",
        "4",
    ]);
    for (size, status) in [(4, 200), (5, 413)] {
        let body = "x".repeat(size);
        for framed in [
            format!("Content-Length: {size}\r\n\r\n{body}"),
            format!(
                "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                size - 1,
                &body[1..]
            ),
        ] {
            let mut responses = Responses::on(server.connect());
            responses
                .peer
                .send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framed}"));
            assert_eq!(responses.next("POST").head.status, status, "{framed}");
        }
    }
}

#[test]
fn an_upload_of_64_mib_streams_through() {
    let server = server();
    let peer = server.connect();
    let mut sender = peer.another();
    const SIZE: usize = 64 << 20;
    let sending = std::thread::spawn(move || {
        sender.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"
        ));
        let piece = payload(1 << 20);
        (0..64).for_each(|_| sender.send(&piece));
    });
    let report = Responses::on(peer).next("POST").report();
    sending.join().unwrap();
    assert_eq!(report.body_size(), SIZE as u64);
}
