//! The chunked transfer coding (RFC 9112 section 7.1).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::head::{Limits, fields, line_len};
use super::percent::hex_digit;
use super::{Header, HttpError};
use crate::excerpt::excerpt;
use crate::field::{is_text, trim};

/// The chunk that ends a body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Bytes of a chunk-size line with its extensions, which are ignored.
const MAX_SIZE_LINE: usize = 1024;

/// Limits of the trailer section.
const TRAILERS: Limits = Limits {
    head_bytes: 16 * 1024,
    headers: 64,
};

/// Takes a chunked body apart; one decoder a body.
#[derive(Clone, Debug, Default)]
pub struct ChunkedDecoder {
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// A piece of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkEvent {
    /// Bytes of the body, as they came; chunks may be cut or arrive whole.
    Data(Bytes),
    /// The body is complete.
    End {
        /// The fields after the last chunk.
        trailers: Vec<Header>,
    },
}

impl ChunkedDecoder {
    /// A decoder at the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece off the front of `buf`, or `None` while more bytes
    /// are needed and after the end. What follows the body stays in `buf`.
    ///
    /// # Errors
    /// Framing that two readers could take differently; the body is lost then.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<ChunkEvent>, HttpError> {
        loop {
            match self.state {
                State::Size => {
                    let Some(size) = take_size(buf)? else {
                        return Ok(None);
                    };
                    self.state = if size == 0 {
                        State::Trailers
                    } else {
                        State::Data(size)
                    };
                }
                State::Data(left) => return Ok(self.take_data(left, buf)),
                State::DataEnd => {
                    if !take_data_end(buf)? {
                        return Ok(None);
                    }
                    self.state = State::Size;
                }
                State::Trailers => return self.take_trailers(buf),
                State::Done => return Ok(None),
            }
        }
    }

    fn take_data(&mut self, left: u64, buf: &mut BytesMut) -> Option<ChunkEvent> {
        if buf.is_empty() {
            return None;
        }
        let len = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        self.state = match left - len as u64 {
            0 => State::DataEnd,
            left => State::Data(left),
        };
        Some(ChunkEvent::Data(buf.split_to(len).freeze()))
    }

    fn take_trailers(&mut self, buf: &mut BytesMut) -> Result<Option<ChunkEvent>, HttpError> {
        let Some(len) = trailers_len(buf)? else {
            return Ok(None);
        };
        let section = buf.split_to(len).freeze();
        let trailers = fields(&section, 0, &TRAILERS)?;
        self.state = State::Done;
        Ok(Some(ChunkEvent::End { trailers }))
    }
}

/// Appends `data` as one chunk; nothing if it is empty, since that would end the body.
pub fn encode_chunk(data: &[u8], dst: &mut BytesMut) {
    if data.is_empty() {
        return;
    }
    dst.reserve(data.len() + 20);
    dst.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
    dst.put_slice(data);
    dst.put_slice(b"\r\n");
}

fn take_size(buf: &mut BytesMut) -> Result<Option<u64>, HttpError> {
    let Some(len) = line_len(&buf[..buf.len().min(MAX_SIZE_LINE)])? else {
        return match buf.len() < MAX_SIZE_LINE {
            true => Ok(None),
            false => Err(HttpError::ChunkSizeTooLong(MAX_SIZE_LINE)),
        };
    };
    let line = &buf[..len];
    let size = parse_size(line).ok_or_else(|| HttpError::ChunkSize(excerpt(line)))?;
    buf.advance(len + 2);
    Ok(Some(size))
}

/// `1*HEXDIG` and extensions, of which nothing is used.
fn parse_size(line: &[u8]) -> Option<u64> {
    let digits_end = line
        .iter()
        .position(|b| !b.is_ascii_hexdigit())
        .unwrap_or(line.len());
    let (digits, extensions) = line.split_at(digits_end);
    let ends_well = extensions.is_empty() || trim(extensions).starts_with(b";");
    if digits.is_empty() || !ends_well || !line.iter().copied().all(is_text) {
        return None;
    }
    digits.iter().try_fold(0u64, |size, &digit| {
        let shifted = size.checked_mul(16)?;
        Some(shifted | u64::from(hex_digit(digit)?))
    })
}

/// Takes the CR LF behind a chunk's data; false while it is incomplete.
fn take_data_end(buf: &mut BytesMut) -> Result<bool, HttpError> {
    let seen = &buf[..buf.len().min(2)];
    if !b"\r\n".starts_with(seen) {
        return Err(HttpError::ChunkEnd(excerpt(seen)));
    }
    if seen.len() < 2 {
        return Ok(false);
    }
    buf.advance(2);
    Ok(true)
}

/// The length of the trailer section with its blank line.
fn trailers_len(buf: &[u8]) -> Result<Option<usize>, HttpError> {
    let allowed = &buf[..buf.len().min(TRAILERS.head_bytes)];
    let mut start = 0;
    while let Some(len) = line_len(&allowed[start..])? {
        start += len + 2;
        if len == 0 {
            return Ok(Some(start));
        }
    }
    match buf.len() < TRAILERS.head_bytes {
        true => Ok(None),
        false => Err(HttpError::HeadTooLarge(TRAILERS.head_bytes)),
    }
}
