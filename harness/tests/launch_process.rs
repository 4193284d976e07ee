//! Subjects as child processes: started, watched and ended, with plain shells as servers.

use std::{fs, path::PathBuf, process::Command};

use gatebench::{
    address::Address,
    launch::{self, FileSpec, Launch, LaunchError, Ready, RunDir, Running, Via},
    witness::Health,
};

/// A master with one worker that listens on a Unix socket, as far as a script can be one.
const SERVER: &str = r#"
import os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
wait, go = os.pipe()
worker = os.fork()
if worker == 0:
    os.read(wait, 1)
    while True:
        server.accept()[0].close()
def end(*_):
    os.kill(worker, signal.SIGKILL)
    print("bye", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))
open("worker", "w").write(str(worker))
print("listening", flush=True)
server.listen()
os.write(go, b"!")
while True:
    signal.pause()
"#;

/// A server that executes a program, as one does with CGI scripts.
const EXECUTES: &str = r#"
import signal, socket, subprocess, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
script = subprocess.Popen(["sleep", "600"])
open("script", "w").write(str(script.pid))
server.listen()
script.wait()
while True:
    signal.pause()
"#;

/// The interpreter itself, not a wrapper around it; `None` says on the terminal what is missing.
fn python(test: &str) -> Option<Via> {
    let script = "import sys; print(sys.executable)";
    let found = Command::new("python3").args(["-c", script]).output();
    match found {
        Ok(output) if output.status.success() => {
            let program = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
            Some(Via::Process { program })
        }
        _ => {
            eprintln!("{test}: skipped, no python3 on the path");
            None
        }
    }
}

fn shell() -> Via {
    Via::Process {
        program: "/bin/sh".into(),
    }
}

fn launch(args: &[&str], ready: Ready) -> Launch {
    Launch {
        name: "double".into(),
        program: "double".into(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: vec![],
        files: vec![],
        ready,
        log_files: vec![],
    }
}

fn never_ready() -> Ready {
    Ready::Accepts(Address::Abstract(b"gatebench-nobody".to_vec()))
}

async fn server(dir: &RunDir, via: &Via) -> Running {
    running(dir, via, SERVER).await
}

async fn running(dir: &RunDir, via: &Via, text: &str) -> Running {
    let socket = dir.sockets().join("double.sock");
    let mut launch = launch(
        &["server.py", socket.to_str().unwrap()],
        Ready::Accepts(Address::Unix(socket.clone())),
    );
    launch.files = vec![FileSpec::text("server.py", text)];
    launch::start(&launch, dir, via).await.unwrap()
}

fn exists(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_server_is_ready_alive_and_gone_after_its_stop() {
    let Some(via) = python("a_server_is_ready_alive_and_gone_after_its_stop") else {
        return;
    };
    let dir = RunDir::create().unwrap();
    let mut server = server(&dir, &via).await;
    assert_eq!(server.health(), Health::Alive);
    let pids = server.pids();
    assert_eq!(pids.len(), 2, "master and worker: {pids:?}");
    assert_eq!(server.log_since(), "listening\n");
    let log = dir.path().join("double.log");
    server.stop().await;
    assert!(!pids.into_iter().any(exists));
    assert_eq!(fs::read_to_string(log).unwrap(), "listening\nbye\n");
}

#[tokio::test]
async fn a_worker_that_died_is_told_until_the_next_mark() {
    let Some(via) = python("a_worker_that_died_is_told_until_the_next_mark") else {
        return;
    };
    let dir = RunDir::create().unwrap();
    let mut server = server(&dir, &via).await;
    server.mark();
    let worker = fs::read_to_string(dir.path().join("worker")).unwrap();
    kill(&worker);
    await_health(&server, |health| *health != Health::Alive).await;
    let told = Health::Died(format!("worker {worker} ended"));
    assert_eq!(server.health(), told);
    server.mark();
    assert_eq!(server.health(), Health::Alive);
}

#[tokio::test]
async fn a_program_that_a_server_executes_is_none_of_its_workers() {
    let Some(via) = python("a_program_that_a_server_executes_is_none_of_its_workers") else {
        return;
    };
    let dir = RunDir::create().unwrap();
    let server = running(&dir, &via, EXECUTES).await;
    let script = fs::read_to_string(dir.path().join("script")).unwrap();
    kill(&script);
    while exists(script.parse().unwrap()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.health(), Health::Alive);
}

#[tokio::test]
async fn a_main_process_that_died_is_told_with_its_signal() {
    let Some(via) = python("a_main_process_that_died_is_told_with_its_signal") else {
        return;
    };
    let dir = RunDir::create().unwrap();
    let server = server(&dir, &via).await;
    let pids = server.pids();
    kill(&pids[0].to_string());
    await_health(&server, |health| *health != Health::Alive).await;
    let told = "double ended, killed by signal 9 (SIGKILL)";
    assert_eq!(server.health(), Health::Died(told.into()));
    drop(server);
    assert!(!pids.into_iter().any(exists), "the worker went with it");
}

fn kill(pid: &str) {
    assert!(
        Command::new("kill")
            .args(["-9", pid])
            .status()
            .unwrap()
            .success()
    );
}

async fn await_health(server: &Running, reached: impl Fn(&Health) -> bool) {
    while !reached(&server.health()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_that_ends_at_once_is_told_with_its_log() {
    let dir = RunDir::create().unwrap();
    let launch = launch(&["-c", "echo no such directive >&2; exit 3"], never_ready());
    let error = launch::start(&launch, &dir, &shell()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "double ended before it was ready, exit status 3; its log ends: no such directive"
    );
}

#[tokio::test]
async fn a_missing_program_is_told_with_what_to_try() {
    let dir = RunDir::create().unwrap();
    let via = Via::Process {
        program: "/nowhere/nginx".into(),
    };
    let error = launch::start(&launch(&[], never_ready()), &dir, &via).await;
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("cannot execute /nowhere/nginx"),
        "{message}"
    );
    assert!(message.ends_with("--binary double=PATH"), "{message}");
}

#[tokio::test]
async fn an_address_that_somebody_has_is_not_mistaken_for_readiness() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let dir = RunDir::create().unwrap();
    let launch = launch(
        &["-c", "sleep 60"],
        Ready::Accepts(Address::Tcp(address.clone())),
    );
    let error = launch::start(&launch, &dir, &shell()).await.unwrap_err();
    assert!(matches!(error, LaunchError::Taken { address: taken, .. } if taken == address));
}

#[tokio::test]
async fn only_named_variables_reach_it() {
    let dir = RunDir::create().unwrap();
    let mut launch = launch(&["-c", "env; exit 1"], never_ready());
    launch.env = vec![("COLOUR".into(), "blue".into())];
    let Err(LaunchError::Ended { log, .. }) = launch::start(&launch, &dir, &shell()).await else {
        panic!("it ends at once");
    };
    assert!(log.contains("COLOUR=blue\n"), "{log}");
    assert!(!log.contains("CARGO"), "{log}");
}
