//! A server under test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PATIENCE, Peer};

/// A gateserve that runs until it is dropped.
pub struct Server {
    child: Child,
    /// Where its sockets are bound, in order.
    pub addresses: Vec<String>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Starts with these arguments and waits until it is ready.
    pub fn start(args: &[&str]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_gateserve")).args(args))
    }

    /// The same of another program than the one that was built.
    pub fn start_of(program: &std::path::Path, args: &[&str]) -> Self {
        Self::run(Command::new(program).args(args))
    }

    /// The same by way of a command that runs another one, whose words follow.
    pub fn start_by(command: &[&str], args: &[&str]) -> Self {
        let mut first = Command::new(command[0]);
        first
            .args(&command[1..])
            .arg(env!("CARGO_BIN_EXE_gateserve"));
        Self::run(first.args(args))
    }

    /// The same with something else as its standard input.
    pub fn start_on(stdin: impl Into<Stdio>, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateserve"));
        Self::run(command.args(args).stdin(stdin))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self {
            child,
            addresses: Vec::new(),
            lines,
            seen: Vec::new(),
        };
        server.line("gateserve is ready");
        server.addresses = server
            .seen
            .iter()
            .filter_map(|line| bound_to(line))
            .collect();
        server
    }

    /// Waits for a line of the log that holds `part`; each line is looked at once.
    #[track_caller]
    pub fn line(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line holds {part:?} in:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Whether a line that has come by now, and was not looked at before, holds `part`.
    pub fn has_told(&mut self, part: &str) -> bool {
        while let Ok(line) = self.lines.try_recv() {
            self.seen.push(line.clone());
            if line.contains(part) {
                return true;
            }
        }
        false
    }

    /// A line of the log that holds `part`, whether it was looked at already or is still to come:
    /// what runs beside the workers may be told before or after the server is ready.
    #[track_caller]
    pub fn ever(&mut self, part: &str) -> String {
        match self.seen.iter().find(|line| line.contains(part)) {
            Some(line) => line.clone(),
            None => self.line(part),
        }
    }

    /// The lines of the log that were looked at so far.
    pub fn told(&self) -> String {
        self.seen.join("\n") + "\n"
    }

    /// A line of the log that was read already, such as one from before it was ready.
    #[track_caller]
    pub fn earlier(&self, part: &str) -> String {
        let line = self.seen.iter().find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("no line holds {part:?} in:\n{}", self.seen.join("\n")))
            .clone()
    }

    /// The lines from here up to one that holds `part`.
    #[track_caller]
    pub fn lines_until(&mut self, part: &str) -> Vec<String> {
        let before = self.seen.len();
        self.line(part);
        self.seen[before..].to_vec()
    }

    /// The lines of the log that were looked at so far, in order.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    /// A connection to the first socket.
    #[track_caller]
    pub fn connect(&self) -> Peer {
        Peer::to(&self.addresses[0])
    }

    /// The process ids of the workers, as the log tells them.
    pub fn workers(&self) -> Vec<Pid> {
        let spawned = self
            .seen
            .iter()
            .filter(|line| line.starts_with("spawned gateserve worker"));
        spawned.map(|line| pid_in(line, "(pid: ")).collect()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the server runs");
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("process ids are small"))
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = kill(self.pid(), Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}

/// A server that is not expected to start.
pub struct Ended {
    /// Its exit code, unless a signal has ended it.
    pub code: Option<i32>,
    /// Everything that it has said.
    pub log: String,
}

impl Ended {
    /// Starts with these arguments and waits for the end.
    #[track_caller]
    pub fn of(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateserve"));
        command.args(args).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let (sender, ended) = channel();
        let pid = Pid::from_raw(child.id().cast_signed());
        std::thread::spawn(move || {
            let mut log = Vec::new();
            let _ = stderr.read_to_end(&mut log);
            let _ = sender.send(log);
        });
        let log = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            // Its workers end with it.
            let _ = kill(pid, Signal::SIGKILL);
            let _ = child.wait();
            panic!("the server does not end: {args:?}")
        });
        let status = child.wait().expect("it is our child");
        Self {
            code: status.code(),
            log: String::from_utf8_lossy(&log).into_owned(),
        }
    }
}

fn bound_to(line: &str) -> Option<String> {
    let address = line.split_once(" address ")?.1;
    Some(address.split_once(" fd ")?.0.to_owned())
}

/// The process id that follows `before` in a line of the log.
#[track_caller]
pub fn pid_in(line: &str, before: &str) -> Pid {
    let rest = line.split_once(before).expect("the line tells a pid").1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Pid::from_raw(digits.parse().expect("a number"))
}
