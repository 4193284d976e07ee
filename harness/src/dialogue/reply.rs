//! One reply, decoded as it comes: CGI output, an HTTP response, or either of them.

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use wire::{
    cgi::{self, CgiHead},
    fastcgi::EndRequest,
    http::{self, ChunkEvent, ChunkedDecoder, Framing, Limits},
};

use super::KEPT;
use crate::{
    model::Model,
    scenario::text::latin1,
    witness::{BodyView, ClientView, Connection, ProbeReport},
};

const LIMITS: Limits = Limits {
    head_bytes: 1 << 20,
    headers: 1000,
};

/// What the application server sent for one request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// FastCGI request id; 0 where the protocol has none.
    pub id: u16,
    /// Head and body, as a client would be told; a head without Status is 200, or 302 with
    /// Location.
    pub view: ClientView,
    /// FastCGI STDERR, at most [`KEPT`] of it.
    pub stderr: Vec<u8>,
    /// Octets of output, head included.
    pub output: u64,
    /// Whether the reply has come to its end.
    pub complete: bool,
    /// How FastCGI ended it.
    pub end: Option<EndRequest>,
    form: Form,
    stage: Stage,
    buf: BytesMut,
    digest: Sha256,
    stdout_ended: bool,
    stderr_ended: bool,
}

/// What the output is.
#[derive(Clone, Debug)]
enum Form {
    /// CGI output: fields, a blank line, the body to its end.
    Cgi,
    /// CGI output, or an HTTP response whose body ends with the connection.
    Either,
    /// An HTTP response to this method.
    Http(String),
}

#[derive(Clone, Debug)]
enum Stage {
    Head,
    UntilEnd,
    Length(u64),
    Chunked(ChunkedDecoder),
    Lost,
}

impl Reply {
    /// A reply over a protocol that carries CGI output.
    pub(super) fn new(id: u16, model: Model) -> Self {
        let form = match model {
            Model::Uwsgi | Model::Scgi => Form::Either,
            Model::Http => Form::Http("GET".to_owned()),
            Model::Cgi | Model::CgiWarm | Model::FastCgi => Form::Cgi,
        };
        Self::of(id, form)
    }

    /// An HTTP reply to a request of this method.
    pub(super) fn to(method: &str) -> Self {
        Self::of(0, Form::Http(method.to_owned()))
    }

    fn of(id: u16, form: Form) -> Self {
        Self {
            id,
            view: ClientView::default(),
            stderr: Vec::new(),
            output: 0,
            complete: false,
            end: None,
            form,
            stage: Stage::Head,
            buf: BytesMut::new(),
            digest: Sha256::new(),
            stdout_ended: false,
            stderr_ended: false,
        }
    }

    /// The probe's report, where the body is one.
    pub fn report(&self) -> Option<ProbeReport> {
        serde_json::from_slice(&self.view.body.kept).ok()
    }

    /// Takes one record of STDOUT; `false` where its stream has ended before.
    pub(super) fn stdout(&mut self, content: &Bytes) -> bool {
        if self.stdout_ended || self.complete {
            return false;
        }
        self.stdout_ended = content.is_empty();
        self.push(content);
        true
    }

    /// Takes one record of STDERR; `false` where its stream has ended before.
    pub(super) fn stderr(&mut self, content: &Bytes) -> bool {
        if self.stderr_ended || self.complete {
            return false;
        }
        self.stderr_ended = content.is_empty();
        let room = KEPT.saturating_sub(self.stderr.len()).min(content.len());
        self.stderr.extend_from_slice(&content[..room]);
        true
    }

    /// Takes the end of a FastCGI request.
    pub(super) fn end_request(&mut self, end: EndRequest) {
        self.end = Some(end);
        self.finish(true);
    }

    /// Takes output whose end is told otherwise.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.output += octets.len() as u64;
        // What cannot be read any more would only pile up.
        if !matches!(self.stage, Stage::Lost) {
            self.buf.extend_from_slice(octets);
            self.decode();
        }
    }

    /// Takes octets of an HTTP connection; gives back those behind the reply's end.
    pub(super) fn push_message(&mut self, octets: &[u8]) -> BytesMut {
        self.push(octets);
        match self.complete {
            true => std::mem::take(&mut self.buf),
            false => BytesMut::new(),
        }
    }

    /// Takes the end of the output.
    pub(super) fn finish(&mut self, in_order: bool) {
        let whole = in_order && matches!(self.stage, Stage::UntilEnd);
        if matches!(self.stage, Stage::Head) && !self.buf.is_empty() {
            let came = latin1(&self.buf[..self.buf.len().min(60)]);
            self.view.malformed = Some(format!("the output ends inside its head: {came:?}"));
        }
        self.complete |= whole || self.end.is_some();
        self.seal(match whole || self.end.is_some() {
            true => Connection::Closed,
            false => Connection::Cut,
        });
    }

    fn seal(&mut self, connection: Connection) {
        let digest = self.digest.clone().finalize();
        self.view.body.sha256 = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        self.view.connection = connection;
    }

    fn decode(&mut self) {
        while self.step() {}
    }

    /// One step of decoding; whether another may follow.
    fn step(&mut self) -> bool {
        match &mut self.stage {
            Stage::Head => self.head(),
            Stage::UntilEnd => {
                let body = self.buf.split().freeze();
                self.body(&body);
                false
            }
            Stage::Length(left) => {
                let now = usize::try_from(*left).map_or(self.buf.len(), |l| l.min(self.buf.len()));
                *left -= now as u64;
                let is_end = *left == 0;
                let body = self.buf.split_to(now).freeze();
                self.body(&body);
                if is_end {
                    self.complete();
                }
                false
            }
            Stage::Chunked(decoder) => match decoder.decode(&mut self.buf) {
                Ok(Some(ChunkEvent::Data(data))) => {
                    self.body(&data);
                    true
                }
                Ok(Some(ChunkEvent::End { .. })) => {
                    self.complete();
                    false
                }
                Ok(None) => false,
                Err(error) => self.lose(&error),
            },
            Stage::Lost => false,
        }
    }

    fn head(&mut self) -> bool {
        let read = match &self.form {
            Form::Cgi => cgi::decode_head(&mut self.buf, &LIMITS).map(|head| head.map(take_cgi)),
            Form::Either => {
                cgi::decode_either(&mut self.buf, &LIMITS).map(|head| head.map(take_cgi))
            }
            Form::Http(method) => match http::decode_response(&mut self.buf, &LIMITS) {
                Ok(Some(head)) => return self.http_head(&head, &method.clone()),
                Ok(None) => Ok(None),
                Err(error) => Err(error.into()),
            },
        };
        match read {
            Ok(Some((status, reason, headers))) => {
                self.view.status = Some(status);
                self.view.reason = reason;
                self.view.headers = headers;
                self.stage = Stage::UntilEnd;
                true
            }
            Ok(None) => false,
            Err(error) => self.lose(&error),
        }
    }

    fn http_head(&mut self, head: &http::ResponseHead, method: &str) -> bool {
        if (100..200).contains(&head.status) && head.status != 101 {
            return match self.view.take_interim(head.status) {
                Ok(()) => true,
                Err(error) => self.lose(&error),
            };
        }
        self.view.status = Some(head.status);
        self.view.reason = latin1(&head.reason);
        let field = |field: &wire::field::Header| (latin1(&field.name), latin1(&field.value));
        self.view.headers = head.headers.iter().map(field).collect();
        self.stage = match head.framing(method.as_bytes()) {
            Ok(Framing::None | Framing::Length(0)) => {
                self.stage = Stage::Length(0);
                self.complete();
                return false;
            }
            Ok(Framing::Length(length)) => Stage::Length(length),
            Ok(Framing::Chunked) => Stage::Chunked(ChunkedDecoder::new()),
            Ok(Framing::UntilClose) => Stage::UntilEnd,
            Err(error) => return self.lose(&error),
        };
        true
    }

    fn complete(&mut self) {
        self.complete = true;
        self.seal(Connection::Open);
    }

    fn lose(&mut self, error: &dyn std::error::Error) -> bool {
        self.view.malformed = Some(error.to_string());
        self.stage = Stage::Lost;
        false
    }

    fn body(&mut self, octets: &[u8]) {
        self.digest.update(octets);
        let body = &mut self.view.body;
        body.size += octets.len() as u64;
        let room = BodyView::KEPT.saturating_sub(body.kept.len());
        body.kept
            .extend_from_slice(&octets[..room.min(octets.len())]);
    }
}

/// Status, reason and fields of a CGI head.
fn take_cgi(head: CgiHead) -> (u16, String, Vec<(String, String)>) {
    let (status, reason) = match &head.status {
        Some((status, reason)) => (*status, latin1(reason)),
        None if head.location().is_some() => (302, String::new()),
        None => (200, String::new()),
    };
    let fields = head.fields.iter();
    let fields = fields.map(|field| (latin1(&field.name), latin1(&field.value)));
    (status, reason, fields.collect())
}
