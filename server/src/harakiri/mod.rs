//! The end of requests that take too long (`harakiri`).
//!
//! An application that does not block is simply given up by the event loop. One that blocks, such
//! as a WSGI application, cannot be stopped without its process:
//!
//! ```text
//! event loop: Handed ── Ticket ──▶ thread that answers: Busy (deadline, on the scoreboard too)
//!                         ▲
//!   watch (a thread of the worker) ── due ──▶ last words to the peers, report, SIGKILL
//! ```

mod report;
mod stack;
mod suspect;
mod syscall;
mod task;
mod ticket;
mod watch;

pub(crate) use report::Report;
pub(crate) use suspect::Suspect;
pub(crate) use task::lines;
pub(crate) use ticket::{Busy, Handed, Ticket};
pub(crate) use watch::{install, rests_by};

/// Limits the request that the calling thread is answering to so many seconds from now; with 0 it
/// takes the limit back. The limit of `harakiri` stays in force beside it.
///
/// Returns whether the thread is answering a request.
pub fn set_user_harakiri(seconds: u32) -> bool {
    let set = ticket::set_user_deadline(seconds);
    if let Some(watch) = watch::installed().filter(|_| set) {
        // Without a thread to spare there is no limit, which uWSGI would not tell either.
        let _ = watch.wake();
    }
    set
}
