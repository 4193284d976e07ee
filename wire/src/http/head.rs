//! Request and response heads: the first line, the fields, the blank line.

use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::memchr;

use super::HttpError;
use crate::excerpt::excerpt;
use crate::field::{self, Header, is_all_text, is_token};

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole head, first line and blank line included.
    pub head_bytes: usize,
    /// Number of header fields.
    pub headers: usize,
}

impl Default for Limits {
    /// 64 KiB and 256 fields: more than common gateways let through.
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            headers: 256,
        }
    }
}

/// A version of HTTP; another minor version of 1 counts as HTTP/1.1 (RFC 9110 section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// A token; case-sensitive.
    pub method: Bytes,
    /// The request target as received: no space, no control character.
    pub target: Bytes,
    /// The version of the message.
    pub version: Version,
    /// The fields in order, duplicates kept.
    pub headers: Vec<Header>,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The version of the message.
    pub version: Version,
    /// 100 to 999.
    pub status: u16,
    /// The reason phrase, possibly empty.
    pub reason: Bytes,
    /// The fields in order, duplicates kept.
    pub headers: Vec<Header>,
}

/// Takes one request head off the front of `buf`, or `None` while it is incomplete.
/// Empty lines before it are skipped (RFC 9112 section 2.2).
///
/// # Errors
/// A head that is malformed, ambiguous or beyond `limits`.
pub fn decode_request(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<RequestHead>, HttpError> {
    while buf.starts_with(b"\r\n") {
        buf.advance(2);
    }
    let Some((head, first_line)) = take_head(buf, limits)? else {
        return Ok(None);
    };
    let line = &head[first_line.clone()];
    let (method, target, version) = request_line(line)?;
    Ok(Some(RequestHead {
        method: head.slice_ref(method),
        target: head.slice_ref(target),
        version,
        headers: fields(&head, first_line.end + 2, limits)?,
    }))
}

/// Takes one response head off the front of `buf`, or `None` while it is incomplete.
///
/// # Errors
/// A head that is malformed, ambiguous or beyond `limits`.
pub fn decode_response(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<ResponseHead>, HttpError> {
    let Some((head, first_line)) = take_head(buf, limits)? else {
        return Ok(None);
    };
    let line = &head[first_line.clone()];
    let (version, status, reason) = status_line(line)?;
    Ok(Some(ResponseHead {
        version,
        status,
        reason: head.slice_ref(reason),
        headers: fields(&head, first_line.end + 2, limits)?,
    }))
}

impl RequestHead {
    /// The first value of that field, its name compared without case.
    pub fn header(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        field::first(&self.headers, name.as_ref())
    }

    /// Every value of that field, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.headers
            .iter()
            .filter(move |field| field.is(name))
            .map(|field| &field.value)
    }

    /// Appends the head with its blank line.
    pub fn encode(&self, dst: &mut BytesMut) {
        field::put_text(&self.method, dst);
        dst.put_u8(b' ');
        field::put_text(&self.target, dst);
        dst.put_u8(b' ');
        dst.put_slice(self.version.as_str().as_bytes());
        encode_fields(&self.headers, dst);
    }
}

impl ResponseHead {
    /// The first value of that field, its name compared without case.
    pub fn header(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        field::first(&self.headers, name.as_ref())
    }

    /// Every value of that field, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.headers
            .iter()
            .filter(move |field| field.is(name))
            .map(|field| &field.value)
    }

    /// Appends the head with its blank line. A CR, LF or NUL inside a field
    /// becomes a space, so that no value can start a line of its own.
    pub fn encode(&self, dst: &mut BytesMut) {
        dst.put_slice(self.version.as_str().as_bytes());
        dst.put_slice(format!(" {:03} ", self.status).as_bytes());
        field::put_text(&self.reason, dst);
        encode_fields(&self.headers, dst);
    }
}

impl Version {
    /// As it is written in a message and in `SERVER_PROTOCOL`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }

    fn parse(text: &[u8]) -> Option<Result<Self, HttpError>> {
        let &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = text else {
            return None;
        };
        if !major.is_ascii_digit() || !minor.is_ascii_digit() {
            return None;
        }
        Some(match (major, minor) {
            (b'1', b'0') => Ok(Self::Http10),
            (b'1', _) => Ok(Self::Http11),
            _ => Err(HttpError::Version(excerpt(text))),
        })
    }
}

/// Ends the first line, then appends the fields and the blank line.
fn encode_fields(headers: &[Header], dst: &mut BytesMut) {
    dst.put_slice(b"\r\n");
    for header in headers {
        header.encode(dst);
    }
    dst.put_slice(b"\r\n");
}

/// Takes a whole head off `buf`, and says where its first line is.
fn take_head(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<(Bytes, Range<usize>)>, HttpError> {
    let Some((head_len, first_len)) = measure(buf, limits)? else {
        return Ok(None);
    };
    Ok(Some((buf.split_to(head_len).freeze(), 0..first_len)))
}

/// The lengths of the head, blank line included, and of its first line.
fn measure(buf: &[u8], limits: &Limits) -> Result<Option<(usize, usize)>, HttpError> {
    let allowed = &buf[..buf.len().min(limits.head_bytes)];
    let (mut start, mut first_len) = (0, None);
    while let Some(len) = line_len(&allowed[start..])? {
        let first_len = *first_len.get_or_insert(len);
        if len == 0 && start > 0 {
            return Ok(Some((start + 2, first_len)));
        }
        start += len + 2;
    }
    match (buf.len() < limits.head_bytes, first_len) {
        (true, _) => Ok(None),
        (false, None) => Err(HttpError::FirstLineTooLong(limits.head_bytes)),
        (false, Some(_)) => Err(HttpError::HeadTooLarge(limits.head_bytes)),
    }
}

/// The length of the first line of `buf` without its CR LF.
pub(super) fn line_len(buf: &[u8]) -> Result<Option<usize>, HttpError> {
    match memchr(b'\n', buf) {
        None => Ok(None),
        Some(end) if buf[..end].ends_with(b"\r") => Ok(Some(end - 1)),
        Some(end) => Err(HttpError::BareLineFeed(excerpt(&buf[..end]))),
    }
}

/// The field lines of `head` from `start` up to the blank line.
pub(super) fn fields(
    head: &Bytes,
    mut start: usize,
    limits: &Limits,
) -> Result<Vec<Header>, HttpError> {
    let mut fields = Vec::with_capacity(16);
    while let Some(len) = line_len(&head[start..])?.filter(|&len| len > 0) {
        if fields.len() == limits.headers {
            return Err(HttpError::TooManyHeaders(limits.headers));
        }
        let line = start..start + len;
        let field = Header::parse(head, line.clone()).map_err(|fault| HttpError::Field {
            fault,
            line: excerpt(&head[line]),
        })?;
        fields.push(field);
        start += len + 2;
    }
    Ok(fields)
}

fn request_line(line: &[u8]) -> Result<(&[u8], &[u8], Version), HttpError> {
    let malformed = || HttpError::RequestLine(excerpt(line));
    let mut parts = line.split(|&b| b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    // A fragment never goes on the wire; a control character is no URI.
    let is_target = |so_far, &b: &u8| so_far & (b > b' ') & (b != 0x7f) & (b != b'#');
    if !is_token(method) || target.is_empty() || !target.iter().fold(true, is_target) {
        return Err(malformed());
    }
    let version = Version::parse(version).ok_or_else(malformed)??;
    Ok((method, target, version))
}

fn status_line(line: &[u8]) -> Result<(Version, u16, &[u8]), HttpError> {
    let malformed = || HttpError::StatusLine(excerpt(line));
    let mut parts = line.splitn(3, |&b| b == b' ');
    let (Some(version), Some(status)) = (parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let reason = parts.next().unwrap_or_default();
    let version = Version::parse(version).ok_or_else(malformed)??;
    let status = status_code(status).ok_or_else(malformed)?;
    if !is_all_text(reason) {
        return Err(malformed());
    }
    Ok((version, status, reason))
}

/// A status code: exactly three digits, 100 to 999.
pub(crate) fn status_code(digits: &[u8]) -> Option<u16> {
    let &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = digits else {
        return None;
    };
    Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}
