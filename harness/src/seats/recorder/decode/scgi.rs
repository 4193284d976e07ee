//! An SCGI netstring and the body behind it: one request a connection.

use bytes::{Buf, BytesMut};

use super::{Decode, body, param};
use crate::{scenario::text::latin1, seats::recorder::stage::Taken, witness::recorded};

#[derive(Default)]
pub(super) struct Netstring {
    buf: BytesMut,
    request: Option<usize>,
    has_head: bool,
}

/// Digits and a colon are no longer than this, whatever stands in them.
const LONGEST_LENGTH: usize = 32;

impl Decode for Netstring {
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        let request = *self.request.get_or_insert_with(|| taken.begin(0));
        self.buf.extend_from_slice(octets);
        if !self.has_head && !self.head(request, taken)? {
            return Ok(());
        }
        let octets = self.buf.split();
        body(taken, request, &octets);
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.request.is_none()
    }
}

impl Netstring {
    /// Takes the headers; whether they were there.
    fn head(&mut self, request: usize, taken: &mut Taken) -> Result<bool, String> {
        let Some(colon) = self.buf.iter().position(|&octet| octet == b':') else {
            return match self.buf.len() > LONGEST_LENGTH {
                true => Err("no netstring: there is no colon".to_owned()),
                false => Ok(false),
            };
        };
        let digits = latin1(&self.buf[..colon]);
        let length: usize = digits
            .trim()
            .parse()
            .map_err(|_| format!("no netstring: its length is {digits:?}"))?;
        if self.buf.len() < colon + 1 + length + 1 {
            return Ok(false);
        }
        self.buf.advance(colon + 1);
        let block = self.buf.split_to(length).freeze();
        let comma = self.buf.first() == Some(&b',');
        if comma {
            self.buf.advance(1);
        }
        self.has_head = true;
        let asked = taken.asked(request);
        asked.netstring = Some(recorded::Netstring {
            length: digits,
            comma,
        });
        asked.has_head = true;
        let whole = block.strip_suffix(b"\0");
        let texts: Vec<&[u8]> = match block.is_empty() {
            true => Vec::new(),
            false => whole.unwrap_or(&block).split(|&octet| octet == 0).collect(),
        };
        let pairs = texts.chunks(2);
        asked.params = pairs
            .map(|pair| param(pair[0], pair.get(1).copied().unwrap_or_default()))
            .collect();
        match whole.is_some() && texts.len().is_multiple_of(2) {
            true => Ok(true),
            false => Err("the headers are not pairs of strings that end in NUL".to_owned()),
        }
    }
}
