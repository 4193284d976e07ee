//! Where a body ends, and whether the connection outlives it (RFC 9112 sections 6 and 9).

use bytes::Bytes;

use super::{Header, HttpError, RequestHead, ResponseHead, Version};
use crate::environ::decimal;
use crate::excerpt::excerpt;
use crate::field::trim;

/// How the end of a message body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks; see [`ChunkedDecoder`](super::ChunkedDecoder).
    Chunked,
    /// Everything until the peer closes; responses only.
    UntilClose,
}

impl RequestHead {
    /// How the body of this request is framed.
    ///
    /// # Errors
    /// Lengths that contradict each other or cannot be read (RFC 9112 section 6.3).
    pub fn framing(&self) -> Result<Framing, HttpError> {
        if has_encoding(&self.headers, self.version)? {
            return Ok(Framing::Chunked);
        }
        Ok(length(&self.headers)?.map_or(Framing::None, Framing::Length))
    }

    /// Whether the client wants to keep the connection after this request.
    pub fn keep_alive(&self) -> bool {
        keep_alive(&self.headers, self.version)
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11
            && self
                .all("expect")
                .any(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }
}

impl ResponseHead {
    /// How the body of this response to a request of `request_method` is framed.
    ///
    /// # Errors
    /// Lengths that contradict each other or cannot be read (RFC 9112 section 6.3).
    pub fn framing(&self, request_method: &[u8]) -> Result<Framing, HttpError> {
        let tunnel = request_method == b"CONNECT" && (200..300).contains(&self.status);
        if request_method == b"HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::None);
        }
        if tunnel {
            return Ok(Framing::UntilClose);
        }
        if has_encoding(&self.headers, self.version)? {
            return Ok(Framing::Chunked);
        }
        Ok(length(&self.headers)?.map_or(Framing::UntilClose, Framing::Length))
    }

    /// Whether the server keeps the connection, by its fields alone: a body that
    /// ends with the connection ends it in any case.
    pub fn keep_alive(&self) -> bool {
        keep_alive(&self.headers, self.version)
    }
}

/// Whether the body is chunked; any other coding is refused.
fn has_encoding(headers: &[Header], version: Version) -> Result<bool, HttpError> {
    let codings: Vec<&[u8]> = elements(headers, "transfer-encoding").collect();
    if !headers.iter().any(|field| field.is("transfer-encoding")) {
        return Ok(false);
    }
    if version == Version::Http10 {
        return Err(HttpError::EncodingInHttp10);
    }
    if headers.iter().any(|field| field.is("content-length")) {
        return Err(HttpError::LengthAndEncoding);
    }
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let seen = || excerpt(&codings.join(&b", "[..]));
    match codings.split_last() {
        Some((last, [])) if is_chunked(last) => Ok(true),
        Some((last, others)) if is_chunked(last) && !others.iter().any(is_chunked) => {
            Err(HttpError::UnknownEncoding(seen()))
        }
        _ => Err(HttpError::EncodingWithoutEnd(seen())),
    }
}

/// The one `Content-Length`. Repeated ones are refused even if they agree, since
/// not every peer compares them.
fn length(headers: &[Header]) -> Result<Option<u64>, HttpError> {
    let mut lengths = headers.iter().filter(|field| field.is("content-length"));
    let Some(Header { value, .. }) = lengths.next() else {
        return Ok(None);
    };
    match lengths.count() {
        0 => parse_length(value).map(Some),
        others => Err(HttpError::RepeatedLength(others + 1)),
    }
}

fn parse_length(value: &Bytes) -> Result<u64, HttpError> {
    let length = if value.is_empty() {
        None
    } else {
        decimal(value)
    };
    length.ok_or_else(|| HttpError::BadLength(excerpt(value)))
}

fn keep_alive(headers: &[Header], version: Version) -> bool {
    let has =
        |option: &[u8]| elements(headers, "connection").any(|e| e.eq_ignore_ascii_case(option));
    match version {
        _ if has(b"close") => false,
        Version::Http11 => true,
        Version::Http10 => has(b"keep-alive"),
    }
}

/// The elements of a comma-separated field over all its lines, empty ones left out.
fn elements<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers
        .iter()
        .filter(move |field| field.is(name))
        .map(|field| &field.value);
    values
        .flat_map(|value| value.split(|&b| b == b','))
        .map(trim)
        .filter(|element| !element.is_empty())
}
