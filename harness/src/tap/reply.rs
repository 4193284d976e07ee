//! The head of a reply and what follows it, in whatever pieces it comes.

use bytes::BytesMut;
use wire::{
    cgi::{self, CgiHead},
    http::Limits,
};

use super::{exchange::Exchange, http::fields};

/// Far beyond what a gateway takes, so that a head too large for one is still shown.
const LIMITS: Limits = Limits {
    head_bytes: 1 << 20,
    headers: 2000,
};

/// Octets of output that is no head which are kept, to be shown.
const KEPT: usize = 200;

/// Reads a head once, then counts.
#[derive(Debug, Default)]
pub(super) struct Head {
    buf: BytesMut,
    over: bool,
}

impl Head {
    /// Takes the next output; `either` where an HTTP status line may begin it.
    pub(super) fn take(&mut self, octets: &[u8], either: bool, exchange: &mut Exchange) {
        if self.over {
            exchange.reply.body += octets.len() as u64;
            return;
        }
        self.buf.extend_from_slice(octets);
        // Reading takes it off, and what is no head is shown.
        let before = self.buf.len();
        let start = self.buf[..before.min(KEPT)].to_vec();
        let read = match either {
            true => cgi::decode_either(&mut self.buf, &LIMITS),
            false => cgi::decode_head(&mut self.buf, &LIMITS),
        };
        match read {
            Ok(None) => {}
            Ok(Some(head)) => {
                exchange.head_octets = (before - self.buf.len()) as u64;
                exchange.has_head = true;
                exchange.reply.body += self.buf.len() as u64;
                tell(&head, exchange);
                self.end();
            }
            Err(error) => {
                exchange.reply.flaw = Some(error.to_string());
                exchange.polluted = start;
                exchange.reply.body += before as u64;
                self.end();
            }
        }
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, exchange: &mut Exchange) {
        if !self.over && !self.buf.is_empty() {
            exchange.polluted = self.buf[..self.buf.len().min(KEPT)].to_vec();
            exchange.head_octets = self.buf.len() as u64;
            let flaw = || "the output ends inside its head".to_owned();
            exchange.reply.flaw.get_or_insert_with(flaw);
        }
        self.end();
    }

    fn end(&mut self) {
        self.buf = BytesMut::new();
        self.over = true;
    }
}

fn tell(head: &CgiHead, exchange: &mut Exchange) {
    let by_default = if head.location().is_some() { 302 } else { 200 };
    exchange.status = Some(head.status.as_ref().map_or(by_default, |(code, _)| *code));
    exchange.fields = fields(&head.fields);
}
