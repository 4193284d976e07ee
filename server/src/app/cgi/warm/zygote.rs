//! One booted interpreter, from which the processes of requests are forked.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, send, sendmsg, socketpair,
};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::interpreter::Interpreter;
use crate::app::cgi::child::Child;
use crate::app::cgi::spawn::{self, Program, Stdio};
use crate::app::cgi::strings::Strings;

/// What the interpreter runs; small, so that the list of processes stays readable.
const COMMAND: &[u8] = b"exec(__import__('os').read(0,65536),{})";

/// What that reads.
const SOURCE: &str = include_str!("zygote.py");

/// How long an interpreter may take to start and to import what `cgi-preload` names.
const BOOT: Duration = Duration::from_secs(60);

/// An interpreter that waits for requests. It ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Zygote {
    control: UnixDatagram,
    /// Whether it came as far as waiting for requests, once that is known.
    ready: OnceCell<bool>,
}

impl Zygote {
    /// Starts the interpreter with this environment. It may still fail to boot.
    ///
    /// # Errors
    /// Those of `socketpair`, `exec` and of the first messages.
    pub(super) fn start(
        interpreter: &Interpreter,
        environ: &Strings,
        preload: &str,
    ) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        let environment: Vec<_> = environ.iter().collect();
        // An empty packet would be the end.
        let preload = if preload.is_empty() { "," } else { preload };
        let environment = environment.join(&0);
        for packet in [SOURCE.as_bytes(), preload.as_bytes(), &environment] {
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            send(ours.as_raw_fd(), packet, flags)?;
        }
        let child = run(interpreter, environ, &theirs)?;
        tokio::spawn(async move {
            let mut child = child;
            child.exit().await
        });
        let ours = StdDatagram::from(ours);
        ours.set_nonblocking(true)?;
        Ok(Self {
            control: UnixDatagram::from_std(ours)?,
            ready: OnceCell::new(),
        })
    }

    /// Whether it waits for requests, as soon as that is certain.
    pub(super) async fn is_ready(&self) -> bool {
        let booted = || async {
            let mut word = [0];
            let read = timeout(BOOT, self.control.recv(&mut word)).await;
            matches!(read, Ok(Ok(1)))
        };
        *self.ready.get_or_init(booted).await
    }

    /// Hands a request over.
    ///
    /// # Errors
    /// The interpreter has ended, or the request is too large.
    pub(super) async fn send(&self, packet: &[u8], fds: [i32; 4]) -> io::Result<()> {
        let control = self.control.as_raw_fd();
        let sent = || {
            let rights = [ControlMessage::ScmRights(&fds)];
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            sendmsg::<()>(control, &[IoSlice::new(packet)], &rights, flags, None)?;
            Ok(())
        };
        self.control.async_io(Interest::WRITABLE, sent).await
    }
}

fn run(interpreter: &Interpreter, environ: &Strings, stdin: &OwnedFd) -> io::Result<Child> {
    let mut argv = Strings::default();
    for word in [&interpreter.name[..], b"-c", COMMAND] {
        argv.push(&[word]).map_err(io::Error::other)?;
    }
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    let program = Program {
        path: &CString::new(interpreter.file.as_os_str().as_bytes())?,
        argv: &argv,
        environ,
        directory: c"/",
        rights: &spawn::Rights::default(),
        takes_up_orphans: false,
    };
    let stderr = io::stderr();
    let stdio = Stdio {
        stdin: stdin.as_fd(),
        stdout: null.as_fd(),
        stderr: stderr.as_fd(),
    };
    Ok(Child::new(
        spawn::spawn(&program, stdio).map_err(|failed| failed.errno)?,
    ))
}
