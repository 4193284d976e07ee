//! FastCGI: any number of requests on one connection, at the same time if the gateway likes.
//!
//! All requests of a connection run inside its one task. Their input is handed out by
//! [`stdin`], their output is put into records by [`reply`]; the states of the protocol are
//! `wire`'s.

mod reply;
mod spill;
mod stdin;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use wire::environ::Environ;
use wire::fastcgi::Malformed;
use wire::fastcgi::state::{AppEvent, Application, Limits, Refusal as Refused};
use wire::fastcgi::values::Capacity;

use self::reply::{Cuts, FastCgiReply};
use self::stdin::{Stdin, StdinBody};
use super::connection::{Connection, Filled};
use super::{Refusal, Service};
use crate::app;
use crate::exchange::{Body, Ending, PIECE, Protocol, Reply, Request};
use crate::log;

/// How much is asked of the socket at once.
const READ: usize = 16 * 1024;

/// Unsent bytes beyond which nothing more is received. Replies of applications stop far below it;
/// the protocol's own answers, to a gateway that asks and never reads, do not stop by themselves.
const MOST_UNSENT: usize = 16 * PIECE;

/// What one connection may ask for, and what GET_VALUES is answered (FCGI-4.1-VALUES-TRUE).
const CAPACITY: Capacity = Capacity {
    max_conns: 1024,
    max_reqs: 1024,
    mpxs: true,
};

/// Serves one connection until its end.
pub(super) async fn serve(service: &Service, connection: Rc<Connection>) {
    let mut session = Session::new(service, &connection);
    if let Err(fault) = connection.accompany(session.run()).await {
        log::fault(&format!("connection closed: gateway {fault}"));
    }
    let (unread, is_kept) = (session.unread, session.is_kept);
    drop(session);
    connection.flush().await;
    if is_kept && service.heirs.inherit(&connection) {
        return;
    }
    // FCGI-DF-STDIN-END-SAME-WRITE
    if unread {
        connection.linger().await;
    }
}

/// What ends a connection at once: the gateway's fault.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("speaks HTTP on a FastCGI socket; point an HTTP client at an HTTP socket instead")]
    SpeaksHttp,
    #[error("broke FastCGI: {0}")]
    Malformed(Malformed),
    #[error("sent half a request and then nothing for {0} s (socket-timeout)")]
    Stopped(u64),
}

impl From<Malformed> for Fault {
    fn from(fault: Malformed) -> Self {
        match fault {
            // The first letter of an HTTP method.
            Malformed::Version(b'A'..=b'Z') => Self::SpeaksHttp,
            fault => Self::Malformed(fault),
        }
    }
}

struct Session<'s> {
    service: &'s Service,
    connection: &'s Rc<Connection>,
    state: Application,
    /// The input of requests that run.
    inputs: BTreeMap<u16, Rc<Stdin>>,
    /// Requests being answered; each yields its id.
    running: FuturesUnordered<LocalBoxFuture<'s, u16>>,
    cuts: Rc<Cuts>,
    /// The gateway sends no more.
    ended: bool,
    /// A request ended before its input did, so bytes may still be on their way.
    unread: bool,
    /// The gateway may go on to use the connection, though this worker does not.
    is_kept: bool,
}

impl<'s> Session<'s> {
    fn new(service: &'s Service, connection: &'s Rc<Connection>) -> Self {
        let limits = Limits {
            params_bytes: service.limits.buffer_size,
            capacity: CAPACITY,
        };
        Self {
            service,
            connection,
            state: Application::new(limits),
            inputs: BTreeMap::new(),
            running: FuturesUnordered::new(),
            cuts: Rc::default(),
            ended: false,
            unread: false,
            is_kept: false,
        }
    }

    /// Reads and answers until nothing is left to do.
    async fn run(&mut self) -> Result<(), Fault> {
        let mut drained = pin!(self.service.drained_for(self.connection));
        let mut draining = false;
        loop {
            if !self.connection.is_whole() {
                self.end_input();
            }
            self.receive()?;
            if self.is_over() {
                return Ok(());
            }
            if draining && self.is_idle() {
                self.is_kept = true;
                return Ok(());
            }
            let (full, clogged) = (self.is_full(), self.is_clogged());
            let due = self.is_due();
            tokio::select! {
                biased;
                Some(id) = self.running.next(), if !self.running.is_empty() => self.finished(id),
                () = unless_full(&self.inputs), if full => {}
                () = self.connection.room(), if clogged => {}
                filled = more(self.connection, due), if !full && !clogged && !self.ended => {
                    self.note(filled)?;
                }
                () = &mut drained, if !draining => draining = true,
            }
        }
    }

    /// Takes what the gateway has sent, as far as there is room for it.
    fn receive(&mut self) -> Result<(), Malformed> {
        while !self.is_full() && !self.is_clogged() {
            let mut event = Ok(None);
            self.connection.with_input(|input| {
                self.connection
                    .send(|queue| event = self.state.receive(input, queue.tail()));
            });
            match event? {
                Some(event) => self.handle(event),
                None => break,
            }
        }
        Ok(())
    }

    fn handle(&mut self, event: AppEvent) {
        match event {
            AppEvent::Request {
                id,
                keep_conn,
                environ,
                ..
            } => self.begin(id, keep_conn, environ),
            AppEvent::Stdin { id, data } => self.with_input(id, |stdin| stdin.push(data)),
            AppEvent::StdinEnd { id } => self.with_input(id, Stdin::end),
            AppEvent::Abort { id } => self.with_input(id, Stdin::abort),
            AppEvent::Refused { why, .. } => tell_refused(&why),
        }
    }

    fn with_input(&self, id: u16, work: impl FnOnce(&Stdin)) {
        if let Some(stdin) = self.inputs.get(&id) {
            work(stdin);
        }
    }

    fn begin(&mut self, id: u16, keep_conn: bool, environ: Environ) {
        let length = environ.content_length();
        // Behind one request that may be followed by others, nobody may have to wait for its body
        // to be read (FCGI-MPX-APP-NO-HOL).
        let stdin = Rc::new(Stdin::new(
            length.as_ref().ok().copied().flatten(),
            keep_conn,
        ));
        let reply = FastCgiReply::new(self.connection, id, &environ, &stdin, &self.cuts);
        let reply = Reply::new(Box::new(reply));
        self.inputs.insert(id, Rc::clone(&stdin));
        self.cuts.active.set(self.cuts.active.get() + 1);
        let service = self.service;
        let answered = match length {
            Ok(length) => {
                let body = body(length, stdin, self.connection);
                let request = Request {
                    environ,
                    body,
                    protocol: Protocol::FastCgi,
                    http: None,
                };
                let connection = self.connection;
                service.exchange(connection, request, reply).left_future()
            }
            Err(error) => {
                let refusal = Refusal::new(400, error);
                refuse(reply, refusal, self.connection.stream().peer()).right_future()
            }
        };
        self.running.push(answered.map(move |()| id).boxed_local());
    }

    /// A request was answered.
    fn finished(&mut self, id: u16) {
        self.state.ended(id);
        self.cuts.active.set(self.cuts.active.get() - 1);
        if let Some(stdin) = self.inputs.remove(&id) {
            self.unread |= !stdin.is_over();
        }
    }

    fn note(&mut self, filled: Filled) -> Result<(), Fault> {
        match filled {
            Filled::More => {}
            Filled::End => self.end_input(),
            Filled::TimedOut => return Err(Fault::Stopped(self.connection.patience().as_secs())),
        }
        Ok(())
    }

    /// The gateway sends no more.
    fn end_input(&mut self) {
        self.ended = true;
        self.inputs.values().for_each(|stdin| stdin.cut());
    }

    fn is_over(&self) -> bool {
        let is_done = self.ended && self.running.is_empty();
        is_done || self.cuts.happened.get() || self.state.should_close()
    }

    /// Whether no request has so much as begun.
    fn is_idle(&self) -> bool {
        let begun =
            self.state.active() > 0 || self.connection.with_input(|input| !input.is_empty());
        self.running.is_empty() && !begun
    }

    /// Whether a request has to take some of its input before more is read.
    fn is_full(&self) -> bool {
        is_full(&self.inputs)
    }

    /// Whether the gateway has to read before it is listened to again.
    fn is_clogged(&self) -> bool {
        self.connection.unsent() > MOST_UNSENT
    }

    /// Whether all that is left to do is to receive the rest of a request. A kept connection on
    /// which none has begun may stay silent for as long as the gateway likes.
    fn is_due(&self) -> bool {
        self.running.is_empty() && !self.is_idle()
    }
}

async fn more(connection: &Connection, due: bool) -> Filled {
    match due {
        true => connection.fill(READ).await,
        false => connection.fill_at_leisure(READ).await,
    }
}

fn tell_refused(why: &Refused) {
    let hint = match why {
        Refused::ParamsTooLarge(_) => "; raise --buffer-size",
        _ => "",
    };
    log::fault(&format!("request refused over FastCGI: {why}{hint}"));
}

fn is_full(inputs: &BTreeMap<u16, Rc<Stdin>>) -> bool {
    inputs.values().any(|stdin| stdin.is_full())
}

/// Looked at whenever the task wakes, and whoever takes input wakes it.
async fn unless_full(inputs: &BTreeMap<u16, Rc<Stdin>>) {
    poll_fn(|_| {
        if is_full(inputs) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

fn body(length: Option<u64>, stdin: Rc<Stdin>, connection: &Connection) -> Body {
    match length {
        Some(0) => Body::empty(),
        _ => Body::incoming(
            length,
            Box::new(StdinBody::new(stdin, connection.patience())),
        ),
    }
}

async fn refuse(mut reply: Reply, refusal: Refusal, peer: Option<SocketAddr>) {
    refusal.tell(peer);
    // It can fail only because the gateway is gone, and then there is nobody to tell.
    let _ = app::plain(&mut reply, refusal.status).await;
    reply.end(Ending::Complete);
}
