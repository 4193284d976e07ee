//! HTTP/1.1 as a server: any number of requests on one connection, one after the other.

use std::net::SocketAddr;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use wire::http::{
    ChunkedDecoder, Framing, HttpError, Limits, RequestHead, Version, decode_request,
};
use wire::request::{Gateway, SplitPath, Target};

use super::connection::Connection;
use super::http_reply::{Asked, HttpReply};
use super::incoming::{BodyFraming, Incoming};
use super::oneshot;
use super::proxy::{self, Preamble};
use super::stream_reply::{Form, StreamReply};
use super::{Refusal, Service};
use crate::exchange::{HttpFacts, PIECE, Reply, Request};
use crate::socket::Stream;

const SOFTWARE: &str = concat!("gateserve/", env!("CARGO_PKG_VERSION"));

/// The most header fields in one request.
const MAX_FIELDS: usize = 256;

/// The two ends of a connection, as texts for the environment.
struct Ends {
    remote_addr: String,
    remote_port: u16,
    server_addr: String,
    server_port: u16,
    https: bool,
}

impl Ends {
    /// A Unix socket has no addresses.
    fn of(stream: &Stream, peer: Option<SocketAddr>) -> Self {
        let local = stream.local();
        let ip = |end: Option<SocketAddr>| {
            end.map_or_else(String::new, |end| end.ip().to_canonical().to_string())
        };
        let port = |end: Option<SocketAddr>| end.map_or(0, |end| end.port());
        Self {
            remote_addr: ip(peer),
            remote_port: port(peer),
            server_addr: ip(local),
            server_port: port(local),
            https: stream.is_secure(),
        }
    }

    fn gateway(&self) -> Gateway<'_> {
        let is_named = !self.server_addr.is_empty();
        Gateway {
            server_software: SOFTWARE,
            server_name: if is_named {
                &self.server_addr
            } else {
                "localhost"
            },
            server_port: if is_named { self.server_port } else { 80 },
            remote_addr: &self.remote_addr,
            remote_port: self.remote_port,
            server_addr: &self.server_addr,
            https: self.https,
            document_root: None,
        }
    }
}

/// Serves one connection until its end.
pub(super) async fn serve(service: &Service, connection: Rc<Connection>) {
    // A worker before this one has read what a proxy says of its client.
    let is_kept = connection.has_heard();
    if !is_kept {
        match client(service, &connection).await {
            Ok(Some(client)) => connection.set_client(client),
            Ok(None) => return,
            Err(refusal) => return oneshot::refuse(connection, refused(), refusal).await,
        }
    }
    let ends = Ends::of(connection.stream(), connection.client());
    let limits = Limits {
        head_bytes: service.limits.buffer_size,
        headers: MAX_FIELDS,
    };
    let mut wait = match is_kept {
        true => service.waits.idle.unwrap_or_default(),
        false => service.waits.peer,
    };
    loop {
        let decode = |input: &mut BytesMut| {
            check_text(input)?;
            decode_request(input, &limits).map_err(refusal)
        };
        let served = match oneshot::read_head(service, &connection, wait, decode).await {
            Ok(Some(head)) => exchange(service, &connection, head, &ends).await,
            Ok(None) => return,
            Err(refusal) => Err(refusal),
        };
        match served {
            Ok(true) => wait = service.waits.idle.unwrap_or_default(),
            Ok(false) => return,
            Err(refusal) => return oneshot::refuse(connection, refused(), refusal).await,
        }
    }
}

/// Whose connection it is, or `None` if it ends before that is known. With
/// `http-enable-proxy-protocol` the peer is a proxy that says so.
async fn client(
    service: &Service,
    connection: &Connection,
) -> Result<Option<Option<SocketAddr>>, Refusal> {
    let peer = connection.client();
    if !service.http.proxy_protocol {
        return Ok(Some(peer));
    }
    let decode = |input: &mut BytesMut| match input.is_empty() {
        true => Ok(None),
        false => proxy::decode(input).map_err(|bad| Refusal::new(400, bad)),
    };
    let preamble = oneshot::read_head(service, connection, service.waits.peer, decode).await?;
    Ok(preamble.map(|preamble| match preamble {
        Preamble::Client(client) => Some(client),
        Preamble::Absent | Preamble::Unknown => peer,
    }))
}

fn refusal(error: HttpError) -> Refusal {
    match error {
        HttpError::HeadTooLarge(limit) | HttpError::FirstLineTooLong(limit) => {
            let line = format!("invalid HTTP request size (max {limit})...skip");
            Refusal::new(error.status(), format!("{error}; raise --buffer-size")).known_as(line)
        }
        _ => Refusal::new(error.status(), error),
    }
}

/// Bytes that cannot begin a request may hold no line end to wait for.
fn check_text(input: &[u8]) -> Result<(), Refusal> {
    let reason = match input.first() {
        None | Some(b'\r' | b'\n' | b' '..=b'~') => return Ok(()),
        Some(0x16) => "client speaks TLS on a plain HTTP socket",
        Some(_) => "client sent binary data on an HTTP socket",
    };
    Err(Refusal::new(400, reason))
}

/// The form of a reply to what could not be read: nothing is known of the request.
fn refused() -> Form {
    let asked = Asked {
        version: Version::Http11,
        head_only: false,
        keep: false,
        direct: true,
    };
    Form::Http(HttpReply::new(asked))
}

/// Serves one request; whether another may follow.
async fn exchange(
    service: &Service,
    connection: &Rc<Connection>,
    head: RequestHead,
    ends: &Ends,
) -> Result<bool, Refusal> {
    let framing = head
        .framing()
        .map_err(|error| Refusal::new(error.status(), error))?;
    let incoming = Incoming::new(Rc::clone(connection), body_framing(framing));
    if head.expects_continue() && !incoming.is_done() {
        incoming.expect_continue();
    }
    let form = Form::Http(HttpReply::new(Asked {
        version: head.version,
        head_only: head.method == "HEAD",
        keep: head.keep_alive() && service.waits.idle.is_some() && !service.is_draining(),
        direct: true,
    }));
    let mut request = request(service, head, &incoming, ends)?;
    if let Some(certificate) = connection.stream().client_certificate() {
        request
            .environ
            .push("HTTPS_CLIENT_CERTIFICATE", certificate);
    }
    let reply = StreamReply {
        connection: Rc::clone(connection),
        incoming: incoming.clone(),
        form,
        is_refused: false,
    };
    connection
        .accompany(service.exchange(connection, request, Reply::new(Box::new(reply))))
        .await;
    connection.flush().await;
    Ok(settle(connection, &incoming).await)
}

fn body_framing(framing: Framing) -> BodyFraming {
    match framing {
        Framing::Length(length) => BodyFraming::Length(length),
        Framing::Chunked => BodyFraming::Chunked(ChunkedDecoder::new()),
        Framing::None | Framing::UntilClose => BodyFraming::Done,
    }
}

fn request(
    service: &Service,
    head: RequestHead,
    incoming: &Incoming,
    ends: &Ends,
) -> Result<Request, Refusal> {
    let bad = |error: wire::request::RequestError| Refusal::new(error.status(), error);
    let path_info = Target::parse(&head.target)
        .and_then(|target| target.decoded_path())
        .map_err(bad)?;
    let path = SplitPath {
        script_name: Bytes::new(),
        path_info,
    };
    let body = incoming.body();
    let length = head.header("content-length").and_then(|_| body.length());
    let mut environ = wire::request::environ(&head, &path, length, &ends.gateway()).map_err(bad)?;
    for (name, value) in &service.http.vars {
        environ.push(name.clone(), value.clone());
    }
    let http = Some(HttpFacts {
        target: head.target,
        version: head.version,
    });
    Ok(Request {
        environ,
        body,
        protocol: service.protocol,
        http,
    })
}

/// Brings the connection to the start of the next request, or to its end.
async fn settle(connection: &Connection, incoming: &Incoming) -> bool {
    // Reading on is cheaper than a new connection while little is left.
    let is_read = incoming.is_done() || (incoming.is_flowing() && incoming.discard(PIECE).await);
    if connection.is_reusable() && is_read {
        return true;
    }
    if !is_read || connection.with_input(|input| !input.is_empty()) {
        connection.linger().await;
    }
    false
}
