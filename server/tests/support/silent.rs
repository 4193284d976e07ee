//! A server whose log is not its standard error.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Peer, Responses};

const PATIENCE: Duration = Duration::from_secs(20);

/// Such a server, in a folder of its own; it runs until it is dropped.
pub struct Silent {
    child: Child,
    pub folder: tempfile::TempDir,
}

impl Silent {
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), args)
    }

    /// `args` may name files in the folder that it starts in.
    pub fn start_in(folder: tempfile::TempDir, args: &[&str]) -> Self {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    /// Waits until the file holds `part`.
    #[track_caller]
    pub fn holds(&self, file: &str, part: &str) -> String {
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

    /// Waits until something is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "there never was {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) {
        let socket = self.folder.path().join("app.sock");
        let mut responses = Responses::on(Peer::to(socket.to_str().unwrap()));
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Probe: body=x\r\n\r\n");
        responses.peer.send(head);
        assert_eq!(responses.next("GET").body, b"x");
    }

    /// Ends it and waits for that.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        self.signal(Signal::SIGINT);
        self.child.wait().unwrap()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended, which is as well.
        let _ = kill(self.pid(), signal);
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.signal(Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}
