//! The head of a CGI response (RFC 3875 section 6): fields, a blank line, the body.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr_iter};

use crate::environ::decimal;
use crate::excerpt::excerpt;
use crate::field::{self, FieldFault, Header, is_hop_by_hop};
use crate::http::{self, HttpError, Limits, ResponseHead, Version, reason_phrase, status_code};

/// The head of a CGI response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgiHead {
    /// Status code, 100 to 999, and reason phrase; `None` if the application left it out.
    pub status: Option<(u16, Bytes)>,
    /// All fields but `Status`, in order, duplicates kept.
    pub fields: Vec<Header>,
}

/// Which of the four responses an application gave (RFC 3875 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// A document, goes to the client as it is.
    Document,
    /// The gateway answers as if this `path?query` had been requested.
    LocalRedirect(Bytes),
    /// The client is sent to this URI.
    ClientRedirect(Bytes),
    /// The client is sent to this URI and gets a document as well.
    ClientRedirectDocument(Bytes),
}

/// The application broke RFC 3875. Each variant carries what was seen.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CgiError {
    /// The output starts with a blank line (CGI-6.3-FIELD-SYNTAX).
    #[error("application sent no header field before the blank line")]
    NoField,
    /// The head exceeds the limit, in bytes.
    #[error("application sent a head longer than {0} bytes")]
    HeadTooLarge(usize),
    /// More fields than the limit.
    #[error("application sent more than {0} header fields")]
    TooManyFields(usize),
    /// A line that is no field.
    #[error("application sent the header line {line}, but {fault}")]
    Field {
        /// What is wrong with it.
        fault: FieldFault,
        /// The line.
        line: String,
    },
    /// `Status` is not three digits and a reason (CGI-6.3.3-STATUS-SYNTAX).
    #[error("application sent Status {0}, expected three digits and a reason")]
    Status(String),
    /// `Status`, `Content-Type`, `Location` or `Content-Length` came twice (CGI-6.3-NODUP).
    #[error("application sent {0} twice")]
    Duplicate(&'static str),
    /// `Location` is neither absolute URI nor absolute path (CGI-6.3.2-LOCAL-ABS).
    #[error("application sent Location {0}, expected an absolute URI or a path without fragment")]
    Location(String),
    /// `Content-Length` is no number.
    #[error("application sent Content-Length {0}, expected decimal digits")]
    Length(String),
    /// A status that does not end a response (DF-RESP-1XX).
    #[error("application sent the interim status {0} as its response")]
    Interim(u16),
    /// The application began an HTTP response and broke it.
    #[error("application sent a malformed HTTP response: {0}")]
    Http(#[from] HttpError),
}

/// Takes one head off the front of `buf`, or `None` while it is incomplete. Lines
/// end in LF or CR LF (CGI-7.2-CRLF); the body stays in `buf`.
///
/// # Errors
/// A head that is malformed or beyond `limits`.
pub fn decode_head(buf: &mut BytesMut, limits: &Limits) -> Result<Option<CgiHead>, CgiError> {
    let Some(head_len) = measure(buf, limits)? else {
        return Ok(None);
    };
    let head = buf.split_to(head_len).freeze();
    let mut fields = fields(&head, limits)?;
    for name in ["Status", "Content-Type", "Location", "Content-Length"] {
        if fields.iter().filter(|field| field.is(name)).count() > 1 {
            return Err(CgiError::Duplicate(name));
        }
    }
    let status = field::first(&fields, b"status")
        .map(parse_status)
        .transpose()?
        .flatten();
    fields.retain(|field| !field.is("status"));
    Ok(Some(CgiHead { status, fields }))
}

/// Takes the head of an NPH script's output, a whole HTTP response (RFC 3875 section 5).
///
/// # Errors
/// As [`http::decode_response`].
pub fn decode_nph(buf: &mut BytesMut, limits: &Limits) -> Result<Option<ResponseHead>, HttpError> {
    http::decode_response(buf, limits)
}

/// Takes a head that is either CGI or an HTTP response, as peers send it over uwsgi
/// and SCGI (UWSGI-RESP-HTTP, UWSGI-RESP-STATUS-HDR, SCGI-DF-RESP-HTTP-LINE).
///
/// # Errors
/// As [`decode_head`], and [`CgiError::Http`] once the output starts with `HTTP/`.
pub fn decode_either(buf: &mut BytesMut, limits: &Limits) -> Result<Option<CgiHead>, CgiError> {
    const START: &[u8] = b"HTTP/";
    if buf.starts_with(START) {
        let head = http::decode_response(buf, limits)?;
        return Ok(head.as_ref().map(CgiHead::from_response));
    }
    if START.starts_with(buf) {
        return Ok(None);
    }
    decode_head(buf, limits)
}

impl CgiHead {
    /// A head of this status with its usual reason and no field.
    pub fn new(status: u16) -> Self {
        Self {
            status: Some((status, reason_phrase(status).into())),
            fields: Vec::new(),
        }
    }

    /// The same head with one more field.
    #[must_use]
    pub fn with(mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.fields.push(Header::new(name, value));
        self
    }

    /// The head that says what an HTTP response says.
    pub fn from_response(head: &ResponseHead) -> Self {
        let kept = |field: &&Header| !is_hop_by_hop(&field.name) && !field.is("status");
        Self {
            status: Some((head.status, head.reason.clone())),
            fields: head.headers.iter().filter(kept).cloned().collect(),
        }
    }

    /// The first value of that field, its name compared without case.
    pub fn field(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        field::first(&self.fields, name.as_ref())
    }

    /// `Location`, unless it is empty, which equals absent (CGI-6.3-EMPTY-ABSENT).
    pub fn location(&self) -> Option<&Bytes> {
        self.field("location").filter(|value| !value.is_empty())
    }

    /// `Content-Type`, unless it is empty, which equals absent (CGI-6.3-EMPTY-ABSENT).
    pub fn content_type(&self) -> Option<&Bytes> {
        self.field("content-type").filter(|value| !value.is_empty())
    }

    /// Which of the four responses this is.
    ///
    /// A path without `Status` is a local redirect, whatever else came with it
    /// (CGI-6.2.2-LOCAL-REDIR); with a 3xx `Status` it goes to the client
    /// (CGI-6.2.4-LOCAL-STATUS). `Location` beside another status, such as 201, is
    /// a field of a document.
    ///
    /// # Errors
    /// [`CgiError::Location`] for a relative reference without status.
    pub fn kind(&self) -> Result<ReplyKind, CgiError> {
        let Some(location) = self.location().cloned() else {
            return Ok(ReplyKind::Document);
        };
        match &self.status {
            Some((300..=399, _)) => Ok(ReplyKind::ClientRedirectDocument(location)),
            Some(_) => Ok(ReplyKind::Document),
            None if is_absolute(&location) && self.content_type().is_some() => {
                Ok(ReplyKind::ClientRedirectDocument(location))
            }
            None if is_absolute(&location) => Ok(ReplyKind::ClientRedirect(location)),
            None if location.starts_with(b"/") && !location.contains(&b'#') => {
                Ok(ReplyKind::LocalRedirect(location))
            }
            None => Err(CgiError::Location(excerpt(&location))),
        }
    }

    /// The head for an HTTP client. `Status` becomes the status line, 200 by default
    /// (CGI-6.2.1-STATUS-DEFAULT) or 302 for a redirect (CGI-6.2.3-CLIENT-302);
    /// fields of one connection and empty CGI fields are left out. How the body is
    /// framed is up to the caller, who also handles a local redirect before.
    ///
    /// # Errors
    /// What cannot be the head of a final response.
    pub fn to_response(&self, version: Version) -> Result<ResponseHead, CgiError> {
        let (status, reason) = match (&self.status, self.kind()?) {
            (Some((status, reason)), _) => (*status, reason.clone()),
            (None, ReplyKind::Document) => (200, "OK".into()),
            (None, _) => (302, "Found".into()),
        };
        if status < 200 {
            return Err(CgiError::Interim(status));
        }
        self.check_length()?;
        let headers = self
            .fields
            .iter()
            .filter(|field| goes_to_client(field))
            .cloned()
            .collect();
        Ok(ResponseHead {
            version,
            status,
            reason,
            headers,
        })
    }

    /// One length or none: peers that pick different ones would see different bodies.
    fn check_length(&self) -> Result<(), CgiError> {
        let mut lengths = self
            .fields
            .iter()
            .filter(|field| field.is("content-length"));
        match (lengths.next(), lengths.next()) {
            (_, Some(_)) => Err(CgiError::Duplicate("Content-Length")),
            (Some(length), None) if !is_length(&length.value) => {
                Err(CgiError::Length(excerpt(&length.value)))
            }
            _ => Ok(()),
        }
    }

    /// Appends the head with its blank line.
    pub fn encode(&self, dst: &mut BytesMut) {
        if let Some((status, reason)) = &self.status {
            dst.put_slice(format!("Status: {status:03} ").as_bytes());
            field::put_text(reason, dst);
            dst.put_slice(b"\r\n");
        }
        for field in &self.fields {
            field.encode(dst);
        }
        dst.put_slice(b"\r\n");
    }
}

/// The length of the head with its blank line.
fn measure(buf: &[u8], limits: &Limits) -> Result<Option<usize>, CgiError> {
    let allowed = &buf[..buf.len().min(limits.head_bytes)];
    let mut start = 0;
    while let Some(end) = memchr(b'\n', &allowed[start..]) {
        let line = &allowed[start..start + end];
        let is_blank = matches!(line, b"" | b"\r");
        match (is_blank, start) {
            (true, 0) => return Err(CgiError::NoField),
            (true, _) => return Ok(Some(start + end + 1)),
            (false, _) => start += end + 1,
        }
    }
    match buf.len() < limits.head_bytes {
        true => Ok(None),
        false => Err(CgiError::HeadTooLarge(limits.head_bytes)),
    }
}

fn fields(head: &Bytes, limits: &Limits) -> Result<Vec<Header>, CgiError> {
    let mut fields = Vec::with_capacity(8);
    let mut start = 0;
    for end in memchr_iter(b'\n', head) {
        let line = &head[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if fields.len() == limits.headers {
            return Err(CgiError::TooManyFields(limits.headers));
        }
        let field = Header::parse(head, start..start + line.len());
        start = end + 1;
        fields.push(field.map_err(|fault| CgiError::Field {
            fault,
            line: excerpt(line),
        })?);
    }
    Ok(fields)
}

/// `3DIGIT [SP reason]`, or `None` if the value is empty (CGI-6.3-EMPTY-ABSENT). The
/// reason may be missing, which the RFC does not allow but everyone sends.
fn parse_status(value: &Bytes) -> Result<Option<(u16, Bytes)>, CgiError> {
    if value.is_empty() {
        return Ok(None);
    }
    let (digits, rest) = value.split_at(value.len().min(3));
    let reason = match rest.split_first() {
        None => Some(&b""[..]),
        Some((b' ' | b'\t', reason)) => Some(field::trim(reason)),
        Some(_) => None,
    };
    let parsed = status_code(digits).zip(reason);
    let (code, reason) = parsed.ok_or_else(|| CgiError::Status(excerpt(value)))?;
    Ok(Some((code, value.slice_ref(reason))))
}

/// Whether a Location starts with a scheme (CGI-6.3.2-ABS).
fn is_absolute(location: &[u8]) -> bool {
    let Some(colon) = location.iter().position(|&b| b == b':') else {
        return false;
    };
    let is_scheme = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    location[0].is_ascii_alphabetic() && location[..colon].iter().all(is_scheme)
}

fn is_length(value: &[u8]) -> bool {
    !value.is_empty() && decimal(value).is_some()
}

/// CGI-6.3.4-STRIP, and CGI-6.3-EMPTY-ABSENT for the fields that CGI defines.
fn goes_to_client(field: &Header) -> bool {
    let is_void = field.value.is_empty() && (field.is("location") || field.is("content-type"));
    !is_void && !is_hop_by_hop(&field.name) && !field.is("status")
}
