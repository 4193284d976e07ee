//! What the protocols with one request a connection have in common: uwsgi and SCGI.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;
use wire::environ::Environ;

use super::connection::{Connection, Filled};
use super::incoming::{BodyFraming, Incoming};
use super::stream_reply::{Form, StreamReply};
use super::{Refusal, Service};
use crate::app;
use crate::exchange::{Ending, Reply, Request};

/// The most variables in one request, as over FastCGI.
const MAX_VARIABLES: usize = wire::fastcgi::state::MAX_PARAMS;

/// How much is asked of the socket at once for a head.
const HEAD_READ: usize = 8 * 1024;

/// Reads until `decode` has what it wants; `None` if the peer sent nothing, or not all of it, or
/// if the worker drains and the request has not begun: another worker then has the connection, where
/// there is one to take it. The time for the whole of it counts from
/// its first byte, so that nobody holds a connection with a byte now and then; `first` is how long
/// that byte may take.
pub(super) async fn read_head<T>(
    service: &Service,
    connection: &Connection,
    first: Duration,
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, Refusal>,
) -> Result<Option<T>, Refusal> {
    let mut begun = false;
    let mut end = Instant::now() + first;
    loop {
        let was_begun = begun;
        let decoded = connection.with_input(|input| {
            begun |= !input.is_empty();
            decode(input)
        });
        if let Some(head) = decoded? {
            return Ok(Some(head));
        }
        if begun && !was_begun {
            end = Instant::now() + service.waits.head;
        }
        let filled = tokio::select! {
            biased;
            filled = connection.fill_until(HEAD_READ, end) => filled,
            () = service.drained_for(connection), if !begun => {
                service.heirs.inherit(connection);
                return Ok(None);
            }
        };
        match filled {
            Filled::More => {}
            Filled::TimedOut if begun => {
                let seconds = service.waits.head.as_secs();
                let reason = format!(
                    "client sent no whole head within {seconds} s ({})",
                    service.waits.option
                );
                return Err(Refusal::new(408, reason));
            }
            Filled::End | Filled::TimedOut => return Ok(None),
        }
    }
}

/// Serves the one request of a connection and ends it.
pub(super) async fn exchange(
    service: &Service,
    connection: Rc<Connection>,
    environ: Environ,
    form: Form,
) {
    let length = match body_length(&environ) {
        Ok(length) => length,
        Err(refusal) => return refuse(connection, form, refusal).await,
    };
    let incoming = Incoming::new(Rc::clone(&connection), BodyFraming::Length(length));
    let request = Request {
        environ,
        body: incoming.body(),
        protocol: service.protocol,
        http: None,
    };
    let reply = StreamReply {
        connection: Rc::clone(&connection),
        incoming: incoming.clone(),
        form,
        is_refused: false,
    };
    connection
        .accompany(service.exchange(&connection, request, Reply::new(Box::new(reply))))
        .await;
    connection.flush().await;
    if !incoming.is_done() {
        connection.linger().await;
    }
}

fn body_length(environ: &Environ) -> Result<u64, Refusal> {
    if environ.len() > MAX_VARIABLES {
        let reason = format!("request has more than {MAX_VARIABLES} variables");
        return Err(Refusal::new(431, reason));
    }
    let length = environ.content_length();
    Ok(length
        .map_err(|error| Refusal::new(400, error))?
        .unwrap_or(0))
}

/// Tells the gateway, and the log, why its request is not served.
pub(super) async fn refuse(connection: Rc<Connection>, form: Form, refusal: Refusal) {
    refusal.tell(connection.stream().peer());
    let incoming = Incoming::new(Rc::clone(&connection), BodyFraming::Done);
    let reply = StreamReply {
        connection: Rc::clone(&connection),
        incoming,
        form,
        is_refused: false,
    };
    let mut reply = Reply::new(Box::new(reply));
    // It can fail only because the peer is gone, and then there is nobody to tell.
    let _ = app::plain(&mut reply, refusal.status).await;
    reply.end(Ending::Complete);
    connection.flush().await;
    connection.linger().await;
}

/// Whether a request is a HEAD.
pub(super) fn is_head(environ: &Environ) -> bool {
    environ
        .get("REQUEST_METHOD")
        .is_some_and(|method| method == "HEAD")
}
