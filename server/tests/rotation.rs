//! Log files that are rotated or opened anew while several workers write to them.

mod support;

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;

use nix::sys::signal::Signal;
use support::silent::Silent;

/// A server with two workers that listens to a fifo and logs to `app.log`.
fn server(extra: &[&str]) -> Silent {
    let args = ["--processes", "2", "--master-fifo", "fifo"];
    let server = Silent::start(&[&args[..], extra].concat());
    server.holds("app.log", "gateserve is ready");
    server
}

fn order(server: &Silent, letter: &str) {
    let mut fifo = OpenOptions::new()
        .write(true)
        .open(server.path("fifo"))
        .expect("the master reads its fifo");
    fifo.write_all(letter.as_bytes()).unwrap();
}

/// Asks until both workers have told of a request in `file`.
#[track_caller]
fn both_tell(server: &Silent, file: &str) {
    for _ in 0..500 {
        server.get("/");
        let text = server.text(file);
        let requests = text.lines().filter(|line| line.contains("GET / =>"));
        let pids: HashSet<_> = requests.filter_map(|line| line.split('|').next()).collect();
        if pids.len() == 2 {
            return;
        }
    }
    panic!("only one worker tells:\n{}", server.text(file));
}

#[test]
fn a_rotation_takes_every_worker_along() {
    let server = server(&["--logto", "app.log", "--log-backupname", "old.log"]);
    both_tell(&server, "app.log");
    order(&server, "L");
    server.holds("old.log", "triggering rotation to");
    let old = server.text("old.log");
    both_tell(&server, "app.log");
    assert!(!server.text("app.log").contains("is ready"));
    assert_eq!(server.text("old.log"), old, "nobody writes there any more");
}

#[test]
fn a_log_that_was_moved_is_opened_anew_by_every_worker() {
    let server = server(&["--logto", "app.log"]);
    both_tell(&server, "app.log");
    std::fs::rename(server.path("app.log"), server.path("moved")).unwrap();
    order(&server, "l");
    server.holds("app.log", "app.log reopened.");
    let moved = server.text("moved");
    assert!(moved.contains("triggering log-reopen..."), "{moved}");
    both_tell(&server, "app.log");
    assert_eq!(server.text("moved"), moved, "nobody writes there any more");
}

#[test]
fn the_logs_process_rotates_and_opens_anew_too() {
    let loggers = ["--logto", "app.log", "--log-maxsize", "1000000"];
    let requests = ["--req-logger", "file:requests.log"];
    let server = server(&[&loggers[..], &requests].concat());
    server.get("/");
    server.holds("requests.log", "GET /");
    for file in ["app.log", "requests.log"] {
        let moved = format!("{file}.moved");
        std::fs::rename(server.path(file), server.path(&moved)).unwrap();
    }
    order(&server, "l");
    server.holds("app.log", "app.log reopened.");
    server.get("/");
    server.holds("requests.log", "GET /");
    order(&server, "L");
    let begun = |name: &str| name.starts_with("app.log.") && !name.ends_with("moved");
    let rotated = || {
        let names = std::fs::read_dir(server.folder.path()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.find(|name| begun(name))
    };
    server.until("a rotated file", || rotated().is_some());
    server.holds(&rotated().unwrap(), "triggering rotation to");
}

#[test]
fn a_reload_keeps_the_log_and_its_loggers() {
    for extra in [
        &[][..],
        &["--logger", "file:app.log"],
        &["--log-maxsize", "1000000"],
    ] {
        let mut server = server(&[&["--logto", "app.log"], extra].concat());
        let generations = |log: &str| log.matches("gateserve is ready").count();
        let before = generations(&server.text("app.log"));
        server.signal(Signal::SIGHUP);
        server.until("a reload", || generations(&server.text("app.log")) > before);
        server.get("/after");
        server.holds("app.log", "GET /after =>");
        assert!(server.end().success(), "{extra:?}");
        let log = server.text("app.log");
        assert!(log.ends_with("goodbye to gateserve.\n"), "{extra:?}: {log}");
    }
}
