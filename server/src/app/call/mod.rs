//! Synchronous applications: the bridge between the event loop, on which every request arrives,
//! and code that waits for what it reads and writes, such as a WSGI application.
//!
//! ```text
//!  event loop                                        the thread that answers
//!  CallApp::serve ── Call ──▶ Queue ──────────────▶  Language::call
//!        ▲  Body, Reply                                  │ read, send, file, finish
//!        └───────────────────── Ask ◀────────────────────┘
//! ```
//!
//! With `threads = 1` both are the same thread: calls run between two turns of the event loop,
//! and a call that has to wait turns the loop itself ([`turn`]). So nothing is handed from thread
//! to thread, and Python's main thread answers, as in uWSGI.

mod ask;
mod asks;
mod connections;
mod current;
mod mountpoints;
mod queue;
mod turn;

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::sync::oneshot;
use wire::cgi::CgiHead;
use wire::environ::Environ;

use super::{App, AppError};
use crate::exchange::{Body, BodyError, HttpFacts, Protocol, Reply, ReplyError, Request};
use crate::harakiri::Ticket;
use ask::{Ask, Part};
use asks::{Asks, asks};
pub use current::{log_variable, set_log_variable};
pub use mountpoints::Mountpoints;
pub(crate) use queue::Queue;
pub(crate) use turn::{TURN_AFTER, Turner, spawn_connection};

/// One request for a synchronous application, with the means to answer it.
///
/// Dropping it without [`finish`](Self::finish) or [`fail`](Self::fail) cuts the reply off.
#[derive(Debug)]
pub struct Call {
    /// The CGI meta-variables, mount taken into account.
    pub environ: Environ,
    /// What carried the request here.
    pub protocol: Protocol,
    /// Present where `protocol` is [`Protocol::Http`].
    pub http: Option<HttpFacts>,
    /// Size of the request body in bytes, where it was announced.
    pub body_length: Option<u64>,
    /// Which thread of the worker answers, counted from 0.
    pub core: usize,
    /// What harakiri knows of the request.
    pub(crate) ticket: Arc<Ticket>,
    /// What had arrived of the body when the call was made; [`read`](Self::read) gives what follows.
    pub arrived: Arrived,
    asks: Asks,
}

/// The beginning of a request body.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// At most 64 KiB.
    pub bytes: Bytes,
    /// Nothing follows.
    pub whole: bool,
}

impl Call {
    /// Says that the calling thread is at this call, until it is at another one.
    pub fn enter(&self) {
        current::enter(self.asks.downgrade());
    }

    /// Tells the log which application answers, if any does; without this it is number 0.
    pub fn answered_by(&self, app: Option<usize>) {
        let number = app.map_or(-1, |app| i32::try_from(app).unwrap_or(i32::MAX));
        turn::tell(&self.asks, Ask::App(number));
    }

    /// Tells the log which core answers, counted from 0; without this it is the first one.
    pub(crate) fn runs_on(&self, core: usize) {
        if core > 0 {
            turn::tell(&self.asks, Ask::Core(core));
        }
    }

    /// The next piece of the request body, of at most 64 KiB and never empty; `None` at its end.
    /// Waits until one is there.
    ///
    /// # Errors
    /// The client or gateway went away, aborted, timed out, sent too much, or broke the body's
    /// framing.
    pub fn read(&self) -> Result<Option<Bytes>, BodyError> {
        self.ask(Ask::Read).unwrap_or(Err(BodyError::ClientGone))
    }

    /// Sends the head, where one is given, and a piece of the body, in one write if they are
    /// small. Waits until the peer has taken so much that more may follow.
    ///
    /// # Errors
    /// The head cannot be encoded or is the second one, no head was sent, the peer is gone, or the
    /// call is over.
    pub fn send(&self, head: Option<CgiHead>, bytes: Bytes) -> Result<(), ReplyError> {
        self.ask(|done| Ask::Send(head, bytes, done))
            .unwrap_or(Err(ReplyError::ClientGone))
    }

    /// Sends the head, where one is given, and part of a file as a piece of the body, as
    /// [`Reply::file`] does.
    ///
    /// # Errors
    /// As [`send`](Self::send), and where the file holds less or cannot be read.
    pub fn file(
        &self,
        head: Option<CgiHead>,
        file: File,
        offset: u64,
        length: u64,
    ) -> Result<(), ReplyError> {
        let part = Part {
            file,
            offset,
            length,
        };
        self.ask(|done| Ask::File(head, part, done))
            .unwrap_or(Err(ReplyError::ClientGone))
    }

    /// Hands on error text: to the log, and over FastCGI to the gateway. Does not wait. False if
    /// the call is over.
    pub fn stderr(&self, text: Bytes) -> bool {
        turn::tell(&self.asks, Ask::Stderr(text))
    }

    /// Ends the reply, with a head and a last piece of the body if these are still due. Does not
    /// wait: the event loop sends them. The call is over then.
    pub fn finish(&self, head: Option<CgiHead>, bytes: Bytes) {
        turn::tell(&self.asks, Ask::Finish(head, bytes));
    }

    /// Gives up: the error's status is answered if no head was sent, else the reply is cut off.
    /// The call is over then.
    pub fn fail(&self, error: AppError) {
        turn::tell(&self.asks, Ask::Fail(error));
    }

    /// Asks the event loop and waits for its answer; `None` if the exchange is over.
    fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        if !turn::tell(&self.asks, ask(sender)) {
            return None;
        }
        turn::wait(answer).ok()
    }
}

/// The side of the event loop: hands each request to the language.
pub(crate) struct CallApp {
    queue: Queue,
}

impl CallApp {
    /// Hands requests to the language by way of `queue`.
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue }
    }

    async fn answer(&self, request: Request, reply: &mut Reply) -> Result<(), AppError> {
        let (asks, mut asked) = asks();
        let mut body = request.body;
        reply.notes().app = 0;
        self.queue.push(Call {
            environ: request.environ,
            protocol: request.protocol,
            http: request.http,
            body_length: body.length(),
            core: 0,
            ticket: reply.hand_over(),
            arrived: arrived(&mut body),
            asks,
        });
        while let Some(ask) = asked.next().await {
            if let Some(ended) = ask.follow(&mut body, reply).await {
                return ended;
            }
        }
        Err(AppError::new(
            500,
            "application left its request unanswered",
        ))
    }
}

/// What can be handed to the application at once. A fault will show when it reads on.
fn arrived(body: &mut Body) -> Arrived {
    match body.arrived() {
        Some(Ok(Some(bytes))) => Arrived {
            bytes,
            whole: body.is_over(),
        },
        Some(Ok(None)) => Arrived {
            bytes: Bytes::new(),
            whole: true,
        },
        Some(Err(_)) | None => Arrived::default(),
    }
}

impl App for CallApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        self.answer(request, reply).boxed_local()
    }
}
