//! One connection that is open: a task reads it, steps write to it.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::Notify,
    task::{JoinHandle, yield_now},
};

use super::{program::Running, socket::Socket};
use crate::{
    dialogue::{End, Line},
    transcript::{Happened, Leg, Log, Way},
};

/// What all connections of a case share with who waits.
#[derive(Clone)]
pub(super) struct Board {
    pub(super) lines: Arc<Mutex<Vec<Line>>>,
    pub(super) changed: Arc<Notify>,
    pub(super) log: Log,
    /// The case whose transcript this is.
    pub(super) case: u64,
}

impl Board {
    pub(super) fn new(log: Log) -> Self {
        Self {
            lines: Arc::default(),
            changed: Arc::default(),
            case: log.case(),
            log,
        }
    }

    pub(super) fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what was seen on a connection and wakes who waits for it.
    pub(super) fn on(&self, at: usize, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines().get_mut(at) {
            change(line);
        }
        self.changed.notify_waiters();
    }

    pub(super) fn note(&self, at: usize, way: Way, happened: Happened) {
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        self.log
            .add_to(self.case, Leg::Upstream, number, way, happened);
    }

    /// Takes what was read.
    pub(super) fn came(&self, at: usize, octets: &[u8]) {
        self.note(at, Way::Reply, Happened::Octets(octets.to_vec()));
        self.on(at, |line| line.feed(octets));
    }

    /// Takes how reading ended.
    pub(super) fn ended(&self, at: usize, end: io::Result<()>) {
        let (happened, end) = match end {
            Ok(()) => (Happened::Ended, End::Closed),
            Err(error) => (Happened::Broke(error.to_string()), End::Reset),
        };
        self.note(at, Way::Reply, happened);
        self.on(at, |line| line.ended(end));
    }
}

/// The other end of a line.
pub(super) enum Link {
    /// A socket and the task that reads it.
    Socket(Arc<Socket>, JoinHandle<()>),
    /// A CGI program, once a request has executed it.
    Program(Option<Running>),
    /// There was none, or the driver has closed it.
    Closed,
}

impl Link {
    /// A socket that is read from now on.
    pub(super) fn socket(socket: Socket, at: usize, board: &Board) -> Self {
        let socket = Arc::new(socket);
        let (reading, board) = (socket.clone(), board.clone());
        let reader = tokio::spawn(async move {
            let mut buf = vec![0; 64 * 1024];
            loop {
                match reading.read(&mut buf).await {
                    Ok(0) => return board.ended(at, Ok(())),
                    Ok(size) => board.came(at, &buf[..size]),
                    Err(error) => return board.ended(at, Err(error)),
                }
                // A peer that never stops writing must not keep the case from its end.
                yield_now().await;
            }
        });
        Self::Socket(socket, reader)
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// What the system said; nothing can be written to a link that is closed.
    pub(super) async fn write(
        &mut self,
        octets: &[u8],
        at: usize,
        board: &Board,
    ) -> io::Result<()> {
        let mut rest = octets;
        while !rest.is_empty() {
            let written = match self {
                Self::Socket(socket, _) => socket.write(rest).await?,
                Self::Program(Some(running)) => running.write(rest).await?,
                Self::Program(None) | Self::Closed => {
                    return Err(io::ErrorKind::NotConnected.into());
                }
            };
            let (now, later) = rest.split_at(written);
            board.note(at, Way::Request, Happened::Octets(now.to_vec()));
            rest = later;
        }
        Ok(())
    }

    /// Ends the sending direction.
    pub(super) fn half_close(&mut self) -> io::Result<()> {
        match self {
            Self::Socket(socket, _) => socket.half_close(),
            Self::Program(running) => {
                running.as_mut().map(Running::close_input);
                Ok(())
            }
            Self::Closed => Ok(()),
        }
    }

    /// Closes both directions; nothing more is read. With `reset` the peer is told so.
    pub(super) async fn close(&mut self, reset: bool) {
        if let Self::Program(running) = self {
            if let Some(running) = running {
                running.close().await;
            }
            return;
        }
        if let Self::Socket(socket, reader) = std::mem::replace(self, Self::Closed) {
            if reset {
                socket.linger_zero();
            }
            reader.abort();
            // The task holds the socket until it has ended.
            reader.await.ok();
        }
    }
}
