//! Checks of what an application says of its head (PEP 3333, "The start_response() Callable").
//!
//! Faults are told when `start_response` is called (WSGI-SR-CHECK-EARLY), so that the traceback
//! shows whose they are.

use bytes::Bytes;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use wire::cgi::CgiHead;
use wire::field::{Header, is_hop_by_hop};

/// A head that has been checked.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) head: CgiHead,
    /// Its `Content-Length`.
    pub(crate) length: Option<u64>,
    /// The body comes from elsewhere: a gateway replaces it by a file.
    pub(crate) is_delegated: bool,
}

/// Fields by which an application hands the body over to the gateway.
const DELEGATING: [&str; 3] = ["x-accel-redirect", "x-sendfile", "x-lighttpd-send-file"];

impl Head {
    pub(crate) fn of(status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let status = split_status(status)?;
        // WSGI-SR-HEADERS-LIST
        let headers = headers.cast::<PyList>().map_err(|_| {
            let name = type_name(headers);
            PyTypeError::new_err(format!("response headers must be a list, not {name}"))
        })?;
        let mut fields = Vec::with_capacity(headers.len() + 1);
        let (mut length, mut is_delegated) = (None, false);
        for header in headers {
            let field = field(&header)?;
            if field.is("status") {
                // It would take the place of the status line where replies are CGI's.
                continue;
            }
            if field.is("content-length") {
                length = Some(content_length(&field, length)?);
            }
            is_delegated |= DELEGATING.iter().any(|name| field.is(name));
            fields.push(field);
        }
        if status.0 == 204 {
            // WSGI-CL-204-304: by some protocols nobody behind us would take it out.
            fields.retain(|field: &Header| !field.is("content-length"));
            length = None;
        }
        let status = Some(status);
        Ok(Self {
            head: CgiHead { status, fields },
            length,
            is_delegated,
        })
    }

    /// Whether the status is one that has no body (WSGI-CL-204-304).
    pub(crate) fn is_bodiless(&self) -> bool {
        matches!(self.head.status, Some((204 | 304, _)))
    }

    pub(crate) fn set_length(&mut self, length: u64) {
        self.length = Some(length);
        let field = Header::new("Content-Length", length.to_string());
        self.head.fields.push(field);
    }
}

/// WSGI-SR-STATUS-FORMAT: "999 Message here".
fn split_status(status: &Bound<'_, PyAny>) -> PyResult<(u16, Bytes)> {
    let text = text(status, "status")?;
    let fault = || {
        let shown = status
            .repr()
            .map_or_else(|_| "?".into(), |repr| repr.to_string());
        PyValueError::new_err(format!(
            "status must be three digits, a space and a reason, as in '200 OK', not {shown}"
        ))
    };
    let Some((digits, [b' ', reason @ ..])) = text.split_at_checked(3) else {
        return Err(fault());
    };
    let is_blank = |end: Option<&u8>| matches!(end, Some(b' ' | b'\t'));
    let is_bad = is_blank(reason.first()) || is_blank(reason.last());
    if is_bad || reason.iter().any(u8::is_ascii_control) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(fault());
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    // An interim response is none (DF-RESP-1XX).
    match code {
        200.. => Ok((code, Bytes::copy_from_slice(reason))),
        _ => Err(fault()),
    }
}

fn field(header: &Bound<'_, PyAny>) -> PyResult<Header> {
    let fault = || {
        let name = type_name(header);
        PyTypeError::new_err(format!(
            "each response header must be a tuple of name and value, not {name}"
        ))
    };
    let pair = header.cast::<PyTuple>().map_err(|_| fault())?;
    if pair.len() != 2 {
        return Err(fault());
    }
    let (name, value) = (pair.get_item(0)?, pair.get_item(1)?);
    let bytes = text(&name, "header name")?;
    let shown = || {
        name.repr()
            .map_or_else(|_| "?".into(), |repr| repr.to_string())
    };
    if !is_token(&bytes) {
        let shown = shown();
        return Err(PyValueError::new_err(format!(
            "header name {shown} is not a token"
        )));
    }
    // WSGI-SR-HOP-SERVER
    if is_hop_by_hop(&bytes) || bytes.eq_ignore_ascii_case(b"proxy-authenticate") {
        let shown = shown();
        return Err(PyValueError::new_err(format!(
            "header {shown} concerns the connection, which is the server's (PEP 3333, \"Other \
             HTTP Features\"): leave it out"
        )));
    }
    let value_bytes = text(&value, "header value")?;
    // WSGI-SR-HEADER-VALUE, but for the tab, which HTTP allows.
    if value_bytes
        .iter()
        .any(|&byte| byte.is_ascii_control() && byte != b'\t')
    {
        let shown = shown();
        return Err(PyValueError::new_err(format!(
            "the value of header {shown} has a control character, such as a line end"
        )));
    }
    Ok(Header::new(bytes, value_bytes))
}

/// One length: two that differ would be read as two bodies.
fn content_length(field: &Header, before: Option<u64>) -> PyResult<u64> {
    let digits = field.value.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(digits).ok().filter(|_| is_number);
    match (length.and_then(|length| length.parse().ok()), before) {
        (Some(length), None) => Ok(length),
        (Some(_), Some(_)) => Err(PyValueError::new_err("Content-Length is given twice")),
        (None, _) => Err(PyValueError::new_err(format!(
            "Content-Length must be a number of bytes, not {:?}",
            String::from_utf8_lossy(&field.value)
        ))),
    }
}

/// A string as the bytes of its characters (WSGI-SR-STATUS-LATIN1, WSGI-SR-STR-TYPE).
fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Bytes> {
    let Ok(string) = value.cast::<PyString>() else {
        let name = type_name(value);
        return Err(PyTypeError::new_err(format!(
            "{what} must be a str, not {name}"
        )));
    };
    let beyond = || {
        let shown = value
            .repr()
            .map_or_else(|_| "?".into(), |repr| repr.to_string());
        PyValueError::new_err(format!(
            "{what} {shown} has characters that ISO-8859-1 lacks (PEP 3333, \"Unicode Issues\"): \
             encode them before"
        ))
    };
    // Fails for lone surrogates.
    let Ok(text) = string.to_cow() else {
        return Err(beyond());
    };
    if text.is_ascii() {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.map(Bytes::from).map_err(|_| beyond())
}

pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name();
    name.map_or_else(|_| "something else".to_owned(), |name| name.to_string())
}

/// RFC 9110 section 5.6.2 (WSGI-SR-HEADER-NAME).
fn is_token(name: &[u8]) -> bool {
    let is_token = |&byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.iter().all(is_token)
}
