//! Master and workers: readiness, deaths, signals, and what is left behind.

mod support;

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use support::probe::{body, busy, get, server};
use support::{Responses, Server};

#[test]
fn a_request_that_runs_is_finished_before_the_end() {
    let mut server = server(&[]);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(get("chunks=2; pause=300ms; body=ab"));
    // The head is here, so the request runs.
    let head = responses.head();
    server.signal(Signal::SIGTERM);
    server.line("graceful shutdown triggered...");
    assert_eq!(head.status, 200);
    let rest = String::from_utf8(responses.peer.rest()).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert!(server.wait().success());
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let server = server(&[]);
    let mut idle = server.connect();
    let mut used = Responses::on(server.connect());
    used.peer.send(get("body=x"));
    assert_eq!(used.next("GET").body, b"x");
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    assert!(idle.is_closed() && used.peer.is_closed());
}

#[test]
fn requests_that_outlast_the_mercy_are_cut_off() {
    for option in ["--worker-reload-mercy", "--reload-mercy"] {
        let server = server(&[option, "1"]);
        let running = busy(&server);
        server.signal(Signal::SIGTERM);
        assert!(server.wait().success());
        drop(running);
    }
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let mut server = server(&["--processes", "2"]);
    let victim = server.workers()[0];
    kill(victim, Signal::SIGKILL).unwrap();
    let died =
        format!("DAMN ! worker 1 (pid: {victim}) died, killed by signal 9 :( trying respawn ...");
    server.line(&died);
    server.line("Respawned uWSGI worker 1 (new pid: ");
    assert_eq!(body(server.connect(), "body=alive"), b"alive");
}

#[test]
fn a_worker_that_is_told_to_end_is_replaced_without_mourning() {
    let mut server = server(&[]);
    let worker = server.workers()[0];
    kill(worker, Signal::SIGTERM).unwrap();
    server.line(&format!("worker 1 killed successfully (pid: {worker})"));
    server.line("Respawned uWSGI worker 1");
    assert_eq!(body(server.connect(), "body=alive"), b"alive");
}

#[test]
fn a_parent_that_ignores_its_children_does_not_hide_ours() {
    let args = ["--http-socket", "127.0.0.1:0", "--probe"];
    let mut server = Server::start_by(&["env", "--ignore-signal=CHLD"], &args);
    kill(server.workers()[0], Signal::SIGKILL).unwrap();
    server.line("Respawned uWSGI worker 1");
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
}

#[test]
fn workers_end_with_their_master() {
    let server = server(&[]);
    let mut idle = server.connect();
    server.signal(Signal::SIGKILL);
    assert!(idle.is_closed(), "the worker has closed its connections");
}

#[test]
fn each_request_is_logged_with_its_counts() {
    let mut server = server(&[]);
    for count in 1..=2 {
        body(server.connect(), "body=hello");
        let line = server.line("generated");
        assert!(
            line.contains(&format!("|app: 0|req: {count}/{count}] 127.0.0.1 () {{")),
            "{line}"
        );
        assert!(line.contains(" GET / => generated 5 bytes in "), "{line}");
        assert!(line.ends_with("(1 switches on core 0)"), "{line}");
    }
}

#[test]
fn a_client_that_leaves_before_its_reply_is_logged_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let mut server = Server::start(&["--http-socket", socket.to_str().unwrap(), "--probe"]);
    let mut peer = server.connect();
    peer.send(get("delay=3600s"));
    drop(peer);
    server.line("client went away before the reply was complete (GET /)");
    let line = server.line("generated");
    assert!(line.contains("generated 0 bytes"), "{line}");
    assert!(line.contains("(HTTP/1.1 499) 0 headers"), "{line}");
}

#[test]
fn without_logging_only_errors_are_told() {
    let mut server = server(&["--disable-logging"]);
    body(server.connect(), "body=hello");
    body(server.connect(), "die=before-head");
    let line = server.line("probe");
    assert!(line.contains("probe ended before its head"), "{line}");
}

#[test]
fn vacuum_removes_sockets_and_pidfile() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (socket, pidfile) = (path("app.sock"), path("app.pid"));
    for (vacuum, left) in [(None, true), (Some("--vacuum"), false)] {
        let mut args = vec!["--socket", &socket, "--pidfile", &pidfile, "--probe"];
        args.extend(vacuum);
        let server = Server::start(&args);
        let written = std::fs::read_to_string(&pidfile).unwrap();
        assert_eq!(written, format!("{}\n", server.pid()));
        server.signal(Signal::SIGTERM);
        assert!(server.wait().success());
        assert_eq!(Path::new(&socket).exists(), left);
        assert_eq!(Path::new(&pidfile).exists(), left);
    }
}

#[test]
fn connect_and_close_costs_nothing() {
    let server = server(&[]);
    for _ in 0..200 {
        drop(server.connect());
    }
    assert_eq!(body(server.connect(), "body=alive"), b"alive");
}

#[test]
fn a_worker_without_descriptors_serves_whom_it_has_and_recovers() {
    let args = ["--http-socket", "127.0.0.1:0", "--probe"];
    let few = ["sh", "-c", "ulimit -n 32; exec \"$0\" \"$@\""];
    let mut server = Server::start_by(&few, &args);
    let mut peers: Vec<_> = (0..40).map(|_| server.connect()).collect();
    server.line("cannot accept connections for now: Too many open files");
    assert_eq!(body(peers.remove(0), "body=x"), b"x");
    let last = peers.pop().unwrap();
    drop(peers);
    assert_eq!(body(last, "body=y"), b"y");
}

#[test]
fn a_user_brings_the_groups_of_its_account() {
    if !nix::unistd::Uid::effective().is_root() {
        return eprintln!("not tested: only root can become another user");
    }
    let account = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let (uid, gid) = (account.uid, account.gid);
    for (args, group) in [(&[][..], gid.as_raw()), (&["--gid", "12345"], 12345)] {
        let server = server(&[&["--uid", "nobody"], args].concat());
        let worker = server.workers()[0];
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
        let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line("Uid:"), format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}"));
        let expected = format!("Gid:\t{group}\t{group}\t{group}\t{group}");
        assert_eq!(line("Gid:"), expected);
        let others = line("Groups:").trim_start_matches("Groups:").trim();
        assert_eq!(others, group.to_string());
    }
}

#[test]
fn all_workers_take_part() {
    let server = server(&["--processes", "2"]);
    let mut pids = std::collections::HashSet::new();
    // Each connection stays open, so that its worker has something to do.
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut responses = Responses::on(server.connect());
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        pids.insert(responses.next("GET").report().pid());
        held.push(responses);
        if pids.len() == 2 {
            return;
        }
    }
    panic!("only {pids:?} served");
}

#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--socket", socket.to_str().unwrap(), "--probe"])
        .args(["--exec-post-app", "false"])
        .assert()
        .code(1);
    assert!(!socket.exists());
}

#[test]
fn the_log_goes_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (socket, log) = (path("app.sock"), path("log"));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args(["--socket", &socket, "--probe", "--logto", &log])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let text = || std::fs::read_to_string(&log).unwrap_or_default();
    while !text().contains("gateserve is ready") {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {}", text());
        std::thread::yield_now();
    }
    kill(
        nix::unistd::Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stderr, b"");
    assert!(text().contains("goodbye to gateserve."));
}
