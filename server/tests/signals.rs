//! What each signal does to the server.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use support::Responses;
use support::probe::{assert_alive, busy, server};

#[test]
fn int_and_quit_end_at_once() {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = server(&[]);
        let mut responses = busy(&server);
        server.signal(signal);
        server.line("SIGINT/SIGTERM received...killing workers...");
        server.line("goodbye to gateserve.");
        assert!(server.wait().success());
        assert!(responses.peer.ends());
    }
}

#[test]
fn a_second_term_ends_at_once() {
    let mut server = server(&[]);
    let mut responses = busy(&server);
    server.signal(Signal::SIGTERM);
    server.line("graceful shutdown triggered...");
    server.signal(Signal::SIGTERM);
    server.line("SIGINT/SIGTERM received...killing workers...");
    assert!(server.wait().success());
    assert!(responses.peer.ends());
}

#[test]
fn term_reloads_at_once_where_that_is_asked_for() {
    let mut server = server(&["--term-reloads"]);
    let mut responses = busy(&server);
    server.signal(Signal::SIGTERM);
    server.line("...brutally killing workers...");
    server.line("gracefully (RE)spawned gateserve master process");
    assert!(responses.peer.ends());
    server.line("gateserve is ready");
    assert_alive(&server);
}

#[test]
fn die_on_term_counts_more_than_term_reloads() {
    let server = server(&["--term-reloads", "--die-on-term"]);
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
}

#[test]
fn usr1_tells_the_configuration_and_the_requests_served() {
    let mut server = server(&[]);
    assert_alive(&server);
    assert_alive(&server);
    server.line("req: 2/2");
    server.signal(Signal::SIGUSR1);
    server.line("http-socket = 127.0.0.1:0");
    server.line("workers total requests: 2");
    server.line("worker 1 app 0 [] requests: 2 exceptions: 0");
}

#[test]
fn usr2_tells_which_requests_run() {
    let mut server = server(&[]);
    let worker = server.workers()[0];
    server.signal(Signal::SIGUSR2);
    server.line(&format!("uWSGI worker 1 (pid: {worker}) is idle"));
    let _responses = busy(&server);
    server.signal(Signal::SIGUSR2);
    let doing = format!("uWSGI worker 1 (pid: {worker}) is managing request / since ");
    server.line(&doing);
    kill(worker, Signal::SIGUSR2).unwrap();
    server.line(&doing);
}

#[test]
fn tstp_has_the_workers_rest_and_go_on() {
    let mut server = server(&["--processes", "2"]);
    server.signal(Signal::SIGTSTP);
    server.line("*** PAUSE (press start to resume");
    // It is told before the workers have heard of it, so that some may be answered still.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut waiting = loop {
        let mut responses = Responses::on(server.connect());
        responses
            .peer
            .send("GET / HTTP/1.0\r\nX-Probe: body=late\r\n\r\n");
        if !responses.peer.read_within(Duration::from_millis(300)) {
            break responses;
        }
        assert!(Instant::now() < deadline, "the workers do not rest");
    };
    server.signal(Signal::SIGTSTP);
    server.line("*** (SIGTSTP received) resuming workers ***");
    assert_eq!(waiting.next("GET").body, b"late");
}

#[test]
fn a_hangup_sent_to_a_worker_replaces_that_worker() {
    let mut server = server(&["--processes", "2"]);
    let worker = server.workers()[0];
    kill(worker, Signal::SIGHUP).unwrap();
    server.line(&format!("Gracefully killing worker 1 (pid: {worker})..."));
    server.line("Respawned uWSGI worker 1 (new pid: ");
    assert_alive(&server);
}

#[test]
fn signals_that_mean_nothing_to_a_worker_do_not_harm_it() {
    let mut server = server(&[]);
    let worker = server.workers()[0];
    for signal in [
        Signal::SIGINT,
        Signal::SIGUSR1,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
        Signal::SIGTSTP,
    ] {
        kill(worker, signal).unwrap();
    }
    assert_alive(&server);
    server.signal(Signal::SIGTERM);
    server.line("worker 1 buried after");
    assert!(server.wait().success());
}
