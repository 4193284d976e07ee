//! The PROXY protocol, versions 1 and 2: a proxy in front says whose connection it passes on.
//! Pure: bytes in, values out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf, BytesMut};

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preamble {
    /// Something else.
    Absent,
    /// A header that names no client: a health check of the proxy, or a family unknown here.
    Unknown,
    /// The client's address.
    Client(SocketAddr),
}

/// A header that is none; the text says why. The proxy is at fault.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("proxy sent a PROXY header {0}")]
pub(super) struct BadPreamble(String);

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Of a version 1 header, with its line end.
const LONGEST_V1: usize = 107;

/// Of a version 2 header: signature, command, family, length.
const V2_HEAD: usize = 16;

/// Takes a header off the front of `buf`, or `None` while it is incomplete.
///
/// # Errors
/// A header that begins as one and does not go on so.
pub(super) fn decode(buf: &mut BytesMut) -> Result<Option<Preamble>, BadPreamble> {
    if begins(buf, V1) {
        return if buf.len() < V1.len() {
            Ok(None)
        } else {
            version_1(buf)
        };
    }
    if begins(buf, V2) {
        return if buf.len() < V2_HEAD {
            Ok(None)
        } else {
            version_2(buf)
        };
    }
    Ok(Some(Preamble::Absent))
}

/// Whether one is the beginning of the other.
fn begins(buf: &[u8], with: &[u8]) -> bool {
    let common = buf.len().min(with.len());
    buf[..common] == with[..common]
}

fn version_1(buf: &mut BytesMut) -> Result<Option<Preamble>, BadPreamble> {
    let Some(end) = buf.iter().take(LONGEST_V1).position(|&byte| byte == b'\n') else {
        return match buf.len() >= LONGEST_V1 {
            true => Err(BadPreamble(format!("longer than {LONGEST_V1} bytes"))),
            false => Ok(None),
        };
    };
    let line = buf.split_to(end + 1);
    let text = String::from_utf8_lossy(&line);
    let mut words = text.trim_end().split(' ').skip(1);
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        return Ok(Some(Preamble::Unknown));
    }
    let (source, _destination, port) = (words.next(), words.next(), words.next());
    let ip = source.and_then(|source| source.parse::<IpAddr>().ok());
    let port = port.and_then(|port| port.parse().ok());
    match (ip, port) {
        (Some(ip), Some(port)) if matches!(family, "TCP4" | "TCP6") => {
            Ok(Some(Preamble::Client((ip, port).into())))
        }
        _ => Err(BadPreamble(format!(
            "that names no client: {}",
            text.trim_end()
        ))),
    }
}

fn version_2(buf: &mut BytesMut) -> Result<Option<Preamble>, BadPreamble> {
    let (command, family) = (buf[12], buf[13]);
    let length = usize::from(u16::from_be_bytes([buf[14], buf[15]]));
    if command >> 4 != 2 {
        return Err(BadPreamble(format!("of version {}", command >> 4)));
    }
    if buf.len() < V2_HEAD + length {
        return Ok(None);
    }
    let mut addresses = buf.split_to(V2_HEAD + length);
    addresses.advance(V2_HEAD);
    let is_proxied = command & 0xf == 1;
    let client = match family >> 4 {
        1 if is_proxied => ipv4(&addresses),
        2 if is_proxied => ipv6(&addresses),
        _ => return Ok(Some(Preamble::Unknown)),
    };
    let client = client.ok_or_else(|| BadPreamble(format!("with {length} bytes of addresses")))?;
    Ok(Some(Preamble::Client(client)))
}

/// Source and destination, then the port of each.
fn ipv4(addresses: &[u8]) -> Option<SocketAddr> {
    let ip = Ipv4Addr::from(*addresses.first_chunk::<4>()?);
    let port = u16::from_be_bytes(*addresses.get(8..)?.first_chunk()?);
    Some((ip, port).into())
}

fn ipv6(addresses: &[u8]) -> Option<SocketAddr> {
    let ip = Ipv6Addr::from(*addresses.first_chunk::<16>()?);
    let port = u16::from_be_bytes(*addresses.get(32..)?.first_chunk()?);
    Some((ip, port).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of `wire`, whole and byte by byte, and what is left behind it.
    #[track_caller]
    fn decoded(wire: &[u8]) -> (Result<Option<Preamble>, BadPreamble>, Vec<u8>) {
        let mut whole = BytesMut::from(wire);
        let expected = decode(&mut whole);
        let mut slow = BytesMut::new();
        for (at, byte) in wire.iter().enumerate() {
            slow.extend_from_slice(&[*byte]);
            match decode(&mut slow) {
                Ok(None) => {}
                // What is no header shows before all of it is there.
                Ok(Some(Preamble::Absent)) => break,
                early => {
                    slow.extend_from_slice(&wire[at + 1..]);
                    assert_eq!((&early, &slow), (&expected, &whole));
                    break;
                }
            }
        }
        (expected, whole.to_vec())
    }

    fn client(text: &str) -> Result<Option<Preamble>, BadPreamble> {
        Ok(Some(Preamble::Client(text.parse().unwrap())))
    }

    #[test]
    fn version_1_names_the_client() {
        let (read, rest) = decoded(b"PROXY TCP4 192.0.2.1 10.0.0.1 5000 80\r\nGET /");
        assert_eq!((read, rest), (client("192.0.2.1:5000"), b"GET /".to_vec()));
        let (read, _) = decoded(b"PROXY TCP6 2001:db8::1 ::1 5000 80\r\n");
        assert_eq!(read, client("[2001:db8::1]:5000"));
        let (read, _) = decoded(b"PROXY UNKNOWN\r\n");
        assert_eq!(read, Ok(Some(Preamble::Unknown)));
    }

    #[test]
    fn version_2_names_the_client() {
        let wire = [
            V2,
            b"\x21\x11\x00\x0e\xc0\x00\x02\x01\x0a\0\0\x01\x13\x88\0\x50xxGET",
        ]
        .concat();
        let (read, rest) = decoded(&wire);
        assert_eq!((read, rest), (client("192.0.2.1:5000"), b"GET".to_vec()));
        let health_check = [V2, b"\x20\x00\x00\x00"].concat();
        assert_eq!(decoded(&health_check).0, Ok(Some(Preamble::Unknown)));
    }

    #[test]
    fn what_is_no_header_is_left_alone() {
        let (read, rest) = decoded(b"POST / HTTP/1.1\r\n");
        assert_eq!(read, Ok(Some(Preamble::Absent)));
        assert_eq!(rest, b"POST / HTTP/1.1\r\n");
    }

    #[test]
    fn half_a_header_is_refused() {
        for wire in [
            &b"PROXY TCP4 here there 1 2\r\n"[..],
            &[b"PROXY ".as_slice(), &[b'x'; 200]].concat(),
            &[V2, b"\x31\x11\x00\x00"].concat(),
            &[V2, b"\x21\x11\x00\x02ab"].concat(),
        ] {
            assert!(decoded(wire).0.is_err(), "{}", wire.escape_ascii());
        }
    }
}
