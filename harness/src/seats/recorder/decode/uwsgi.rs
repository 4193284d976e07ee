//! A uwsgi packet and the body behind it: one request a connection.

use bytes::{Buf, Bytes, BytesMut};
use wire::uwsgi;

use super::{Decode, body, param};
use crate::{seats::recorder::stage::Taken, witness::recorded};

#[derive(Default)]
pub(super) struct Packet {
    buf: BytesMut,
    request: Option<usize>,
    has_head: bool,
}

impl Decode for Packet {
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        let request = *self.request.get_or_insert_with(|| taken.begin(0));
        self.buf.extend_from_slice(octets);
        if !self.has_head {
            let Some(header) = uwsgi::PacketHeader::decode(&self.buf) else {
                return Ok(());
            };
            let size = usize::from(header.datasize);
            if self.buf.len() < uwsgi::HEADER_LEN + size {
                return Ok(());
            }
            self.buf.advance(uwsgi::HEADER_LEN);
            let mut block = self.buf.split_to(size).freeze();
            let asked = taken.asked(request);
            while let Some((name, value)) = pair(&mut block) {
                asked.params.push(param(&name, &value));
            }
            asked.packet = Some(recorded::Packet {
                modifier1: header.modifier1,
                size: header.datasize,
                modifier2: header.modifier2,
                exact: block.is_empty(),
            });
            asked.has_head = true;
            self.has_head = true;
            if !block.is_empty() {
                return Err(format!(
                    "{} octets at the end of the vars are no pair",
                    block.len()
                ));
            }
        }
        let octets = self.buf.split();
        body(taken, request, &octets);
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.request.is_none()
    }
}

/// Takes a pair off the front, where a whole one is there.
fn pair(block: &mut Bytes) -> Option<(Bytes, Bytes)> {
    let mut rest = block.clone();
    let mut text = || {
        let length = rest.try_get_u16_le().ok()?;
        let length = usize::from(length);
        (rest.len() >= length).then(|| rest.split_to(length))
    };
    let (name, value) = (text()?, text()?);
    *block = rest;
    Some((name, value))
}
