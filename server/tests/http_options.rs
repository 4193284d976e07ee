//! Options of HTTP sockets and of the fields of replies.

mod support;

use std::time::{Duration, Instant};

use support::{Responses, Server};

fn server(options: &[&str]) -> Server {
    Server::start(&[&["--probe"], options].concat())
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: body=x\r\n\r\n";

#[test]
fn an_idle_connection_is_kept_for_as_long_as_http_keepalive_says() {
    let server = server(&["--http", "127.0.0.1:0", "--http-keepalive=2"]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(GET);
    assert_eq!(responses.next("GET").body, b"x");
    let idle = Instant::now();
    assert!(responses.peer.is_closed());
    assert!(
        idle.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        idle.elapsed()
    );
}

#[test]
fn http_keepalive_of_0_closes_after_each_response() {
    let server = server(&["--http-socket", "127.0.0.1:0", "--http-keepalive=0"]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(GET);
    assert_eq!(responses.next("GET").field("Connection"), Some("close"));
    assert!(responses.peer.is_closed());
}

#[test]
fn http_timeout_bounds_clients_of_http_and_socket_timeout_those_of_sockets() {
    let mut server = server(&[
        "--http",
        "127.0.0.1:0",
        "--http-timeout",
        "1",
        "--socket-timeout",
        "90",
    ]);
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHo");
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    server.line("client sent no whole head within 1 s (http-timeout)");
}

#[test]
fn http_headers_timeout_bounds_the_head_alone() {
    let server = server(&["--http", "127.0.0.1:0", "--http-headers-timeout", "1"]);
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHo");
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
}

#[test]
fn http_var_adds_a_variable() {
    let server = server(&["--http-socket", "127.0.0.1:0", "--http-var", "STAGE=test=1"]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(responses.next("GET").report().var("STAGE"), Some("test=1"));
}

#[test]
fn add_header_and_rem_header_change_every_reply() {
    let server = server(&[
        "--http-socket",
        "127.0.0.1:0",
        "--add-header",
        "X-Frame-Options: DENY",
        "--add-header=Connection: close",
        "--rem-header",
        "x-mine",
    ]);
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: header=X-Mine: 1; body=x\r\n\r\n");
    let response = responses.next("GET");
    assert_eq!(response.field("X-Frame-Options"), Some("DENY"));
    assert_eq!(response.field("X-Mine"), None);
    assert_eq!(response.field("Connection"), Some("close"));
}

#[test]
fn options_of_the_router_process_are_accepted_and_told() {
    let mut server = server(&["--http", "127.0.0.1:0", "--http-processes", "2"]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(GET);
    assert_eq!(responses.next("GET").head.status, 200);
    server.line("GET /");
    let told = server.earlier("`http-processes` (command line) changes nothing");
    assert!(told.contains("the workers speak HTTP themselves"), "{told}");
}

#[test]
fn a_port_may_be_shared_with_reuse_port() {
    let first = server(&["--http-socket", "127.0.0.1:0", "--reuse-port"]);
    let address = first.addresses[0].clone();
    let second = server(&["--http-socket", &address, "--reuse-port"]);
    assert_eq!(second.addresses[0], address);
}

#[test]
fn freebind_takes_an_address_that_is_not_here() {
    // TEST-NET-1 belongs to nobody.
    let server = server(&["--http-socket", "192.0.2.1:0", "--freebind"]);
    assert!(server.addresses[0].starts_with("192.0.2.1:"));
}
