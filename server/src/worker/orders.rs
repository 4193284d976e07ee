//! The signals that a worker listens to.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::Start;
use crate::log;
use crate::master::scoreboard::Status;
use crate::master::{codes, doing};

/// How a worker is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// With what it has; the exit code is given.
    Finish(i32),
    /// At once.
    EndNow,
}

/// Signals that have been heard. Those that mean nothing to a worker are among them: a terminal
/// sends INT to every process, and what that means is up to the master. Ignoring it instead would
/// make CGI programs ignore it too.
pub(super) struct Orders {
    finish: Signal,
    make_room: Signal,
    end: Signal,
    pause: Signal,
    tell: Signal,
    _unheard: [Signal; 4],
}

impl Orders {
    pub(super) fn listen() -> io::Result<Self> {
        let unheard = |number| signal(SignalKind::from_raw(number));
        Ok(Self {
            finish: signal(SignalKind::terminate())?,
            make_room: signal(SignalKind::hangup())?,
            end: signal(SignalKind::quit())?,
            pause: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            tell: signal(SignalKind::user_defined2())?,
            _unheard: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::user_defined1())?,
                unheard(libc::SIGTTIN)?,
                unheard(libc::SIGTTOU)?,
            ],
        })
    }

    /// Follows orders until one is to end.
    pub(super) async fn until_end(
        &mut self,
        start: &Start<'_>,
        pause: &watch::Sender<bool>,
    ) -> Order {
        loop {
            tokio::select! {
                _ = self.end.recv() => return Order::EndNow,
                _ = self.finish.recv() => return Order::Finish(codes::DONE),
                _ = self.make_room.recv() => {
                    let (number, pid) = (start.number + 1, std::process::id());
                    log::tell(&format!("Gracefully killing worker {number} (pid: {pid})..."));
                    return Order::Finish(codes::RELOAD);
                }
                _ = self.tell.recv() => doing::requests_of(start.slot),
                // The master has told on the scoreboard whether to rest; a terminal has not.
                _ = self.pause.recv() => {
                    pause.send_replace(start.slot.status() == Status::Pause);
                }
            }
        }
    }

    /// Follows orders until the one to end at once.
    pub(super) async fn until_end_now(&mut self, start: &Start<'_>, pause: &watch::Sender<bool>) {
        while self.until_end(start, pause).await != Order::EndNow {}
    }
}
