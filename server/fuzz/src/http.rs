//! HTTP/1.x requests, one behind the other.

use arbitrary::Arbitrary;
use bytes::BytesMut;

use crate::Length;

/// Part of a connection.
#[derive(Arbitrary, Debug)]
pub enum Said {
    Request {
        method: Method,
        target: Vec<u8>,
        is_11: bool,
        fields: Vec<Field>,
        body: Vec<u8>,
    },
    Chunk(Vec<u8>),
    LastChunk,
    Octets(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
pub enum Method {
    Get,
    Post,
    Head,
    Options,
    Other(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
pub enum Field {
    Host,
    Length(Length),
    Chunked,
    Close,
    KeepAlive,
    Expect,
    Range(u16, u16),
    Other(Vec<u8>, Vec<u8>),
}

/// Appends it as it goes over the wire.
pub fn octets(said: &Said, wire: &mut BytesMut) {
    match said {
        Said::Request {
            method,
            target,
            is_11,
            fields,
            body,
        } => {
            wire.extend_from_slice(match method {
                Method::Get => b"GET",
                Method::Post => b"POST",
                Method::Head => b"HEAD",
                Method::Options => b"OPTIONS",
                Method::Other(other) => other,
            });
            wire.extend_from_slice(b" /");
            wire.extend_from_slice(target);
            wire.extend_from_slice(if *is_11 {
                b" HTTP/1.1\r\n"
            } else {
                b" HTTP/1.0\r\n"
            });
            for field in fields {
                put(field, body, wire);
            }
            wire.extend_from_slice(b"\r\n");
            wire.extend_from_slice(body);
        }
        Said::Chunk(data) => {
            wire.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
            wire.extend_from_slice(data);
            wire.extend_from_slice(b"\r\n");
        }
        Said::LastChunk => wire.extend_from_slice(b"0\r\n\r\n"),
        Said::Octets(octets) => wire.extend_from_slice(octets),
    }
}

fn put(field: &Field, body: &[u8], wire: &mut BytesMut) {
    match field {
        Field::Host => wire.extend_from_slice(b"Host: a"),
        Field::Length(length) => {
            wire.extend_from_slice(b"Content-Length: ");
            wire.extend_from_slice(&length.of(body));
        }
        Field::Chunked => wire.extend_from_slice(b"Transfer-Encoding: chunked"),
        Field::Close => wire.extend_from_slice(b"Connection: close"),
        Field::KeepAlive => wire.extend_from_slice(b"Connection: keep-alive"),
        Field::Expect => wire.extend_from_slice(b"Expect: 100-continue"),
        Field::Range(from, to) => {
            wire.extend_from_slice(format!("Range: bytes={from}-{to}").as_bytes());
        }
        Field::Other(name, value) => {
            wire.extend_from_slice(name);
            wire.extend_from_slice(b": ");
            wire.extend_from_slice(value);
        }
    }
    wire.extend_from_slice(b"\r\n");
}
