//! Connections to the one behind the gateway.

use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::BytesMut;
use tokio::net::UnixStream;

use super::habits::Habits;

/// A connection, and what came over it that nobody took yet.
pub(super) struct Link {
    pub(super) stream: UnixStream,
    pub(super) buf: BytesMut,
    /// Whether an earlier request went over it.
    pub(super) is_kept: bool,
    /// Whether the request before was given up, so that more of its reply may come.
    pub(super) is_aborted: bool,
}

/// Connections kept for the next request.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Link>>);

impl Link {
    /// A new connection.
    pub(super) async fn open(to: &Path) -> io::Result<Self> {
        Ok(Self {
            stream: UnixStream::connect(to).await?,
            buf: BytesMut::new(),
            is_kept: false,
            is_aborted: false,
        })
    }

    /// Whether it is open, and nothing came that belongs to no request (FCGI-DF-EXTRA-AFTER-END).
    fn is_fit(&self) -> bool {
        let silent = self.stream.try_read(&mut [0; 1]);
        let is_silent = silent.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        is_silent && self.buf.is_empty()
    }
}

impl Idle {
    /// A connection that was kept and is fit for another request.
    pub(super) fn take(&self, habits: &Habits) -> Option<Link> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(link) = links.pop() {
            if !habits.looks_at_kept || link.is_aborted || link.is_fit() {
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection whose request is over.
    pub(super) fn keep(&self, link: Link) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.push(Link {
            is_kept: true,
            ..link
        });
    }
}
