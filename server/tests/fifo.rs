//! The master fifo and the files that are touched.

mod support;

use std::time::{Duration, Instant};

use support::Server;
use support::probe::{assert_alive, server};
use tempfile::TempDir;

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// A server with a fifo at this path.
fn with_fifo(extra: &[&str]) -> (TempDir, String, Server) {
    let folder = tempfile::tempdir().unwrap();
    let fifo = path(&folder, "fifo");
    let server = server(&[&["--master-fifo", &fifo], extra].concat());
    (folder, fifo, server)
}

fn write(fifo: &str, commands: &str) {
    std::fs::write(fifo, commands).unwrap();
}

/// Changes the file's time, whatever the clock's resolution.
fn touch(path: &str) {
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified + Duration::from_secs(1))
        .unwrap();
}

#[test]
fn q_stops_gracefully_and_its_capital_at_once() {
    for (command, line) in [
        ("q", "graceful shutdown triggered..."),
        ("Q", "SIGINT/SIGTERM received...killing workers..."),
    ] {
        let (_folder, fifo, mut server) = with_fifo(&[]);
        write(&fifo, command);
        server.line(line);
        assert!(server.wait().success());
    }
}

#[test]
fn r_reloads_gracefully_and_its_capital_at_once() {
    let (_folder, fifo, mut server) = with_fifo(&[]);
    for (command, line) in [
        ("r\n", "...gracefully killing workers..."),
        ("R\n", "...brutally killing workers..."),
        ("f\n", "...gracefully killing workers..."),
    ] {
        write(&fifo, command);
        server.line(line);
        server.line("gracefully (RE)spawned gateserve master process");
        server.line("gateserve is ready");
    }
    assert_alive(&server);
}

#[test]
fn w_replaces_the_workers_and_leaves_the_master() {
    let (_folder, fifo, mut server) = with_fifo(&["--processes", "2"]);
    write(&fifo, "w");
    server.line("Gracefully killing worker");
    server.line("Respawned uWSGI worker");
    server.line("Respawned uWSGI worker");
    write(&fifo, "W");
    server.line("killing worker 1 (pid: ");
    server.line("Respawned uWSGI worker");
    server.line("Respawned uWSGI worker");
    assert_alive(&server);
}

#[test]
fn c_replaces_one_worker_after_the_other() {
    let (_folder, fifo, mut server) = with_fifo(&["--processes", "3"]);
    write(&fifo, "c");
    server.line("chain reload starting...");
    for number in 1..=3 {
        server.line(&format!("chain next victim is worker {number}"));
        server.line(&format!("Gracefully killing worker {number}"));
        server.line(&format!("Respawned uWSGI worker {number}"));
    }
    server.line("chain reloading complete");
    assert_alive(&server);
}

#[test]
fn s_tells_the_statistics_and_p_makes_a_pause() {
    let (_folder, fifo, mut server) = with_fifo(&[]);
    write(&fifo, "s");
    assert_eq!(
        server.line("workers total requests: "),
        "\tworkers total requests: 0"
    );
    write(&fifo, "p");
    server.line("*** PAUSE");
    write(&fifo, "p");
    server.line("resuming workers");
    assert_alive(&server);
}

#[test]
fn l_opens_the_log_anew_and_its_capital_puts_it_aside() {
    let folder = tempfile::tempdir().unwrap();
    let [fifo, log, moved] = ["fifo", "log", "moved"].map(|name| path(&folder, name));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args(["--http-socket", "127.0.0.1:0", "--probe", "--logto", &log])
        .args(["--master-fifo", &fifo, "--log-backupname", &moved])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let holds = |path: &str, part: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !std::fs::read_to_string(path).is_ok_and(|text| text.contains(part)) {
            assert!(Instant::now() < deadline, "{path} does not hold {part:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    holds(&log, "gateserve is ready");
    std::fs::rename(&log, &moved).unwrap();
    write(&fifo, "ls");
    holds(&log, "workers total requests");
    std::fs::remove_file(&moved).unwrap();
    write(&fifo, "L");
    holds(&moved, "workers total requests");
    write(&fifo, "q");
    holds(&log, "goodbye to gateserve.");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_digit_chooses_another_fifo() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| path(&folder, name));
    let mut server = server(&["--master-fifo", &first, "--master-fifo", &second]);
    write(&first, "1");
    server.line(&format!("active master fifo is now {second}"));
    write(&second, "q");
    server.line("graceful shutdown triggered...");
    assert!(server.wait().success());
}

#[test]
fn the_process_id_is_written_again_for_a_capital_p() {
    let folder = tempfile::tempdir().unwrap();
    let [fifo, pidfile] = ["fifo", "pid"].map(|name| path(&folder, name));
    let mut server = server(&["--master-fifo", &fifo, "--pidfile", &pidfile]);
    std::fs::remove_file(&pidfile).unwrap();
    write(&fifo, "P");
    server.line(&format!("writing pidfile to {pidfile}"));
}

#[test]
fn a_touched_file_does_what_its_option_says() {
    for (option, what, line) in [
        (
            "--touch-reload",
            "grace them all",
            "gracefully (RE)spawned gateserve master process",
        ),
        (
            "--touch-workers-reload",
            "workers reload",
            "Respawned uWSGI worker 1",
        ),
        (
            "--touch-chain-reload",
            "chain reload",
            "chain reloading complete",
        ),
        (
            "--touch-gracefully-stop",
            "gracefully stop them all",
            "goodbye to gateserve.",
        ),
        (
            "--fs-reload",
            "grace them all",
            "gracefully (RE)spawned gateserve master process",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = path(&folder, "file");
        touch(&file);
        let mut server = server(&[option, &file]);
        touch(&file);
        server.line(&format!("*** {file} has been touched... {what} !!! ***"));
        server.line(line);
    }
}

#[test]
fn a_file_in_a_watched_folder_reloads() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = server(&["--fs-reload", folder.path().to_str().unwrap()]);
    touch(&path(&folder, "new"));
    server.line("has been touched... grace them all !!! ***");
    server.line("gracefully (RE)spawned gateserve master process");
}

#[test]
fn a_file_that_is_not_there_yet_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "file");
    let mut server = server(&["--touch-workers-reload", &file]);
    touch(&file);
    server.line("has been touched... workers reload !!! ***");
    server.line("Respawned uWSGI worker 1");
}
