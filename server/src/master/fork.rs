//! Forking a worker.

#![allow(unsafe_code)]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::unistd::{self, ForkResult, Pid};

use crate::Language;

/// The exit code of a child that panicked.
const PANICKED: i32 = 101;

/// Forks a child that does `work` and exits with what that returns. A panic ends the child too: it
/// must not unwind into the copy of the master that the child began as.
///
/// The caller must be the only thread of its process: the child goes on from here, and a lock that
/// another thread held would stay locked in it for ever.
pub(super) fn spawn(
    language: Option<&dyn Language>,
    work: impl FnOnce() -> i32,
) -> io::Result<Pid> {
    match fork(language)? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = catch_unwind(AssertUnwindSafe(work)).unwrap_or(PANICKED);
            if let Some(language) = language {
                language.leave();
            }
            std::process::exit(code)
        }
    }
}

/// Forks; both processes go on from here. The caller must be the only thread of its process.
pub(crate) fn fork(language: Option<&dyn Language>) -> io::Result<ForkResult> {
    match language {
        Some(language) => language.fork(),
        // SAFETY: the master has a single thread from start to end (it has no runtime and starts
        // no thread), so the child finds every lock free and may go on as an ordinary process.
        None => unsafe { unistd::fork() }.map_err(io::Error::from),
    }
}
