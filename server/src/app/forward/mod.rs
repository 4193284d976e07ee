//! The upstream side of the built-in gateway: what `--http` received goes to an application server
//! that speaks uwsgi, FastCGI or SCGI.
//!
//! Each request has a connection of its own. Body and reply travel at the same time, so an early
//! reply comes through and an echo cannot block; a body of unknown length is kept until it has one,
//! since the protocols announce it (DF-REQ-CHUNKED).

mod connect;
mod dialect;
mod relay;
mod script;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::io;

use bytes::BytesMut;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use wire::cgi::CgiHead;
use wire::environ::Environ;

use self::connect::Connection;
use self::dialect::{Dialect, Framing};
use self::relay::{Fault, Outcome, Relay};
use super::lines::Lines;
use super::patience::Patience;
use super::redirect::{Origin, Redirect};
use super::{App, AppError, spool, status_of};
use crate::exchange::{Body, BodyError, Protocol, Reply, ReplyError, Request};
use crate::options::Upstream;

/// Forwards every request to one upstream.
#[derive(Clone, Debug)]
pub struct ForwardApp {
    upstream: Upstream,
}

/// A request as it goes out.
struct Outgoing {
    /// All but the body.
    opening: BytesMut,
    framing: Framing,
    body: Body,
}

impl ForwardApp {
    /// Forwards to `upstream`.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }

    async fn answer(&self, request: Request, reply: &mut Reply) -> Result<(), AppError> {
        let origin = Origin::of(&request);
        let mut environ = request.environ;
        let body = measured(request.body, &mut environ).await?;
        if self.upstream.protocol == Protocol::FastCgi {
            script::name(&mut environ, &self.upstream.scripts);
        }
        let mut opening = BytesMut::with_capacity(4096);
        let length = body.length().unwrap_or(0);
        let begun = dialect::begin(self.upstream.protocol, &environ, length, &mut opening);
        let (framing, dialect) = begun.map_err(|fault| self.error(431, &fault))?;
        let outgoing = Outgoing {
            opening,
            framing,
            body,
        };
        let head_only = environ
            .get("REQUEST_METHOD")
            .is_some_and(|method| method == "HEAD");
        match self.exchange(outgoing, dialect, head_only, reply).await? {
            Outcome::Answered => Ok(()),
            Outcome::Redirect(head) => self.follow(environ, head, origin, reply),
        }
    }

    /// Bounds the exchange by the upstream's silence and the client's presence.
    async fn exchange(
        &self,
        outgoing: Outgoing,
        dialect: Dialect,
        head_only: bool,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        let patience = Patience::new(self.upstream.timeout);
        let closed = reply.closed();
        tokio::select! {
            biased;
            outcome = self.both_ways(outgoing, dialect, head_only, &patience, reply) => outcome,
            () = patience.runs_out() => Err(self.silent()),
            () = closed => Err(ReplyError::ClientGone.into()),
        }
    }

    async fn both_ways(
        &self,
        outgoing: Outgoing,
        dialect: Dialect,
        head_only: bool,
        patience: &Patience,
        reply: &mut Reply,
    ) -> Result<Outcome, AppError> {
        // The writer lives as long as the reader: an upstream may take a closed direction for a
        // client that has gone (DF-HALF-CLOSE).
        let Connection { reader, mut writer } = self.connect().await?;
        let (lines, buffer) = (Lines::of(self.name()), BytesMut::new());
        let mut relay = Relay {
            dialect,
            reader,
            head_only,
            patience,
            lines,
            buffer,
            chunks: None,
        };
        tokio::select! {
            biased;
            outcome = relay.run(reply) => outcome.map_err(|fault| self.fault(fault)),
            Err(fault) = send(outgoing, &mut writer, patience) => Err(fault.into()),
        }
    }

    async fn connect(&self) -> Result<Connection, AppError> {
        let connecting = connect::connect(&self.upstream.address);
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
async fn send(
    outgoing: Outgoing,
    writer: &mut (impl AsyncWrite + Unpin),
    patience: &Patience,
) -> Result<(), BodyError> {
    let Outgoing {
        opening: mut bytes,
        framing,
        mut body,
    } = outgoing;
    let mut is_over = body.length() == Some(0);
    loop {
        if is_over {
            framing.end(&mut bytes);
        }
        if write(writer, &mut bytes, patience).await.is_err() || is_over {
            return Ok(());
        }
        match patience.with_client(body.chunk()).await? {
            Some(chunk) => framing.body(&chunk, &mut bytes),
            None => is_over = true,
        }
    }
}

async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &mut BytesMut,
    patience: &Patience,
) -> io::Result<()> {
    while !bytes.is_empty() {
        writer.write_buf(bytes).await?;
        patience.renew();
    }
    writer.flush().await
}
