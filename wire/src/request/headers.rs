//! Request header fields to `HTTP_*` variables (RFC 3875 section 4.1.18).

use bytes::{BufMut, Bytes, BytesMut};

use super::host::Host;
use crate::environ::Environ;
use crate::field::{Header, is_hop_by_hop};
use crate::http::RequestHead;

/// Appends one variable a field name; fields that are not exported are left out.
pub(super) fn push_headers(environ: &mut Environ, head: &RequestHead, host: Option<Host>) {
    if let Some(host) = host {
        environ.push("HTTP_HOST", host.value);
    }
    // One allocation serves all names.
    let name_bytes = head.headers.iter().map(|field| field.name.len() + 5).sum();
    let mut names = BytesMut::with_capacity(name_bytes);
    for (index, field) in head.headers.iter().enumerate() {
        let said_before = head.headers[..index]
            .iter()
            .any(|earlier| earlier.is(&field.name));
        if is_exported(&field.name) && !said_before {
            let value = merged(field, &head.headers[index + 1..]);
            environ.push(variable(&field.name, &mut names), value);
        }
    }
}

/// `HTTP_` and the name in upper case with `_` for `-` (CGI-4.1.18-HTTP-MAP).
fn variable(name: &[u8], names: &mut BytesMut) -> Bytes {
    names.put_slice(b"HTTP_");
    let start = names.len();
    names.put_slice(name);
    for octet in &mut names[start..] {
        *octet = match *octet {
            b'-' => b'_',
            other => other.to_ascii_uppercase(),
        };
    }
    names.split().freeze()
}

/// The values of all fields of that name as one (CGI-4.1.18-HTTP-MERGE): a list,
/// but for `Cookie`, whose separator is a semicolon.
fn merged(field: &Header, rest: &[Header]) -> Bytes {
    let mut others = rest.iter().filter(|other| other.is(&field.name)).peekable();
    if others.peek().is_none() {
        return field.value.clone();
    }
    let separator = if field.is("cookie") {
        &b"; "[..]
    } else {
        b", "
    };
    let mut value = field.value.to_vec();
    for other in others {
        value.extend_from_slice(separator);
        value.extend_from_slice(&other.value);
    }
    value.into()
}

/// Whether a field becomes a variable.
///
/// Left out are what other variables hold (CGI-4.1.18-DUP-STRIP; `Host` is pushed
/// apart), what concerns the connection (CGI-4.1.18-CONN-STRIP), `Proxy`, which would
/// be HTTP_PROXY (CGI-DF-HTTPOXY), and names with another character than letters,
/// digits and `-`: `X_Foo` could pass for `X-Foo` (CGI-DF-UNDERSCORE).
fn is_exported(name: &[u8]) -> bool {
    const ELSEWHERE: [&str; 4] = ["content-length", "content-type", "host", "proxy"];
    let is_elsewhere = ELSEWHERE
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
    let is_plain = name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-');
    is_plain && !is_elsewhere && !is_hop_by_hop(name)
}
