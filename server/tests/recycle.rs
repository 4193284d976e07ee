//! Workers that make room for fresh ones: after so many requests, or so long.

mod support;

use nix::sys::signal::Signal;
use support::Responses;
use support::probe::{body, get, server};

#[test]
fn every_worker_is_replaced_after_its_own_share_of_requests() {
    let mut server = server(&["--max-requests", "3", "--min-worker-lifetime", "0"]);
    let mut worker = server.workers()[0];
    for _ in 0..2 {
        let served_by = |_: i32| {
            let mut responses = Responses::on(server.connect());
            responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            responses.next("GET").report().pid()
        };
        let pids: Vec<_> = (0..3).map(served_by).collect();
        assert_eq!(pids, [u64::from(worker.as_raw().unsigned_abs()); 3]);
        server.line(&format!("...The work of process {worker} is done. Seeya!"));
        worker = support::pid_in(&server.line("Respawned uWSGI worker 1"), "(new pid: ");
    }
}

#[test]
fn a_worker_that_leaves_makes_room_before_its_last_request_has_ended() {
    let mut server = server(&["--max-requests", "2", "--min-worker-lifetime", "0"]);
    let mut slow = Responses::on(server.connect());
    slow.peer.send(get("chunks=1000; pause=1s; size=1000"));
    slow.head();
    for _ in 0..2 {
        assert_eq!(body(server.connect(), "body=x"), b"x");
    }
    server.line("Respawned uWSGI worker 1");
    assert_eq!(body(server.connect(), "body=y"), b"y");
    assert!(slow.peer.more(&mut bytes::BytesMut::new()), "it runs on");
    server.signal(Signal::SIGQUIT);
    assert!(server.wait().success());
    assert!(slow.peer.ends(), "the worker that left has ended too");
}

#[test]
fn a_worker_is_not_replaced_before_it_is_old_enough() {
    let mut server = server(&["--max-requests", "1", "--min-worker-lifetime", "2"]);
    let began = std::time::Instant::now();
    let worker = server.workers()[0];
    for _ in 0..3 {
        assert_eq!(body(server.connect(), "body=x"), b"x");
    }
    // It is a request that ends which replaces it.
    while began.elapsed() < std::time::Duration::from_millis(2100) {
        assert_eq!(body(server.connect(), "body=y"), b"y");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(body(server.connect(), "body=z"), b"z");
    server.line(&format!("...The work of process {worker} is done. Seeya!"));
    server.line("Respawned uWSGI worker 1");
    let age = began.elapsed();
    assert!(age >= std::time::Duration::from_secs(2), "after {age:?}");
}

#[test]
fn each_worker_serves_more_than_the_one_before() {
    let mut server = server(&[
        "--processes=2",
        "--max-requests=1",
        "--max-requests-delta=100000",
        "--min-worker-lifetime=0",
    ]);
    let [first, second] = server.workers()[..] else {
        panic!("two workers");
    };
    // Whoever answers: the first worker leaves after one request, the second after very many.
    let mut served_by_second = 0;
    for _ in 0..50 {
        let mut responses = Responses::on(server.connect());
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let pid = responses.next("GET").report().pid();
        served_by_second += u32::from(pid == u64::from(second.as_raw().unsigned_abs()));
        if pid == u64::from(first.as_raw().unsigned_abs()) {
            server.line(&format!("...The work of process {first} is done. Seeya!"));
        }
    }
    let alive = std::path::Path::new("/proc").join(second.to_string());
    assert!(
        alive.exists(),
        "the second worker left after {served_by_second}"
    );
}

#[test]
fn a_worker_is_replaced_at_the_end_of_its_lifetime() {
    let mut server = server(&["--max-worker-lifetime", "2", "--min-worker-lifetime", "1"]);
    let worker = server.workers()[0];
    let line = server.line("worker 1 lifetime reached, it was running for ");
    assert!(line.ends_with(" second(s)"), "{line}");
    server.line(&format!("worker 1 killed successfully (pid: {worker})"));
    server.line("Respawned uWSGI worker 1 (new pid: ");
    assert_eq!(body(server.connect(), "body=alive"), b"alive");
}

#[test]
fn a_lifetime_that_contradicts_itself_is_refused() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command
        .args([
            "--socket",
            "127.0.0.1:0",
            "--probe",
            "--max-worker-lifetime",
            "5",
        ])
        .assert()
        .code(1);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("min-worker-lifetime"), "{text}");
}
