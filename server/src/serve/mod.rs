//! Listeners: the bytes of each protocol to exchanges, and back.

mod admission;
mod connection;
mod fastcgi;
mod growth;
mod heirs;
mod http;
mod http_reply;
mod incoming;
mod last_words;
mod offload;
mod oneshot;
mod proxy;
mod queue;
mod retirement;
mod scgi;
mod stream_reply;
mod uwsgi;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;
use wire::environ::Environ;

use crate::app::{self, App, AppError, CLIENT_GONE};
use crate::exchange::{Ending, HeadEdits, Protocol, Reply, Request};
use crate::log::{RequestFacts, RequestLog};
use crate::master::scoreboard::{Running, WorkerSlot};
use crate::options::{HttpSettings, Limits, ListenerSettings, Settings, WriteSettings};
use crate::socket::{Label, Stream};
use crate::trace::Tracer;
pub(crate) use admission::Admission;
use connection::Connection;
pub(crate) use growth::Growth;
pub(crate) use heirs::Heirs;
pub(crate) use offload::Threads as OffloadThreads;
pub(crate) use retirement::Retirement;

/// How long a worker that drains waits for the first byte of a connection that it has accepted.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// A request that is answered without an application; the peer is at fault.
#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: String,
    /// uWSGI's words for it, which people look for in logs.
    known_as: Option<String>,
}

impl Refusal {
    fn new(status: u16, reason: impl ToString) -> Self {
        Self {
            status,
            reason: reason.to_string(),
            known_as: None,
        }
    }

    fn known_as(mut self, line: String) -> Self {
        self.known_as = Some(line);
        self
    }

    fn tell(&self, peer: Option<SocketAddr>) {
        if let Some(line) = &self.known_as {
            crate::log::tell(line);
        }
        crate::log::refusal(self.status, &self.reason, peer);
    }
}

/// How long the peers of a listener are waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// One wait for a peer that sends or takes nothing.
    peer: Duration,
    /// A whole head, from its first byte.
    head: Duration,
    /// The next request on a kept HTTP connection; none is waited for without.
    idle: Option<Duration>,
    /// The option that bounds them.
    option: &'static str,
}

impl Waits {
    /// Those of `http-…` for a listener that faces clients, else `socket-timeout`.
    pub(crate) fn of(listener: &ListenerSettings, settings: &Settings) -> Self {
        let http = &settings.http;
        let private = settings.limits.socket_timeout;
        let (peer, head, option) = match listener.public {
            true => (http.timeout, http.headers_timeout, "http-timeout"),
            false => (private, private, "socket-timeout"),
        };
        Self {
            peer,
            head,
            idle: http.keepalive,
            option,
        }
    }
}

/// What all connections of one listener share.
pub(crate) struct Service {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// What answers.
    pub(crate) app: Rc<dyn App>,
    /// Whose connections are served, if not everybody's.
    pub(crate) admission: Option<Admission>,
    /// Bounds on one request.
    pub(crate) limits: Limits,
    /// How long peers are waited for.
    pub(crate) waits: Waits,
    /// Threads that send long files, if there are any.
    pub(crate) offload: Option<OffloadThreads>,
    /// HTTP as a server.
    pub(crate) http: HttpSettings,
    /// What becomes of replies to clients that left.
    pub(crate) writes: WriteSettings,
    /// What every reply gets or loses.
    pub(crate) edits: Option<HeadEdits>,
    /// Where requests are told of.
    pub(crate) log: Rc<RequestLog>,
    /// Turns true when no new request is to be begun.
    pub(crate) draining: watch::Receiver<bool>,
    /// Who goes on with idle connections then.
    pub(crate) heirs: Heirs,
    /// The worker's place on the scoreboard.
    pub(crate) slot: WorkerSlot,
    /// When the worker has done its share.
    pub(crate) retirement: Rc<Retirement>,
    /// How large the worker is.
    pub(crate) growth: Rc<Growth>,
    /// Where the steps of requests are told, if they are.
    pub(crate) tracer: Option<Rc<Tracer>>,
}

impl Service {
    /// The time, if anybody wants to know when a connection was accepted.
    pub(crate) fn time_of_accept(&self) -> Option<Instant> {
        self.tracer.as_ref().map(|_| Instant::now())
    }

    /// Serves one connection until its end.
    pub(crate) async fn connection(
        &self,
        stream: Stream,
        peer: Option<SocketAddr>,
        accepted: Option<Instant>,
    ) {
        if self.admission.as_ref().is_some_and(|it| !it.admits(peer)) {
            return;
        }
        let connection = Connection::new(stream, self.waits.peer).accepted_at(accepted);
        connection.set_client(peer);
        self.go_on(connection).await;
    }

    /// Serves what is left of a connection that another worker had.
    pub(crate) async fn inherited(&self, stream: Stream, label: &Label) {
        let connection = Connection::new(stream, self.waits.peer);
        connection.set_client(label.client);
        connection.set_heard(label.heard);
        self.go_on(connection).await;
    }

    async fn go_on(&self, connection: Connection) {
        let connection = Rc::new(connection.with_threads(self.offload.clone()));
        match self.protocol {
            Protocol::Http => http::serve(self, connection).await,
            Protocol::Uwsgi => uwsgi::serve(self, connection).await,
            Protocol::Scgi => scgi::serve(self, connection).await,
            Protocol::FastCgi => fastcgi::serve(self, connection).await,
        }
    }

    /// Has the application answer one request, and completes the reply whatever comes of it.
    async fn exchange(&self, connection: &Connection, request: Request, mut reply: Reply) {
        let facts = self
            .log
            .wants_requests()
            .then(|| self.log.facts(&request.environ));
        let began = Instant::now();
        if let Some(tracer) = &self.tracer {
            let accepted = connection.take_accepted();
            reply.trace(tracer.begin(&request.environ, self.protocol, accepted));
        }
        reply.run(self.begin(&request.environ));
        let answered = self.answer(request, &mut reply).await;
        if answered
            .as_ref()
            .is_err_and(|error| matches!(error.status, 400 | 408))
        {
            reply.notes().read_errors += 1;
        }
        if reply.was_handed_over() && answered.as_ref().is_err_and(|error| error.status == 500) {
            self.slot.count_exception();
        }
        let ending = self.complete(&mut reply, answered, facts.as_ref()).await;
        reply.end(ending);
        let sent = reply.sent();
        if let (Some(tracer), Some(trace)) = (&self.tracer, reply.traced()) {
            tracer.end(trace, sent);
        }
        self.slot
            .count_sent(sent.body_bytes + sent.head_bytes as u64);
        self.growth.measure(self.slot);
        self.log
            .request(facts, sent, reply.notes(), began.elapsed());
        self.retirement.count();
    }

    async fn answer(&self, mut request: Request, reply: &mut Reply) -> Result<(), AppError> {
        if let Some(edits) = &self.edits {
            *reply.edits() = edits.clone();
        }
        request.body.limit(self.limits.body_size)?;
        if let Some(memory) = self.limits.post_buffering {
            request = app::buffered(request, memory).await?;
        }
        self.app.serve(request, reply).await
    }

    /// Puts a request on the scoreboard.
    fn begin(&self, environ: &Environ) -> Running {
        let text = |name| environ.get(name).map_or(&b""[..], AsRef::as_ref);
        let (peer, method) = (text("REMOTE_ADDR"), text("REQUEST_METHOD"));
        self.slot.core(0).begin(peer, method, text("REQUEST_URI"))
    }

    /// Makes a whole reply, or a cut one, of what the application left.
    async fn complete(
        &self,
        reply: &mut Reply,
        answered: Result<(), AppError>,
        facts: Option<&RequestFacts>,
    ) -> Ending {
        let error = match answered {
            Ok(()) if reply.head_sent() => return Ending::Complete,
            Ok(()) => AppError::new(502, "application ended without a reply"),
            Err(error) => error,
        };
        if error.status != CLIENT_GONE || !self.writes.ignore_errors {
            crate::log::failure(&error, facts);
        }
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

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// The same for one connection: where nobody is to take it, a peer that was let in just before
    /// gets to send its request.
    async fn drained_for(&self, connection: &Connection) {
        self.drained().await;
        if !connection.has_heard() && !self.heirs.are_there() {
            sleep(FIRST_REQUEST).await;
        }
    }

    /// Resolves when no new request is to be begun.
    pub(crate) async fn drained(&self) {
        let mut draining = self.draining.clone();
        if draining.wait_for(|draining| *draining).await.is_err() {
            std::future::pending().await
        }
    }
}
