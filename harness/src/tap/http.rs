//! HTTP/1.x of both directions: as many exchanges as the connection carries.

use std::time::Duration;

use wire::{
    field::Header,
    http::{self, ChunkEvent, ChunkedDecoder, Framing, Limits},
};

use super::{
    Pairs,
    conversation::{Conversation, note_early},
    exchange::{Ending, Exchange},
};
use crate::scenario::text::latin1;

const LIMITS: Limits = Limits {
    head_bytes: 1 << 20,
    headers: 2000,
};

/// Where each direction stands.
#[derive(Debug, Default)]
pub(super) struct State {
    request: Stage,
    reply: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Head,
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
    Lost,
}

impl Stage {
    fn of(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Length(0),
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(ChunkedDecoder::new()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Takes body off the buffer: how much, and whether it ended.
    fn body(&mut self, buf: &mut bytes::BytesMut) -> Result<(u64, bool), String> {
        match self {
            Self::Length(left) => {
                let now = usize::try_from(*left).map_or(buf.len(), |left| left.min(buf.len()));
                let _ = buf.split_to(now);
                *left -= now as u64;
                Ok((now as u64, *left == 0))
            }
            Self::Chunked(decoder) => {
                let mut size = 0;
                loop {
                    match decoder.decode(buf).map_err(|error| error.to_string())? {
                        Some(ChunkEvent::Data(data)) => size += data.len() as u64,
                        Some(ChunkEvent::End { .. }) => return Ok((size, true)),
                        None => return Ok((size, false)),
                    }
                }
            }
            Self::UntilClose | Self::Lost | Self::Head => Ok((buf.split().len() as u64, false)),
        }
    }
}

/// Fields as they are kept.
pub(super) fn fields(headers: &[Header]) -> Pairs {
    let pairs = headers
        .iter()
        .map(|field| (&field.name[..], &field.value[..]));
    pairs.collect()
}

impl Conversation {
    pub(super) fn http_request(&mut self, at: Duration, octets: &[u8]) {
        self.request.extend_from_slice(octets);
        if !octets.is_empty() {
            let ready =
                self.open.is_empty() || !self.open[self.open.len() - 1].exchange.request.whole;
            let live = match ready {
                true => self.live(),
                false => self.begin(0),
            };
            live.exchange.request.came(at, octets);
        }
        loop {
            if matches!(self.http.request, Stage::Head) {
                if self.request.is_empty() {
                    return;
                }
                if self
                    .open
                    .last()
                    .is_none_or(|live| live.exchange.request.whole)
                {
                    self.begin(0);
                }
                let live = self.open.last_mut().expect("it was begun");
                match http::decode_request(&mut self.request, &LIMITS) {
                    Ok(None) => return,
                    Ok(Some(head)) => {
                        let exchange = &mut live.exchange;
                        exchange.method = latin1(&head.method);
                        exchange.uri = latin1(&head.target);
                        exchange.params = fields(&head.headers);
                        exchange.keep = head.keep_alive();
                        match head.framing() {
                            Ok(framing) => self.http.request = Stage::of(framing),
                            Err(error) => {
                                exchange.request.flaw = Some(error.to_string());
                                self.http.request = Stage::Lost;
                            }
                        }
                    }
                    Err(error) => {
                        live.exchange.request.flaw = Some(error.to_string());
                        self.http.request = Stage::Lost;
                    }
                }
            }
            let read = self.http.request.body(&mut self.request);
            let Some(live) = self.open.last_mut() else {
                return;
            };
            match read {
                Ok((size, ended)) => {
                    live.exchange.request.body += size;
                    if !ended {
                        return;
                    }
                    live.exchange.request.whole = true;
                    self.http.request = Stage::Head;
                }
                Err(error) => {
                    live.exchange.request.flaw = Some(error);
                    self.http.request = Stage::Lost;
                }
            }
        }
    }

    pub(super) fn http_reply(&mut self, at: Duration, octets: &[u8]) {
        self.reply.extend_from_slice(octets);
        let Some(live) = self.open.first_mut() else {
            self.reply.clear();
            return;
        };
        note_early(live);
        live.exchange.reply.came(at, octets);
        loop {
            let Some(live) = self.open.first_mut() else {
                return;
            };
            if matches!(self.http.reply, Stage::Head) {
                let before = self.reply.len();
                match http::decode_response(&mut self.reply, &LIMITS) {
                    Ok(None) => return,
                    Ok(Some(head)) if (100..200).contains(&head.status) && head.status != 101 => {
                        live.exchange.answered_early = false;
                        continue;
                    }
                    Ok(Some(head)) => {
                        let exchange = &mut live.exchange;
                        exchange.head_octets = (before - self.reply.len()) as u64;
                        exchange.has_head = true;
                        exchange.status = Some(head.status);
                        exchange.fields = fields(&head.headers);
                        self.http.reply = match head.framing(exchange.method.as_bytes()) {
                            Ok(framing) => Stage::of(framing),
                            Err(error) => {
                                exchange.reply.flaw = Some(error.to_string());
                                Stage::Lost
                            }
                        };
                    }
                    Err(error) => {
                        broken(&mut live.exchange, &self.reply, error.to_string());
                        self.http.reply = Stage::Lost;
                    }
                }
            }
            match self.http.reply.body(&mut self.reply) {
                Ok((size, ended)) => {
                    live.exchange.reply.body += size;
                    if !ended {
                        return;
                    }
                    self.http.reply = Stage::Head;
                    let mut live = self.open.remove(0);
                    live.exchange.reply.whole = true;
                    live.exchange.ending = Ending::Complete;
                    self.finish(at, live);
                }
                Err(error) => {
                    live.exchange.reply.flaw = Some(error);
                    self.http.reply = Stage::Lost;
                    return;
                }
            }
        }
    }

    /// The end of the connection is the end of a body that has no other.
    pub(super) fn http_until_close(&mut self, at: Duration) {
        if matches!(self.http.reply, Stage::UntilClose) && !self.open.is_empty() {
            let mut live = self.open.remove(0);
            live.exchange.reply.whole = true;
            live.exchange.ending = Ending::Complete;
            self.finish(at, live);
        }
    }
}

fn broken(exchange: &mut Exchange, octets: &[u8], why: String) {
    exchange.reply.flaw = Some(why);
    exchange.polluted = octets[..octets.len().min(200)].to_vec();
}
