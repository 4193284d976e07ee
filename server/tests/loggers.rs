//! Loggers, routes, encoders and rotation, seen from outside.

mod support;

use std::net::UdpSocket;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::silent::Silent;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn requests_and_messages_go_to_loggers_of_their_own() {
    let loggers = ["--logger", "file:messages.log", "--req-logger"];
    let mut server = Silent::start(&[&loggers[..], &["file:requests.log"]].concat());
    server.holds("messages.log", "gateserve is ready");
    server.get("/asked");
    server.holds("requests.log", "GET /asked => generated 1 bytes");
    assert!(server.end().success());
    let (messages, requests) = (server.text("messages.log"), server.text("requests.log"));
    assert!(messages.ends_with("goodbye to gateserve.\n"), "{messages}");
    assert!(!messages.contains("/asked"), "{messages}");
    assert_eq!(requests.lines().count(), 1, "{requests}");
}

#[test]
fn the_end_of_the_server_waits_for_its_last_words() {
    for option in ["--logger=file:app.log", "--logto=app.log"] {
        let mut server = Silent::start(&[option, "--log-maxsize", "1000000"]);
        server.holds("app.log", "gateserve is ready");
        server.end();
        let log = server.text("app.log");
        assert!(log.ends_with("goodbye to gateserve.\n"), "{log}");
    }
}

#[test]
fn a_log_is_rotated_before_it_grows_too_large_and_loses_nothing() {
    let args = [
        "--logto",
        "app.log",
        "--log-maxsize",
        "3000",
        "--processes",
        "2",
    ];
    let mut server = Silent::start(&[&args[..], &["--log-backupname", "old.log"]].concat());
    server.holds("app.log", "gateserve is ready");
    let count = 40;
    for number in 0..count {
        server.get(&format!("/number-{number}."));
    }
    server.end();
    let (old, new) = (server.text("old.log"), server.text("app.log"));
    assert!(old.contains("triggering rotation to "), "{old}");
    assert!(new.len() <= 3000 && old.len() > 3000, "{new}");
    // The last of them are in the two files that are left, each whole and once.
    let both = old + &new;
    let last = both.find("/number-").expect("requests");
    let told: Vec<_> = both[last..]
        .lines()
        .filter(|line| line.contains("GET /number-"))
        .collect();
    for number in count - 10..count {
        let of = |line: &&&str| line.contains(&format!("/number-{number}."));
        assert_eq!(told.iter().filter(of).count(), 1, "{number} in {both}");
    }
    assert!(
        told.iter().all(|line| line.ends_with("on core 0)")),
        "{both}"
    );
}

#[test]
fn messages_are_routed_dropped_and_encoded() {
    let server = Silent::start(&[
        "--logger=rest file:rest.log",
        "--logger=ready file:ready.log",
        "--log-route=ready is ready",
        "--log-route=rest ^((?!spawned).)*$",
        "--log-drain=GET /quiet",
        "--log-encoder=json:rest {\"message\": \"${msg}\"}",
        "--log-encoder=nl:rest",
        "--log-encoder=prefix:ready > ",
    ]);
    server.holds("ready.log", "gateserve is ready");
    server.get("/quiet");
    server.get("/loud");
    let rest = server.holds("rest.log", "GET /loud");
    assert!(
        !rest.contains("GET /quiet") && !rest.contains("spawned"),
        "{rest}"
    );
    for line in rest.lines() {
        let read: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(read["message"].is_string());
    }
    assert!(server.text("ready.log").starts_with("> gateserve is ready"));
}

#[test]
fn datagrams_and_syslog_have_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let local = UnixDatagram::bind(folder.path().join("log.sock")).unwrap();
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    for timeout in [
        local.set_read_timeout(Some(PATIENCE)),
        remote.set_read_timeout(Some(PATIENCE)),
    ] {
        timeout.unwrap();
    }
    let syslog = format!("--req-logger=rsyslog:{},shop", remote.local_addr().unwrap());
    let server = Silent::start_in(folder, &["--logger=socket:log.sock,shop ", &syslog]);
    let mut packet = [0; 4096];
    // The kernel keeps ten of them at most, and what comes then is lost: the last line may be.
    for _ in 0..3 {
        let size = local.recv(&mut packet).expect("a datagram in time");
        let text = String::from_utf8_lossy(&packet[..size]);
        assert!(text.starts_with("shop ") && text.ends_with('\n'), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let listens = || UnixStream::connect(server.path("app.sock")).is_ok();
    server.until("a socket", listens);
    server.get("/asked");
    let size = remote.recv(&mut packet).expect("a datagram in time");
    let text = String::from_utf8_lossy(&packet[..size]);
    assert!(text.starts_with("<29>"), "{text}");
    assert!(
        text.contains(" shop: [pid: ") && text.contains("GET /asked"),
        "{text}"
    );
}

#[test]
fn a_logger_that_cannot_be_opened_ends_the_start() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--socket", "127.0.0.1:0", "--probe"])
        .args(["--logger", "file:/no/such/app.log"])
        .assert()
        .code(1)
        .stderr(predicates::str::contains("/no/such/app.log: No such file"));
}

/// The children of a process, workers and others.
fn children(pid: Pid) -> Vec<Pid> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    let pids = text.split_whitespace().map(|pid| pid.parse().unwrap());
    pids.map(Pid::from_raw).collect()
}

#[test]
fn a_log_goes_on_when_its_process_is_killed() {
    let mut server = Silent::start(&["--logto", "app.log", "--log-drain", "spawned"]);
    server.holds("app.log", "gateserve is ready");
    // It is the first that the master has started.
    let writer = children(server.pid())[0];
    kill(writer, Signal::SIGKILL).unwrap();
    server.get("/after");
    let log = server.holds("app.log", "GET /after => generated 1 bytes");
    assert!(!log.contains("DAMN"), "no worker has died: {log}");
    server.end();
    let log = server.text("app.log");
    assert!(log.ends_with("goodbye to gateserve.\n"), "{log}");
}
