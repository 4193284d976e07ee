//! What kills a run, or is killed under it: nothing of it is left, and nobody beside it notices.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{self, Sender},
    time::Duration,
};

use predicates::str::contains;

use super::{
    gatebench,
    runs::{interrupted, measuring, results, spawn, speaking_of},
};

const BUILTIN: [&str; 4] = ["--gateway", "builtin", "--model", "uwsgi"];

/// Run folders in `folder` that name their owner.
fn run_folders(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let owned = entries.filter(|entry| entry.path().join(".owner").is_file());
    owned.count()
}

/// Waits until a case was played: what the run has started by then is written down.
fn await_case(child: &mut Child, folder: &Path) {
    let journal = folder.join("reports/latest/journal.jsonl");
    while fs::read_to_string(&journal).map_or(0, |text| text.len()) == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it runs on");
        std::thread::yield_now();
    }
}

#[test]
fn a_start_sweeps_what_was_killed_and_leaves_who_lives_alone() {
    let [folder, here, there] = ["gbt", "gba", "gbb"]
        .map(|prefix| tempfile::Builder::new().prefix(prefix).tempdir().unwrap());
    // Killed before its time: its folder and its servers are left.
    let mut killed = spawn(
        &[&["check", "--jobs", "1"], &BUILTIN[..]].concat(),
        folder.path(),
    );
    await_case(&mut killed, folder.path());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(run_folders(folder.path()) > 0, "nobody could remove them");
    // Another lives beside it, under load.
    let load = ["--connections", "2", "--requests", "20", "--rounds", "1000"];
    let arguments = [&BUILTIN[..], &load].concat();
    let mut beside = measuring(&arguments, here.path(), "round 2");
    let its_own = run_folders(here.path());
    gatebench()
        .args(["check", "--scenario", "cgi/query"])
        .args(BUILTIN)
        .current_dir(there.path())
        .env("TMPDIR", folder.path())
        .assert()
        .success();
    assert_eq!(run_folders(folder.path()), 0, "they are swept");
    assert_eq!(speaking_of(folder.path()), [""; 0]);
    // And a start that sees the folders of the living one.
    gatebench()
        .args(["check", "--scenario", "cgi/query"])
        .args(BUILTIN)
        .current_dir(there.path())
        .env("TMPDIR", here.path())
        .assert()
        .success();
    assert_eq!(run_folders(here.path()), its_own, "the living one has its");
    assert_eq!(interrupted(&mut beside), Some(2));
    let figure = &results(&here.path().join("r.json")).throughput[0];
    assert_eq!(figure.errors, 0);
    let harmed = |caveat: &String| caveat.contains("did not stay whole");
    assert!(!figure.caveats.iter().any(harmed), "{:?}", figure.caveats);
    assert_eq!(run_folders(here.path()), 0);
    assert_eq!(speaking_of(here.path()), [""; 0]);
}

/// What an engine does once it has told of itself.
#[derive(Clone, Copy)]
enum Then {
    FallSilent,
    HangUp,
}

/// An engine that tells of itself, and nothing more; each further request is told to `asked`.
fn engine(path: &Path, then: Then, asked: Sender<()>) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for peer in listener.incoming().flatten() {
            let asked = asked.clone();
            std::thread::spawn(move || serve(peer, then, &asked));
        }
    });
}

fn serve(mut peer: UnixStream, then: Then, asked: &Sender<()>) {
    let mut request = [0; 8192];
    let size = peer.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..size]);
    let line = request.lines().next().unwrap_or_default();
    let body = if line.contains("/version") {
        r#"{"ApiVersion":"1.41","Version":"20.10.24"}"#
    } else if line.contains("/info") {
        "{}"
    } else {
        asked.send(()).ok();
        if matches!(then, Then::FallSilent) {
            // Nothing, until the peer goes away.
            io::copy(&mut peer, &mut io::sink()).ok();
        }
        return;
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let length = body.len();
    write!(peer, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").ok();
}

#[test]
fn an_engine_that_falls_silent_does_not_keep_a_signal_from_ending_the_run() {
    let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let (asked, is_asked) = mpsc::channel();
    engine(&path, Then::FallSilent, asked);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("gatebench"))
        .arg("check")
        .args(BUILTIN)
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .env("DOCKER_HOST", format!("unix://{}", path.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    is_asked.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(interrupted(&mut child), Some(2));
    assert_eq!(run_folders(folder.path()), 0);
}

#[test]
fn an_engine_that_breaks_off_is_told_and_nothing_is_left() {
    let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let (asked, _is_asked) = mpsc::channel();
    engine(&path, Then::HangUp, asked);
    gatebench()
        .arg("check")
        .args(BUILTIN)
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .env("DOCKER_HOST", format!("unix://{}", path.display()))
        .assert()
        .code(2)
        .stderr(contains("the container engine could not list containers"));
    assert_eq!(run_folders(folder.path()), 0);
}
