//! The upstream side of the built-in gateway: what `--http` received goes to an application server
//! that speaks uwsgi, FastCGI or SCGI.
//!
//! Each request has a connection of its own, unless FastCGI connections are kept
//! (`fastcgi-keepalive`). Body and reply travel at the same time, so an early
//! reply comes through and an echo cannot block; a body of unknown length is kept until it has one,
//! since the protocols announce it (DF-REQ-CHUNKED).

mod connect;
mod dialect;
mod idle;
mod relay;
mod script;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt::Display;

use bytes::BytesMut;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::time::timeout;
use wire::cgi::CgiHead;
use wire::environ::Environ;

use self::connect::Link;
use self::dialect::{Asked, Dialect, Framing};
use self::idle::{Idle, Kept};
use self::relay::{Fault, Outcome, Relay};
use super::lines::Lines;
use super::patience::Patience;
use super::redirect::{Origin, Redirect};
use super::{App, AppError, spool, status_of};
use crate::exchange::{Body, BodyError, Protocol, Reply, ReplyError, Request};
use crate::options::Upstream;

/// Forwards every request to one upstream.
#[derive(Debug)]
pub struct ForwardApp {
    upstream: Upstream,
    idle: Idle,
}

/// A request as it goes out.
struct Outgoing {
    /// All but the body.
    opening: BytesMut,
    framing: Framing,
    body: Body,
}

/// How one request is exchanged.
struct Exchange<'a> {
    head_only: bool,
    patience: &'a Patience,
    /// Set once all of the request was sent.
    is_sent: Cell<bool>,
}

/// Why an exchange failed.
#[derive(Debug)]
enum Trouble {
    /// The connection had been kept, and nothing came over it: the upstream had closed it.
    Stale,
    Other(AppError),
}

impl From<AppError> for Trouble {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

impl From<Trouble> for AppError {
    /// A connection that was not kept cannot be stale.
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Stale => Self::new(502, Fault::Stale.to_string()),
            Trouble::Other(error) => error,
        }
    }
}

impl ForwardApp {
    /// Forwards to `upstream`.
    pub fn new(upstream: Upstream) -> Self {
        let idle = Idle::new(match upstream.protocol {
            Protocol::FastCgi => upstream.keepalive,
            _ => 0,
        });
        Self { upstream, idle }
    }

    async fn answer(&self, request: Request, reply: &mut Reply) -> Result<(), AppError> {
        let origin = Origin::of(&request);
        let mut environ = request.environ;
        let body = measured(request.body, &mut environ).await?;
        if self.upstream.protocol == Protocol::FastCgi {
            script::name(&mut environ, &self.upstream.scripts);
        }
        match self.exchange(&environ, body, reply).await? {
            Outcome::Answered => Ok(()),
            Outcome::Redirect(head) => self.follow(environ, head, origin, reply),
        }
    }

    /// Bounds the exchange by the upstream's silence and the client's presence.
    async fn exchange(
        &self,
        environ: &Environ,
        body: Body,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        let patience = Patience::new(self.upstream.timeout);
        let method = environ.get("REQUEST_METHOD");
        let exchange = Exchange {
            head_only: method.is_some_and(|method| method == "HEAD"),
            patience: &patience,
            is_sent: Cell::new(false),
        };
        let closed = reply.closed();
        tokio::select! {
            biased;
            outcome = self.asked(environ, body, &exchange, reply) => outcome,
            () = patience.runs_out() => Err(self.silent()),
            () = closed => Err(ReplyError::ClientGone.into()),
        }
    }

    /// Asks over a kept connection, and over a new one if that brings nothing.
    async fn asked(
        &self,
        environ: &Environ,
        body: Body,
        exchange: &Exchange<'_>,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        let asked = self.begin(environ, body)?;
        let fit = idle::may_be_repeated(environ, asked.0.body.length());
        if let Some(kept) = fit.then(|| self.idle.take()).flatten() {
            match self.over(asked, kept, exchange, reply).await {
                Err(Trouble::Stale) => {}
                outcome => return Ok(outcome?),
            }
            let again = self.begin(environ, Body::empty())?;
            let fresh = Kept::new(self.connect().await?);
            return Ok(self.over(again, fresh, exchange, reply).await?);
        }
        let fresh = Kept::new(self.connect().await?);
        Ok(self.over(asked, fresh, exchange, reply).await?)
    }

    fn begin(&self, environ: &Environ, body: Body) -> Result<(Outgoing, Dialect), AppError> {
        let asked = Asked {
            protocol: self.upstream.protocol,
            keep: self.idle.keeps(),
            length: body.length().unwrap_or(0),
        };
        let mut opening = BytesMut::with_capacity(4096);
        let begun = dialect::begin(&asked, environ, &mut opening);
        let (framing, dialect) = begun.map_err(|fault| self.error(431, &fault))?;
        let outgoing = Outgoing {
            opening,
            framing,
            body,
        };
        Ok((outgoing, dialect))
    }

    /// Sends the request and passes the reply on; the connection is kept if all of both went over.
    async fn over(
        &self,
        (outgoing, dialect): (Outgoing, Dialect),
        Kept {
            link,
            buffer,
            is_used,
        }: Kept,
        exchange: &Exchange<'_>,
        reply: &mut Reply,
    ) -> Result<Outcome, Trouble> {
        exchange.is_sent.set(false);
        let mut relay = Relay {
            dialect,
            link: &link,
            head_only: exchange.head_only,
            patience: exchange.patience,
            lines: Lines::of(self.name()),
            buffer,
            chunks: None,
            may_be_stale: is_used,
        };
        let outcome = tokio::select! {
            biased;
            outcome = relay.run(reply) => outcome,
            Err(fault) = send(outgoing, &link, exchange) => return Err(AppError::from(fault).into()),
        };
        let is_fit = exchange.is_sent.get() && relay.is_over();
        let buffer = relay.buffer;
        match outcome {
            Ok(outcome) => {
                if is_fit {
                    self.idle.keep(link, buffer);
                }
                Ok(outcome)
            }
            Err(Fault::Stale) => Err(Trouble::Stale),
            Err(fault) => Err(self.fault(fault).into()),
        }
    }

    async fn connect(&self) -> Result<Link, AppError> {
        let connecting = Link::open(&self.upstream.address);
        let Ok(connection) = timeout(self.upstream.connect_timeout, connecting).await else {
            return Err(self.error(504, &"did not accept a connection in time"));
        };
        connection.map_err(|error| {
            let status = status_of(&error, 502);
            self.error(status, &format_args!("cannot connect: {error}"))
        })
    }

    fn follow(
        &self,
        environ: Environ,
        head: CgiHead,
        origin: Origin,
        reply: &mut Reply,
    ) -> Result<(), AppError> {
        let location = head.location().cloned().unwrap_or_default();
        let redirect = Redirect::new(environ, &location, origin, head);
        let redirect = redirect.map_err(|fault| {
            self.error(
                502,
                &format_args!("Location {}: {fault}", location.escape_ascii()),
            )
        })?;
        reply.redirect(redirect);
        Ok(())
    }

    fn name(&self) -> String {
        format!("upstream {}", self.upstream.address)
    }

    fn fault(&self, fault: Fault) -> AppError {
        match fault {
            Fault::Reply(error) => error.into(),
            fault => self.error(fault.status(), &fault),
        }
    }

    fn silent(&self) -> AppError {
        let seconds = self.upstream.timeout.as_secs();
        self.error(504, &format_args!("silent for {seconds} s (http-timeout)"))
    }

    fn error(&self, status: u16, fault: &dyn Display) -> AppError {
        AppError::new(status, format!("{}: {fault}", self.name()))
    }
}

impl App for ForwardApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        self.answer(request, reply).boxed_local()
    }
}

/// A body of known length, which the environment tells (CGI-4.1.2-CL-DECODED).
async fn measured(body: Body, environ: &mut Environ) -> Result<Body, AppError> {
    let was_known = body.length().is_some();
    let body = spool::measured(body).await?;
    if let Some(length @ 1..) = body.length().filter(|_| !was_known) {
        environ.set("CONTENT_LENGTH", length.to_string());
    }
    Ok(body)
}

/// Sends the request until it ends or the upstream takes no more. The latter is no fault: an early
/// reply may be on its way.
async fn send(outgoing: Outgoing, link: &Link, exchange: &Exchange<'_>) -> Result<(), BodyError> {
    let Outgoing {
        opening: mut bytes,
        framing,
        mut body,
    } = outgoing;
    let patience = exchange.patience;
    let mut is_over = body.length() == Some(0);
    loop {
        if is_over {
            framing.end(&mut bytes);
        }
        while !bytes.is_empty() {
            if link.write(&mut bytes).await.is_err() {
                return Ok(());
            }
            patience.renew();
        }
        if is_over {
            exchange.is_sent.set(true);
            return Ok(());
        }
        match patience.with_client(body.chunk()).await? {
            Some(chunk) => framing.body(&chunk, &mut bytes),
            None => is_over = true,
        }
    }
}
