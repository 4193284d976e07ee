//! A server that detaches from its terminal.

mod support;

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};
use support::{Peer, Responses};

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a daemon in it, which ends with the folder.
struct Daemon {
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Runs the command until it ends by itself.
    fn start(args: &[&str]) -> (Self, Output) {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_gateserve"))
            .args(["--http-socket", "app.sock", "--probe"])
            .args(args)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (Self { folder }, output)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    #[track_caller]
    fn pid(&self) -> Pid {
        let text = self.text("app.pid");
        Pid::from_raw(text.trim().parse().expect("a pid"))
    }

    #[track_caller]
    fn get(&self) -> Vec<u8> {
        let socket = self.path("app.sock");
        let mut responses = Responses::on(Peer::to(socket.to_str().unwrap()));
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: body=alive\r\n\r\n";
        responses.peer.send(request);
        responses.next("GET").body
    }

    #[track_caller]
    fn end(&self) {
        let pid = self.pid();
        kill(pid, Signal::SIGTERM).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while Path::new(&format!("/proc/{pid}/fd/0")).exists() {
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(pid) = self.text("app.pid").trim().parse() {
            // It may have ended already, which is as well.
            let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
        }
    }
}

#[test]
fn the_command_ends_once_the_daemon_serves() {
    for option in ["--daemonize", "--daemonize2"] {
        let (daemon, output) = Daemon::start(&[option, "app.log", "--pidfile", "app.pid"]);
        assert!(output.status.success(), "{output:?}");
        assert!(daemon.text("app.log").contains("gateserve is ready"));
        assert_eq!(daemon.get(), b"alive", "it serves at once");
        daemon.end();
        assert!(daemon.text("app.log").contains("goodbye to gateserve."));
    }
}

#[test]
fn a_daemon_has_no_terminal_no_input_and_no_open_hand() {
    let (daemon, _) = Daemon::start(&["--daemonize", "app.log", "--pidfile", "app.pid"]);
    let pid = daemon.pid();
    assert_ne!(getsid(Some(pid)).unwrap(), getsid(None).unwrap());
    assert_ne!(getsid(Some(pid)).unwrap(), pid, "it leads no session");
    let link = |fd: u32| std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
    assert_eq!(link(0), Path::new("/dev/null"));
    let log = std::fs::canonicalize(daemon.path("app.log")).unwrap();
    assert_eq!((link(1), link(2)), (log.clone(), log));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Umask:\t0022\n"), "{status}");
    daemon.end();
}

#[test]
fn a_daemon_reloads_as_the_process_that_it_is() {
    for option in ["--daemonize", "--daemonize2"] {
        let (daemon, output) = Daemon::start(&[option, "app.log", "--pidfile", "app.pid"]);
        assert!(output.status.success(), "{output:?}");
        let pid = daemon.pid();
        kill(pid, Signal::SIGHUP).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while daemon.text("app.log").matches("gateserve is ready").count() < 2 {
            let log = daemon.text("app.log");
            assert!(Instant::now() < deadline, "{option}: no reload: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let log = daemon.text("app.log");
        assert!(log.contains("gracefully (RE)spawned"), "{log}");
        assert_eq!(daemon.pid(), pid);
        assert_eq!(daemon.get(), b"alive");
        daemon.end();
    }
}

#[test]
fn a_daemon_that_cannot_start_is_not_hidden() {
    let args = ["--daemonize", "app.log", "--chdir", "/no/such"];
    let (daemon, output) = Daemon::start(&args);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("ended with exit code 1 before it"), "{told}");
    let log = daemon.text("app.log");
    assert!(log.contains("cannot change to folder /no/such"), "{log}");
}

#[test]
fn a_daemon_without_a_log_says_so_on_the_terminal() {
    let (_daemon, output) = Daemon::start(&["--daemonize", "/no/such/app.log"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("cannot open the log: /no/such/app.log"),
        "{told}"
    );
}

#[test]
fn a_daemon_may_log_by_udp() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let (daemon, output) = Daemon::start(&["--daemonize", &address, "--pidfile", "app.pid"]);
    assert!(output.status.success(), "{output:?}");
    let mut packet = [0; 2048];
    let mut line = |part: &str| loop {
        let size = receiver.recv(&mut packet).expect("a datagram in time");
        let text = String::from_utf8(packet[..size].to_vec()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "a line a datagram: {text}");
        if text.contains(part) {
            return;
        }
    };
    line("gateserve is ready");
    daemon.get();
    line("GET / => generated 5 bytes");
    daemon.end();
    line("goodbye to gateserve.");
}
