//! Request fields on their way to `HTTP_` variables.

use bytes::{Bytes, BytesMut};
use wire::{
    environ::Environ,
    http::{Header, RequestHead},
};

use super::{Act, Fault, cut, edit, fault, find, replaced};

/// What stands for the line break of a folded field while the head is read: an octet that no
/// scenario sends.
const FOLD: &[u8] = b"\x90";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/header-digits-dropped",
        &[Act::Environ(|environ, asked| {
            for field in &asked.sent.headers {
                if let Some(value) = environ.get(variable(&field.name)).cloned()
                    && field.name.iter().any(u8::is_ascii_digit)
                {
                    environ.remove(variable(&field.name));
                    let name: Vec<u8> = without_digits(&field.name);
                    environ.set(variable(&name), value);
                }
            }
        })],
    ),
    fault(
        "gateway/header-value-lower-cased",
        &[Act::Environ(|environ, asked| {
            for field in x_fields(&asked.sent) {
                edit(environ, &variable(&field.name), <[u8]>::to_ascii_lowercase);
            }
        })],
    ),
    fault(
        "gateway/header-cookie-dropped",
        &[Act::Environ(|environ, _| {
            environ.remove("HTTP_COOKIE");
        })],
    ),
    fault(
        "gateway/http-host-without-port",
        &[Act::Environ(|environ, _| {
            edit(environ, "HTTP_HOST", |host| {
                let port = host.iter().rposition(|&b| b == b':');
                host[..port.unwrap_or(host.len())].to_vec()
            });
        })],
    ),
    fault(
        "gateway/header-last-wins",
        &[Act::Environ(|environ, asked| {
            for (name, values) in repeated(&asked.sent, environ) {
                let last = values.last().cloned();
                environ.set(name, last.unwrap_or_default());
            }
        })],
    ),
    fault(
        "gateway/header-repeated",
        &[Act::Environ(|environ, asked| {
            for (name, values) in repeated(&asked.sent, environ) {
                environ.remove(&name);
                for value in values {
                    environ.push(name.clone(), value);
                }
            }
        })],
    ),
    fault(
        "gateway/cookie-joined-by-comma",
        &[Act::Environ(|environ, _| {
            edit(environ, "HTTP_COOKIE", |value| {
                replaced(value, b"; ", b", ")
            });
        })],
    ),
    fault(
        "gateway/header-fold-kept",
        &[
            Act::Octets(|octets| {
                let whole = find(octets, b"\r\n\r\n").unwrap_or(octets.len());
                let body = octets.split_off(whole);
                for space in [b' ', b'\t'] {
                    let unfolded =
                        replaced(octets, &[b'\r', b'\n', space], &[FOLD, &[space]].concat());
                    *octets = unfolded[..].into();
                }
                octets.unsplit(body);
            }),
            Act::Environ(|environ, asked| {
                for field in &asked.sent.headers {
                    edit(environ, &variable(&field.name), |value| {
                        replaced(value, FOLD, b"\r\n")
                    });
                }
            }),
        ],
    ),
    fault(
        "gateway/header-recoded",
        &[Act::Environ(|environ, asked| {
            for field in &asked.sent.headers {
                edit(environ, &variable(&field.name), |value| {
                    let text: String = value.iter().copied().map(char::from).collect();
                    text.into_bytes()
                });
            }
        })],
    ),
    fault(
        "gateway/http-content-length",
        &[Act::Environ(|environ, asked| {
            for name in ["content-length", "content-type"] {
                if let Some(value) = asked.sent.header(name) {
                    environ.set(variable(name.as_bytes()), value.clone());
                }
            }
        })],
    ),
    fault(
        "gateway/connection-fields-exported",
        &[Act::Environ(|environ, asked| {
            for name in ["connection", "keep-alive", "te"] {
                if let Some(value) = asked.sent.header(name) {
                    environ.set(variable(name.as_bytes()), value.clone());
                }
            }
        })],
    ),
    fault(
        "gateway/httpoxy",
        &[Act::Environ(|environ, asked| {
            if let Some(value) = asked.sent.header("proxy") {
                environ.set("HTTP_PROXY", value.clone());
            }
        })],
    ),
    fault(
        "gateway/underscore-overrides",
        &[Act::Environ(|environ, asked| {
            for (name, value) in underscored(&asked.sent) {
                if environ.get(&name).is_some() {
                    environ.set(name, value);
                }
            }
        })],
    ),
    fault(
        "gateway/underscore-merged",
        &[Act::Environ(|environ, asked| {
            for (name, value) in underscored(&asked.sent) {
                edit(environ, &name, |other| [other, b", ", &value].concat());
            }
        })],
    ),
    fault(
        "gateway/underscore-mapped",
        &[Act::Environ(|environ, asked| {
            for (name, value) in underscored(&asked.sent) {
                if environ.get(&name).is_none() {
                    environ.set(name, value);
                }
            }
        })],
    ),
    fault(
        "gateway/header-as-variable",
        &[Act::Environ(|environ, asked| {
            for field in &asked.sent.headers {
                let name = variable(&field.name);
                environ.set(&name["HTTP_".len()..], field.value.clone());
            }
        })],
    ),
    fault(
        "gateway/header-cut",
        &[Act::Environ(|environ, asked| {
            for field in asked
                .sent
                .headers
                .iter()
                .filter(|field| !field.is("x-probe"))
            {
                edit(environ, &variable(&field.name), cut);
            }
        })],
    ),
    fault(
        "gateway/head-trimmed",
        &[
            Act::Conduct(|conduct| conduct.head_limit = 1 << 20),
            Act::Octets(|octets| trim(octets, 64 * 1024)),
        ],
    ),
    fault(
        "gateway/head-trimmed-at-16-kib",
        &[Act::Octets(|octets| trim(octets, 16 * 1024))],
    ),
    fault(
        "gateway/long-names-dropped",
        &[Act::Head(|head| {
            head.headers.retain(|field| field.name.len() < 123)
        })],
    ),
    fault(
        "gateway/authorization-dropped",
        &[Act::Environ(|environ, _| {
            environ.remove("HTTP_AUTHORIZATION");
        })],
    ),
    fault(
        "gateway/transfer-encoding-exported",
        &[Act::Environ(|environ, asked| {
            if let Some(value) = asked.sent.header("transfer-encoding") {
                environ.set("HTTP_TRANSFER_ENCODING", value.clone());
            }
        })],
    ),
];

/// Drops the fields of a head beyond so many octets.
fn trim(octets: &mut BytesMut, most: usize) {
    let whole = find(octets, b"\r\n\r\n").unwrap_or(octets.len());
    if whole > most {
        let rest = octets.split_off(whole);
        let line = find_last(&octets[..most], b"\r\n").unwrap_or(most);
        octets.truncate(line);
        octets.unsplit(rest);
    }
}

/// `HTTP_` and the name in upper case with `_` for `-`.
pub(super) fn variable(name: &[u8]) -> String {
    let upper = name.iter().map(|&b| {
        if b == b'-' {
            '_'
        } else {
            b.to_ascii_uppercase().into()
        }
    });
    "HTTP_".chars().chain(upper).collect()
}

fn without_digits(name: &[u8]) -> Vec<u8> {
    name.iter()
        .copied()
        .filter(|b| !b.is_ascii_digit())
        .collect()
}

fn x_fields(head: &RequestHead) -> impl Iterator<Item = &Header> {
    let is_x = |field: &&Header| field.name.to_ascii_lowercase().starts_with(b"x-");
    head.headers
        .iter()
        .filter(is_x)
        .filter(|field| !field.is("x-probe"))
}

/// The variables of fields that came several times, with each value.
fn repeated(head: &RequestHead, environ: &Environ) -> Vec<(String, Vec<Bytes>)> {
    let mut repeated: Vec<(String, Vec<Bytes>)> = Vec::new();
    for field in &head.headers {
        let name = variable(&field.name);
        if environ.get(&name).is_none() || field.name.contains(&b'_') {
            continue;
        }
        match repeated.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(field.value.clone()),
            None => repeated.push((name, vec![field.value.clone()])),
        }
    }
    repeated.retain(|(_, values)| values.len() > 1);
    repeated
}

/// Fields with an underscore in their name, under the variable that they could pass for.
fn underscored(head: &RequestHead) -> impl Iterator<Item = (String, Bytes)> {
    let fields = head
        .headers
        .iter()
        .filter(|field| field.name.contains(&b'_'));
    fields.map(|field| (variable(&field.name), field.value.clone()))
}

fn find_last(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets
        .windows(what.len())
        .rposition(|window| window == what)
}
