//! The built-in gateway in front of this server itself, and CGI behind each listener.

mod support;

use std::os::unix::fs::PermissionsExt;

use support::{Responses, Server, payload};

/// An application server and a gateway that forwards to it.
fn behind(protocol: &str, app: &[&str]) -> (Server, Server) {
    let socket = format!("--{protocol}-socket");
    let backend = Server::start(&[&[socket.as_str(), "127.0.0.1:0"], app].concat());
    let to = format!("--{protocol}-to");
    let gateway = Server::start(&["--http", "127.0.0.1:0", &to, &backend.addresses[0]]);
    (backend, gateway)
}

const PROTOCOLS: [&str; 3] = ["uwsgi", "fastcgi", "scgi"];

#[test]
fn each_protocol_carries_the_same_request() {
    for protocol in PROTOCOLS {
        let (_backend, gateway) = behind(protocol, &["--probe"]);
        let mut responses = Responses::on(gateway.connect());
        for _ in 0..2 {
            responses.peer.send(
                "POST /a%20b?q=1 HTTP/1.1\r\nHost: example.org\r\nX-Two: 2\r\nContent-Length: 5\r\n\r\nhello",
            );
            let report = responses.next("POST").report();
            assert_eq!(report.var("PATH_INFO"), Some("/a b"), "{protocol}");
            assert_eq!(report.var("QUERY_STRING"), Some("q=1"), "{protocol}");
            assert_eq!(report.var("HTTP_X_TWO"), Some("2"), "{protocol}");
            assert_eq!(report.body_size(), 5, "{protocol}");
        }
    }
}

#[test]
fn bodies_stream_through_both_ways() {
    for protocol in PROTOCOLS {
        let (_backend, gateway) = behind(protocol, &["--probe"]);
        let body = payload(3 << 20);
        let peer = gateway.connect();
        let mut sender = peer.another();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), &body].concat();
        let sending = std::thread::spawn(move || sender.send(request));
        assert_eq!(Responses::on(peer).next("POST").body, body, "{protocol}");
        sending.join().unwrap();
    }
}

#[test]
fn a_server_that_is_not_there_is_a_bad_gateway() {
    let gateway = Server::start(&["--http", "127.0.0.1:0", "--uwsgi-to", "/no/such/socket"]);
    let mut responses = Responses::on(gateway.connect());
    responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(responses.next("GET").head.status, 502);
}

/// A folder with one CGI program that tells what it got.
fn script() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tell");
    let text = "#!/bin/sh\n\
                printf 'Content-Type: text/plain\\n\\n'\n\
                printf '%s|%s|%s|' \"$SCRIPT_NAME\" \"$PATH_INFO\" \"$QUERY_STRING\"\n\
                cat\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn cgi_programs_answer_behind_every_protocol() {
    let folder = script();
    let mount = format!("/cgi-bin={}", folder.path().display());
    let direct = Server::start(&["--http", "127.0.0.1:0", "--cgi", &mount]);
    let pairs = PROTOCOLS.map(|protocol| behind(protocol, &["--cgi", &mount]));
    for server in pairs.iter().map(|(_, gateway)| gateway).chain([&direct]) {
        let mut responses = Responses::on(server.connect());
        responses.peer.send(
            "POST /cgi-bin/tell/more?x=y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        );
        let response = responses.next("POST");
        assert_eq!(
            String::from_utf8_lossy(&response.body),
            "/cgi-bin/tell|/more|x=y|hello"
        );
    }
}
