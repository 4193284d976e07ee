//! The application server's side of one connection.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::Refusal;
use crate::environ::Environ;
use crate::fastcgi::pairs::Decoder;
use crate::fastcgi::values::{self, Capacity};
use crate::fastcgi::{
    BeginRequest, EndRequest, Kind, Malformed, ProtocolStatus, Record, UnknownType, record,
};

/// The most parameters in one request; real gateways send a tenth of that.
pub const MAX_PARAMS: usize = 1024;

/// What one connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's PARAMS stream.
    pub params_bytes: usize,
    /// What `GET_VALUES` reports. Requests beyond `max_reqs` on this connection are
    /// refused, and a second one if `mpxs` is false.
    pub capacity: Capacity,
}

/// What the gateway sent, as far as the application has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppEvent {
    /// A request with all its parameters.
    Request {
        /// Its id, until [`Application::ended`].
        id: u16,
        /// Whether the connection stays open behind it.
        keep_conn: bool,
        /// Always [`BeginRequest::RESPONDER`] so far: other roles are refused.
        role: u16,
        /// Its parameters.
        environ: Environ,
    },
    /// A piece of a request's body, never empty.
    Stdin {
        /// The request.
        id: u16,
        /// The piece.
        data: Bytes,
    },
    /// The body of a request is complete.
    StdinEnd {
        /// The request.
        id: u16,
    },
    /// A request was refused: its END_REQUEST is in the reply, and its id is free again.
    Refused {
        /// The request.
        id: u16,
        /// What stands against it.
        why: Refusal,
    },
    /// The gateway asks for an early end: END_REQUEST is due as soon as possible (FCGI-5.4-ABORT-APP).
    Abort {
        /// The request.
        id: u16,
    },
}

/// One connection as an application server sees it: any number of requests, whose
/// records may be interleaved (FCGI-MPX-APP-INTERLEAVE).
///
/// A request is active from its BEGIN_REQUEST until [`ended`](Self::ended); records
/// of other ids are ignored (FCGI-3.3-ID-INACTIVE).
#[derive(Debug)]
pub struct Application {
    limits: Limits,
    active: BTreeMap<u16, Input>,
    closing: bool,
}

/// How far the input of an active request has come.
#[derive(Debug)]
struct Input {
    /// Until the end of PARAMS.
    params: Option<Box<Params>>,
    stdin_open: bool,
}

#[derive(Debug)]
struct Params {
    begin: BeginRequest,
    decoder: Decoder,
    environ: Environ,
    bytes: usize,
}

impl Application {
    /// A connection on which nothing was received.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            active: BTreeMap::new(),
            closing: false,
        }
    }

    /// Takes records off the front of `buf` until one makes an event; `None` if more
    /// bytes are needed. What the protocol itself owes the gateway is appended to
    /// `reply`: answers to management records and refusals of requests.
    ///
    /// # Errors
    /// A connection on which no record can be trusted any more; it has to be closed.
    pub fn receive(
        &mut self,
        buf: &mut BytesMut,
        reply: &mut BytesMut,
    ) -> Result<Option<AppEvent>, Malformed> {
        while let Some(record) = record::decode(buf)? {
            if let Some(event) = self.take(record, reply)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// END_REQUEST was sent for `id`, which may be used again (FCGI-3.3-ID-REUSE).
    pub fn ended(&mut self, id: u16) {
        self.active.remove(&id);
    }

    /// Whether the connection is to be closed once everything written is flushed: no
    /// request is active, and one of them came without KEEP_CONN (FCGI-3.5-KEEP0-CLOSE).
    pub fn should_close(&self) -> bool {
        self.closing && self.active.is_empty()
    }

    /// How many requests are active.
    pub fn active(&self) -> usize {
        self.active.len()
    }

    fn take(
        &mut self,
        record: Record,
        reply: &mut BytesMut,
    ) -> Result<Option<AppEvent>, Malformed> {
        let id = record.request_id;
        if id == 0 {
            self.manage(&record, reply)?;
            return Ok(None);
        }
        match record.kind {
            Kind::BEGIN_REQUEST => self.begin(&record, reply),
            Kind::PARAMS => self.params(id, record.content, reply),
            Kind::STDIN => self.stdin(id, record.content),
            Kind::ABORT_REQUEST => Ok(self.abort(id, reply)),
            // DATA is for Filters; the others are not the gateway's to send
            // (FCGI-3.3-WRONG-DIRECTION) or do not exist (FCGI-3.3-UNKNOWN-APP-TYPE).
            _ => Ok(None),
        }
    }

    fn manage(&self, record: &Record, reply: &mut BytesMut) -> Result<(), Malformed> {
        if record.kind == Kind::GET_VALUES {
            let result = values::answer(&record.content, &self.limits.capacity)?;
            record::encode(Kind::GET_VALUES_RESULT, 0, &result, reply);
        } else if record.kind.name().is_none() {
            // FCGI-4.2-UNKNOWN-TYPE. Types that exist but make no sense here are ignored.
            let unknown = UnknownType { kind: record.kind };
            record::encode(Kind::UNKNOWN_TYPE, 0, &unknown.encode(), reply);
        }
        Ok(())
    }

    fn begin(
        &mut self,
        record: &Record,
        reply: &mut BytesMut,
    ) -> Result<Option<AppEvent>, Malformed> {
        let begin = BeginRequest::decode(&record.content)?;
        let id = record.request_id;
        if self.active.contains_key(&id) {
            return Err(Malformed::BeginTwice(id));
        }
        self.closing |= !begin.keep_conn();
        if let Some(why) = self.refusal(begin.role) {
            return Ok(Some(refuse(id, why, reply)));
        }
        self.active.insert(id, Input::new(begin));
        Ok(None)
    }

    /// Why a request cannot be taken now, if so.
    fn refusal(&self, role: u16) -> Option<Refusal> {
        let Capacity { max_reqs, mpxs, .. } = self.limits.capacity;
        if role != BeginRequest::RESPONDER {
            return Some(Refusal::Role(role));
        }
        if !mpxs && !self.active.is_empty() {
            return Some(Refusal::Multiplexed);
        }
        (self.active.len() >= max_reqs as usize).then_some(Refusal::TooMany(max_reqs))
    }

    fn params(
        &mut self,
        id: u16,
        content: Bytes,
        reply: &mut BytesMut,
    ) -> Result<Option<AppEvent>, Malformed> {
        let Some(input) = self.active.get_mut(&id) else {
            return Ok(None);
        };
        let Some(params) = &mut input.params else {
            return Err(Malformed::AfterEnd(Kind::PARAMS));
        };
        if content.is_empty() {
            return input
                .params
                .take()
                .map(|params| params.finish(id))
                .transpose();
        }
        params.add(content);
        let Some(why) = params.excess(self.limits.params_bytes) else {
            return Ok(None);
        };
        self.active.remove(&id);
        Ok(Some(refuse(id, why, reply)))
    }

    fn stdin(&mut self, id: u16, data: Bytes) -> Result<Option<AppEvent>, Malformed> {
        let Some(input) = self.active.get_mut(&id) else {
            return Ok(None);
        };
        if input.params.is_some() {
            return Err(Malformed::BeforeParams(Kind::STDIN));
        }
        // Some gateways end STDIN twice; what follows the first end is no body.
        if !input.stdin_open {
            return Ok(None);
        }
        input.stdin_open = !data.is_empty();
        Ok(Some(if data.is_empty() {
            AppEvent::StdinEnd { id }
        } else {
            AppEvent::Stdin { id, data }
        }))
    }

    /// A request that the application has not seen yet is ended here.
    fn abort(&mut self, id: u16, reply: &mut BytesMut) -> Option<AppEvent> {
        if self.active.get(&id)?.params.is_some() {
            self.active.remove(&id);
            encode_end(id, ProtocolStatus::REQUEST_COMPLETE, reply);
            return None;
        }
        Some(AppEvent::Abort { id })
    }
}

impl Input {
    fn new(begin: BeginRequest) -> Self {
        let environ = Environ::with_capacity(32);
        let params = Params {
            begin,
            decoder: Decoder::new(),
            environ,
            bytes: 0,
        };
        Self {
            params: Some(Box::new(params)),
            stdin_open: true,
        }
    }
}

impl Params {
    fn add(&mut self, content: Bytes) {
        self.bytes += content.len();
        self.decoder.push(content);
        while let Some(pair) = self.decoder.next_pair() {
            self.environ.push(pair.name, pair.value);
        }
    }

    /// FCGI-5.2-PARAMS-BIG. An empty pair takes two bytes on the wire and far more in memory, so
    /// they are counted as well.
    fn excess(&self, most_bytes: usize) -> Option<Refusal> {
        if self.bytes > most_bytes {
            return Some(Refusal::ParamsTooLarge(most_bytes));
        }
        (self.environ.len() > MAX_PARAMS).then_some(Refusal::TooManyParams(MAX_PARAMS))
    }

    fn finish(self, id: u16) -> Result<AppEvent, Malformed> {
        self.decoder.finish()?;
        let (keep_conn, role) = (self.begin.keep_conn(), self.begin.role);
        Ok(AppEvent::Request {
            id,
            keep_conn,
            role,
            environ: self.environ,
        })
    }
}

fn refuse(id: u16, why: Refusal, reply: &mut BytesMut) -> AppEvent {
    encode_end(id, why.status(), reply);
    AppEvent::Refused { id, why }
}

fn encode_end(id: u16, protocol_status: ProtocolStatus, reply: &mut BytesMut) {
    let end = EndRequest {
        app_status: 0,
        protocol_status,
    };
    record::encode(Kind::END_REQUEST, id, &end.encode(), reply);
}
