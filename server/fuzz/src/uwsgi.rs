//! uwsgi packets with bodies.

use arbitrary::Arbitrary;
use bytes::{BufMut, BytesMut};
use wire::uwsgi;

use crate::{Length, Variables};

/// Part of a connection.
#[derive(Arbitrary, Debug)]
pub enum Said {
    Request {
        modifier1: u8,
        modifier2: u8,
        length: Option<Length>,
        variables: Variables,
        body: Vec<u8>,
    },
    /// A header, and what need not be a block of that size.
    Packet {
        modifier1: u8,
        size: u16,
        block: Vec<u8>,
    },
    Octets(Vec<u8>),
}

/// Appends it as it goes over the wire.
pub fn octets(said: &Said, wire: &mut BytesMut) {
    match said {
        Said::Request {
            modifier1,
            modifier2,
            length,
            variables,
            body,
        } => {
            let mut environ = variables.environ();
            if let Some(length) = length {
                environ.push("CONTENT_LENGTH", length.of(body));
            }
            // What is too large for a packet is none.
            let _ = uwsgi::encode_request(&environ, *modifier1, *modifier2, wire);
            wire.extend_from_slice(body);
        }
        Said::Packet {
            modifier1,
            size,
            block,
        } => {
            wire.put_u8(*modifier1);
            wire.put_u16_le(*size);
            wire.put_u8(0);
            wire.extend_from_slice(block);
        }
        Said::Octets(octets) => wire.extend_from_slice(octets),
    }
}
