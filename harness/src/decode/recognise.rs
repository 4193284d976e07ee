//! Which protocol begins with these octets.

use serde::Serialize;

use super::Direction;
use crate::model::Model;

/// A protocol, and which way it was going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// What is spoken.
    pub protocol: Model,
    /// Which way.
    pub direction: Direction,
}

/// Tells the protocol from the first octets; `None` where they are too few or fit nothing.
/// A reply of uwsgi or SCGI is a head alone, and counts as SCGI's if it has no HTTP status line.
pub fn recognise(octets: &[u8]) -> Option<Recognised> {
    let told = |protocol, direction| {
        Some(Recognised {
            protocol,
            direction,
        })
    };
    match octets {
        [1, kind @ 1..=11, _, _, _, _, _, _, ..] => match kind {
            3 | 6 | 7 | 10 | 11 => told(Model::FastCgi, Direction::Reply),
            _ => told(Model::FastCgi, Direction::Request),
        },
        // 30 is a modifier of old configurations, which is told as such.
        [0 | 30, low, high, 0, name_low, name_high, ..] => {
            let size = u16::from_le_bytes([*low, *high]);
            let name = u16::from_le_bytes([*name_low, *name_high]);
            let fits = u32::from(name) + 4 <= u32::from(size);
            fits.then_some(())
                .and_then(|()| told(Model::Uwsgi, Direction::Request))
        }
        _ if octets.starts_with(b"HTTP/") => told(Model::Http, Direction::Reply),
        _ if is_netstring(octets) => told(Model::Scgi, Direction::Request),
        _ if is_request_line(octets) => told(Model::Http, Direction::Request),
        _ if is_field(octets) => told(Model::Scgi, Direction::Reply),
        _ => None,
    }
}

fn first_line(octets: &[u8]) -> &[u8] {
    octets
        .split(|&octet| octet == b'\n')
        .next()
        .unwrap_or_default()
}

fn is_netstring(octets: &[u8]) -> bool {
    let digits = octets
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    (1..=9).contains(&digits) && octets.get(digits) == Some(&b':')
}

fn is_request_line(octets: &[u8]) -> bool {
    let line = first_line(octets);
    let method = line
        .iter()
        .take_while(|octet| octet.is_ascii_uppercase())
        .count();
    method > 0 && line.get(method) == Some(&b' ') && line.windows(6).any(|word| word == b" HTTP/")
}

/// `Name: value`, as a CGI program begins.
fn is_field(octets: &[u8]) -> bool {
    let line = first_line(octets);
    let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    let name = line.iter().take_while(|octet| is_name(octet)).count();
    name > 0 && line.get(name) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_known_by_how_it_begins() {
        let of = |octets: &[u8]| recognise(octets).map(|it| (it.protocol, it.direction));
        let (request, reply) = (Direction::Request, Direction::Reply);
        assert_eq!(
            of(b"\x01\x01\0\x01\0\x08\0\0"),
            Some((Model::FastCgi, request))
        );
        assert_eq!(
            of(b"\x01\x06\0\x01\0\x08\0\0"),
            Some((Model::FastCgi, reply))
        );
        assert_eq!(of(b"\0\x20\0\0\x04\0NAME"), Some((Model::Uwsgi, request)));
        assert_eq!(of(b"\x1e\x20\0\0\x04\0NAME"), Some((Model::Uwsgi, request)));
        assert_eq!(of(b"24:CONTENT_LENGTH"), Some((Model::Scgi, request)));
        assert_eq!(of(b"GET / HTTP/1.1\r\n"), Some((Model::Http, request)));
        assert_eq!(of(b"HTTP/1.1 200 OK\r\n"), Some((Model::Http, reply)));
        assert_eq!(of(b"Status: 200 OK\r\n"), Some((Model::Scgi, reply)));
        assert_eq!(of(b"\x16\x03\x01\x02"), None);
        assert_eq!(of(b""), None);
    }
}
