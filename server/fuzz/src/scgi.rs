//! SCGI requests with bodies.

use arbitrary::Arbitrary;
use bytes::BytesMut;

use crate::{Length, Variables};

/// Part of a connection.
#[derive(Arbitrary, Debug)]
pub enum Said {
    Request {
        length: Option<Length>,
        has_version: bool,
        variables: Variables,
        body: Vec<u8>,
    },
    /// A netstring of what need not be variables, its length right or not.
    Netstring {
        length: Length,
        octets: Vec<u8>,
    },
    Octets(Vec<u8>),
}

/// Appends it as it goes over the wire.
pub fn octets(said: &Said, wire: &mut BytesMut) {
    match said {
        Said::Request {
            length,
            has_version,
            variables,
            body,
        } => {
            let mut block = Vec::new();
            let mut put = |name: &[u8], value: &[u8]| {
                block.extend_from_slice(name);
                block.push(0);
                block.extend_from_slice(value);
                block.push(0);
            };
            if let Some(length) = length {
                put(b"CONTENT_LENGTH", &length.of(body));
            }
            if *has_version {
                put(b"SCGI", b"1");
            }
            for (name, value) in variables.environ().iter() {
                put(name, value);
            }
            netstring(&block.len().to_string().into_bytes(), &block, wire);
            wire.extend_from_slice(body);
        }
        Said::Netstring { length, octets } => netstring(&length.of(octets), octets, wire),
        Said::Octets(octets) => wire.extend_from_slice(octets),
    }
}

fn netstring(length: &[u8], octets: &[u8], wire: &mut BytesMut) {
    wire.extend_from_slice(length);
    wire.extend_from_slice(b":");
    wire.extend_from_slice(octets);
    wire.extend_from_slice(b",");
}
