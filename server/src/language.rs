//! A language that runs inside the server's own processes.
//!
//! The server knows no language. A program that brings an interpreter (`server/python` does)
//! implements [`Language`] and hands it to [`run`](crate::run()), which then forks workers that
//! hold a copy of the interpreter, and asks it to answer [`Call`]s.

use std::io;
use std::os::fd::RawFd;

use nix::unistd::ForkResult;

use crate::app::Call;
use crate::inside::Inside;
use crate::options::Settings;

/// Why applications could not be loaded. The interpreter has told the details already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// An interpreter in this process, and the applications that it runs.
///
/// The master calls [`prepare`](Self::prepare), [`load`](Self::load) and [`fork`](Self::fork), each
/// on its only thread. A worker calls [`forked`](Self::forked) once, [`detached`](Self::detached)
/// once a thread, and [`call`](Self::call) on one thread
/// (`threads = 1`: the thread that was forked) or on many.
pub trait Language: Sync {
    /// Prepares the interpreter, once, in the master before anything is loaded. `lazy-apps` is no
    /// reason not to.
    ///
    /// # Errors
    /// Something that keeps the server from starting.
    fn prepare(&self, settings: &Settings) -> Result<(), LoadError>;

    /// Loads the applications, once: in the master before the first fork, or with `lazy-apps` in
    /// each worker.
    ///
    /// # Errors
    /// An application that cannot be loaded. Under `need-app` the server ends with 22 then.
    fn load(&self, settings: &Settings) -> Result<(), LoadError>;

    /// Forks the process so that the interpreter goes on in both.
    ///
    /// # Errors
    /// What the system says.
    fn fork(&self) -> io::Result<ForkResult>;

    /// A worker has been forked: from here on `inside` tells where the code runs. With `lazy-apps`
    /// the applications are loaded by then.
    fn forked(&self, inside: Inside);

    /// Runs `work`, the event loop of a worker or all calls of a thread, without holding the
    /// interpreter's lock in between.
    fn detached(&self, work: &mut dyn FnMut());

    /// The worker is about to end: runs what applications have registered for that.
    fn leave(&self);

    /// Answers one request, on the calling thread, which waits as long as that takes.
    fn call(&self, call: Call);

    /// Makes each thread that gets this signal write its stack to the descriptor, whatever it is
    /// doing and without the interpreter's lock. Returns false where that cannot be done.
    fn dump_stack_on(&self, signal: i32, descriptor: RawFd) -> bool {
        let _ = (signal, descriptor);
        false
    }
}
