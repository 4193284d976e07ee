//! The sending half of an exchange.

use std::fmt;
use std::fs::File;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::task::coop::consume_budget;
use wire::cgi::{CgiError, CgiHead};
use wire::http::Header;

use super::LastWords;
use super::edits::HeadEdits;
use super::notes::{Notes, Via};
use super::part::FilePart;
use crate::app::Redirect;
use crate::harakiri::{Handed, Ticket};
use crate::master::scoreboard::Running;
use crate::trace::{Step, Trace};

/// Why a reply could not be sent.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The client or gateway closed the connection, or aborted the request.
    #[error("client went away before the reply was complete")]
    ClientGone,
    /// The peer took nothing for the length of the socket timeout.
    #[error("client took none of the reply for {0} s")]
    TimedOut(u64),
    /// The application's head cannot be sent.
    #[error("application sent an unusable head: {0}")]
    Head(#[from] CgiError),
    /// A second head, or a head after [`Reply::raw`].
    #[error("application sent a second head")]
    SecondHead,
    /// Body bytes before any head.
    #[error("application sent body bytes before a head")]
    NoHead,
    /// A file that was to be sent is shorter than was said, or cannot be read.
    #[error("{0}")]
    File(String),
}

/// Part of a file below this size, in bytes, is cheaper to copy: it then leaves in one write with
/// the head.
const COPY_BELOW: u64 = 16 * 1024;

/// What one head came to, once encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeadSize {
    pub(crate) status: u16,
    pub(crate) fields: usize,
    pub(crate) bytes: usize,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The application sent what it wanted to send.
    Complete,
    /// The reply was cut off: the peer must not take it for a whole one.
    Cut,
}

/// A file that is being sent beside the event loop.
pub(crate) type Offloaded = LocalBoxFuture<'static, Result<(), ReplyError>>;

/// What a listener offers to carry one reply.
pub(crate) trait Carrier {
    /// Encodes and queues the head.
    fn head(&mut self, head: CgiHead) -> Result<HeadSize, ReplyError>;
    /// Queues a piece of the body.
    fn body(&mut self, bytes: Bytes) -> Result<(), ReplyError>;
    /// Queues part of a file as a piece of the body, or hands it back to be read and queued piece
    /// by piece.
    fn file(&mut self, part: FilePart) -> Result<Option<FilePart>, ReplyError> {
        Ok(Some(part))
    }
    /// Sends part of a file beside the event loop, where the listener has threads for that and one
    /// is free; else hands it back.
    fn offload(&mut self, part: FilePart) -> Result<Offloaded, FilePart> {
        Err(part)
    }
    /// Queues bytes that bring their own head.
    fn raw(&mut self, bytes: Bytes) -> Result<(), ReplyError>;
    /// Hands on the application's error text.
    fn stderr(&mut self, text: Bytes);
    /// Asks the client to send its body, if it waits to be asked.
    fn continue_100(&mut self);
    /// Ready while more may be queued.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>>;
    /// Queues what ends the message.
    fn end(&mut self, ending: Ending, exit_status: u32);
    /// Resolves when the peer is known to be gone.
    fn closed(&self) -> LocalBoxFuture<'static, ()>;
    /// For a thread that may have to answer in the application's place.
    fn last_words(&self) -> Option<Box<dyn LastWords>> {
        None
    }
}

/// What was sent, for the request log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The status code of the head; 0 while none was sent.
    pub status: u16,
    /// Number of header fields.
    pub fields: usize,
    /// Size of the encoded head in bytes.
    pub head_bytes: usize,
    /// Bytes of body, before any chunk or record framing.
    pub body_bytes: u64,
}

/// The sending half: one head, then the body. The listener ends the message when the
/// application's `serve` returns.
pub struct Reply {
    carrier: Box<dyn Carrier>,
    phase: Phase,
    sent: Sent,
    exit_status: u32,
    redirect: Option<Redirect>,
    notes: Notes,
    edits: Option<Box<HeadEdits>>,
    /// Until the request is handed to a thread, it runs on the event loop.
    running: Option<Running>,
    handed: Option<Handed>,
    trace: Option<Box<Trace>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Nothing,
    Head,
    Raw,
}

impl Reply {
    pub(crate) fn new(carrier: Box<dyn Carrier>) -> Self {
        Self {
            carrier,
            phase: Phase::Nothing,
            sent: Sent::default(),
            exit_status: 0,
            redirect: None,
            notes: Notes::default(),
            edits: None,
            running: None,
            handed: None,
            trace: None,
        }
    }

    /// From now on the steps of the request are noted there.
    pub(crate) fn trace(&mut self, trace: Trace) {
        self.trace = Some(Box::new(trace));
    }

    /// Notes a step, if the request is traced.
    pub(crate) fn step(&mut self, step: Step) {
        if let Some(trace) = &mut self.trace {
            trace.step(step);
        }
    }

    /// Notes a step that was taken at this time, if the request is traced.
    pub(crate) fn step_at(&mut self, step: Step, at: Instant) {
        if let Some(trace) = &mut self.trace {
            trace.step_at(step, at);
        }
    }

    /// The steps so far.
    pub(crate) fn traced(&self) -> Option<&Trace> {
        self.trace.as_deref()
    }

    /// Puts the request on the scoreboard.
    pub(crate) fn run(&mut self, running: Running) {
        self.running = Some(running);
    }

    /// The request goes to a thread that may block; it is that thread's on the scoreboard.
    pub(crate) fn hand_over(&mut self) -> Arc<Ticket> {
        self.running = None;
        self.step(Step::Started);
        let words = self.carrier.last_words();
        let handed = self.handed.insert(Handed::new(words));
        Arc::clone(handed.ticket())
    }

    /// Whether it did.
    pub(crate) fn was_handed_over(&self) -> bool {
        self.handed.is_some()
    }

    /// Whoever may have to speak in the application's place must know before the first byte
    /// leaves.
    fn set_begun(&self, begun: bool) {
        if let Some(handed) = &self.handed {
            handed.ticket().set_begun(begun);
        }
    }

    /// Sends the head, once. It travels with the first bytes of the body where these follow
    /// without a wait, else at once.
    ///
    /// # Errors
    /// The head cannot be encoded, is the second one, or the peer is gone.
    pub async fn head(&mut self, mut head: CgiHead) -> Result<(), ReplyError> {
        if self.phase != Phase::Nothing {
            return Err(ReplyError::SecondHead);
        }
        if let Some(edits) = &self.edits {
            edits.apply(&mut head);
        }
        self.step(Step::Head);
        if let Some(timing) = self.trace.as_ref().and_then(|it| it.server_timing()) {
            head.fields.push(Header::new("Server-Timing", timing));
        }
        self.set_begun(true);
        let size = self.carrier.head(head);
        self.set_begun(size.is_ok());
        let size = size?;
        self.phase = Phase::Head;
        self.sent.status = size.status;
        self.sent.fields = size.fields;
        self.sent.head_bytes = size.bytes;
        self.room().await
    }

    /// Sends a piece of the body and waits while the peer is slow to take it. Bytes that the
    /// method or status forbids (HEAD, 204, 304) are dropped by the listener.
    ///
    /// # Errors
    /// No head was sent, or the peer is gone.
    pub async fn body(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        match self.phase {
            Phase::Nothing => return Err(ReplyError::NoHead),
            Phase::Raw => return self.raw(bytes).await,
            Phase::Head => {}
        }
        if bytes.is_empty() {
            return self.room().await;
        }
        self.sent.body_bytes += bytes.len() as u64;
        self.carrier.body(bytes)?;
        self.room().await
    }

    /// Sends `length` bytes of `file` from `offset` on as a piece of the body, and waits while the
    /// peer is slow to take them. The file's own position is neither used nor moved. Where the
    /// protocol allows it the kernel copies them (sendfile), else they are read piece by piece.
    ///
    /// # Errors
    /// No head was sent, the peer is gone, or the file holds less or cannot be read.
    pub async fn file(&mut self, file: File, offset: u64, length: u64) -> Result<(), ReplyError> {
        let mut part = FilePart::new(file, offset, length);
        if self.phase == Phase::Head && length > COPY_BELOW {
            part = match self.carrier.offload(part) {
                Ok(sending) => {
                    self.sent.body_bytes += length;
                    self.notes.via = Via::Offload;
                    return sending.await;
                }
                Err(back) => back,
            };
            self.sent.body_bytes += length;
            match self.carrier.file(part)? {
                None => {
                    self.notes.via = Via::Sendfile;
                    return self.room().await;
                }
                Some(back) => {
                    self.sent.body_bytes -= length;
                    part = back;
                }
            }
        }
        while part.len() > 0 {
            let piece = part
                .read()
                .map_err(|fault| ReplyError::File(fault.to_string()))?;
            self.body(piece).await?;
        }
        self.body(Bytes::new()).await
    }

    /// Sends bytes of a response that the application made itself, head included. Where
    /// [`replies_in_http`](super::Protocol::replies_in_http) that is an HTTP response (RFC 3875
    /// §5, NPH), and the connection closes after it; elsewhere it is CGI output.
    ///
    /// # Errors
    /// A head was sent already, or the peer is gone.
    pub async fn raw(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        match self.phase {
            Phase::Head => return Err(ReplyError::SecondHead),
            Phase::Nothing => {
                self.set_begun(true);
                self.sent.status = status_of(&bytes);
            }
            Phase::Raw => {}
        }
        let size = bytes.len() as u64;
        self.carrier.raw(bytes)?;
        self.phase = Phase::Raw;
        self.sent.body_bytes += size;
        self.room().await
    }

    /// Sends error text: to the log, and over FastCGI to the gateway as well.
    ///
    /// # Errors
    /// The peer is gone.
    pub async fn stderr(&mut self, text: Bytes) -> Result<(), ReplyError> {
        self.carrier.stderr(text);
        self.room().await
    }

    /// Asks an HTTP client that waits for `100 Continue` to send its body. Reading the body does
    /// so too.
    pub async fn continue_100(&mut self) {
        self.carrier.continue_100();
    }

    /// Whether a head, or raw bytes in place of it, were sent.
    pub fn head_sent(&self) -> bool {
        self.phase != Phase::Nothing
    }

    /// The exit status to report (FastCGI `appStatus`; nowhere else to be seen).
    pub fn set_exit_status(&mut self, status: u32) {
        self.exit_status = status;
    }

    /// A future, independent of this reply, that resolves once the peer is known to have gone or
    /// has aborted the request. Whatever waits for something other than the body or the reply
    /// should race it.
    pub fn closed(&self) -> LocalBoxFuture<'static, ()> {
        self.carrier.closed()
    }

    /// In place of a head: another request is to be answered instead. The
    /// [`Router`](crate::app::Router) does so once the application's `serve` has returned.
    pub fn redirect(&mut self, redirect: Redirect) {
        self.redirect = Some(redirect);
    }

    /// The redirect that the application asked for, if it did.
    pub(crate) fn take_redirect(&mut self) -> Option<Redirect> {
        self.redirect.take()
    }

    /// What the log is to tell of the request beside what was sent.
    pub fn notes(&mut self) -> &mut Notes {
        &mut self.notes
    }

    /// What to change in the head, once there is one.
    pub(crate) fn edits(&mut self) -> &mut HeadEdits {
        self.edits.get_or_insert_default()
    }

    /// What was sent so far.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Sends nothing: `status` is for the log.
    pub(crate) fn forgo(&mut self, status: u16) {
        self.sent.status = status;
    }

    /// Ends the message; the listener's part.
    pub(crate) fn end(&mut self, ending: Ending) {
        self.carrier.end(ending, self.exit_status);
        if let Some(running) = self.running.take() {
            running.end();
        }
    }

    async fn room(&mut self) -> Result<(), ReplyError> {
        // An application that never waits must not have the worker for itself.
        consume_budget().await;
        let room = poll_fn(|cx| self.carrier.poll_room(cx)).await;
        if matches!(room, Err(ReplyError::ClientGone | ReplyError::TimedOut(_))) {
            self.notes.write_errors += 1;
        }
        room
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// The status code in an HTTP status line, 0 if there is none.
fn status_of(raw: &[u8]) -> u16 {
    let code = raw.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok())
        .unwrap_or(0)
}
