//! Shell commands that the configuration names.

#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
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
    let attach = move || -> io::Result<()> {
        if bond != Bond::Dies {
            setsid()?;
        }
        if bond != Bond::Free {
            set_pdeathsig(Signal::SIGKILL)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only two system calls are made, both async-signal-safe, and
    // nothing is allocated.
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
    fn the_code_is_the_commands_own() {
        assert_eq!(run("exit 7").unwrap(), 7);
        assert_eq!(run("kill -9 $$").unwrap(), 128 + 9);
    }
}
