//! Where the log goes, seen from outside.

mod support;

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Peer, Responses};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose log is not its standard error; it runs until it is dropped.
struct Silent {
    child: Child,
    folder: tempfile::TempDir,
}

impl Silent {
    fn start(args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), args)
    }

    /// `args` may name files in the folder that it starts in.
    fn start_in(folder: tempfile::TempDir, args: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_gateserve"))
            .args(["--http-socket", "app.sock", "--probe"])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    /// Waits until the file holds `part`.
    #[track_caller]
    fn holds(&self, file: &str, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(file);
            if text.contains(part) {
                return text;
            }
            assert!(Instant::now() < deadline, "{file} lacks {part:?}:\n{text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn get(&self, path: &str) {
        let socket = self.folder.path().join("app.sock");
        let mut responses = Responses::on(Peer::to(socket.to_str().unwrap()));
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Probe: body=x\r\n\r\n");
        responses.peer.send(head);
        assert_eq!(responses.next("GET").body, b"x");
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, signal).unwrap();
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.signal(Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_log_file_is_relative_to_where_the_server_was_started() {
    let server = Silent::start(&["--logto", "app.log", "--chdir", "/"]);
    server.holds("app.log", "gateserve is ready");
}

#[test]
fn a_log_file_is_appended_to_and_only_emptied_on_demand() {
    for (option, kept) in [(None, true), (Some("--log-truncate"), false)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.log"), "from before\n").unwrap();
        let mut args = vec!["--logto", "app.log"];
        args.extend(option);
        let server = Silent::start_in(folder, &args);
        let text = server.holds("app.log", "gateserve is ready");
        assert_eq!(text.contains("from before"), kept, "{option:?}");
    }
}

#[test]
fn a_log_file_has_the_rights_that_were_asked_for() {
    let server = Silent::start(&["--logto", "app.log", "--logfile-chmod", "604"]);
    server.holds("app.log", "gateserve is ready");
    assert_eq!(mode(&server.folder.path().join("app.log")), 0o604);
}

#[test]
fn what_comes_after_the_drop_of_rights_goes_to_the_second_log() {
    let server = Silent::start(&["--logto", "first.log", "--logto2", "second.log"]);
    server.holds("second.log", "gateserve is ready");
    let first = server.text("first.log");
    assert!(first.contains("bound to"), "{first}");
    assert!(!first.contains("is ready"), "{first}");
}

#[test]
fn a_log_by_udp_is_a_datagram_a_line() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let server = Silent::start(&["--logto", &address]);
    let mut packet = [0; 2048];
    let mut next = || {
        let size = receiver.recv(&mut packet).expect("a datagram in time");
        String::from_utf8(packet[..size].to_vec()).unwrap()
    };
    while !next().starts_with("gateserve is ready") {}
    server.get("/by-udp");
    let line = next();
    assert!(line.contains("GET /by-udp => generated 1 bytes"), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
}

#[test]
fn a_log_file_that_cannot_be_opened_ends_the_start() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--socket", "127.0.0.1:0", "--probe"])
        .args(["--logto", "/no/such/folder/app.log"])
        .assert()
        .code(1)
        .stderr(predicates::str::contains(
            "cannot open the log: /no/such/folder/app.log: ",
        ));
}
