//! The host that a request is directed to (RFC 9112 section 3.2).

use bytes::Bytes;

use super::{RequestError, Target};
use crate::excerpt::excerpt;
use crate::http::{RequestHead, Version};

/// A checked `Host` value or authority of an absolute-form target.
pub(super) struct Host {
    /// With its port, for `HTTP_HOST`.
    pub(super) value: Bytes,
    name_len: usize,
}

impl Host {
    fn parse(value: Bytes) -> Result<Self, RequestError> {
        match name_len(&value) {
            Some(name_len) => Ok(Self { value, name_len }),
            None => Err(RequestError::Host(excerpt(&value))),
        }
    }

    /// The name or address without port; IPv6 in its brackets (CGI-4.1.14-NAME-SYNTAX).
    pub(super) fn name(&self) -> Bytes {
        self.value.slice(..self.name_len)
    }
}

/// The host of a request: the target's if it names one, which beats `Host` (DF-VAR-HTTP-HOST).
pub(super) fn of(head: &RequestHead, target: &Target<'_>) -> Result<Option<Host>, RequestError> {
    let mut fields = head.all("host");
    let field = fields.next();
    let others = fields.count();
    if others > 0 {
        return Err(RequestError::RepeatedHost(others + 1));
    }
    if field.is_none() && head.version == Version::Http11 {
        return Err(RequestError::NoHost);
    }
    let field = field.cloned().map(Host::parse).transpose()?;
    match target.authority {
        Some(authority) => Host::parse(head.target.slice_ref(authority)).map(Some),
        None => Ok(field),
    }
}

/// The length of the name in `name [":" port]`, or `None` for anything else.
fn name_len(value: &[u8]) -> Option<usize> {
    let name_len = match value.strip_prefix(b"[") {
        Some(inside) => literal_len(inside)? + 2,
        None => value.iter().position(|&b| b == b':').unwrap_or(value.len()),
    };
    let (name, port) = value.split_at(name_len);
    let port_ok = match port.split_first() {
        None => true,
        Some((colon, digits)) => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    };
    let name_ok = name.starts_with(b"[") || name.iter().all(|&b| is_name_octet(b));
    (port_ok && name_ok).then_some(name_len)
}

/// The length of an IPv6 address up to its closing bracket.
fn literal_len(inside: &[u8]) -> Option<usize> {
    let len = inside.iter().position(|&b| b == b']')?;
    let address = std::str::from_utf8(&inside[..len]).ok()?;
    address.parse::<std::net::Ipv6Addr>().ok().map(|_| len)
}

/// Host names and IPv4, and the underscore that real names hold.
fn is_name_octet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_name(value: &'static str, expected: Option<&str>) {
        let host = Host::parse(Bytes::from_static(value.as_bytes())).ok();
        let name = host.map(|host| host.name());
        assert_eq!(
            name.as_deref(),
            expected.map(str::as_bytes),
            "for {value:?}"
        );
    }

    #[test]
    fn the_port_is_cut_off() {
        assert_name("example.test:8080", Some("example.test"));
        assert_name("example.test:", Some("example.test"));
        assert_name("192.0.2.7:80", Some("192.0.2.7"));
        assert_name("my_host", Some("my_host"));
        assert_name("", Some(""));
    }

    #[test]
    fn ipv6_keeps_its_brackets() {
        assert_name("[::1]:80", Some("[::1]"));
        assert_name("[2001:db8::7]", Some("[2001:db8::7]"));
        assert_name("[::1", None);
        assert_name("[x]", None);
        assert_name("[::1]80", None);
        assert_name("::1", None);
    }

    #[test]
    fn hostile_values_are_refused() {
        for bad in ["a\"><b", "a b", "user@a", "a/b", "a:80x", "a,b", "a:1:2"] {
            assert_name(bad, None);
        }
    }
}
