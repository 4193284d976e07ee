//! One connected socket, TCP or Unix, read and written without waiting where that is possible.
//!
//! The descriptor joins the event loop only when it first has to wait. A request that is there
//! when its connection is accepted, and whose reply fits the socket's buffer, costs no `epoll_ctl`
//! at all; most connections of a gateway that opens one per request are like that.

use std::cell::{Cell, OnceCell};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use nix::libc::{MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::yield_now;

use super::receive::receive;
use super::register::register;
use super::tls::{Secrets, Session};
use crate::exchange::FilePart;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Rc<Socket>,
    /// Registered for reading alone: whenever the peer takes something a socket becomes writable,
    /// and nobody is to be woken by that who does not wait for it.
    readable: OnceCell<AsyncFd<Rc<Socket>>>,
    /// A second descriptor of the same socket, registered for writing; made by the first wait.
    writable: OnceCell<AsyncFd<Rc<Socket>>>,
    /// The last read took all there was.
    drained: Cell<bool>,
    /// `sendfile` knows no flags: the socket itself has to be non-blocking.
    nonblocking: Cell<bool>,
    tls: Option<Box<Session>>,
}

impl Stream {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket: Rc::new(socket),
            readable: OnceCell::new(),
            writable: OnceCell::new(),
            drained: Cell::new(false),
            nonblocking: Cell::new(false),
            tls: None,
        }
    }

    /// One that speaks TLS.
    pub(crate) fn secure(socket: Socket, secrets: &Secrets) -> io::Result<Self> {
        let session = Session::new(secrets, &socket)?;
        let mut stream = Self::new(socket);
        stream.tls = Some(Box::new(session));
        Ok(stream)
    }

    /// Reads what is there into the spare room of `buf`; `WouldBlock` if nothing is, 0 at the end.
    pub(crate) fn try_read(&self, buf: &mut BytesMut) -> io::Result<usize> {
        match &self.tls {
            None => {
                let taken = uninterrupted(|| receive(&self.socket, buf, MSG_DONTWAIT))?;
                self.drained.set(taken.is_all);
                Ok(taken.len)
            }
            Some(tls) => tls.read(&self.socket, buf),
        }
    }

    /// Writes what fits; `WouldBlock` if nothing does. `more` is to follow at once, so that a packet
    /// which is not full may wait for it.
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        if let Some(tls) = &self.tls {
            return tls.write(&self.socket, slices);
        }
        let flags = MSG_DONTWAIT | MSG_NOSIGNAL | if more { MSG_MORE } else { 0 };
        uninterrupted(|| match slices {
            [one] => self.socket.send_with_flags(one, flags),
            many => self.socket.send_vectored_with_flags(many, flags),
        })
    }

    /// Writes what was taken and not yet sent; `WouldBlock` if some of it has to wait.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        self.tls
            .as_ref()
            .map_or(Ok(()), |tls| tls.flush(&self.socket))
    }

    /// Whether some of what was taken has not been sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_unsent())
    }

    /// Has the kernel send the next bytes of a file; `WouldBlock` if none fit, `None` if they have to
    /// be read and written instead.
    pub(crate) fn try_send_file(&self, part: &mut FilePart) -> io::Result<Option<usize>> {
        if self.tls.is_some() {
            return Ok(None);
        }
        if !self.nonblocking.get() {
            self.socket.set_nonblocking(true)?;
            self.nonblocking.set(true);
        }
        part.send(self.socket.as_ref())
    }

    /// The socket for a thread that sends a file on it; `None` where the bytes have to be encrypted.
    pub(crate) fn aside(&self) -> Option<Socket> {
        if self.tls.is_some() {
            return None;
        }
        let socket = self.socket.try_clone().ok()?;
        socket.set_nonblocking(true).ok()?;
        self.nonblocking.set(true);
        Some(socket)
    }

    /// Waits for bytes, or the end, and then reads; again while `read` says `WouldBlock`. A
    /// connection that never had to wait is read from at once.
    pub(crate) async fn when_readable<T>(
        &self,
        mut read: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        // What TLS has decrypted already makes no socket readable.
        if self.readable.get().is_none() || self.tls.is_some() {
            match read() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
        if self.readable.get().is_none() && self.tls.is_none() {
            // A gateway connects, and then it sends: a moment later the request is mostly there,
            // and the descriptor need not join the event loop.
            yield_now().await;
            match read() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
        let readable = self.readable()?;
        loop {
            let mut guard = readable.readable().await?;
            self.drained.set(false);
            match read() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                done => {
                    // A stream that gave less than it was asked for has no more: the next read
                    // need not be tried before the event loop says so. An event that came since
                    // then is not cleared with it.
                    if self.drained.get() {
                        guard.clear_ready();
                    }
                    return done;
                }
            }
        }
    }

    /// Waits until the peer has taken something, and then writes; again while `write` says
    /// `WouldBlock`.
    pub(crate) async fn when_writable<T>(
        &self,
        mut write: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let writable = self.writable()?;
        writable.async_io(Interest::WRITABLE, |_| write()).await
    }

    /// Whether the peer has closed both directions, or the connection broke. A peer that only
    /// ended its own direction is still there (DF-HALF-CLOSE), and over TCP a full close looks
    /// like that until something is written.
    pub(crate) fn hung_up(&self) -> bool {
        // Hang-up and error are reported without being asked for.
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|events| events > 0)
    }

    /// Whether bytes on the descriptor are bytes of the protocol.
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// The descriptor, which is open as long as this.
    pub(crate) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Ends the sending direction.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        if let Some(tls) = &self.tls {
            tls.say_farewell(&self.socket);
        }
        self.socket.shutdown(Shutdown::Write)
    }

    /// Makes the close of a TCP connection a reset.
    pub(crate) fn reset_on_close(&self) {
        if let Some(tls) = &self.tls {
            tls.cut();
        }
        // Fails only on a socket that is of no use any more.
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }

    /// Whether it speaks TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The certificate that the client showed, in DER.
    pub(crate) fn client_certificate(&self) -> Option<Vec<u8>> {
        self.tls.as_ref()?.client_certificate()
    }

    /// The address of this end, where it is an internet address.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// The address of the other end, where it is an internet address.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.socket.peer_addr().ok()?.as_socket()
    }

    fn readable(&self) -> io::Result<&AsyncFd<Rc<Socket>>> {
        if let Some(fd) = self.readable.get() {
            return Ok(fd);
        }
        let fd = register(Rc::clone(&self.socket), Interest::READABLE)?;
        Ok(self.readable.get_or_init(|| fd))
    }

    fn writable(&self) -> io::Result<&AsyncFd<Rc<Socket>>> {
        if let Some(fd) = self.writable.get() {
            return Ok(fd);
        }
        // An event loop takes a descriptor once.
        let again = Rc::new(self.socket.try_clone()?);
        let fd = register(again, Interest::WRITABLE)?;
        Ok(self.writable.get_or_init(|| fd))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &self.tls {
            tls.say_farewell(&self.socket);
        }
    }
}

pub(super) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
