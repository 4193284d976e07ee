//! Sizes and times that bound one request, and bodies that are read before the application runs.

mod support;

use std::time::{Duration, Instant};

use bytes::BytesMut;
use support::{Responses, Server, environ, payload};

/// A uwsgi request whose block of variables is `size` bytes long.
fn packet_of(size: usize) -> BytesMut {
    let packet = |padding: usize| {
        let mut environ = environ("GET", "body=x", 0);
        environ.push("HTTP_X_LONG", "x".repeat(padding));
        let mut bytes = BytesMut::new();
        wire::uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap();
        bytes
    };
    let head = packet(0).len() - 4;
    packet(size - head)
}

fn answer(server: &Server, request: &[u8]) -> String {
    let mut peer = server.connect();
    peer.send(request);
    String::from_utf8_lossy(&peer.rest()).into_owned()
}

fn uwsgi(options: &[&str]) -> Server {
    Server::start(&[&["--socket", "127.0.0.1:0", "--probe"], options].concat())
}

#[test]
fn a_block_of_variables_may_have_4096_bytes_and_no_more() {
    let mut server = uwsgi(&[]);
    assert!(answer(&server, &packet_of(4096)).starts_with("HTTP/1.1 200 "));
    assert!(answer(&server, &packet_of(4097)).starts_with("HTTP/1.1 431 "));
    server.line("invalid request block size: 4097 (max 4096)...skip");
}

#[test]
fn a_buffer_of_65536_is_one_of_65535() {
    let server = uwsgi(&["--buffer-size", "65536  # large"]);
    assert!(answer(&server, &packet_of(65535)).starts_with("HTTP/1.1 200 "));
}

#[test]
fn heads_over_http_and_scgi_are_refused_in_the_words_of_uwsgi() {
    let long = "x".repeat(5000);
    for (socket, request, status, line) in [
        (
            "--http-socket",
            format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n"),
            "HTTP/1.1 431 ",
            "invalid HTTP request size (max 4096)...skip",
        ),
        (
            "--scgi-socket",
            format!("6000:CONTENT_LENGTH\0{long}"),
            "Status: 431 ",
            "invalid SCGI request size (max 4096)...skip",
        ),
    ] {
        let mut server = Server::start(&[socket, "127.0.0.1:0", "--probe"]);
        let reply = answer(&server, request.as_bytes());
        assert!(reply.starts_with(status), "{reply}");
        server.line(line);
    }
}

#[test]
fn a_silent_client_is_given_up_after_4_seconds() {
    let mut server = uwsgi(&[]);
    let mut peer = server.connect();
    let began = Instant::now();
    peer.send(&packet_of(1000)[..10]);
    let reply = String::from_utf8_lossy(&peer.rest()).into_owned();
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    assert!(
        began.elapsed() >= Duration::from_millis(3900),
        "{:?}",
        began.elapsed()
    );
    server.line("client sent no whole head within 4 s (socket-timeout)");
}

fn http(options: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], options].concat())
}

/// What the probe says to a body that the client never ends. It answers before it reads.
fn early_answer(server: &Server) -> String {
    let mut peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nX-Probe: read=0; body=early\r\nContent-Length: 50\r\n\r\nhalf");
    String::from_utf8_lossy(&peer.rest()).into_owned()
}

#[test]
fn with_post_buffering_the_application_waits_for_the_whole_body() {
    let server = http(&["--post-buffering", "4096", "--socket-timeout", "1"]);
    assert!(early_answer(&server).starts_with("HTTP/1.1 408 "));
}

#[test]
fn post_buffering_that_is_true_reads_as_0_which_is_off() {
    let server = http(&["--post-buffering", "true", "--socket-timeout", "1"]);
    let reply = early_answer(&server);
    assert!(
        reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("early"),
        "{reply}"
    );
}

#[test]
fn a_buffered_body_arrives_whole_from_memory_and_from_a_file() {
    let server = http(&["--post-buffering", "4096"]);
    for size in [0, 1, 4096, 4097, 1_000_000] {
        let body = payload(size);
        let mut responses = Responses::on(server.connect());
        responses.peer.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nContent-Length: {size}\r\n\r\n"
        ));
        responses.peer.send(&body);
        assert!(responses.next("POST").body == body, "{size} bytes");
    }
}

#[test]
fn a_buffered_body_that_nobody_announced_has_a_length() {
    let server = http(&["--post-buffering", "4096"]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    let report = responses.next("POST").report();
    assert_eq!(report.var("CONTENT_LENGTH"), Some("3"));
    assert_eq!(report.body_size(), 3);
}

#[test]
fn a_buffered_body_beyond_limit_post_is_refused() {
    let server = http(&["--post-buffering", "4096", "--limit-post", "10"]);
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    assert_eq!(responses.next("POST").head.status, 413);
}

#[test]
fn clients_that_left_are_told_of_unless_write_errors_are_ignored() {
    for (options, is_told) in [(&[][..], true), (&["--ignore-write-errors"][..], false)] {
        let mut server = http(options);
        let mut peer = server.connect();
        peer.send("GET /left HTTP/1.1\r\nHost: a\r\nX-Probe: delay=300ms; size=50000000\r\n\r\n");
        drop(peer);
        // The request line of the log is written after any complaint.
        let line = server.line("GET /left");
        assert_eq!(line.contains("client went away"), is_told, "{line}");
    }
}
