//! Listeners: the bytes of each protocol to exchanges, and back.

mod connection;
mod fastcgi;
mod http;
mod http_reply;
mod incoming;
mod oneshot;
mod queue;
mod scgi;
mod stream_reply;
mod uwsgi;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::{Notify, watch};
use wire::environ::Environ;

use crate::app::{self, App, AppError, CLIENT_GONE};
use crate::exchange::{Ending, Protocol, Reply, Request};
use crate::log::{RequestFacts, RequestLog};
use crate::master::scoreboard::{Running, WorkerSlot};
use crate::options::Limits;
use crate::socket::Stream;
use connection::Connection;

/// A request that is answered without an application; the peer is at fault.
#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: String,
}

impl Refusal {
    fn new(status: u16, reason: impl ToString) -> Self {
        Self {
            status,
            reason: reason.to_string(),
        }
    }
}

/// What all connections of one listener share.
pub(crate) struct Service {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// What answers.
    pub(crate) app: Rc<dyn App>,
    /// Bounds on one request.
    pub(crate) limits: Limits,
    /// Where requests are told of.
    pub(crate) log: Rc<RequestLog>,
    /// Turns true when no new request is to be begun.
    pub(crate) draining: watch::Receiver<bool>,
    /// The worker's place on the scoreboard.
    pub(crate) slot: WorkerSlot,
    /// When the worker has done its share.
    pub(crate) retirement: Rc<Retirement>,
}

/// `max-requests`: after so many requests, on all its sockets, a worker makes room for a fresh one.
pub(crate) struct Retirement {
    after: Option<u32>,
    served: Cell<u32>,
    due: Rc<Notify>,
}

impl Retirement {
    /// Notifies `due` after so many requests, if any number is given.
    pub(crate) fn new(after: Option<u32>, due: Rc<Notify>) -> Self {
        Self {
            after,
            served: Cell::new(0),
            due,
        }
    }

    fn count(&self) {
        let served = self.served.get().saturating_add(1);
        self.served.set(served);
        if self.after.is_some_and(|after| served >= after) {
            self.due.notify_one();
        }
    }
}

impl Service {
    /// Serves one connection until its end.
    pub(crate) async fn connection(&self, stream: Stream, peer: Option<SocketAddr>) {
        let connection = Rc::new(Connection::new(stream, self.limits.socket_timeout));
        match self.protocol {
            Protocol::Http => http::serve(self, connection, peer).await,
            Protocol::Uwsgi => uwsgi::serve(self, connection).await,
            Protocol::Scgi => scgi::serve(self, connection).await,
            Protocol::FastCgi => fastcgi::serve(self, connection).await,
        }
    }

    /// Has the application answer one request, and completes the reply whatever comes of it.
    async fn exchange(&self, mut request: Request, mut reply: Reply) {
        let facts = self
            .log
            .wants_requests()
            .then(|| self.log.facts(&request.environ));
        let running = self.begin(&request.environ);
        let answered = match request.body.limit(self.limits.body_size) {
            Ok(()) => self.app.serve(request, &mut reply).await,
            Err(fault) => Err(fault.into()),
        };
        if answered
            .as_ref()
            .is_err_and(|error| matches!(error.status, 400 | 408))
        {
            reply.notes().read_errors += 1;
        }
        let ending = complete(&mut reply, answered, facts.as_ref()).await;
        reply.end(ending);
        let sent = reply.sent();
        let took = running.end(sent.body_bytes + sent.head_bytes as u64);
        self.log.request(facts, sent, reply.notes(), took);
        self.retirement.count();
    }

    /// Puts a request on the scoreboard.
    fn begin(&self, environ: &Environ) -> Running {
        let text = |name| environ.get(name).map_or(&b""[..], AsRef::as_ref);
        let (peer, method) = (text("REMOTE_ADDR"), text("REQUEST_METHOD"));
        self.slot.core(0).begin(peer, method, text("REQUEST_URI"))
    }

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Resolves when no new request is to be begun.
    pub(crate) async fn drained(&self) {
        let mut draining = self.draining.clone();
        if draining.wait_for(|draining| *draining).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Makes a whole reply, or a cut one, of what the application left.
async fn complete(
    reply: &mut Reply,
    answered: Result<(), AppError>,
    facts: Option<&RequestFacts>,
) -> Ending {
    let error = match answered {
        Ok(()) if reply.head_sent() => return Ending::Complete,
        Ok(()) => AppError::new(502, "application ended without a reply"),
        Err(error) => error,
    };
    crate::log::failure(&error, facts);
    if reply.head_sent() {
        return Ending::Cut;
    }
    if error.status == CLIENT_GONE {
        reply.forgo(CLIENT_GONE);
        return Ending::Cut;
    }
    // An error here means that the peer is gone, and was told of by the application already.
    let _ = app::plain(reply, error.status).await;
    Ending::Complete
}
