//! Records: the unit of transmission (FastCGI 1.0 section 3.3).

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Malformed;

/// Length of a record header in bytes.
pub const HEADER_LEN: usize = 8;

/// Most bytes of content in one record.
pub const MAX_CONTENT: usize = 65535;

/// Most content in a record that needs no padding. Long streams are cut here, since
/// PHP refuses records whose content and padding together exceed 65535 bytes.
pub(super) const MAX_ALIGNED: usize = MAX_CONTENT & !7;

/// The type of a record: any octet, since peers may send types that do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(pub u8);

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the content is.
    pub kind: Kind,
    /// The request it belongs to; 0 for management records.
    pub request_id: u16,
    /// At most 65535 bytes.
    pub content: Bytes,
    /// How many bytes of padding came behind the content.
    pub padding: u8,
}

impl Kind {
    /// Begins a request (gateway).
    pub const BEGIN_REQUEST: Self = Self(1);
    /// Asks for the end of a request (gateway).
    pub const ABORT_REQUEST: Self = Self(2);
    /// Ends a request (application server).
    pub const END_REQUEST: Self = Self(3);
    /// Stream of name-value pairs (gateway).
    pub const PARAMS: Self = Self(4);
    /// Stream of the request body (gateway).
    pub const STDIN: Self = Self(5);
    /// Stream of the CGI response (application server).
    pub const STDOUT: Self = Self(6);
    /// Stream of log text (application server).
    pub const STDERR: Self = Self(7);
    /// Stream of file data for a Filter (gateway).
    pub const DATA: Self = Self(8);
    /// Asks for management values (gateway).
    pub const GET_VALUES: Self = Self(9);
    /// Answers with management values (application server).
    pub const GET_VALUES_RESULT: Self = Self(10);
    /// Answers a management record of a type it does not know (application server).
    pub const UNKNOWN_TYPE: Self = Self(11);

    /// The name in the specification without its prefix, if the type exists.
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 11] = [
            "BEGIN_REQUEST",
            "ABORT_REQUEST",
            "END_REQUEST",
            "PARAMS",
            "STDIN",
            "STDOUT",
            "STDERR",
            "DATA",
            "GET_VALUES",
            "GET_VALUES_RESULT",
            "UNKNOWN_TYPE",
        ];
        NAMES.get(usize::from(self.0).checked_sub(1)?).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "record type {}", self.0),
        }
    }
}

/// Takes one record off the front of `buf`, or `None` while it is incomplete. The
/// content is a slice of `buf`, padding and the reserved byte are dropped unread
/// (FCGI-3.3-PAD-SKIP, FCGI-3.3-RESERVED).
///
/// # Errors
/// [`Malformed::Version`], as soon as the first byte is there.
pub fn decode(buf: &mut BytesMut) -> Result<Option<Record>, Malformed> {
    if let Some(&version) = buf.first().filter(|&&version| version != 1) {
        return Err(Malformed::Version(version));
    }
    let Some(&header) = buf.first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let [
        _version,
        kind,
        id_hi,
        id_lo,
        len_hi,
        len_lo,
        padding,
        _reserved,
    ] = header;
    let content_len = usize::from(u16::from_be_bytes([len_hi, len_lo]));
    let record_len = HEADER_LEN + content_len + usize::from(padding);
    if buf.len() < record_len {
        return Ok(None);
    }
    let mut content = buf.split_to(record_len).freeze();
    content.advance(HEADER_LEN);
    content.truncate(content_len);
    let request_id = u16::from_be_bytes([id_hi, id_lo]);
    Ok(Some(Record {
        kind: Kind(kind),
        request_id,
        content,
        padding,
    }))
}

/// Appends `content` as one record, padded to a multiple of 8 bytes
/// (FCGI-3.3-PAD-ALIGN). An empty content ends a stream; one beyond
/// [`MAX_CONTENT`] becomes several records.
pub fn encode(kind: Kind, request_id: u16, content: &[u8], dst: &mut BytesMut) {
    let Ok(len) = u16::try_from(content.len()) else {
        return encode_stream(kind, request_id, content, dst);
    };
    let padding = padding(len);
    dst.reserve(HEADER_LEN + content.len() + usize::from(padding));
    dst.put_slice(&header(kind, request_id, len, padding));
    dst.put_slice(content);
    dst.put_bytes(0, usize::from(padding));
}

/// Appends `data` as the records of a stream: none if it is empty, and no end mark.
pub fn encode_stream(kind: Kind, request_id: u16, data: &[u8], dst: &mut BytesMut) {
    for piece in data.chunks(MAX_ALIGNED) {
        encode(kind, request_id, piece, dst);
    }
}

/// Appends the empty record that ends a stream (FCGI-3.3-STREAM-EOF).
pub fn encode_end(kind: Kind, request_id: u16, dst: &mut BytesMut) {
    dst.put_slice(&header(kind, request_id, 0, 0));
}

/// A record header, for who writes the content apart from it.
pub fn header(kind: Kind, request_id: u16, content_len: u16, padding: u8) -> [u8; HEADER_LEN] {
    let [id_hi, id_lo] = request_id.to_be_bytes();
    let [len_hi, len_lo] = content_len.to_be_bytes();
    [1, kind.0, id_hi, id_lo, len_hi, len_lo, padding, 0]
}

/// The padding that fills a record up to a multiple of 8 bytes: 0 to 7.
pub fn padding(content_len: u16) -> u8 {
    (content_len.wrapping_neg() & 7) as u8
}
