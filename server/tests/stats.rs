//! The statistics server: figures with uWSGI's names.

mod support;

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use support::{Peer, Responses, Server};

fn server(extra: &[&str]) -> Server {
    let args = [
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--stats",
        "127.0.0.1:0",
    ];
    Server::start(&[&args[..], extra].concat())
}

/// Where a line of the log says that it is told.
fn told_at(server: &Server, what: &str) -> String {
    let told = server.told();
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix(&format!("*** {what} enabled on ")));
    line.and_then(|line| line.split_once(" fd: "))
        .expect("it is told")
        .0
        .to_owned()
}

/// All that a peer gets who just connects.
#[track_caller]
fn text(server: &Server) -> String {
    let rest = Peer::to(&told_at(server, "Stats server")).rest();
    String::from_utf8(rest).unwrap()
}

#[track_caller]
fn stats(server: &Server) -> Value {
    serde_json::from_str(&text(server)).expect("it is JSON")
}

/// The figures once they count so many requests: one is counted just after its response.
#[track_caller]
fn stats_of(server: &Server, requests: u64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let stats = stats(server);
        if stats["workers"][0]["requests"] == requests {
            return stats;
        }
        assert!(
            Instant::now() < deadline,
            "{requests} requests are not counted: {stats}"
        );
    }
}

fn get(server: &Server) {
    let mut responses = Responses::on(server.connect());
    responses.peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    responses.next("GET");
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_keys_are_uwsgis() {
    let server = server(&["--processes", "2"]);
    let stats = stats(&server);
    let mut top = [
        "version",
        "listen_queue",
        "listen_queue_errors",
        "signal_queue",
        "load",
        "pid",
        "uid",
        "gid",
        "cwd",
        "locks",
        "sockets",
        "workers",
    ];
    top.sort_unstable();
    let mut found = keys(&stats);
    found.sort_unstable();
    assert_eq!(found, top);
    let mut worker = [
        "id",
        "pid",
        "accepting",
        "requests",
        "delta_requests",
        "exceptions",
        "harakiri_count",
        "signals",
        "signal_queue",
        "status",
        "rss",
        "vsz",
        "running_time",
        "last_spawn",
        "respawn_count",
        "tx",
        "avg_rt",
        "apps",
        "cores",
    ];
    worker.sort_unstable();
    let mut found = keys(&stats["workers"][0]);
    found.sort_unstable();
    assert_eq!(found, worker);
    let mut core = [
        "id",
        "requests",
        "static_requests",
        "routed_requests",
        "offloaded_requests",
        "write_errors",
        "read_errors",
        "in_request",
        "vars",
        "req_info",
    ];
    core.sort_unstable();
    let mut found = keys(&stats["workers"][1]["cores"][0]);
    found.sort_unstable();
    assert_eq!(found, core);
    assert_eq!(stats["pid"], server.pid().as_raw());
    let pids: Vec<_> = server.workers().iter().map(|pid| pid.as_raw()).collect();
    let told: Vec<_> = [0, 1]
        .map(|at| stats["workers"][at]["pid"].as_i64().unwrap() as i32)
        .into();
    assert_eq!(told, pids);
    assert_eq!(stats["sockets"][0]["name"], server.addresses[0].as_str());
    assert_eq!(stats["sockets"][0]["proto"], "http");
    assert_eq!(stats["sockets"][0]["max_queue"], 100);
}

#[test]
fn requests_are_counted() {
    let server = server(&[]);
    for _ in 0..3 {
        get(&server);
    }
    let stats = stats_of(&server, 3);
    let worker = &stats["workers"][0];
    assert_eq!(worker["requests"], 3);
    assert_eq!(worker["delta_requests"], 3);
    assert_eq!(worker["cores"][0]["requests"], 3);
    assert_eq!(worker["respawn_count"], 1);
    assert!(worker["tx"].as_u64().unwrap() > 100, "{worker}");
    assert!(worker["rss"].as_u64().unwrap() > 100_000, "{worker}");
    assert_eq!(
        (&worker["status"], &worker["accepting"]),
        (&"idle".into(), &1.into())
    );
}

#[test]
fn a_running_request_makes_its_worker_busy_and_is_shown() {
    let server = server(&[]);
    let mut peer = server.connect();
    peer.send("GET /slow?q HTTP/1.1\r\nHost: a\r\nX-Probe: chunks=100; pause=1s; size=100\r\n\r\n");
    Responses::on(peer.another()).head();
    let stats = stats(&server);
    let (worker, core) = (&stats["workers"][0], &stats["workers"][0]["cores"][0]);
    assert_eq!(
        (&worker["status"], &core["in_request"]),
        (&"busy".into(), &1.into())
    );
    let vars: Vec<_> = core["vars"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert!(vars.contains(&"REQUEST_URI=/slow?q"), "{vars:?}");
    assert!(core["req_info"]["request_start"].as_u64().is_some());
}

#[test]
fn a_worker_that_was_replaced_is_told_with_its_new_process() {
    let mut server = server(&[]);
    let first = server.workers()[0];
    kill(first, Signal::SIGKILL).unwrap();
    server.line("Respawned uWSGI worker 1");
    get(&server);
    let stats = stats(&server);
    assert_eq!(stats["workers"][0]["respawn_count"], 2);
    assert_ne!(stats["workers"][0]["pid"], first.as_raw());
}

#[test]
fn daemons_and_crons_are_told() {
    let server = server(&[
        "--attach-daemon",
        "exec sleep 1000",
        "--cron2",
        "minute=-5,day=32 run \"it\"",
    ]);
    let stats = stats(&server);
    assert_eq!(stats["daemons"][0]["cmd"], "exec sleep 1000");
    assert_eq!(stats["crons"][0]["command"], "run \"it\"");
    assert_eq!(
        (&stats["crons"][0]["minute"], &stats["crons"][0]["day"]),
        (&(-5).into(), &32.into())
    );
}

#[test]
fn the_form_is_as_asked_for() {
    let plain = text(&server(&[]));
    assert!(plain.starts_with("{\n\t\"version\": "), "{plain}");
    let minified = server(&["--stats-minified", "--stats-no-cores"]);
    let told = text(&minified);
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert!(
        stats(&minified)["workers"][0].get("cores").is_none(),
        "{told}"
    );
}

#[test]
fn stats_http_puts_a_response_around_it() {
    let server = server(&["--stats-http"]);
    let mut responses = Responses::on(Peer::to(&told_at(&server, "Stats server")));
    responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = responses.next("GET");
    assert_eq!(response.field("Content-Type"), Some("application/json"));
    let stats: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(stats["workers"][0]["id"], 1);
}

#[test]
fn a_unix_socket_will_do_and_is_vacuumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats");
    let args = [
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--vacuum",
        "--stats",
    ];
    let server = Server::start(&[&args[..], &[path.to_str().unwrap()]].concat());
    assert_eq!(stats(&server)["workers"][0]["id"], 1);
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    assert!(!path.exists());
}

#[test]
fn peers_that_read_nothing_hold_up_nobody() {
    let mut server = server(&["--processes", "64"]);
    let address = told_at(&server, "Stats server");
    // More than are answered at a time: these are given up after a while.
    let _silent: Vec<_> = (0..40).map(|_| Peer::to(&address)).collect();
    assert_eq!(stats(&server)["workers"].as_array().unwrap().len(), 64);
    kill(server.workers()[0], Signal::SIGKILL).unwrap();
    server.line("Respawned uWSGI worker 1");
}

#[test]
fn a_full_queue_is_told_of() {
    let mut server = server(&["--listen", "1"]);
    kill(server.workers()[0], Signal::SIGSTOP).unwrap();
    let address = server.addresses[0].parse().unwrap();
    let wait = Duration::from_millis(200);
    // What does not fit the queue waits for ever, so the last of them may fail.
    let _waiting: Vec<_> = (0..3)
        .map(|_| std::net::TcpStream::connect_timeout(&address, wait))
        .collect();
    let line = server.line("listen queue of socket");
    assert!(
        line.contains(&format!(
            "*** uWSGI listen queue of socket \"{address}\" (fd: "
        )),
        "{line}"
    );
    assert!(line.contains(" full !!! (2/1) ***"), "{line}");
    assert!(stats(&server)["listen_queue"].as_u64().unwrap() >= 1);
    kill(server.workers()[0], Signal::SIGCONT).unwrap();
}

/// `uwsgitop`, installed into a folder of its own.
fn uwsgitop(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    let venv = folder.join("venv");
    let quiet = |command: &mut Command| {
        let run = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        run.status().is_ok_and(|status| status.success())
    };
    let made = quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let options = [
        "install",
        "-q",
        "--retries",
        "1",
        "--timeout",
        "10",
        "uwsgitop",
    ];
    let installed = made && quiet(Command::new(venv.join("bin/pip")).args(options));
    installed.then(|| venv.join("bin/uwsgitop"))
}

#[test]
fn uwsgitop_shows_the_workers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = uwsgitop(folder.path()) else {
        eprintln!("uwsgitop_shows_the_workers is left out: pip cannot install uwsgitop");
        return;
    };
    let server = server(&["--processes", "2"]);
    get(&server);
    // It wants a terminal, and ends with `q`.
    let script = "import os, pty, sys, time\n\
        pid, fd = pty.fork()\n\
        if pid == 0:\n\
        \x20   os.environ.update(TERM='xterm', LINES='40', COLUMNS='160')\n\
        \x20   os.execv(sys.argv[1], sys.argv[1:])\n\
        seen, asked = b'', False\n\
        while True:\n\
        \x20   try:\n\
        \x20       piece = os.read(fd, 65536)\n\
        \x20   except OSError:\n\
        \x20       break\n\
        \x20   if not piece:\n\
        \x20       break\n\
        \x20   seen += piece\n\
        \x20   if not asked and b'idle' in seen:\n\
        \x20       os.write(fd, b'q')\n\
        \x20       asked = True\n\
        sys.stdout.buffer.write(seen)\n";
    let mut child = Command::new("timeout")
        .args(["30", "python3", "-c", script])
        .arg(&program)
        .args(["--frequency", "1", &told_at(&server, "Stats server")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut seen).unwrap();
    child.wait().unwrap();
    let seen = String::from_utf8_lossy(&seen);
    for pid in server.workers() {
        assert!(
            seen.contains(&pid.to_string()),
            "{pid} is not shown: {seen}"
        );
    }
}
