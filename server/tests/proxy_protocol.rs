//! PROXY headers in front of HTTP requests.

mod support;

use support::{Responses, Server};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the application gets to know as the client of a request behind `header`.
fn client(options: &[&str], header: &[u8]) -> Option<(String, String)> {
    let arguments = [&["--probe", "--http", "127.0.0.1:0"], options].concat();
    let server = Server::start(&arguments);
    let mut responses = Responses::on(server.connect());
    responses.peer.send_in(&[header, GET].concat(), 7);
    let response = responses.next("GET");
    if response.head.status != 200 {
        return None;
    }
    let report = response.report();
    let var = |name| report.var(name).unwrap().to_owned();
    Some((var("REMOTE_ADDR"), var("REMOTE_PORT")))
}

#[test]
fn the_client_is_who_the_proxy_says() {
    let on = &["--http-enable-proxy-protocol=1"];
    let line = b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 80\r\n";
    assert_eq!(client(on, line), Some(("192.0.2.7".into(), "5000".into())));
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x08\x0a\0\0\x01\x13\x89\0\x50";
    assert_eq!(
        client(on, binary),
        Some(("192.0.2.8".into(), "5001".into()))
    );
}

#[test]
fn a_connection_without_the_header_is_served_as_it_is() {
    let (address, _) = client(&["--http-enable-proxy-protocol"], b"").unwrap();
    assert_eq!(address, "127.0.0.1");
}

#[test]
fn nobody_can_claim_to_be_a_proxy_unless_that_is_allowed() {
    assert_eq!(
        client(&[], b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 80\r\n"),
        None
    );
}
