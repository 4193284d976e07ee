//! What the log says of requests, seen from outside.

mod support;

use support::{Responses, Server};

fn server(extra: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], extra].concat())
}

/// Asks for a path, with header fields of the request's own.
#[track_caller]
fn get(server: &Server, path: &str, fields: &str) {
    let mut responses = Responses::on(server.connect());
    let head = format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
    responses.peer.send(head);
    responses.next("GET");
}

#[test]
fn a_format_is_filled_in_for_each_request() {
    let format = "%(addr) %(host) \"%(method) %(uri) %(proto)\" %(status) %(rsize) [%(uagent)] \
                  %(wid)/%(core) %(var.HTTP_X_ID) %(nonsense) end";
    for option in ["--log-format", "--logformat"] {
        let mut server = server(&[option, format]);
        let fields = "User-Agent: test/1\r\nX-Id: 42\r\nX-Probe: status=404; body=hello\r\n";
        get(&server, "/a?b=c", fields);
        assert_eq!(
            server.line("end"),
            "127.0.0.1 a.example \"GET /a?b=c HTTP/1.1\" 404 5 [test/1] 1/0 42 - end"
        );
    }
}

#[test]
fn a_date_in_a_format_is_written_as_the_log_date_on_demand() {
    let args = ["--log-format", "at <%(ftime)>", "--log-date=day %Y"];
    let mut plain = server(&args);
    get(&plain, "/", "");
    let line = plain.line("at <");
    assert!(line.contains('/') && !line.contains("day"), "{line}");
    let mut asked = server(&[&args[..], &["--log-format-strftime"]].concat());
    get(&asked, "/", "");
    let line = asked.line("at <");
    assert!(line.starts_with("at <day 20"), "{line}");
}

#[test]
fn messages_have_a_date_on_demand() {
    let dated = |option: &str| {
        let mut server = server(&[option]);
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.line("goodbye to gateserve.")
    };
    let line = dated("--log-date");
    let (date, _) = line.split_once(" - ").expect("a date and a message");
    assert_eq!(date.len(), "Sun Nov 22 15:28:10 2026".len(), "{line}");
    assert_eq!(
        dated("--log-date=on a day"),
        "on a day - goodbye to gateserve."
    );
    assert_eq!(dated("--log-prefix=shop"), "shop - goodbye to gateserve.");
}

#[test]
fn without_logging_unusual_requests_are_told_on_demand() {
    for (option, usual, unusual) in [
        (&["--log-4xx"][..], "status=500", "status=404"),
        (&["--log-5xx"], "status=404", "status=503"),
        (&["--log-zero"], "body=x", "status=204"),
        (&["--log-big", "10"], "size=9", "size=10"),
        (&["--log-slow", "50"], "body=x", "delay=60ms; body=x"),
    ] {
        let mut server = server(&[&["--disable-logging"], option].concat());
        get(&server, "/usual", &format!("X-Probe: {usual}\r\n"));
        get(&server, "/unusual", &format!("X-Probe: {unusual}\r\n"));
        let line = server.line(" => generated ");
        assert!(line.contains("GET /unusual =>"), "{option:?}: {line}");
    }
}

#[test]
fn the_client_may_be_told_from_its_proxys_field() {
    let mut server = server(&["--log-x-forwarded-for"]);
    get(&server, "/", "X-Forwarded-For: 192.0.2.7\r\n");
    let line = server.line("generated");
    assert!(line.contains("] 192.0.2.7 () {"), "{line}");
    get(&server, "/", "");
    let line = server.line("generated");
    assert!(line.contains("] 127.0.0.1 () {"), "{line}");
}

#[test]
fn times_may_be_told_in_microseconds() {
    let mut server = server(&["--log-micros"]);
    get(&server, "/", "X-Probe: delay=5ms; body=x\r\n");
    let line = server.line("generated");
    let (_, rest) = line.split_once(" bytes in ").unwrap();
    let (micros, _) = rest.split_once(" micros (").expect("a time");
    assert!(micros.parse::<u64>().unwrap() >= 5000, "{line}");
}

#[test]
fn the_start_is_told_in_uwsgis_words() {
    let args = [
        "--processes",
        "2",
        "--listen",
        "77",
        "--worker-reload-mercy",
        "9",
    ];
    let server = server(&args);
    let seen = server.seen();
    for expected in [
        "*** Starting gateserve ",
        "detected number of CPU cores: ",
        "current working directory: /",
        "detected max file descriptor number: ",
        "your server socket listen backlog is limited to 77 connections",
        "your mercy for graceful operations on workers is 9 seconds",
        "*** Operational MODE: preforking ***",
    ] {
        assert!(
            seen.iter().any(|line| line.starts_with(expected)),
            "{expected}: {seen:?}"
        );
    }
}
