//! FastCGI records, of several requests at the same time where they like.

use arbitrary::Arbitrary;
use bytes::{BufMut, BytesMut};
use wire::fastcgi::{BeginRequest, Kind, params, record};

use crate::Variables;

/// Part of a connection; ids are few, so that they meet.
#[derive(Arbitrary, Debug)]
pub enum Said {
    Begin {
        id: u8,
        role: u8,
        keeps: bool,
    },
    Params {
        id: u8,
        variables: Variables,
    },
    Stdin {
        id: u8,
        data: Vec<u8>,
    },
    StdinEnd {
        id: u8,
    },
    Data {
        id: u8,
        data: Vec<u8>,
    },
    Abort {
        id: u8,
    },
    GetValues(Vec<u8>),
    Record {
        version: u8,
        kind: u8,
        id: u16,
        content: Vec<u8>,
        padding: u8,
    },
    /// A header alone.
    Header {
        kind: u8,
        id: u16,
        length: u16,
        padding: u8,
    },
    Octets(Vec<u8>),
}

/// Appends it as it goes over the wire.
pub fn octets(said: &Said, wire: &mut BytesMut) {
    let few = |id: &u8| u16::from(id % 4);
    match said {
        Said::Begin { id, role, keeps } => {
            let (role, flags) = (u16::from(role % 4), u8::from(*keeps));
            let begin = BeginRequest { role, flags };
            record::encode(Kind::BEGIN_REQUEST, few(id), &begin.encode(), wire);
        }
        Said::Params { id, variables } => params::encode(few(id), &variables.environ(), wire),
        Said::Stdin { id, data } => record::encode_stream(Kind::STDIN, few(id), data, wire),
        Said::StdinEnd { id } => record::encode_end(Kind::STDIN, few(id), wire),
        Said::Data { id, data } => record::encode_stream(Kind::DATA, few(id), data, wire),
        Said::Abort { id } => record::encode(Kind::ABORT_REQUEST, few(id), &[], wire),
        Said::GetValues(names) => {
            let names = &names[..names.len().min(1000)];
            record::encode(Kind::GET_VALUES, 0, names, wire);
        }
        Said::Record {
            version,
            kind,
            id,
            content,
            padding,
        } => {
            let content = &content[..content.len().min(65_535)];
            wire.put_slice(&[*version, *kind]);
            wire.put_u16(*id);
            wire.put_u16(content.len() as u16);
            wire.put_slice(&[*padding, 0]);
            wire.put_slice(content);
            wire.put_bytes(0, usize::from(*padding));
        }
        Said::Header {
            kind,
            id,
            length,
            padding,
        } => {
            wire.put_slice(&[1, *kind]);
            wire.put_u16(*id);
            wire.put_u16(*length);
            wire.put_slice(&[*padding, 0]);
        }
        Said::Octets(octets) => wire.extend_from_slice(octets),
    }
}
