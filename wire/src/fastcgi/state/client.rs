//! The gateway's side of one request.

use bytes::{Bytes, BytesMut};

use crate::environ::Environ;
use crate::fastcgi::{BeginRequest, EndRequest, Kind, Malformed, Record, params, record};

/// What the application server sent for the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// A piece of the CGI response, never empty.
    Stdout(Bytes),
    /// A piece of log text, never empty.
    Stderr(Bytes),
    /// The response is complete. Some application servers leave this out (FCGI-DF-NO-STDOUT-EOF).
    StdoutEnd,
    /// The request is over. A protocol status other than complete means that it was
    /// refused (FCGI-5.5-GW-PROTOSTATUS).
    End(EndRequest),
}

/// One request in the Responder role, from BEGIN_REQUEST to END_REQUEST.
#[derive(Debug)]
pub struct Client {
    id: u16,
    stdout_open: bool,
    running: bool,
}

impl Client {
    /// Appends the start of a request to `dst`: BEGIN_REQUEST and all of PARAMS.
    pub fn begin(id: u16, keep_conn: bool, environ: &Environ, dst: &mut BytesMut) -> Self {
        let flags = if keep_conn {
            BeginRequest::KEEP_CONN
        } else {
            0
        };
        let begin = BeginRequest {
            role: BeginRequest::RESPONDER,
            flags,
        };
        record::encode(Kind::BEGIN_REQUEST, id, &begin.encode(), dst);
        params::encode(id, environ, dst);
        Self {
            id,
            stdout_open: true,
            running: true,
        }
    }

    /// Appends a piece of the body; nothing if it is empty.
    pub fn stdin(&self, data: &[u8], dst: &mut BytesMut) {
        record::encode_stream(Kind::STDIN, self.id, data, dst);
    }

    /// Appends the end of the body, which every request needs (FCGI-6.1-AT-LEAST-ONE).
    pub fn stdin_end(&self, dst: &mut BytesMut) {
        record::encode_end(Kind::STDIN, self.id, dst);
    }

    /// Appends ABORT_REQUEST. Output that crosses it still comes, up to
    /// [`ClientEvent::End`] (FCGI-5.4-ABORT-INFLIGHT).
    pub fn abort(&self, dst: &mut BytesMut) {
        record::encode(Kind::ABORT_REQUEST, self.id, b"", dst);
    }

    /// Takes records off the front of `buf` until one makes an event; `None` if more
    /// bytes are needed, and always once the request is over: what `buf` holds then
    /// belongs to no request (FCGI-DF-EXTRA-AFTER-END).
    ///
    /// # Errors
    /// Output that is not this request's (FCGI-3.3-ID-MISMATCH) or breaks the format.
    pub fn receive(&mut self, buf: &mut BytesMut) -> Result<Option<ClientEvent>, Malformed> {
        while self.running {
            let Some(record) = record::decode(buf)? else {
                return Ok(None);
            };
            // Management records answer nothing that a request asked (FCGI-4.1-GW-RESULT-TOLERANT).
            if record.request_id == 0
                && matches!(record.kind, Kind::GET_VALUES_RESULT | Kind::UNKNOWN_TYPE)
            {
                continue;
            }
            if record.request_id != self.id {
                return Err(Malformed::RequestId {
                    expected: self.id,
                    seen: record.request_id,
                });
            }
            if let Some(event) = self.take(record)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn take(&mut self, record: Record) -> Result<Option<ClientEvent>, Malformed> {
        match record.kind {
            Kind::STDOUT if !self.stdout_open => Err(Malformed::AfterEnd(Kind::STDOUT)),
            Kind::STDOUT if record.content.is_empty() => {
                self.stdout_open = false;
                Ok(Some(ClientEvent::StdoutEnd))
            }
            Kind::STDOUT => Ok(Some(ClientEvent::Stdout(record.content))),
            // The end of STDERR is optional and means nothing (FCGI-6.1-STDERR-OPTIONAL).
            Kind::STDERR if record.content.is_empty() => Ok(None),
            Kind::STDERR => Ok(Some(ClientEvent::Stderr(record.content))),
            Kind::END_REQUEST => {
                self.running = false;
                EndRequest::decode(&record.content)
                    .map(ClientEvent::End)
                    .map(Some)
            }
            unknown if unknown.name().is_none() => Ok(None), // FCGI-3.3-UNKNOWN-APP-TYPE
            wrong => Err(Malformed::Direction(wrong)),       // FCGI-3.3-WRONG-DIRECTION
        }
    }
}
