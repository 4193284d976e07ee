//! A server under test, and connections to it.

// Each test file uses its own part of this.
#![allow(dead_code, unreachable_pub)]

pub mod gateway;
pub mod nginx;
pub mod packages;
pub mod python;
pub mod scripts;
pub mod silent;
pub mod site;
pub mod uwsgi;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wire::environ::Environ;
use wire::http::{ChunkEvent, ChunkedDecoder, Framing, Limits, ResponseHead, decode_response};

/// Longer than anything here should take, and shorter than a person's patience.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// A connection to a server.
pub enum Peer {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Peer {
    #[track_caller]
    pub fn to(address: &str) -> Self {
        if address.contains('/') {
            let stream = UnixStream::connect(address).expect("the server listens");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            return Self::Unix(stream);
        }
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Tcp(stream)
    }

    /// Sends bytes in writes of at most `size`.
    #[track_caller]
    pub fn send_in(&mut self, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size.max(1)) {
            self.write_all(piece).expect("the server takes it");
        }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// Lets a write fail that waits for so long.
    pub fn give_up_after(&self, wait: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(wait)),
            Self::Unix(stream) => stream.set_write_timeout(Some(wait)),
        }
        .unwrap();
    }

    pub fn end_sending(&self) {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
        .unwrap();
    }

    pub fn another(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().unwrap()),
            Self::Unix(stream) => Self::Unix(stream.try_clone().unwrap()),
        }
    }

    /// Reads until the server closes.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)
            .expect("the server closes in time and without a reset");
        bytes
    }

    /// Whether anything comes, or the end, within so long; what comes on a Unix socket is lost.
    pub fn read_within(&mut self, wait: Duration) -> bool {
        self.wait_at_most(wait);
        let read = match self {
            Self::Tcp(stream) => stream.peek(&mut [0]),
            Self::Unix(stream) => stream.read(&mut [0]),
        };
        self.wait_at_most(PATIENCE);
        !read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn wait_at_most(&self, wait: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(wait)),
            Self::Unix(stream) => stream.set_read_timeout(Some(wait)),
        }
        .unwrap();
    }

    /// Whether the server closes, whatever it still sends.
    pub fn ends(&mut self) -> bool {
        let mut piece = [0; 4096];
        loop {
            match self.read(&mut piece) {
                Ok(1..) => {}
                Ok(0) => return true,
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether the server has closed, without a byte.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        match self.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => {
                assert_ne!(
                    error.kind(),
                    ErrorKind::WouldBlock,
                    "the server does not close"
                );
                true
            }
        }
    }

    /// Reads at least one byte behind what `buf` holds; false at the end.
    #[track_caller]
    pub fn more(&mut self, buf: &mut BytesMut) -> bool {
        let mut piece = vec![0; 64 * 1024];
        let count = self.read(&mut piece).expect("the server answers in time");
        buf.extend_from_slice(&piece[..count]);
        count > 0
    }
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One HTTP response.
#[derive(Debug)]
pub struct Response {
    pub head: ResponseHead,
    pub body: Vec<u8>,
}

impl Response {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head
            .header(name)
            .map(|value| std::str::from_utf8(value).unwrap())
    }

    /// The body as the probe's report.
    #[track_caller]
    pub fn report(&self) -> Report {
        Report::of(&self.body)
    }
}

/// Reads responses off a connection that may carry several.
pub struct Responses {
    pub peer: Peer,
    buf: BytesMut,
}

impl Responses {
    pub fn on(peer: Peer) -> Self {
        Self {
            peer,
            buf: BytesMut::new(),
        }
    }

    #[track_caller]
    pub fn head(&mut self) -> ResponseHead {
        loop {
            if let Some(head) = decode_response(&mut self.buf, &Limits::default()).unwrap() {
                return head;
            }
            assert!(
                self.peer.more(&mut self.buf),
                "no response, but {:?}",
                self.buf
            );
        }
    }

    /// The next response, to a request of this method.
    #[track_caller]
    pub fn next(&mut self, method: &str) -> Response {
        let head = self.head();
        let body = match head.framing(method.as_bytes()).unwrap() {
            Framing::None => Vec::new(),
            Framing::Length(length) => self.counted(length.try_into().unwrap()),
            Framing::Chunked => self.chunked(),
            Framing::UntilClose => {
                while self.peer.more(&mut self.buf) {}
                self.buf.split().to_vec()
            }
        };
        Response { head, body }
    }

    /// The next bytes of a body whose head was read.
    #[track_caller]
    pub fn body(&mut self, length: usize) -> Vec<u8> {
        self.counted(length)
    }

    fn counted(&mut self, length: usize) -> Vec<u8> {
        while self.buf.len() < length {
            assert!(self.peer.more(&mut self.buf), "the body is cut off");
        }
        self.buf.split_to(length).to_vec()
    }

    fn chunked(&mut self) -> Vec<u8> {
        let (mut decoder, mut body) = (ChunkedDecoder::new(), Vec::new());
        loop {
            match decoder.decode(&mut self.buf).unwrap() {
                Some(ChunkEvent::Data(piece)) => body.extend_from_slice(&piece),
                Some(ChunkEvent::End { .. }) => return body,
                None => assert!(self.peer.more(&mut self.buf), "the body is cut off"),
            }
        }
    }
}

/// What the probe says that it saw.
#[derive(Debug)]
pub struct Report(serde_json::Value);

impl Report {
    #[track_caller]
    pub fn of(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).expect("a report"))
    }

    pub fn var(&self, name: &str) -> Option<&str> {
        let vars = self.0["environ"].as_array()?;
        vars.iter().find(|pair| pair[0] == name)?[1].as_str()
    }

    pub fn body_size(&self) -> u64 {
        self.0["body"]["size"].as_u64().expect("a size")
    }

    pub fn pid(&self) -> u64 {
        self.0["pid"].as_u64().expect("a pid")
    }
}

/// The variables of a request to the probe, as a gateway sends them.
pub fn environ(method: &str, probe: &str, body_length: usize) -> Environ {
    let mut environ = Environ::new();
    environ.push("CONTENT_LENGTH", body_length.to_string());
    environ.push("REQUEST_METHOD", method.to_owned());
    for (name, value) in [
        ("REQUEST_URI", "/probe/a?b=c"),
        ("QUERY_STRING", "b=c"),
        ("SCRIPT_NAME", "/probe"),
        ("PATH_INFO", "/a"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "192.0.2.1"),
    ] {
        environ.push(name, value);
    }
    if !probe.is_empty() {
        environ.push("HTTP_X_PROBE", probe.to_owned());
    }
    environ
}

/// The bytes that the probe's `size=N` asks for.
pub fn counter(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

/// A body that is unlike the probe's own.
pub fn payload(size: usize) -> Bytes {
    (0..size).map(|at| (at * 7 % 253) as u8).collect()
}
