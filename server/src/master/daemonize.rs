//! `daemonize`: from a command of a terminal to a server of its own.
//!
//! ```text
//! command ── waits for ──▶ session leader ── waits until it is ready ──▶ server
//! ```
//!
//! uWSGI's command ends before anything has been tried. This one ends once the server accepts
//! connections, with 0, or with the server's own exit code if it never got so far.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, setsid};

use super::fork::fork;
use crate::Language;

/// Who waits for the server to be ready.
static WAITING: Mutex<Option<io::PipeWriter>> = Mutex::new(None);

/// Goes on in a process of a session of its own, without a terminal, whose standard input is empty
/// and whose umask is 022 if `masks`. (uWSGI's is 0, which lets everybody write to what the server
/// makes.)
/// Returns there only.
///
/// # Errors
/// What the system says; told in whichever process it happens.
pub(super) fn detach(language: Option<&dyn Language>, masks: bool) -> io::Result<()> {
    let (mut ready, tell) = io::pipe()?;
    if let ForkResult::Parent { child } = fork(language)? {
        drop((ready, tell));
        std::process::exit(complain(exit_code(child)));
    }
    setsid()?;
    // Whoever leads a session gets a terminal with the next one that it opens; its child does not.
    if let ForkResult::Parent { child } = fork(language)? {
        drop(tell);
        let code = match ready.read(&mut [0]) {
            Ok(1) => 0,
            _ => exit_code(child),
        };
        std::process::exit(code);
    }
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    if masks {
        umask(Mode::S_IWGRP | Mode::S_IWOTH);
    }
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
    Ok(())
}

/// Lets the command end that waits for this server, if one does.
pub(super) fn ready() {
    let waiting = WAITING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(mut tell) = waiting {
        // Whoever waited may have been interrupted.
        let _ = tell.write_all(b"r");
    }
}

fn complain(code: i32) -> i32 {
    if code != 0 {
        eprintln!(
            "gateserve: the server ended with exit code {code} before it was ready; its log tells \
             why"
        );
    }
    code
}

/// Waits for the end of a child. One that was killed counts as the shell counts it.
fn exit_code(child: Pid) -> i32 {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return code,
            Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as i32,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return 1,
        }
    }
}
