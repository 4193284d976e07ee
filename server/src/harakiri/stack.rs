//! The stack of a stuck thread in the application's own language.
//!
//! The interpreter is asked at the start to write a thread's stack to a pipe when that thread gets
//! a certain signal. It does so in the signal handler, without its lock, so that code which holds
//! the lock cannot hide.

#![allow(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use crate::Language;

/// How long the stack may take to begin, and to go on.
const PATIENCE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(20);

/// A means to see a thread's stack.
#[derive(Debug)]
pub(super) struct StackDump {
    signal: i32,
    written: PipeReader,
    /// Open as long as the interpreter may write to it.
    _write: PipeWriter,
}

impl StackDump {
    /// Asks the interpreter; `None` if it cannot do so.
    ///
    /// # Errors
    /// No pipe can be made.
    pub(super) fn prepare(language: &dyn Language) -> io::Result<Option<Self>> {
        let (written, write) = io::pipe()?;
        for end in [written.as_fd(), write.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        // One that nobody sends by accident.
        let signal = libc::SIGRTMAX() - 1;
        let able = language.dump_stack_on(signal, write.as_raw_fd());
        Ok(able.then_some(Self {
            signal,
            written,
            _write: write,
        }))
    }

    /// The stack of a thread of this process, line by line.
    pub(super) fn of(&self, thread: Pid) -> Vec<String> {
        if let Err(error) = signal_thread(thread, self.signal) {
            return vec![format!("unknown: {error}")];
        }
        let mut text = Vec::new();
        let mut patience = PATIENCE;
        while self.is_readable(patience) {
            let mut piece = [0; 4096];
            match (&self.written).read(&mut piece) {
                Ok(1..) if text.len() > 64 * 1024 => break,
                Ok(count @ 1..) => text.extend_from_slice(&piece[..count]),
                _ => break,
            }
            patience = PAUSE;
        }
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }

    fn is_readable(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(self.written.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        matches!(poll(&mut fds, patience), Ok(1..))
    }
}

fn signal_thread(thread: Pid, signal: i32) -> nix::Result<()> {
    // SAFETY: the call takes numbers alone; a thread that has ended is an error.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_tgkill,
            Pid::this().as_raw(),
            thread.as_raw(),
            signal,
        )
    };
    Errno::result(sent).map(drop)
}
