//! Commands that run at their times.

mod support;

use std::fs::read_to_string;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::Server;

fn server(extra: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], extra].concat())
}

#[test]
fn a_command_whose_time_it_is_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ran");
    let command = format!("echo ran >> {}", file.display());
    let mut server = server(&["--cron", &format!("-1 -1 -1 -1 -1 {command}")]);
    server.ever(&format!("[uwsgi-cron] running \"{command}\" (pid "));
    server.ever(&format!(
        "[uwsgi-cron] command \"{command}\" running with pid "
    ));
    assert_eq!(read_to_string(&file).unwrap(), "ran\n");
}

#[test]
fn a_command_whose_time_it_is_not_does_not_run() {
    // No month has 32 days.
    let mut server = server(&[
        "--cron",
        "-1 -1 32 -1 -1 echo never",
        "--unique-cron",
        "-1 -1 -1 -1 -1 echo always",
    ]);
    server.ever("running with pid ");
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
    assert!(server.told().contains("echo always") && !server.told().contains("echo never"));
}

#[test]
fn a_command_that_runs_too_long_is_killed_with_what_it_started() {
    let started = Instant::now();
    let mut server = server(&["--cron2", "harakiri=1 sleep 1000 & sleep 1000; wait"]);
    server.ever("*** HARAKIRI ON CRON \"sleep 1000 & sleep 1000; wait\" (pid: ");
    server.ever("exited after ");
    assert!(started.elapsed() > Duration::from_secs(1));
}

#[test]
fn cron_harakiri_holds_for_all_that_do_not_say_else() {
    let mut server = server(&[
        "--cron-harakiri",
        "1",
        "--cron",
        "-1 -1 -1 -1 -1 exec sleep 1000",
    ]);
    server.ever("*** HARAKIRI ON CRON \"exec sleep 1000\"");
}

#[test]
fn what_runs_is_stopped_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let command = format!(
        "trap 'echo told > {0}; exit' TERM; echo up > {0}; while :; do sleep 0.01; done",
        file.display()
    );
    let server = server(&["--cron2", &format!("minute=-1 {command}")]);
    let said = |text: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while read_to_string(&file).unwrap_or_default() != text {
            assert!(Instant::now() < deadline, "never said {text:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    said("up\n");
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    said("told\n");
}

#[test]
fn stars_are_refused_by_their_place() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command
        .args([
            "--http-socket",
            "127.0.0.1:0",
            "--probe",
            "--cron",
            "0 0 * * * ls",
        ])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("`cron` takes MINUTE HOUR DAY MONTH WEEKDAY COMMAND"),
        "{told}"
    );
}
