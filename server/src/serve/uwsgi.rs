//! The uwsgi protocol: one packet of variables, the body, an HTTP response, the close.

use std::rc::Rc;

use bytes::BytesMut;
use wire::environ::Environ;
use wire::http::Version;
use wire::uwsgi::{MAX_BLOCK, PacketHeader, UwsgiError, decode_request};

use super::connection::Connection;
use super::http_reply::{Asked, HttpReply};
use super::oneshot;
use super::stream_reply::Form;
use super::{Refusal, Service};
use crate::log;

/// The `modifier1` of requests.
const REQUEST: u8 = 0;

/// The `modifier1` of PING; its answer has `modifier2` 1 (UWSGI-PING).
const PING: u8 = 100;

/// Serves the one packet of a connection.
pub(super) async fn serve(service: &Service, connection: Rc<Connection>) {
    let limit = service.limits.buffer_size.min(MAX_BLOCK);
    let decode = |input: &mut BytesMut| decode_request(input, limit).map_err(refusal);
    match oneshot::read_head(service, &connection, service.waits.peer, decode).await {
        Ok(Some((header, environ))) => packet(service, connection, header, environ).await,
        Ok(None) => {}
        Err(refusal) => oneshot::refuse(connection, response(&Environ::new()), refusal).await,
    }
}

async fn packet(
    service: &Service,
    connection: Rc<Connection>,
    header: PacketHeader,
    environ: Environ,
) {
    match (header.modifier1, header.modifier2) {
        // A request without variables is none (UWSGI-HDR-ZERO-SIZE).
        (REQUEST, _) if environ.is_empty() => {
            let refusal = Refusal::new(400, "gateway sent a uwsgi packet without variables");
            oneshot::refuse(connection, response(&environ), refusal).await;
        }
        // Whatever modifier2 says (UWSGI-HDR-MODIFIER2-IGNORED).
        (REQUEST, _) => {
            let form = response(&environ);
            oneshot::exchange(service, connection, environ, form).await;
        }
        (PING, 0) => {
            let pong = PacketHeader {
                modifier1: PING,
                datasize: 0,
                modifier2: 1,
            };
            connection.send(|queue| queue.tail().extend_from_slice(&pong.encode()));
            connection.flush().await;
        }
        // UWSGI-HDR-UNKNOWN-MODIFIER
        (other, detail) => log::fault(&format!(
            "gateway sent a uwsgi packet with modifiers {other} and {detail}, which is no request"
        )),
    }
}

/// The response is HTTP, in the version of the request (UWSGI-RESP-HTTP); it ends with the
/// connection (UWSGI-RESP-EOF).
fn response(environ: &Environ) -> Form {
    let version = match environ.text("SERVER_PROTOCOL") {
        Some("HTTP/1.0") => Version::Http10,
        _ => Version::Http11,
    };
    let head_only = oneshot::is_head(environ);
    Form::Http(HttpReply::new(Asked {
        version,
        head_only,
        keep: false,
        direct: false,
    }))
}

fn refusal(error: UwsgiError) -> Refusal {
    let UwsgiError::TooLarge { datasize, limit } = error else {
        return Refusal::new(400, error);
    };
    let line = format!("invalid request block size: {datasize} (max {limit})...skip");
    Refusal::new(431, format!("{error}; raise --buffer-size")).known_as(line)
}
