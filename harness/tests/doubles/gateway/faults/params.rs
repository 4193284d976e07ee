//! Variables, as FastCGI pairs, uwsgi vars or SCGI headers.

use bytes::{BufMut, BytesMut};
use gatebench::model::Model;

use super::{
    Act::{Environ, Habits},
    Fault, fault,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/fcgi-lengths-in-one-octet",
        &[Habits(|habits| {
            habits.pair = |name, value, dst| {
                // What a careless cast leaves of a length.
                dst.put_slice(&[name.len() as u8 & 0x7f, value.len() as u8 & 0x7f]);
                dst.put_slice(name);
                dst.put_slice(value);
            };
        })],
    ),
    fault(
        "gateway/fcgi-lengths-in-three-octets",
        &[Habits(|habits| habits.pair = three_octets)],
    ),
    fault(
        "gateway/fcgi-value-of-127-cut",
        &[Environ(|environ, _| {
            let long = environ.iter().filter(|(_, value)| value.len() == 127);
            let long: Vec<_> = long.map(|(n, v)| (n.clone(), v.slice(..126))).collect();
            long.into_iter()
                .for_each(|(name, value)| environ.set(name, value));
        })],
    ),
    fault(
        "gateway/values-nul-terminated",
        &[Environ(|environ, _| {
            let all: Vec<_> = environ
                .iter()
                .map(|(n, v)| (n.clone(), v.to_vec()))
                .collect();
            for (name, mut value) in all {
                value.push(0);
                environ.set(name, value);
            }
        })],
    ),
    fault(
        "gateway/empty-values-blank",
        &[Environ(|environ, _| {
            let empty = environ.iter().filter(|(_, value)| value.is_empty());
            let empty: Vec<_> = empty.map(|(name, _)| name.clone()).collect();
            empty.into_iter().for_each(|name| environ.set(name, " "));
        })],
    ),
    fault(
        "gateway/values-to-ascii",
        &[Environ(|environ, _| {
            let all: Vec<_> = environ
                .iter()
                .map(|(n, v)| (n.clone(), v.to_vec()))
                .collect();
            for (name, value) in all {
                let ascii: Vec<u8> = value
                    .into_iter()
                    .map(|b| if b < 128 { b } else { b'?' })
                    .collect();
                environ.set(name, ascii);
            }
        })],
    ),
    fault(
        "gateway/method-sent-twice",
        &[Environ(|environ, asked| {
            if asked.model != Model::Scgi {
                environ.push("REQUEST_METHOD", "GET");
            }
        })],
    ),
    fault(
        "gateway/no-script-filename",
        &[Environ(|environ, _| {
            environ.remove("SCRIPT_FILENAME");
        })],
    ),
    fault(
        "gateway/https-without-tls",
        &[Environ(|environ, _| environ.set("HTTPS", "on"))],
    ),
];

/// Lengths from 128 on in three octets, the first with its top bit set.
fn three_octets(name: &[u8], value: &[u8], dst: &mut BytesMut) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(short @ ..128) => dst.put_u8(short),
            _ => dst.put_slice(&(0x0080_0000 | length as u32).to_be_bytes()[1..]),
        }
    }
    dst.put_slice(name);
    dst.put_slice(value);
}
