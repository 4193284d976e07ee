//! One connection: its socket, what was read ahead, and what waits to be written.
//!
//! An application that sends does not write: it queues. [`Connection::accompany`] polls the
//! application and, whenever that waits for something, writes what has gathered. So a head and a
//! body that come without a wait between them leave in one write, and a head that is followed by
//! a wait leaves at once.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::last_words::Wire;
use super::offload::Threads;
use super::queue::Queue;
use crate::exchange::{FileFault, PIECE, ReplyError};
use crate::log;
use crate::socket::Stream;

/// How much is read at first: most requests fit.
const FIRST_READ: usize = 8 * 1024;

/// How often a connection that nobody reads is looked at for a hang-up.
const HANG_UP_CHECK: Duration = Duration::from_millis(200);

/// How long the rest of an unread request is read and dropped before the close (DF-LINGER).
pub(super) const LINGER: Duration = Duration::from_secs(5);

/// Bytes that one connection writes, about, before others have a turn.
const TURN: u64 = 1024 * 1024;

/// Why a connection is of no more use for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Gone,
    TimedOut,
    /// A file of this server's own could not be sent whole.
    File,
}

/// What came of a wait for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// There are more bytes than before.
    More,
    /// The peer sends no more.
    End,
    /// Nothing came in time.
    TimedOut,
}

/// What a failed write means; a file that failed is told of, since nobody else learns why.
fn fault_of(error: &io::Error) -> Fault {
    match error.get_ref() {
        Some(inner) if inner.is::<FileFault>() => {
            log::fault(&inner.to_string());
            Fault::File
        }
        _ if error.kind() == ErrorKind::TimedOut => Fault::TimedOut,
        _ => Fault::Gone,
    }
}

fn filled(read: &io::Result<usize>) -> Filled {
    match read {
        Ok(1..) => Filled::More,
        // A reset is an end as well: who cares looks at what is missing.
        Ok(0) | Err(_) => Filled::End,
    }
}

/// Joins those who wait, once: a future may be polled many times before it is woken.
pub(super) fn wait_in<T>(waiting: &mut Vec<Waker>, cx: &Context<'_>) -> Poll<T> {
    if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
        waiting.push(cx.waker().clone());
    }
    Poll::Pending
}

/// A connection of any protocol.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    input: RefCell<BytesMut>,
    queue: RefCell<Queue>,
    fault: Cell<Option<Fault>>,
    /// Those who wait for the queue to shrink.
    room: RefCell<Vec<Waker>>,
    /// Whether the reply that was sent last leaves the connection fit for another request.
    reusable: Cell<bool>,
    /// Whether the close is to look like the break that it is.
    torn: Cell<bool>,
    patience: Duration,
    /// Made when somebody may have to speak in this connection's place.
    wire: OnceCell<Arc<Wire>>,
    /// Whether the peer has ever sent anything.
    heard: Cell<bool>,
    /// Whom requests on it come from, where that is an internet address.
    client: Cell<Option<SocketAddr>>,
    /// When it was accepted, until its first request takes that.
    accepted: Cell<Option<std::time::Instant>>,
    /// For files that are sent beside the event loop.
    threads: Option<Threads>,
}

impl Connection {
    /// `patience` bounds each single wait for the peer, in either direction.
    pub(crate) fn new(stream: Stream, patience: Duration) -> Self {
        Self {
            stream,
            input: RefCell::new(BytesMut::with_capacity(FIRST_READ)),
            queue: RefCell::default(),
            fault: Cell::new(None),
            room: RefCell::default(),
            reusable: Cell::new(false),
            torn: Cell::new(false),
            patience,
            wire: OnceCell::new(),
            heard: Cell::new(false),
            client: Cell::new(None),
            accepted: Cell::new(None),
            threads: None,
        }
    }

    /// The same, and when it was accepted.
    pub(super) fn accepted_at(self, at: Option<std::time::Instant>) -> Self {
        self.accepted.set(at);
        self
    }

    /// When it was accepted, for the first request on it.
    pub(super) fn take_accepted(&self) -> Option<std::time::Instant> {
        self.accepted.take()
    }

    /// Has these threads send long files.
    pub(super) fn with_threads(mut self, threads: Option<Threads>) -> Self {
        self.threads = threads;
        self
    }

    pub(super) fn threads(&self) -> Option<&Threads> {
        self.threads.as_ref()
    }

    /// Whether the peer can still be written to, and why not.
    pub(super) fn check(&self) -> Result<(), ReplyError> {
        self.fault
            .get()
            .map_or(Ok(()), |fault| Err(self.reply_error(fault)))
    }

    /// The connection is of no more use for writing.
    pub(super) fn fail_with(&self, error: &io::Error) {
        self.fail(fault_of(error));
    }

    /// For those who may have to speak in this connection's place.
    pub(super) fn wire(&self) -> Arc<Wire> {
        let new = || {
            let queue = self.queue.borrow();
            Wire::new(self.stream.fd(), queue.is_empty(), self.stream.is_plain())
        };
        Arc::clone(self.wire.get_or_init(new))
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Works on the bytes that were read and not yet used.
    pub(super) fn with_input<T>(&self, work: impl FnOnce(&mut BytesMut) -> T) -> T {
        work(&mut self.input.borrow_mut())
    }

    /// Reads more, in addition to what is there; `wanted` is how much would be useful. Nothing is
    /// lost if the future is dropped.
    pub(super) async fn fill(&self, wanted: usize) -> Filled {
        self.fill_until(wanted, Instant::now() + self.patience)
            .await
    }

    /// Reads more, if any comes before `end`.
    pub(super) async fn fill_until(&self, wanted: usize, end: Instant) -> Filled {
        let filled = timeout_at(end, self.fill_at_leisure(wanted)).await;
        filled.unwrap_or(Filled::TimedOut)
    }

    /// Reads more without a limit of time.
    pub(super) async fn fill_at_leisure(&self, wanted: usize) -> Filled {
        // A peer that is always faster than this server must not have the worker for itself.
        consume_budget().await;
        filled(&self.stream.when_readable(|| self.read(wanted)).await)
    }

    fn read(&self, wanted: usize) -> io::Result<usize> {
        let mut input = self.input.borrow_mut();
        let wanted = wanted.clamp(FIRST_READ, PIECE);
        if input.capacity() - input.len() < wanted / 2 {
            input.reserve(wanted);
        }
        let read = self.stream.try_read(&mut input);
        if let Ok(1..) = read {
            self.heard.set(true);
        }
        read
    }

    /// Whether the peer has ever sent anything.
    pub(super) fn has_heard(&self) -> bool {
        self.heard.get()
    }

    /// Whether another worker has heard of the peer before.
    pub(super) fn set_heard(&self, heard: bool) {
        self.heard.set(heard);
    }

    /// Whom requests come from.
    pub(super) fn client(&self) -> Option<SocketAddr> {
        self.client.get()
    }

    pub(super) fn set_client(&self, client: Option<SocketAddr>) {
        self.client.set(client);
    }

    /// Adds to what waits to be written.
    pub(super) fn send(&self, add: impl FnOnce(&mut Queue)) {
        if self.fault.get().is_none() {
            add(&mut self.queue.borrow_mut());
        }
    }

    /// Ready while more may be sent; else writes what the socket takes.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        if self.queue.borrow().len() >= PIECE {
            self.write_now();
        }
        match self.fault.get() {
            Some(fault) => Poll::Ready(Err(self.reply_error(fault))),
            None if self.queue.borrow().len() < PIECE => Poll::Ready(Ok(())),
            None => wait_in(&mut self.room.borrow_mut(), cx),
        }
    }

    /// Resolves when more may be sent, or nothing any more.
    pub(super) async fn room(&self) {
        // Whoever sends next learns of a fault.
        let _ = poll_fn(|cx| self.poll_room(cx)).await;
    }

    /// Bytes that wait to be written.
    pub(super) fn unsent(&self) -> usize {
        self.queue.borrow().len()
    }

    fn reply_error(&self, fault: Fault) -> ReplyError {
        match fault {
            Fault::Gone => ReplyError::ClientGone,
            Fault::TimedOut => ReplyError::TimedOut(self.patience.as_secs()),
            Fault::File => ReplyError::File("a file could not be sent whole".into()),
        }
    }

    /// Writes what the socket takes without waiting. At the end of a reply it spares the peer the
    /// time that the request log takes.
    pub(super) fn write_now(&self) {
        match self.write() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => self.fail(fault_of(&error)),
            _ => {}
        }
    }

    /// Writes until nothing is left, or the socket takes no more, or others should have a turn.
    fn write(&self) -> io::Result<()> {
        let Some(wire) = self.wire.get() else {
            return self.write_queue();
        };
        wire.write(|was_whole| {
            let before = self.queue.borrow().written();
            let result = self.write_queue();
            let queue = self.queue.borrow();
            let is_whole = queue.is_empty() || was_whole && queue.written() == before;
            (result, is_whole)
        })
    }

    fn write_queue(&self) -> io::Result<()> {
        let mut queue = self.queue.borrow_mut();
        let enough = queue.written() + TURN;
        while !queue.is_empty() && queue.written() < enough {
            queue.write_to(&self.stream)?;
        }
        self.stream.try_flush()
    }

    fn fail(&self, fault: Fault) {
        if fault == Fault::File {
            self.tear();
        }
        self.fault.set(Some(fault));
        self.queue.borrow_mut().clear();
        self.wake_waiting();
    }

    fn wake_waiting(&self) {
        self.room.take().into_iter().for_each(Waker::wake);
    }

    /// Writes until nothing is left, or the peer is gone or takes nothing.
    pub(super) async fn flush(&self) {
        self.write_now();
        while self.has_unsent() {
            if self.queue.borrow().len() < PIECE {
                self.wake_waiting();
            }
            let before = self.queue.borrow().written();
            let writing = self.stream.when_writable(|| self.write_some(before));
            match timeout(self.patience, writing).await {
                // A peer that takes a long file as fast as it is sent must not have the worker for
                // itself.
                Ok(Ok(())) if self.has_unsent() => yield_now().await,
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.fail(fault_of(&error)),
                Err(_) => self.fail(Fault::TimedOut),
            }
        }
        self.wake_waiting();
    }

    fn has_unsent(&self) -> bool {
        self.is_whole() && (!self.queue.borrow().is_empty() || self.stream.has_unsent())
    }

    /// [`Self::write`], which counts as done once anything was written since `before`.
    fn write_some(&self, before: u64) -> io::Result<()> {
        self.write()
            .or_else(|error| match self.queue.borrow().written() > before {
                true if error.kind() == ErrorKind::WouldBlock => Ok(()),
                _ => Err(error),
            })
    }

    /// Runs `work` to its end and writes what it queues.
    pub(super) async fn accompany<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut writing = pin!(self.keep_writing());
        poll_fn(|cx| {
            let done = work.as_mut().poll(cx);
            if done.is_pending() {
                // Polled behind the work, so that it sees all that the work has queued.
                let _: Poll<std::convert::Infallible> = writing.as_mut().poll(cx);
            }
            done
        })
        .await
    }

    async fn keep_writing(&self) -> std::convert::Infallible {
        loop {
            self.flush().await;
            // Polled again whenever the work was: nobody else fills the queue.
            poll_fn(|_| match self.queue.borrow().is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
        }
    }

    /// The reply was cut off where only the end of the connection ends it: over TCP the peer gets
    /// a reset, since an ordinary close would make the reply look whole (UWSGI-RESP-TRUNCATED,
    /// SCGI-DF-RESP-TRUNCATED). A Unix socket has no such thing.
    pub(super) fn tear(&self) {
        self.torn.set(true);
        self.stream.reset_on_close();
    }

    pub(super) fn set_reusable(&self, reusable: bool) {
        self.reusable.set(reusable);
    }

    /// Whether another request may follow on this connection.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable.get() && self.is_whole()
    }

    /// Whether the peer can still be written to.
    pub(super) fn is_whole(&self) -> bool {
        self.fault.get().is_none()
    }

    /// Resolves when the peer is gone. A peer that only ended its own direction is not
    /// (DF-HALF-CLOSE).
    pub(super) async fn closed(&self) {
        while self.is_whole() && !self.stream.hung_up() {
            sleep(HANG_UP_CHECK).await;
        }
    }

    /// Ends the connection so that the peer can read the reply although it has not been listened
    /// to: bytes that arrive at a closed socket would reset the connection and take the reply with
    /// them (DF-LINGER).
    pub(super) async fn linger(&self) {
        if !self.is_whole() || self.torn.get() || self.stream.shut_down().is_err() {
            return;
        }
        let end = Instant::now() + LINGER;
        loop {
            self.with_input(BytesMut::clear);
            if self.fill_until(PIECE, end).await != Filled::More {
                return;
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.get() {
            wire.close();
        }
    }
}

#[cfg(test)]
mod tests;
