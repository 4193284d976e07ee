//! What a stranger may try, and does not get.

mod support;

use std::os::unix::fs::symlink;

use bytes::BytesMut;
use support::{Report, Responses, Server, environ};
use wire::environ::Environ;

fn probe() -> Server {
    Server::start(&["--http-socket", "127.0.0.1:0", "--probe"])
}

#[test]
fn fields_of_a_request_become_no_variable_but_their_own() {
    let server = probe();
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        "GET / HTTP/1.1\r\nHost: a\r\nProxy: http://evil\r\nRemote-User: root\r\nRemote-Addr: 8.8.8.8\r\n\
         X-Name: good\r\nX_Name: evil\r\nREMOTE_USER: root\r\nHTTPS: on\r\nScript-Name: /evil\r\n\r\n",
    );
    let report = responses.next("GET").report();
    // CGI-DF-HTTPOXY, CGI-DF-UNDERSCORE, DF-VAR-REMOTE-USER-SPOOF
    assert_eq!(report.var("HTTP_PROXY"), None);
    assert_eq!(report.var("HTTP_X_NAME"), Some("good"));
    assert_eq!(report.var("REMOTE_USER"), None);
    assert_eq!(report.var("REMOTE_ADDR"), Some("127.0.0.1"));
    assert_eq!(report.var("HTTPS"), None);
    assert_ne!(report.var("SCRIPT_NAME"), Some("/evil"));
}

/// What two parties could take for one request or for two (DF-REQ-CHUNKED-SMUGGLE).
const SMUGGLERS: &[(&str, &str)] = &[
    (
        "CL.TE",
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "TE.CL",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ),
    (
        "two lengths",
        "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    ),
    ("a list of lengths", "Content-Length: 0, 5\r\n\r\n"),
    ("a signed length", "Content-Length: +0\r\n\r\n"),
    ("obs-fold", "X-A: b\r\n Content-Length: 5\r\n\r\n"),
    ("a blank before the colon", "Content-Length : 5\r\n\r\n"),
    (
        "another coding",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    ("a bare LF", "X-A: b\nContent-Length: 5\r\n\r\n"),
    ("a bare LF that ends the head", "X-A: b\n\n"),
    (
        "chunked twice",
        "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a bare CR", "X-A: b\rContent-Length: 5\r\n\r\n"),
    ("NUL", "X-A: b\0c\r\n\r\n"),
];

#[test]
fn no_request_is_hidden_in_another() {
    let server = probe();
    for (name, rest) in SMUGGLERS {
        let mut peer = server.connect();
        let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\nX-Probe: body=hidden\r\n\r\n";
        peer.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}{hidden}"));
        let reply = peer.rest();
        let reply = String::from_utf8_lossy(&reply);
        assert!(
            reply.starts_with("HTTP/1.1 400 ") || reply.starts_with("HTTP/1.1 501 "),
            "{name}: {reply}"
        );
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{name}: {reply}");
    }
}

#[test]
fn no_path_leads_out_of_a_mounted_folder() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "the secret").unwrap();
    let inside = outside.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    symlink("../secret", inside.join("link")).unwrap();
    let folder = inside.display();
    let (cgi, files) = (format!("/cgi={folder}"), format!("/files={folder}"));
    let server = Server::start(&[
        "--http-socket",
        "127.0.0.1:0",
        "--cgi",
        &cgi,
        "--static-map",
        &files,
        "--probe",
    ]);
    for mount in ["cgi", "files"] {
        for path in [
            "../secret",
            "%2e%2e/secret",
            "..%2fsecret",
            "%2e%2e%2fsecret",
            "%252e%252e/secret",
            "..%252fsecret",
            "..%5csecret",
            "x/../../secret",
            ".%00./secret",
            "secret%00.txt",
            "link",
            "//../secret",
        ] {
            let mut responses = Responses::on(server.connect());
            responses.peer.send(format!(
                "GET /{mount}/{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ));
            let response = responses.next("GET");
            let body = String::from_utf8_lossy(&response.body).into_owned();
            assert!(!body.contains("the secret"), "{mount} {path}");
        }
    }
}

#[test]
fn variables_of_a_gateway_are_no_commands() {
    let server = Server::start(&["--socket", "127.0.0.1:0", "--probe"]);
    let mut asked: Environ = environ("GET", "", 0);
    for (name, value) in [
        ("UWSGI_FILE", "/nonexistent.py"),
        ("UWSGI_SETENV", "EVIL=1"),
        ("UWSGI_CHDIR", "/"),
        ("UWSGI_SCRIPT", "os"),
        ("PHP_VALUE", "auto_prepend_file=/etc/passwd"),
    ] {
        asked.push(name, value);
    }
    let mut packet = BytesMut::new();
    wire::uwsgi::encode_request(&asked, 0, 0, &mut packet).unwrap();
    let mut peer = server.connect();
    peer.send(&packet);
    let reply = peer.rest();
    let at = reply
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let report = Report::of(&reply[at + 4..]);
    assert_eq!(report.var("EVIL"), None);
    assert_eq!(
        report.var("UWSGI_FILE"),
        Some("/nonexistent.py"),
        "an ordinary variable"
    );
}

#[test]
fn no_line_of_the_log_is_the_clients() {
    let mut server = Server::start(&["--uwsgi-socket", "127.0.0.1:0", "--probe"]);
    let mut asked: Environ = environ("GET", "", 0)
        .iter()
        .filter(|(name, _)| name[..] != b"REQUEST_URI"[..])
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    asked.push("REQUEST_URI", "/a\r\nforged line \u{1b}[31m");
    let mut packet = BytesMut::new();
    wire::uwsgi::encode_request(&asked, 0, 0, &mut packet).unwrap();
    let mut peer = server.connect();
    peer.send(&packet);
    peer.rest();
    // DF-LOG-INJECTION
    let line = server.line("forged line");
    assert!(line.starts_with("[pid: "), "{line}");
    assert!(line.contains("/a\\r\\nforged line \\u{1b}[31m"), "{line}");
}
