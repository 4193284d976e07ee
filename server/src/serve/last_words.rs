//! The end of a connection as seen by a thread that does not turn the event loop: harakiri answers
//! in the name of an application that is stuck, and may be stuck on the event loop's own thread.

#![allow(unsafe_code)]

use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::SockRef;
use wire::fastcgi::{EndRequest, Kind, ProtocolStatus, record};

use super::http_reply::{Asked, HttpReply};
use super::stream_reply::CgiReply;
use crate::app;
use crate::exchange::LastWords;

/// A connection's descriptor, shared with whoever may have to speak in its place.
#[derive(Debug)]
pub(super) struct Wire {
    fd: RawFd,
    /// Whether the bytes on it are the protocol's; over TLS only the event loop can speak.
    plain: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The descriptor is still this connection's.
    open: bool,
    /// No part of a message has left without the rest.
    whole: bool,
    /// The event loop may not write any more.
    taken: bool,
}

impl Wire {
    /// Of an open descriptor; `whole`: nothing is half written on it, `plain`: it is not encrypted.
    pub(super) fn new(fd: RawFd, whole: bool, plain: bool) -> Arc<Self> {
        let state = State {
            open: true,
            whole,
            taken: false,
        };
        Arc::new(Self {
            fd,
            plain,
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes by way of `write`, which tells whether what has left is whole now, unless somebody
    /// else has spoken.
    pub(super) fn write(
        &self,
        write: impl FnOnce(bool) -> (io::Result<()>, bool),
    ) -> io::Result<()> {
        let mut state = self.lock();
        if state.taken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let (written, whole) = write(state.whole);
        state.whole = whole;
        written
    }

    /// The descriptor is about to be closed.
    pub(super) fn close(&self) {
        self.lock().open = false;
    }

    /// The descriptor, which stays open as long as the state is locked.
    fn fd<'s>(&self, state: &'s MutexGuard<'_, State>) -> Option<BorrowedFd<'s>> {
        // SAFETY: the connection locks the state to note that it closes the descriptor, and has
        // not done so; the lock is held for as long as the result lives.
        state
            .open
            .then(|| unsafe { BorrowedFd::borrow_raw(self.fd) })
    }
}

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// An HTTP response, then the end of the connection.
    Http(Asked),
    /// A CGI response, then the end of the connection.
    Cgi { head_only: bool },
    /// Records of the request with this id.
    FastCgi { id: u16, head_only: bool },
}

impl Form {
    /// A whole reply of a bare status.
    fn reply(self, status: u16) -> BytesMut {
        let (head, text) = app::plain_reply(status);
        let mut bytes = BytesMut::new();
        match self {
            Self::Http(asked) => {
                let mut reply = HttpReply::new(Asked {
                    keep: false,
                    ..asked
                });
                // The head is this server's own.
                let _ = reply.head(&head, &mut bytes);
                if !asked.head_only {
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
            Self::Cgi { head_only } => cgi(head_only, &head, &text, &mut bytes),
            Self::FastCgi { id, head_only } => {
                let mut content = BytesMut::new();
                cgi(head_only, &head, &text, &mut content);
                record::encode_stream(Kind::STDOUT, id, &content, &mut bytes);
                record::encode_end(Kind::STDOUT, id, &mut bytes);
                let end = EndRequest {
                    app_status: 0,
                    protocol_status: ProtocolStatus::REQUEST_COMPLETE,
                };
                record::encode(Kind::END_REQUEST, id, &end.encode(), &mut bytes);
            }
        }
        bytes
    }

    /// Whether other requests may run on the same connection.
    fn shares(self) -> bool {
        matches!(self, Self::FastCgi { .. })
    }
}

fn cgi(head_only: bool, head: &wire::cgi::CgiHead, text: &str, dst: &mut BytesMut) {
    // The head is this server's own.
    let _ = CgiReply::new(head_only).head(head, dst);
    if !head_only {
        dst.extend_from_slice(text.as_bytes());
    }
}

/// The last words on one request.
#[derive(Debug)]
pub(super) struct WireWords {
    pub(super) wire: Arc<Wire>,
    pub(super) form: Form,
}

impl LastWords for WireWords {
    fn say(&self, status: u16, begun: bool) -> bool {
        let mut state = self.wire.lock();
        let Some(fd) = self.wire.fd(&state) else {
            return false;
        };
        if begun || !state.whole || !self.wire.plain {
            if !self.form.shares() {
                // Over TCP the close is a reset then; a Unix socket has no such thing.
                let _ = SockRef::from(&fd).set_linger(Some(Duration::ZERO));
            }
            state.taken = true;
            return false;
        }
        let said = send_all(self.wire.fd, &self.form.reply(status));
        if !self.form.shares() {
            let _ = SockRef::from(&fd).shutdown(Shutdown::Write);
        }
        state.taken = true;
        said
    }

    fn wait_for_close(&self, most: Duration) {
        let state = self.wire.lock();
        let Some(fd) = self.wire.fd(&state) else {
            return;
        };
        let end = Instant::now() + most;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
            let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            if left.is_zero() || !matches!(poll(&mut fds, wait), Ok(1..)) || is_over(self.wire.fd) {
                return;
            }
        }
    }
}

/// Sends without waiting: what is sent fits, since nothing else is on its way.
fn send_all(fd: RawFd, mut bytes: &[u8]) -> bool {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    while !bytes.is_empty() {
        match send(fd, bytes, flags) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Drops what has come; true at the end.
fn is_over(fd: RawFd) -> bool {
    let mut dropped = [0; 16 * 1024];
    match recv(fd, &mut dropped, MsgFlags::MSG_DONTWAIT) {
        Ok(0) => true,
        Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests;
