//! The number of workers, by what there is to do.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::Responses;
use support::probe::{assert_alive, busy, server};

#[test]
fn there_are_more_workers_when_all_are_busy_and_fewer_when_they_are_idle() {
    let mut server = server(&["--processes=2", "--cheaper=1", "--cheaper-overload=1"]);
    assert_eq!(server.workers().len(), 1);
    let request = busy(&server);
    server.line("spawned gateserve worker 2 (pid: ");
    drop(request);
    server.line("cheaped.");
    assert_alive(&server);
}

#[test]
fn a_server_begins_with_as_many_workers_as_it_is_told() {
    for (extra, workers) in [
        (&["--cheaper=2"][..], 2),
        (&["--cheaper=1", "--cheaper-initial=3"], 3),
        (&[], 4),
    ] {
        let server = server(&[&["--processes=4"], extra].concat());
        assert_eq!(server.workers().len(), workers, "{extra:?}");
    }
}

#[test]
fn the_busier_the_workers_the_more_there_are() {
    let mut server = server(&[
        "--processes=2",
        "--cheaper=1",
        "--cheaper-overload=1",
        "--cheaper-algo=busyness",
    ]);
    let _request = busy(&server);
    server.line("[busyness] 1s average busyness is at 100%, will spawn 1 new worker(s)");
    server.line("spawned gateserve worker 2 (pid: ");
}

#[test]
fn connections_that_wait_bring_more_workers() {
    let mut server = server(&[
        "--processes=2",
        "--cheaper=1",
        "--cheaper-overload=2",
        "--cheaper-algo=backlog",
    ]);
    // Workers that rest let connections wait.
    server.signal(Signal::SIGTSTP);
    server.line("*** PAUSE");
    let deadline = Instant::now() + Duration::from_secs(20);
    let _first = loop {
        let mut responses = Responses::on(server.connect());
        responses.peer.send("GET / HTTP/1.0\r\n\r\n");
        if !responses.peer.read_within(Duration::from_millis(300)) {
            break responses;
        }
        assert!(Instant::now() < deadline, "the worker does not rest");
    };
    let _waiting: Vec<_> = (0..10).map(|_| server.connect()).collect();
    server.line("spawned gateserve worker 2 (pid: ");
}

#[test]
fn signals_ask_for_one_more_or_one_less() {
    let mut server = server(&["--processes=3", "--cheaper=1", "--cheaper-algo=manual"]);
    server.signal(Signal::SIGTTIN);
    server.line("spawned gateserve worker 2 (pid: ");
    server.signal(Signal::SIGTTOU);
    server.line("uWSGI worker 1 cheaped.");
    server.signal(Signal::SIGTTIN);
    server.line("Respawned uWSGI worker 1 (new pid: ");
    assert_alive(&server);
}

#[test]
fn plus_and_minus_on_the_fifo_ask_for_the_same_and_a_capital_c_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let mut server = server(&["--processes=2", "--master-fifo", fifo.to_str().unwrap()]);
    std::fs::write(&fifo, "-").unwrap();
    server.line("uWSGI worker 1 cheaped.");
    std::fs::write(&fifo, "+").unwrap();
    server.line("Respawned uWSGI worker 1 (new pid: ");
    std::fs::write(&fifo, "C").unwrap();
    server.line("going cheap...");
    server.line("cheap mode enabled: waiting for socket connection...");
    server.line("cheaped.");
    server.line("cheaped.");
    assert_alive(&server);
    server.line("Respawned uWSGI worker");
}

#[test]
fn the_last_worker_stays() {
    let mut server = server(&["--processes=1"]);
    server.signal(Signal::SIGTTOU);
    server.signal(Signal::SIGUSR1);
    server.line("workers total requests");
    assert_alive(&server);
}

#[test]
fn a_cheap_server_starts_workers_with_the_first_connection() {
    let mut server = server(&["--cheap"]);
    assert!(server.workers().is_empty());
    assert_alive(&server);
    server.line("spawned gateserve worker 1 (pid: ");
}

#[test]
fn without_requests_the_workers_end_until_a_connection_waits() {
    let mut server = server(&["--processes=2", "--idle=1"]);
    assert_alive(&server);
    server.line("workers have been inactive for more than 1 seconds");
    server.line("cheap mode enabled: waiting for socket connection...");
    server.line("cheaped.");
    server.line("cheaped.");
    assert_alive(&server);
    server.line("Respawned uWSGI worker 1 (new pid: ");
}

#[test]
fn a_server_may_end_when_it_is_idle() {
    let mut server = server(&["--idle=1", "--die-on-idle"]);
    server.line("workers have been inactive for more than 1 seconds");
    server.line("goodbye to gateserve.");
    assert!(server.wait().success());
}

#[test]
fn as_many_cheap_workers_as_there_may_be_are_refused() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command
        .args(["--socket", "127.0.0.1:0", "--probe", "--cheaper=2"])
        .args(["--processes=2"])
        .assert()
        .code(1);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("`cheaper`"), "{text}");
}
