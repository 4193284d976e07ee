//! One client connection: its socket and the request that is under way on it.

use std::{
    io::{self, Read},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Ask,
    failure::{Failure, FailureKind},
    reply::Reply,
};

/// The peer is gone or going: what can be read must be read now, no further edge will come.
const CLOSING: EpollFlags = EpollFlags::EPOLLRDHUP
    .union(EpollFlags::EPOLLHUP)
    .union(EpollFlags::EPOLLERR);

const READABLE: EpollFlags = EpollFlags::EPOLLIN.union(CLOSING);

/// How long the request of a slow client may take: servers give up on it earlier.
const SLOW_LIMIT: Duration = Duration::from_secs(120);

/// A connection and its current request.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Option<Socket>,
    phase: Phase,
    /// Writability is watched as well.
    watches_out: bool,
    written: usize,
    closing: bool,
    /// The socket has carried an earlier request.
    reused: bool,
    /// Its client sends a byte at a time.
    slow: bool,
    /// Which of the requests it carries.
    pub(super) ask: usize,
    /// From when the latency of the current request counts.
    pub(super) due: Instant,
    /// When work on it began; its timeout counts from here.
    began: Instant,
    pub(super) reply: Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting,
    Exchanging,
}

/// Reads in one turn, 64 KiB each: a server that never stops sending must not keep the others, and
/// the clock, from theirs.
const READS: usize = 64;

/// How far the current request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Done,
    /// The server ended an idle connection, or sent what nobody asked for; nothing failed.
    Dropped,
}

/// What opening a connection may meet: one request fails, or the machine has no more sockets.
#[derive(Debug)]
pub(super) enum OpenError {
    Request(Failure),
    System(io::Error),
}

impl Connection {
    pub(super) fn new(slow: bool, now: Instant) -> Self {
        Self {
            socket: None,
            phase: Phase::Idle,
            watches_out: false,
            written: 0,
            closing: false,
            reused: false,
            slow,
            ask: 0,
            due: now,
            began: now,
            reply: Reply::new(false),
        }
    }

    /// Whether there is a socket that another request may use.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether its request has been under way for longer than `limit`.
    pub(super) fn is_late(&self, now: Instant, limit: Duration) -> bool {
        let limit = if self.slow { SLOW_LIMIT } else { limit };
        self.phase != Phase::Idle && now.saturating_duration_since(self.began) > limit
    }

    /// Whether it has no request.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Whether a slow client has not sent all of its request.
    pub(super) fn has_more_to_say(&self, asks: &[Ask]) -> bool {
        self.phase == Phase::Exchanging && self.written < asks[self.ask].request.len()
    }

    /// Takes the next request: which, and whether its reply has no body.
    pub(super) fn begin(&mut self, (ask, bodiless): (usize, bool), due: Instant, now: Instant) {
        self.ask = ask;
        self.reply.bodiless = bodiless;
        self.due = due;
        self.began = now;
        self.rewind();
    }

    /// Begins the current request again, on a new socket.
    pub(super) fn restart(&mut self) {
        self.close();
        self.rewind();
    }

    fn rewind(&mut self) {
        self.written = 0;
        self.reply.clear();
    }

    /// Whether the server closed a kept connection just when the request was on its way, which
    /// a client has to expect at any time and to try again (RFC 9112 §9.3.1, §9.5).
    pub(super) fn was_closed_idle(&self, failure: &Failure) -> bool {
        self.reused && self.reply.is_untouched() && failure.kind() == FailureKind::Reset
    }

    /// Opens a socket; `token` is what epoll reports it by.
    pub(super) fn open(
        &mut self,
        to: &SockAddr,
        epoll: &Epoll,
        token: u64,
    ) -> Result<(), OpenError> {
        let socket = Socket::new(to.domain(), Type::STREAM.nonblocking(), None)
            .map_err(OpenError::System)?;
        let tcp = to.domain() != Domain::UNIX;
        if tcp {
            socket.set_tcp_nodelay(true).map_err(OpenError::System)?;
        }
        self.phase = match socket.connect(to) {
            Ok(()) => Phase::Exchanging,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Phase::Connecting,
            // A Unix socket whose queue is full says EAGAIN at once; TCP tries again by itself.
            Err(error) => {
                self.phase = Phase::Idle;
                return Err(OpenError::Request(Failure::Connect(error)));
            }
        };
        // TCP has edges of writability only after a full buffer; a Unix socket has one each
        // time the server reads, so there it is watched only when it is needed.
        self.watches_out = tcp;
        epoll
            .add(&socket, EpollEvent::new(self.interest(), token))
            .map_err(|errno| OpenError::System(errno.into()))?;
        self.closing = false;
        self.reused = false;
        self.socket = Some(socket);
        Ok(())
    }

    /// Sends what is left of the request, if the connection stands.
    pub(super) fn send(
        &mut self,
        request: &[u8],
        epoll: &Epoll,
        token: u64,
    ) -> Result<(), Failure> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        if self.phase == Phase::Connecting {
            return Ok(());
        }
        self.phase = Phase::Exchanging;
        let end = match self.slow {
            true => (self.written + 1).min(request.len()),
            false => request.len(),
        };
        while self.written < end {
            match socket.send(&request[self.written..end]) {
                Ok(sent) => self.written += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.watch_out(epoll, token).map_err(Failure::Lost);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Lost(error)),
            }
        }
        Ok(())
    }

    /// Does what `ready` allows.
    pub(super) fn advance(
        &mut self,
        ready: EpollFlags,
        request: &[u8],
        epoll: &Epoll,
        token: u64,
        buf: &mut [u8],
    ) -> Result<Progress, Failure> {
        match self.phase {
            Phase::Idle if ready.intersects(READABLE) => return Ok(Progress::Dropped),
            Phase::Idle => return Ok(Progress::Pending),
            Phase::Connecting => self.connected()?,
            Phase::Exchanging => {}
        }
        self.closing |= ready.intersects(CLOSING);
        if self.written < request.len() && !self.closing && !self.slow {
            self.send(request, epoll, token)?;
        }
        if ready.intersects(READABLE) {
            return self.receive(epoll, token, buf);
        }
        Ok(Progress::Pending)
    }

    /// Ends the current request; keeps the socket if both sides agreed to.
    pub(super) fn finish(&mut self, keep: bool) {
        self.phase = Phase::Idle;
        self.reused = true;
        if !keep || self.closing {
            self.close();
        }
    }

    /// Whether the reply leaves the connection usable: it came after the whole request.
    pub(super) fn is_reusable(&self, request: &[u8]) -> bool {
        self.reply.persistent && self.written == request.len()
    }

    /// Closes the socket, which takes it out of epoll as well.
    pub(super) fn close(&mut self) {
        self.socket = None;
        self.phase = Phase::Idle;
    }

    fn connected(&mut self) -> Result<(), Failure> {
        let error = match &self.socket {
            Some(socket) => socket.take_error(),
            None => Ok(None),
        };
        match error {
            Ok(None) => {
                self.phase = Phase::Exchanging;
                Ok(())
            }
            Ok(Some(error)) | Err(error) => Err(Failure::Connect(error)),
        }
    }

    fn receive(&mut self, epoll: &Epoll, token: u64, buf: &mut [u8]) -> Result<Progress, Failure> {
        let Some(mut socket) = self.socket.as_ref() else {
            return Ok(Progress::Pending);
        };
        for _ in 0..READS {
            match socket.read(buf) {
                Ok(0) if self.reply.ends_by_close() => {
                    self.closing = true;
                    return Ok(Progress::Done);
                }
                Ok(0) => return Err(self.cut()),
                Ok(read) if self.reply.feed(&buf[..read])? => return Ok(Progress::Done),
                // A short read emptied the socket (epoll(7)), unless the end is still to be read.
                Ok(read) if read < buf.len() && !self.closing => return Ok(Progress::Pending),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Progress::Pending);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Lost(error)),
            }
        }
        // What is still there is not told of again by itself.
        self.watch_again(epoll, token).map_err(Failure::Lost)?;
        Ok(Progress::Pending)
    }

    fn cut(&self) -> Failure {
        Failure::Cut {
            body_len: self.reply.body_len,
        }
    }

    fn interest(&self) -> EpollFlags {
        let read = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        if self.watches_out {
            read | EpollFlags::EPOLLOUT
        } else {
            read
        }
    }

    fn watch_out(&mut self, epoll: &Epoll, token: u64) -> io::Result<()> {
        if self.watches_out {
            return Ok(());
        }
        self.watches_out = true;
        self.watch_again(epoll, token)
    }

    /// Has epoll tell of what is ready now, as if it had come anew.
    fn watch_again(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        let mut event = EpollEvent::new(self.interest(), token);
        match &self.socket {
            Some(socket) => Ok(epoll.modify(socket.as_fd(), &mut event)?),
            None => Ok(()),
        }
    }
}
