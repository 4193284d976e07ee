//! One header field line, `name ":" value`, as HTTP and CGI heads share it.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;

/// A header field. The name is as received; the value has no white space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// A token (RFC 9110 section 5.6.2), not case-sensitive.
    pub name: Bytes,
    /// Any octets but controls; horizontal tab is allowed.
    pub value: Bytes,
}

/// What is wrong with a field line.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FieldFault {
    /// The line has no colon.
    #[error("it has no colon")]
    NoColon,
    /// The line continues the one before (obs-fold), which hides fields from some readers.
    #[error("it is folded onto the line before")]
    Folded,
    /// `Name : value`, which peers read as different names.
    #[error("white space stands before the colon")]
    SpaceBeforeColon,
    /// The name is empty or holds something else than token characters.
    #[error("its name is not a token")]
    BadName,
    /// The value holds a NUL, a bare CR or another control character.
    #[error("its value holds a control character")]
    Control,
}

impl Header {
    /// A field of this name and value, taken as they are.
    pub fn new(name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }

    /// Whether this is a field of that name, compared without case.
    pub fn is(&self, name: impl AsRef<[u8]>) -> bool {
        self.name.eq_ignore_ascii_case(name.as_ref())
    }

    /// Parses the line at `range` of `head`, which has no line end any more.
    pub(crate) fn parse(head: &Bytes, range: Range<usize>) -> Result<Self, FieldFault> {
        let line = &head[range.clone()];
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(FieldFault::Folded);
        }
        let colon = memchr(b':', line).ok_or(FieldFault::NoColon)?;
        let name = &line[..colon];
        if matches!(name.last(), Some(b' ' | b'\t')) {
            return Err(FieldFault::SpaceBeforeColon);
        }
        if !is_token(name) {
            return Err(FieldFault::BadName);
        }
        let value = trim(&line[colon + 1..]);
        if !is_all_text(value) {
            return Err(FieldFault::Control);
        }
        Ok(Self {
            name: head.slice_ref(name),
            value: head.slice_ref(value),
        })
    }

    /// Appends `name: value CR LF`. A CR, LF or NUL in either becomes a space
    /// (RFC 9110 section 5.5), so that no value can start a line of its own.
    pub(crate) fn encode(&self, dst: &mut BytesMut) {
        dst.reserve(self.name.len() + self.value.len() + 4);
        put_text(&self.name, dst);
        dst.put_slice(b": ");
        put_text(&self.value, dst);
        dst.put_slice(b"\r\n");
    }
}

/// The first value of that name, compared without case.
pub(crate) fn first<'a>(fields: &'a [Header], name: &[u8]) -> Option<&'a Bytes> {
    fields
        .iter()
        .find(|field| field.is(name))
        .map(|field| &field.value)
}

/// Appends `text` with a space in the place of each CR, LF and NUL.
pub(crate) fn put_text(text: &[u8], dst: &mut BytesMut) {
    let start = dst.len();
    dst.put_slice(text);
    for byte in &mut dst[start..] {
        // Written in any case: a loop without a branch takes many octets at once.
        *byte = match *byte {
            b'\r' | b'\n' | 0 => b' ',
            other => other,
        };
    }
}

/// `bytes` without spaces and tabs around it.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |&b: &u8| matches!(b, b' ' | b'\t');
    let start = bytes.iter().position(|b| !blank(b)).unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|b| !blank(b))
        .map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Whether `bytes` is a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| TOKEN[usize::from(b)])
}

/// Which octets a token is made of.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut next = 0;
    while next < others.len() {
        table[others[next] as usize] = true;
        next += 1;
    }
    table
};

/// Whether an octet may stand in a field value: anything but controls.
pub(crate) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether all may stand in a field value. Looks at every octet, without a branch, so that the
/// compiler takes many at once.
pub(crate) fn is_all_text(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |so_far, &b| so_far & is_text(b))
}

/// Whether a field concerns one connection only (RFC 9110 section 7.6.1) and so
/// goes neither to an application nor from one (CGI-4.1.18-CONN-STRIP, CGI-6.3.4-STRIP).
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &'static [u8]) -> Result<Header, FieldFault> {
        Header::parse(&Bytes::from_static(line), 0..line.len())
    }

    #[test]
    fn white_space_around_the_value_is_dropped() {
        assert_eq!(parse(b"X-A:\t b c \t"), Ok(Header::new("X-A", "b c")));
        assert_eq!(parse(b"X-A:"), Ok(Header::new("X-A", "")));
        assert_eq!(
            parse(b"X-A:b:c\xff"),
            Ok(Header::new("X-A", &b"b:c\xff"[..]))
        );
    }

    #[test]
    fn malformed_lines_name_their_fault() {
        assert_eq!(parse(b"X-A b"), Err(FieldFault::NoColon));
        assert_eq!(parse(b" X-A: b"), Err(FieldFault::Folded));
        assert_eq!(parse(b"X-A : b"), Err(FieldFault::SpaceBeforeColon));
        assert_eq!(parse(b": b"), Err(FieldFault::BadName));
        assert_eq!(parse(b"X A: b"), Err(FieldFault::BadName));
        for value in [&b"X: a\rb"[..], b"X: a\0b", b"X: \x7f"] {
            assert_eq!(parse(value), Err(FieldFault::Control));
        }
    }

    #[test]
    fn a_token_is_letters_digits_and_fifteen_signs() {
        let tokens: Vec<u8> = (0..=255).filter(|&octet| is_token(&[octet])).collect();
        let expected =
            b"!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
        assert_eq!(tokens, expected);
        assert!(!is_token(b""));
    }

    #[test]
    fn a_control_character_is_found_wherever_it_stands() {
        for place in 0..100 {
            let mut value = [b'a'; 100];
            assert!(is_all_text(&value));
            value[place] = 0x1f;
            assert!(!is_all_text(&value));
        }
    }

    #[test]
    fn no_value_can_start_a_line_of_its_own() {
        let mut wire = BytesMut::new();
        Header::new("X-A", "b\r\nSet-Cookie: c\0").encode(&mut wire);
        assert_eq!(wire, "X-A: b  Set-Cookie: c \r\n");
    }

    #[test]
    fn hop_by_hop_names_are_known_in_any_case() {
        assert!(is_hop_by_hop(b"Transfer-ENCODING"));
        assert!(!is_hop_by_hop(b"Content-Length"));
    }
}
