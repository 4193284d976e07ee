//! HTTP/1.x requests, one after the other on a connection.

use bytes::BytesMut;
use wire::http::{self, ChunkEvent, ChunkedDecoder, Framing, Limits, RequestHead, Version};

use super::{Decode, param};
use crate::{scenario::text::latin1, seats::recorder::stage::Taken};

#[derive(Default)]
pub(super) struct Message {
    buf: BytesMut,
    state: State,
    request: usize,
}

#[derive(Default)]
enum State {
    /// No octet of a request has come.
    #[default]
    Idle,
    Head,
    Sized(u64),
    Chunks(ChunkedDecoder),
}

impl Decode for Message {
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        self.buf.extend_from_slice(octets);
        loop {
            let goes_on = self.step(taken).map_err(|error| error.to_string())?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }
}

impl Message {
    /// Takes what can be taken at once; whether there may be more.
    fn step(&mut self, taken: &mut Taken) -> Result<bool, http::HttpError> {
        match &mut self.state {
            State::Idle if self.buf.is_empty() => return Ok(false),
            State::Idle => {
                self.request = taken.begin(0);
                self.state = State::Head;
            }
            State::Head => {
                let limits = Limits {
                    head_bytes: 1 << 20,
                    headers: 1000,
                };
                match http::decode_request(&mut self.buf, &limits)? {
                    None => return Ok(false),
                    Some(head) => self.state = self.head(&head, taken)?,
                }
            }
            State::Sized(0) => self.whole(taken),
            State::Sized(_) if self.buf.is_empty() => return Ok(false),
            State::Sized(left) => {
                let size = self
                    .buf
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                let octets = self.buf.split_to(size);
                *left -= size as u64;
                taken.body(self.request, &octets);
            }
            State::Chunks(decoder) => match decoder.decode(&mut self.buf)? {
                None => return Ok(false),
                Some(ChunkEvent::Data(octets)) => taken.body(self.request, &octets),
                Some(ChunkEvent::End { .. }) => self.whole(taken),
            },
        }
        Ok(true)
    }

    fn head(&self, head: &RequestHead, taken: &mut Taken) -> Result<State, http::HttpError> {
        let version = match head.version {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        };
        let asked = taken.asked(self.request);
        let (method, target) = (latin1(&head.method), latin1(&head.target));
        asked.line = Some(format!("{method} {target} {version}"));
        let fields = head.headers.iter();
        asked.params = fields
            .map(|field| param(&field.name.to_ascii_lowercase(), &field.value))
            .collect();
        asked.has_head = true;
        Ok(match head.framing()? {
            Framing::Length(length) => State::Sized(length),
            Framing::Chunked => State::Chunks(ChunkedDecoder::new()),
            _ => State::Sized(0),
        })
    }

    fn whole(&mut self, taken: &mut Taken) {
        taken.asked(self.request).is_whole = true;
        self.state = State::Idle;
    }
}
