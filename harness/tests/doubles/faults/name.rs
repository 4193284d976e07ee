//! Names of request fields: characters that could pass for others, and how many fields there are.

use bytes::{Bytes, BytesMut};
use wire::http::{Header, RequestHead};

use super::{Act, Fault, edit, fault, field::variable, find};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/dot-mapped",
        &[Act::Environ(|environ, asked| {
            for (name, value) in with(&asked.sent, b".") {
                environ.set(variable(&name).replace('.', "_"), value);
            }
        })],
    ),
    fault(
        "gateway/dot-kept",
        &[Act::Environ(|environ, asked| {
            for (name, value) in with(&asked.sent, b".") {
                environ.set(variable(&name), value);
            }
        })],
    ),
    fault(
        "gateway/odd-characters-mapped",
        &[Act::Environ(|environ, asked| {
            for (name, value) in with(&asked.sent, b"!~") {
                environ.set(variable(&name).replace(['!', '~'], "_"), value);
            }
        })],
    ),
    fault("gateway/name-cut-at-equals", &[Act::Octets(cut_at_equals)]),
    fault(
        "gateway/upgrade-refused",
        &[Act::Answer(|head| head.header("upgrade").map(|_| 501))],
    ),
    fault(
        "gateway/trailer-as-variable",
        &[Act::Environ(|environ, asked| {
            // Which lines the trailer holds the head announces.
            if let Some(name) = asked.sent.header("trailer") {
                edit(environ, &variable(name), |_| b"admin".to_vec());
            }
        })],
    ),
    fault(
        "gateway/fields-beyond-100-dropped",
        &[Act::Head(|head| head.headers.truncate(100))],
    ),
];

/// Fields whose name holds one of these characters.
fn with(head: &RequestHead, characters: &[u8]) -> impl Iterator<Item = (Bytes, Bytes)> {
    let holds = |field: &&Header| field.name.iter().any(|b| characters.contains(b));
    let fields = head.headers.iter().filter(holds);
    fields.map(|field| (field.name.clone(), field.value.clone()))
}

/// `Name=rest: value` becomes `Name: rest: value`, which is a field.
fn cut_at_equals(octets: &mut BytesMut) {
    let mut from = 0;
    while let Some(line) = find(&octets[from..], b"\r\n") {
        from += line + 2;
        let end = find(&octets[from..], b"\r\n").unwrap_or_default();
        let name = octets[from..from + end].split(|&b| b == b':').next();
        if let Some(equals) = name.and_then(|name| find(name, b"=")) {
            let rest = octets.split_off(from + equals + 1);
            octets.truncate(from + equals);
            octets.extend_from_slice(b": ");
            octets.unsplit(rest);
        }
    }
}
