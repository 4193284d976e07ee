//! SCGI: one netstring of headers, the body, a CGI response, the close.

use std::rc::Rc;

use bytes::BytesMut;
use wire::environ::Environ;
use wire::scgi::{ScgiError, decode_request};

use super::connection::Connection;
use super::oneshot;
use super::stream_reply::{CgiReply, Form};
use super::{Refusal, Service};

/// Serves the one request of a connection.
pub(super) async fn serve(service: &Service, connection: Rc<Connection>) {
    let limit = service.limits.buffer_size;
    let decode = |input: &mut BytesMut| decode_request(input, limit).map_err(refusal);
    match oneshot::read_head(service, &connection, service.waits.peer, decode).await {
        Ok(Some(environ)) => {
            let form = response(&environ);
            oneshot::exchange(service, connection, environ, form).await;
        }
        Ok(None) => {}
        Err(refusal) => oneshot::refuse(connection, response(&Environ::new()), refusal).await,
    }
}

/// The response is CGI's (SCGI-DF-RESP-CGI).
fn response(environ: &Environ) -> Form {
    Form::Cgi(CgiReply::new(oneshot::is_head(environ)))
}

fn refusal(error: ScgiError) -> Refusal {
    match error {
        ScgiError::TooLarge(limit) => {
            let line = format!("invalid SCGI request size (max {limit})...skip");
            Refusal::new(431, format!("{error}; raise --buffer-size")).known_as(line)
        }
        _ => Refusal::new(400, error),
    }
}
