//! Signals as something to wait for, instead of handlers that interrupt.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What the master listens to; see [`Command::of_signal`](super::command::Command::of_signal).
const HEARD: [Signal; 10] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGTSTP,
];

/// The master's signals, blocked and read from a descriptor.
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Blocks the signals from now on. After a reload (`resumed`) they are blocked already, and not
    /// by whoever started the server.
    pub(super) fn block(resumed: bool) -> io::Result<Self> {
        notice_children()?;
        let heard: SigSet = HEARD.into_iter().collect();
        let mut before = heard.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
        if resumed {
            HEARD.into_iter().for_each(|signal| before.remove(signal));
        }
        let fd = SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd, before })
    }

    /// The signal mask that a forked child is to have.
    pub(super) fn unblocked(&self) -> SigSet {
        self.before
    }

    /// The next signal that has come, if any.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let info = self.fd.read_signal().ok().flatten()?;
        Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Has a program that takes this one's place begin with the signals blocked that are blocked now:
/// after a reload, one that comes before the new server listens must not end it.
pub(crate) fn keep_mask(command: &mut std::process::Command) {
    let Ok(mask) = SigSet::thread_get_mask() else {
        return;
    };
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(move || Ok(mask.thread_set_mask()?)) };
}

/// Some parents start their programs with SIGCHLD ignored. Then the kernel takes ended children
/// away, and neither workers nor CGI programs could be waited for.
fn notice_children() -> io::Result<()> {
    // SAFETY: the default action runs no code of ours, and nothing else here handles the signal.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}
