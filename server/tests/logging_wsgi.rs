//! What Python applications print, and daemons that run them.

mod support;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::python::Site;
use support::{Peer, Responses};

const TALKATIVE: &str = "
import subprocess, sys
print('printed while loading')

def application(environ, start_response):
    print('on standard output')
    print('on standard error', file=sys.stderr)
    environ['wsgi.errors'].write('on wsgi.errors\\n')
    subprocess.run(['echo', 'by a child'])
    start_response('200 OK', [])
    return [b'alive']
";

/// Starts a daemon that serves `app.py` at `app.sock`; the command's own end.
fn daemon(site: &Site, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args(["--module", "app", "--http-socket", "app.sock"])
        .args(["--pidfile", "app.pid", "--daemonize", "app.log"])
        .args(args)
        .current_dir(site.folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(site: &Site, file: &str) -> String {
    std::fs::read_to_string(site.folder.path().join(file)).unwrap_or_default()
}

#[track_caller]
fn get(site: &Site) -> Vec<u8> {
    let socket = site.folder.path().join("app.sock");
    let mut responses = Responses::on(Peer::to(socket.to_str().unwrap()));
    responses
        .peer
        .send("GET /asked HTTP/1.1\r\nHost: a\r\n\r\n");
    responses.next("GET").body
}

/// Ends the daemon and waits for that.
#[track_caller]
fn end(site: &Site) {
    let pid = Pid::from_raw(text(site, "app.pid").trim().parse().expect("a pid"));
    kill(pid, Signal::SIGINT).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while Path::new(&format!("/proc/{pid}/fd/0")).exists() {
        assert!(std::time::Instant::now() < deadline, "it does not end");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn what_a_daemons_application_prints_is_in_its_log() {
    needs_python!();
    for args in [&[][..], &["--log-maxsize", "1000000"]] {
        let site = Site::new(TALKATIVE);
        let output = daemon(&site, args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(get(&site), b"alive", "{}", text(&site, "app.log"));
        end(&site);
        let log = text(&site, "app.log");
        for expected in [
            "printed while loading",
            "on standard output",
            "on standard error",
            "on wsgi.errors",
            "by a child",
            "GET /asked => generated 5 bytes",
            "goodbye to",
        ] {
            assert!(
                log.lines().any(|line| line.contains(expected)),
                "{expected}: {log}"
            );
        }
    }
}

#[test]
fn a_daemon_whose_application_does_not_load_says_so_with_its_exit_code() {
    needs_python!();
    let site = Site::new("raise RuntimeError('not today')");
    let output = daemon(&site, &[]);
    assert_eq!(output.status.code(), Some(22), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("exit code 22"), "{told}");
    let log = text(&site, "app.log");
    assert!(log.contains("RuntimeError: not today"), "{log}");
}

#[test]
fn prints_and_requests_go_to_loggers_of_their_own() {
    needs_python!();
    let site = Site::new(TALKATIVE);
    let output = daemon(
        &site,
        &[
            "--logger=file:messages.log",
            "--req-logger=file:requests.log",
            "--log-format=%(method) %(uri) %(status) app",
        ],
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(get(&site), b"alive");
    end(&site);
    assert_eq!(text(&site, "requests.log"), "GET /asked 200 app\n");
    let messages = text(&site, "messages.log");
    assert!(messages.contains("on standard output\n"), "{messages}");
    assert!(messages.contains("by a child\n"), "{messages}");
}

#[test]
fn each_thread_is_told_as_its_core() {
    needs_python!();
    let together = "
import threading
together = threading.Barrier(3, timeout=20)

def application(environ, start_response):
    together.wait()
    start_response('200 OK', [])
    return [b'x']
";
    let site = Site::new(together);
    let mut server = site.serve(&["--http-socket", "127.0.0.1:0", "--threads", "3"]);
    let mut peers: Vec<_> = (0..3).map(|_| Responses::on(server.connect())).collect();
    for peer in &mut peers {
        peer.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for peer in &mut peers {
        assert_eq!(peer.next("GET").head.status, 200);
    }
    let told = (0..3).map(|_| server.line(" switches on core "));
    let mut cores: Vec<_> = told.map(|line| line[line.len() - 2..].to_owned()).collect();
    cores.sort();
    assert_eq!(cores, ["0)", "1)", "2)"]);
}
