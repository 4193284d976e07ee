//! One connected socket, TCP or Unix, read and written without waiting where that is possible.
//!
//! The descriptor joins the event loop only when it first has to wait. A request that is there
//! when its connection is accepted, and whose reply fits the socket's buffer, costs no `epoll_ctl`
//! at all; most connections of a gateway that opens one per request are like that.

use std::cell::OnceCell;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use bytes::BytesMut;
use nix::libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use socket2::Socket;
use tokio::io::unix::AsyncFd;

use super::receive::receive;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Stream {
    // Dropped before the socket, so that the event loop never holds a closed descriptor.
    registered: OnceCell<AsyncFd<RawFd>>,
    socket: Socket,
}

impl Stream {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { registered: OnceCell::new(), socket }
    }

    /// Reads what is there into the spare room of `buf`; `WouldBlock` if nothing is, 0 at the end.
    pub(crate) fn try_read(&self, buf: &mut BytesMut) -> io::Result<usize> {
        retry(|| receive(&self.socket, buf, MSG_DONTWAIT))
    }

    /// Writes what fits; `WouldBlock` if nothing does.
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        retry(|| match slices {
            [one] => self.socket.send_with_flags(one, flags),
            many => self.socket.send_vectored_with_flags(many, flags),
        })
    }

    /// Reads at least one byte into the spare room of `buf`; 0 at the end of the stream. Nothing
    /// is lost if this future is dropped.
    pub(crate) async fn read(&self, buf: &mut BytesMut) -> io::Result<usize> {
        match self.try_read(buf) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return done,
        }
        let fd = self.registered()?;
        loop {
            let mut ready = fd.readable().await?;
            if let Ok(done) = ready.try_io(|_| self.try_read(buf)) {
                return done;
            }
        }
    }

    /// Waits until the stream has bytes to read, or has ended.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        let fd = self.registered()?;
        loop {
            let mut ready = fd.readable().await?;
            if self.polled(PollFlags::POLLIN | PollFlags::POLLRDHUP)?.is_empty() {
                ready.clear_ready();
            } else {
                return Ok(());
            }
        }
    }

    /// Waits until the stream may take more.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        let fd = self.registered()?;
        loop {
            let mut ready = fd.writable().await?;
            if self.polled(PollFlags::POLLOUT)?.is_empty() {
                ready.clear_ready();
            } else {
                return Ok(());
            }
        }
    }

    /// Whether the peer has closed both directions, or the connection broke. A peer that only
    /// ended its own direction is still there (DF-HALF-CLOSE), and over TCP a full close looks
    /// like that until something is written.
    pub(crate) fn hung_up(&self) -> bool {
        self.polled(PollFlags::empty()).is_ok_and(|events| !events.is_empty())
    }

    /// Ends the sending direction.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// The address of this end, where it is an internet address.
    pub(crate) fn local(&self) -> Option<std::net::SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    fn registered(&self) -> io::Result<&AsyncFd<RawFd>> {
        if let Some(fd) = self.registered.get() {
            return Ok(fd);
        }
        let fd = AsyncFd::new(self.socket.as_raw_fd())?;
        Ok(self.registered.get_or_init(|| fd))
    }

    /// The events of `interest` that hold now; hang-up and error are always of interest.
    fn polled(&self, interest: PollFlags) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(self.socket.as_fd(), interest)];
        nix::poll::poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds[0].revents().unwrap_or(PollFlags::empty()))
    }
}

fn retry<T>(mut io: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match io() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
