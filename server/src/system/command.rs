//! Shell commands that the configuration names.

#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::setsid;

/// How a command hangs on to the process that starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// Killed with its parent.
    Dies,
    /// The same, in a session and process group of its own.
    Session,
    /// In a session of its own, and left alone when the parent dies.
    Free,
}

/// `/bin/sh -c TEXT`, with all signals unblocked and as they are by default.
pub(crate) fn shell(text: &str, bond: Bond) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text);
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    let attach = move || -> io::Result<()> {
        // What ignores signals when it starts us, such as `nohup`, would have every shell below
        // ignore them for good.
        for signal in Signal::iterator() {
            // SAFETY: the default action runs no code. That of SIGKILL and SIGSTOP cannot be set,
            // which is as well.
            let _ = unsafe { sigaction(signal, &default) };
        }
        if bond != Bond::Dies {
            setsid()?;
        }
        if bond != Bond::Free {
            set_pdeathsig(Signal::SIGKILL)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made, all async-signal-safe, and nothing
    // is allocated.
    unsafe { command.pre_exec(attach) };
    command
}

/// Runs a command and waits for its end. The code is the one that the shell reports, 128 and more
/// for a signal.
///
/// # Errors
/// The shell cannot be started.
pub(crate) fn run(text: &str) -> io::Result<i32> {
    Ok(code(shell(text, Bond::Dies).status()?))
}

fn code(status: ExitStatus) -> i32 {
    let by_signal = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(by_signal).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_are_ignored_here_are_not_ignored_there() {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: ignoring runs no code; nothing else in these tests uses the signal.
        unsafe { sigaction(Signal::SIGURG, &ignore) }.unwrap();
        let ignored = "while read -r name set; do case $name in SigIgn:) echo $set; esac; done";
        let mut shell = shell(&format!("{ignored} < /proc/$$/status"), Bond::Dies);
        let set = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        let set = u64::from_str_radix(set.trim(), 16).unwrap();
        assert_eq!(set & (1 << (Signal::SIGURG as i32 - 1)), 0, "{set:x}");
    }

    #[test]
    fn the_code_is_the_commands_own() {
        assert_eq!(run("exit 7").unwrap(), 7);
        assert_eq!(run("kill -9 $$").unwrap(), 128 + 9);
    }
}
