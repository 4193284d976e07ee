//! Connections that the built-in gateway keeps to a FastCGI server.

mod support;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use support::{Responses, Server};

/// The end of a request: an empty STDIN record, or what comes behind a body of one octet.
const STDIN_END: &[u8] = b"\x01\x05\0\x01\0\0\0\0";

/// An upstream that answers each request with the number of its connection, and does besides what
/// the path of the request says.
struct Upstream {
    gateway: Server,
    _folder: tempfile::TempDir,
}

impl Upstream {
    fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                thread::spawn(move || converse(stream, number + 1));
            }
        });
        let to = socket.display().to_string();
        let own = ["--http", "127.0.0.1:0", "--fastcgi-to", &to];
        Self {
            gateway: Server::start(&[&own, options].concat()),
            _folder: folder,
        }
    }

    /// Which connection answered.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut responses = Responses::on(self.gateway.connect());
        let (length, body) = match method {
            "POST" | "PUT" => ("Content-Length: 1\r\n", "x"),
            _ => ("", ""),
        };
        responses.peer.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}"
        ));
        let response = responses.next(method);
        assert_eq!(response.head.status, 200, "{method} {path}");
        String::from_utf8(response.body).unwrap()
    }
}

fn converse(mut stream: UnixStream, number: usize) {
    let (mut seen, mut piece, mut is_used) = (Vec::new(), [0; 4096], false);
    loop {
        while !seen.ends_with(STDIN_END) {
            match stream.read(&mut piece) {
                Ok(count @ 1..) => seen.extend_from_slice(&piece[..count]),
                _ => return,
            }
        }
        let has = |path: &[u8]| seen.windows(path.len()).any(|at| at == path);
        if is_used && has(b"/gone") {
            return;
        }
        is_used = true;
        let mut reply = record(6, format!("Content-Type: a/b\n\n{number}").as_bytes());
        reply.extend(record(3, &[0; 8]));
        if has(b"/more") {
            reply.extend(record(6, b"more"));
        }
        if stream.write_all(&reply).is_err() || has(b"/close") {
            return;
        }
        seen.clear();
    }
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[1, kind, 0, 1, 0, length, 0, 0], content].concat()
}

#[test]
fn requests_follow_each_other_over_a_kept_connection() {
    let upstream = Upstream::start(&["--fastcgi-keepalive", "4"]);
    let asked = [upstream.ask("GET", "/"), upstream.ask("GET", "/")];
    assert_eq!(asked, ["1", "1"]);
}

#[test]
fn nothing_is_kept_unless_asked_for() {
    let upstream = Upstream::start(&[]);
    let asked = [upstream.ask("GET", "/"), upstream.ask("GET", "/")];
    assert_eq!(asked, ["1", "2"]);
}

#[test]
fn a_connection_that_the_upstream_closed_costs_the_next_request_nothing() {
    let upstream = Upstream::start(&["--fastcgi-keepalive", "4"]);
    for number in 1..20 {
        // At once, so that the end may come before the request, with it or behind it.
        assert_eq!(upstream.ask("GET", "/close"), number.to_string());
    }
}

#[test]
fn a_kept_connection_that_brings_nothing_is_made_up_for_by_a_new_one() {
    let upstream = Upstream::start(&["--fastcgi-keepalive", "4"]);
    assert_eq!(upstream.ask("GET", "/"), "1");
    // The upstream takes the request and closes, as one that stops in this moment.
    assert_eq!(upstream.ask("GET", "/gone"), "2");
}

#[test]
fn what_may_not_be_repeated_goes_over_a_new_connection() {
    let upstream = Upstream::start(&["--fastcgi-keepalive", "4"]);
    assert_eq!(upstream.ask("GET", "/"), "1");
    assert_eq!(upstream.ask("POST", "/"), "2");
    // Its body is gone when the connection turns out to be dead.
    assert_eq!(upstream.ask("PUT", "/"), "3");
    assert_eq!(upstream.ask("GET", "/"), "3", "the newest is used first");
}

#[test]
fn what_comes_behind_the_end_reaches_no_other_request() {
    let upstream = Upstream::start(&["--fastcgi-keepalive", "4"]);
    for number in 1..20 {
        assert_eq!(upstream.ask("GET", "/more"), number.to_string());
    }
}
