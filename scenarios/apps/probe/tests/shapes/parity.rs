//! One behaviour: the shapes reply alike.

use crate::support::{self, Case, Reply, Shape};

/// Asserts that all shapes at hand reply alike, and gives the Rust program's reply.
#[track_caller]
fn alike(name: &str, case: &Case) -> Reply {
    let rust = support::run(&Shape::RustCgi, case);
    let Some(python) = support::python(name) else {
        return rust;
    };
    let cgi = support::run(&Shape::PythonCgi(python), case);
    assert_eq!(cgi, rust, "probe.py as CGI, X-Probe: {}", case.commands);
    let mut wsgi = support::run(&Shape::PythonWsgi(python), case);
    wsgi.exit = rust.exit;
    assert_eq!(wsgi, rust, "probe.py as WSGI, X-Probe: {}", case.commands);
    rust
}

fn get(commands: &str) -> Case {
    Case::new("GET", commands)
}

fn post(commands: &str, body: &[u8]) -> Case {
    let mut case = Case::new("POST", commands);
    case.variable("CONTENT_LENGTH", &body.len().to_string());
    case.stdin = body.to_vec();
    case
}

#[test]
fn the_report_is_alike() {
    let mut case = post("", b"hello");
    case.variable("PATH_INFO", "/caf\u{e9} \"x\"");
    let reply = alike("the_report_is_alike", &case);
    let report = reply.report();
    assert_eq!(report.body.size, 5);
    assert!(
        report
            .environ
            .contains(&("REQUEST_METHOD".into(), "POST".into()))
    );
}

#[test]
fn heads_are_alike() {
    for commands in [
        "status=404 Not Found; body=gone",
        "status=299; body=",
        "body=a%3Bb%25%0A%C3%A9; header=X-A: 1; header=Set-Cookie: a=b; header=Set-Cookie: c=d",
        "body=x; header=content-type: text/html; header=Content-Length: 1",
        "body=x; length=no",
        "body=hello; length=yes",
        "body=hello; length=3",
        "size=100; chunks=3; pause=1ms",
        "size=100; chunks=3; length=yes",
        "size=0; length=yes",
        "status=201 Created",
        "delay=1ms; body=late",
        "burn=1ms; body=late",
    ] {
        let reply = alike("heads_are_alike", &get(commands));
        let lengths = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-length");
        assert!(
            reply.fields.iter().filter(lengths).count() <= 1,
            "{commands}"
        );
    }
}

#[test]
fn patterns_are_alike() {
    let reply = alike("patterns_are_alike", &get("size=200000"));
    assert_eq!(reply.body.len(), 200_000);
    assert_eq!(reply.body[199_999], (199_999 % 251) as u8);
}

#[test]
fn echoes_are_alike() {
    let body: Vec<u8> = (0..=255).cycle().take(150_000).collect();
    for commands in ["echo", "echo; length=yes", "echo; length=7"] {
        assert_eq!(alike("echoes_are_alike", &post(commands, &body)).body, body);
    }
    assert_eq!(
        alike("echoes_are_alike", &post("echo; read=5", &body)).body,
        &body[..5]
    );
    assert_eq!(alike("echoes_are_alike", &get("echo")).body, b"");
}

#[test]
fn what_is_read_is_alike() {
    for (commands, size) in [
        ("read=all", 5),
        ("read=none", 0),
        ("read=3", 3),
        ("read=9", 5),
    ] {
        let reply = alike("what_is_read_is_alike", &post(commands, b"hello"));
        assert_eq!(reply.report().body.size, size, "{commands}");
    }
}

#[test]
fn broken_bodies_are_alike() {
    let mut short = post("", b"abc");
    short.variable("CONTENT_LENGTH", "9");
    let error = alike("broken_bodies_are_alike", &short).report().body.error;
    assert_eq!(error.as_deref(), Some("ended after 3 of 9 bytes"));
    for value in ["", "abc", "-1", "+3", "0x3", "99999999999999999999"] {
        let mut case = post("", b"abc");
        case.variable("CONTENT_LENGTH", value);
        assert_eq!(
            alike("broken_bodies_are_alike", &case).report().body.size,
            0,
            "{value}"
        );
    }
}

#[test]
fn head_requests_are_alike() {
    for commands in [
        "",
        "body=hello",
        "size=10",
        "echo",
        "status=404 Not Found",
        "colour=red",
    ] {
        let reply = alike("head_requests_are_alike", &Case::new("HEAD", commands));
        assert_eq!(reply.body, b"", "{commands}");
    }
}

#[test]
fn error_streams_are_alike() {
    let reply = alike(
        "error_streams_are_alike",
        &get("stderr=oops%0A; stderr-size=3000; body=x"),
    );
    assert_eq!(reply.stderr, format!("oops\n{}", "e".repeat(3000)));
}

#[test]
fn refusals_are_alike() {
    for (commands, error) in [
        ("colour=red", "unknown probe command: colour"),
        ("colour", "unknown probe command: colour"),
        ("size=many", "bad value for size: many"),
        ("size", "bad value for size: "),
        ("echo=", "bad value for echo: "),
        ("chunks=0", "bad value for chunks: 0"),
        ("status=20", "bad value for status: 20"),
        ("status=099 x", "bad value for status: 099 x"),
        ("status=200OK", "bad value for status: 200OK"),
        ("header=X-A", "bad value for header: X-A"),
        ("header=X A: b", "bad value for header: X A: b"),
        ("header=X: a%0Ab", "bad value for header: X: a%0Ab"),
        ("location=/%0D", "bad value for location: /%0D"),
        ("die=now", "bad value for die: now"),
        ("die=before_head", "bad value for die: before_head"),
        ("exit=4294967296", "bad value for exit: 4294967296"),
        ("read=-1", "bad value for read: -1"),
        ("length=maybe", "bad value for length: maybe"),
        ("delay=5", "bad value for delay: 5"),
        ("burn=5", "bad value for burn: 5"),
        ("body=%4", "bad value for body: %4"),
        (
            "body=\"caf\u{e9}%\"",
            "bad value for body: \"caf\u{c3}\u{a9}%\"",
        ),
    ] {
        let reply = alike("refusals_are_alike", &get(commands));
        assert_eq!(reply.status, "400 Bad Request");
        assert_eq!(reply.refusal(), error);
    }
}

#[test]
fn exit_statuses_are_alike() {
    for (commands, status) in [("exit=3; body=x", 3), ("exit=256", 0), ("body=x", 0)] {
        assert_eq!(
            alike("exit_statuses_are_alike", &get(commands)).exit,
            Some(status)
        );
    }
}

/// Raw output, a bare Location and a crash are CGI's own: WSGI has them in its way or not at all.
#[test]
fn cgi_output_is_alike() {
    for commands in [
        "raw=no head",
        "raw=Status: 200 OK%0A%0Ax",
        "location=/next?a=b",
        "status=204",
        "app=wsgi/call:plain; case=1",
    ] {
        let rust = support::output(&Shape::RustCgi, &get(commands));
        let Some(python) = support::python("cgi_output_is_alike") else {
            return;
        };
        let cgi = support::output(&Shape::PythonCgi(python), &get(commands));
        assert_eq!(cgi.stdout, rust.stdout, "{commands}");
    }
}

#[test]
fn targets_of_a_location_are_alike() {
    let mut case = get("location=/next?a=b; status=404 Not Found");
    case.variable("QUERY_STRING", "a=b");
    let reply = alike("targets_of_a_location_are_alike", &case);
    assert_eq!(reply.status, "404 Not Found");
    assert_eq!(reply.report().body.size, 0);
}

#[test]
fn deaths_are_alike() {
    for (commands, head) in [
        ("die=before-head; body=x", ""),
        ("die=after-head; body=x", DEAD_HEAD),
    ] {
        let rust = support::output(&Shape::RustCgi, &get(commands));
        assert_eq!(
            (&rust.stdout[..], rust.status.code()),
            (head.as_bytes(), None),
            "{commands}"
        );
        let Some(python) = support::python("deaths_are_alike") else {
            return;
        };
        let cgi = support::output(&Shape::PythonCgi(python), &get(commands));
        assert_eq!(
            (cgi.stdout, cgi.status),
            (rust.stdout, rust.status),
            "{commands}"
        );
    }
}

const DEAD_HEAD: &str = "Content-Type: text/plain\nContent-Length: 1\n\n";

#[test]
fn over_wsgi_a_location_is_302_and_raw_is_501() {
    let Some(python) = support::python("over_wsgi_a_location_is_302_and_raw_is_501") else {
        return;
    };
    let redirect = support::run(&Shape::PythonWsgi(python), &get("location=/next"));
    assert_eq!(redirect.status, "302 Found");
    assert!(
        redirect
            .fields
            .contains(&("Location".into(), "/next".into()))
    );
    let raw = support::run(&Shape::PythonWsgi(python), &get("raw=x"));
    assert_eq!(raw.status, "501 Not Implemented");
    assert_eq!(raw.refusal(), "raw needs a CGI interface");
}

#[test]
fn over_wsgi_a_death_cuts_the_reply() {
    let Some(python) = support::python("over_wsgi_a_death_cuts_the_reply") else {
        return;
    };
    let before = support::run(&Shape::PythonWsgi(python), &get("die=before-head; body=x"));
    assert_eq!(before.status, "500 Internal Server Error");
    let after = support::run(&Shape::PythonWsgi(python), &get("die=after-head; body=x"));
    assert_eq!(
        (after.status.as_str(), &after.body[..]),
        ("200 OK", &b""[..])
    );
}

#[test]
fn the_wsgi_callable_keeps_to_pep_3333() {
    let Some(python) = support::python("the_wsgi_callable_keeps_to_pep_3333") else {
        return;
    };
    for commands in [
        "",
        "body=hello",
        "echo",
        "size=9; chunks=2",
        "colour=red",
        "stderr=x; body=y",
    ] {
        let reply = support::run(&Shape::ValidatedWsgi(python), &post(commands, b"hello"));
        let codes = ["200 OK", "400 Bad Request"];
        assert!(
            codes.contains(&reply.status.as_str()),
            "{commands}: {}",
            reply.stderr
        );
    }
}
