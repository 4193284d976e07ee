//! The head of an HTTP/1.1 reply, as far as framing needs it (RFC 9112 §2, §4, §5, §6.3).

/// Why a reply is no HTTP/1.1.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Malformed {
    #[error("first line is no HTTP/1 status line")]
    StatusLine,
    #[error("line of the head does not end in CRLF")]
    LineEnd,
    #[error("field line without a proper name")]
    FieldName,
    #[error("control character in a field value")]
    FieldValue,
    #[error("Content-Length is no number")]
    Length,
    #[error("two Content-Length fields that disagree")]
    TwoLengths,
    #[error("Content-Length beside Transfer-Encoding")]
    LengthAndCoding,
    #[error("Transfer-Encoding other than chunked")]
    Coding,
    #[error("head of more than {HEAD_MAX} bytes")]
    HeadTooLong,
    #[error("switched protocols unasked")]
    Upgrade,
    #[error("chunk size is no hexadecimal number")]
    ChunkSize,
    #[error("chunk or trailer does not end in CRLF")]
    ChunkEnd,
    #[error("{0} bytes after the end of the reply")]
    Surplus(usize),
}

/// Longest head that is read, in bytes.
pub(super) const HEAD_MAX: usize = 64 * 1024;

/// How the end of the body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// What the head says about the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether the server lets the connection live on.
    pub(super) persistent: bool,
    /// Bytes that the head takes, its empty line included.
    pub(super) len: usize,
}

/// Reads one head off the front of `buf`, or `None` while it is incomplete.
pub(super) fn read(buf: &[u8]) -> Result<Option<Head>, Malformed> {
    let mut rest = buf;
    let Some(status_line) = line(&mut rest)? else {
        return Ok(None);
    };
    let mut fields = Fields::after(status_line)?;
    while let Some(field_line) = line(&mut rest)? {
        if field_line.is_empty() {
            return fields.head(buf.len() - rest.len()).map(Some);
        }
        fields.take(field_line)?;
    }
    match buf.len() {
        0..HEAD_MAX => Ok(None),
        _ => Err(Malformed::HeadTooLong),
    }
}

/// Takes the first line off; a bare LF is refused, as no gateway means to send one.
fn line<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
        return Ok(None);
    };
    let line = rest[..end].strip_suffix(b"\r");
    *rest = &rest[end + 1..];
    line.map(Some).ok_or(Malformed::LineEnd)
}

/// The fields that matter, as they come.
struct Fields {
    status: u16,
    length: Option<u64>,
    chunked: bool,
    persistent: bool,
}

impl Fields {
    fn after(status_line: &[u8]) -> Result<Self, Malformed> {
        let (minor, code) = match status_line {
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                b'1',
                b'.',
                minor @ (b'0' | b'1'),
                b' ',
                code @ ..,
            ] => (*minor, code),
            _ => return Err(Malformed::StatusLine),
        };
        // RFC 9112 §4 wants a space after the code even where the reason is empty;
        // servers that leave it out are understood by every client.
        let status = match code {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => [a, b, c],
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] => [a, b, c],
            _ => return Err(Malformed::StatusLine),
        };
        Ok(Self {
            status: status
                .iter()
                .fold(0, |sum, &&digit| sum * 10 + u16::from(digit - b'0')),
            length: None,
            chunked: false,
            persistent: minor == b'1',
        })
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let colon = line.iter().position(|&byte| !is_token(byte));
        let Some(colon) = colon.filter(|&at| at > 0 && line[at] == b':') else {
            return Err(Malformed::FieldName);
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if value.iter().any(|&byte| byte == b'\r' || byte == 0) {
            return Err(Malformed::FieldValue);
        }
        // The length of the name tells the three fields of interest apart at once.
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => self.connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value)?,
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            match option.trim_ascii() {
                word if word.eq_ignore_ascii_case(b"close") => self.persistent = false,
                word if word.eq_ignore_ascii_case(b"keep-alive") => self.persistent = true,
                _ => {}
            }
        }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Malformed> {
        let digits = value.trim_ascii();
        if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Malformed::Length);
        }
        let length = digits
            .iter()
            .fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0'));
        if self
            .length
            .replace(length)
            .is_some_and(|first| first != length)
        {
            return Err(Malformed::TwoLengths);
        }
        Ok(())
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Malformed> {
        // No other coding was asked for with TE, and chunked may be applied only once.
        if self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed::Coding);
        }
        self.chunked = true;
        Ok(())
    }

    fn head(&self, len: usize) -> Result<Head, Malformed> {
        let framing = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(Malformed::LengthAndCoding),
            (true, None) => Framing::Chunked,
            (false, Some(length)) => Framing::Length(length),
            (false, None) => Framing::UntilClose,
        };
        if self.status == 101 {
            return Err(Malformed::Upgrade);
        }
        Ok(Head {
            status: self.status,
            framing: match self.status {
                // RFC 9112 §6.3: these end at the empty line whatever their fields say.
                100..200 | 204 | 304 => Framing::Length(0),
                _ => framing,
            },
            persistent: self.persistent,
            len,
        })
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_head(wire: &[u8], status: u16, framing: Framing, persistent: bool) {
        let len = wire.len();
        let expected = Head {
            status,
            framing,
            persistent,
            len,
        };
        assert_eq!(read(wire), Ok(Some(expected)));
        for cut in 0..len {
            assert_eq!(read(&wire[..cut]), Ok(None), "cut after {cut} bytes");
        }
    }

    #[track_caller]
    fn assert_refused(wire: &[u8], why: Malformed) {
        assert_eq!(read(wire), Err(why));
    }

    #[test]
    fn content_length_frames_the_body() {
        let wire = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nCONTENT-LENGTH: 13\r\n\r\n";
        assert_head(wire, 200, Framing::Length(13), true);
    }

    #[test]
    fn chunked_frames_the_body() {
        let wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
        assert_head(wire, 200, Framing::Chunked, true);
    }

    #[test]
    fn without_either_the_body_ends_with_the_connection() {
        assert_head(b"HTTP/1.1 502 \r\n\r\n", 502, Framing::UntilClose, true);
    }

    #[test]
    fn http_1_0_closes_unless_it_says_otherwise() {
        let closing = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_head(closing, 200, Framing::Length(0), false);
        let staying = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
        assert_head(staying, 200, Framing::Length(0), true);
    }

    #[test]
    fn close_is_found_among_other_connection_options() {
        let wire = b"HTTP/1.1 200\r\nConnection: foo , Close\r\nContent-Length: 1\r\n\r\n";
        assert_head(wire, 200, Framing::Length(1), false);
    }

    #[test]
    fn not_modified_has_no_body_whatever_its_length_says() {
        let wire = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n";
        assert_head(wire, 304, Framing::Length(0), true);
    }

    #[test]
    fn broken_heads_are_refused() {
        assert_refused(b"HTTP/2 200\r\n\r\n", Malformed::StatusLine);
        assert_refused(b"HTTP/1.1 2000 OK\r\n\r\n", Malformed::StatusLine);
        assert_refused(b"Status: 200 OK\r\n\r\n", Malformed::StatusLine);
        assert_refused(b"HTTP/1.1 200 OK\n\n", Malformed::LineEnd);
        assert_refused(b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Malformed::FieldName);
        assert_refused(b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", Malformed::FieldName);
        assert_refused(b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", Malformed::FieldValue);
        assert_refused(b"HTTP/1.1 101 Go\r\n\r\n", Malformed::Upgrade);
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        let both = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_refused(both, Malformed::LengthAndCoding);
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
        assert_refused(two, Malformed::TwoLengths);
        let list = b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n";
        assert_refused(list, Malformed::Length);
        let gzip = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
        assert_refused(gzip, Malformed::Coding);
    }

    #[test]
    fn a_head_without_end_is_given_up() {
        let wire = [b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'a'; HEAD_MAX]].concat();
        assert_refused(&wire, Malformed::HeadTooLong);
    }
}
