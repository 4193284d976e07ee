//! Lines of gateserve's own log that a user meets in trouble are known to explain.

use std::{fs, path::Path};

use gatebench::cause;

/// A part of the message as the source has it, and a line as it is logged.
const LINES: [(&str, &str); 26] = [
    (
        "request refused with {status}: {reason}",
        "request refused with 400: no uwsgi packet (127.0.0.1)",
    ),
    (
        "; raise --buffer-size",
        "request refused with 431: a block of 5216 bytes, 4096 are allowed; raise --buffer-size",
    ),
    (
        "invalid request block size: {datasize} (max {limit})...skip",
        "invalid request block size: 5216 (max 4096)...skip",
    ),
    (
        "request refused over FastCGI: {why}{hint}",
        "request refused over FastCGI: its PARAMS are too large; raise --buffer-size",
    ),
    (
        "connection closed: gateway {fault}",
        "connection closed: gateway sent protocol version 72, expected 1",
    ),
    (
        "gateway sent a uwsgi packet with modifiers {other}",
        "gateway sent a uwsgi packet with modifiers 30 and 0, which is no request",
    ),
    (
        "cannot accept connections for now: {error}",
        "cannot accept connections for now: Too many open files (os error 24)",
    ),
    (
        "request took longer than {seconds} s (harakiri)",
        "request took longer than 30 s (harakiri)",
    ),
    (
        "HARAKIRI: graceful termination attempt on worker",
        "HARAKIRI: graceful termination attempt on worker 1 with signal 15. Next harakiri: 2",
    ),
    (
        "need-app requested, destroying the instance",
        "need-app requested, destroying the instance...",
    ),
    (
        "worker respawning too fast !!!",
        "worker respawning too fast !!! i have to sleep a bit (2 seconds)...",
    ),
    (
        "cannot fork worker {place}",
        "cannot fork worker 1: Resource temporarily unavailable",
    ),
    (
        "is taking too much time to die...NO MERCY !!!",
        "worker 1 (pid: 7) is taking too much time to die...NO MERCY !!!",
    ),
    (
        "uWSGI listen queue of socket",
        "*** uWSGI listen queue of socket \"/run/app.sock\" (fd: 3) full !!! (101/100) ***",
    ),
    (
        "reload refused, the running server goes on: {reason}",
        "*** reload refused, the running server goes on: x ***",
    ),
    (
        "[uwsgi-fileserve] security error: {} is not under",
        "[uwsgi-fileserve] security error: /etc/passwd is not under /srv or a safe path",
    ),
    (
        "its scripts run by exec",
        "cgi-mode warm: /srv/a.cgi is no Python; its scripts run by exec",
    ),
    (
        "CGI programs run (cgi-concurrency) and {waiting} requests wait",
        "8 CGI programs run (cgi-concurrency) and 32 requests wait (cgi-queue)",
    ),
    (
        "no CGI program at {}",
        "no CGI program at /usr/lib/cgi-bin/none",
    ),
    (
        "{} may not be run: {why}",
        "/usr/lib/cgi-bin/a may not be run: no x bit",
    ),
    (
        "application sent an unusable head: {0}",
        "application sent an unusable head: no colon",
    ),
    (
        "request body exceeds {0} bytes (limit-post)",
        "request body exceeds 1048576 bytes (limit-post)",
    ),
    (
        "client went away before the reply was complete",
        "client went away before the reply was complete (GET /)",
    ),
    (
        "it ended its reply before the end of the response head",
        "/run/a.sock: it ended its reply before the end of the response head, after 0 bytes",
    ),
    (
        "you are running gateserve as root !!!",
        "*** WARNING: you are running gateserve as root !!! (use the --uid flag) ***",
    ),
    (
        "FATAL hook failed, destroying instance",
        "FATAL hook failed, destroying instance",
    ),
];

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, text),
            false => text.push_str(&fs::read_to_string(path).unwrap()),
        }
    }
}

#[test]
fn every_line_of_trouble_is_known_to_explain() {
    for (_, line) in LINES {
        let known = cause::of_line(line);
        assert!(known.is_some(), "explain does not know: {line}");
    }
}

#[test]
fn the_lines_are_those_that_gateserve_writes() {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src");
    let mut text = String::new();
    sources(&server, &mut text);
    for (message, _) in LINES {
        assert!(
            text.contains(message),
            "gateserve has no message `{message}` any more: see scenarios/log-lines.toml"
        );
    }
}
