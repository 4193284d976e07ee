//! SCGI: the request headers as a netstring (protocol.txt of 2008-06-23).

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr_iter;

use crate::environ::{BadLength, Environ, decimal};
use crate::excerpt::excerpt;

/// The gateway broke the protocol. Each variant carries what was seen.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScgiError {
    /// The request does not start with decimal digits and a colon (SCGI-4-LEN-DECIMAL,
    /// SCGI-4-LEN-NO-ZERO, SCGI-DF-HTTP-DETECT).
    #[error("request starts with {0}, expected the length of a netstring and a colon")]
    NoNetstring(String),
    /// The headers exceed the limit, in bytes (SCGI-4-LEN-HUGE).
    #[error("headers longer than {0} bytes")]
    TooLarge(usize),
    /// Another byte where the netstring ends (SCGI-4-COMMA).
    #[error("byte 0x{0:02x} after the headers, expected a comma")]
    NoComma(u8),
    /// The headers are no pairs of NUL-terminated strings (SCGI-3-NUL-TERMINATED).
    #[error("headers are not pairs of strings that end in NUL")]
    Unpaired,
    /// A header without a name (SCGI-3-NAME-NONEMPTY).
    #[error("header without a name")]
    EmptyName,
    /// `CONTENT_LENGTH` or `SCGI` came twice (SCGI-3-NODUP-APP).
    #[error("header {0} came twice")]
    Duplicate(&'static str),
    /// The first header is not `CONTENT_LENGTH` (SCGI-3-CL-FIRST).
    #[error("first header is {0}, expected CONTENT_LENGTH")]
    LengthNotFirst(String),
    /// `CONTENT_LENGTH` is empty or no number (SCGI-3-CL-DIGITS).
    #[error("bad CONTENT_LENGTH")]
    Length(#[from] BadLength),
    /// The header `SCGI` is missing or not `1` (SCGI-3-SCGI-APP-CHECK).
    #[error("header SCGI is {0}, expected \"1\"")]
    Version(String),
}

/// A variable that SCGI cannot carry: the caller's fault.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unencodable {
    /// A NUL inside a name or value (SCGI-3-NO-NUL).
    #[error("variable {0} holds a NUL")]
    Nul(String),
    /// A variable without a name (SCGI-3-NAME-NONEMPTY).
    #[error("variable without a name")]
    EmptyName,
    /// A name that is there twice (SCGI-3-NODUP).
    #[error("variable {0} is there twice")]
    Duplicate(String),
}

/// Takes the headers of one request off the front of `buf`, or `None` while they
/// are incomplete. The body stays in `buf`; its length is the environment's
/// [`content_length`](Environ::content_length).
///
/// # Errors
/// Headers beyond `max` bytes, or any break of the format.
pub fn decode_request(buf: &mut BytesMut, max: usize) -> Result<Option<Environ>, ScgiError> {
    let Some((digits, len)) = netstring_len(buf, max)? else {
        return Ok(None);
    };
    let Some(&comma) = buf.get(len.saturating_add(digits + 1)) else {
        return Ok(None);
    };
    if comma != b',' {
        return Err(ScgiError::NoComma(comma));
    }
    let headers = buf
        .split_to(digits + len + 2)
        .freeze()
        .slice(digits + 1..digits + 1 + len);
    let environ = decode_headers(&headers)?;
    check(&environ)?;
    Ok(Some(environ))
}

/// Appends the headers of a request with a body of `body_length` bytes:
/// `CONTENT_LENGTH` first, `SCGI` next, whatever the environment says of them.
///
/// # Errors
/// [`Unencodable`]; nothing is appended then.
pub fn encode_request(
    environ: &Environ,
    body_length: u64,
    dst: &mut BytesMut,
) -> Result<(), Unencodable> {
    let is_other = |(name, _): &(&Bytes, &Bytes)| !matches!(&name[..], b"CONTENT_LENGTH" | b"SCGI");
    let others: Vec<(&Bytes, &Bytes)> = environ.iter().filter(is_other).collect();
    check_names(&others)?;
    let body_length = body_length.to_string();
    let fixed: [(&[u8], &[u8]); 2] = [(b"CONTENT_LENGTH", body_length.as_bytes()), (b"SCGI", b"1")];
    let others_len: usize = others.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
    let fixed_len: usize = fixed.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
    let (before, len) = (dst.len(), fixed_len + others_len);
    dst.reserve(len + 24);
    dst.put_slice(len.to_string().as_bytes());
    dst.put_u8(b':');
    let start = dst.len();
    let pairs = others.iter().map(|&(name, value)| (&name[..], &value[..]));
    for text in (fixed.into_iter().chain(pairs)).flat_map(|(name, value)| [name, value]) {
        dst.put_slice(text);
        dst.put_u8(0);
    }
    // Each string has one NUL, its end: more of them, and some string holds another.
    if memchr_iter(0, &dst[start..]).count() > 2 * (fixed.len() + others.len()) {
        dst.truncate(before);
        return Err(Unencodable::Nul(excerpt(holder_of_nul(&others))));
    }
    dst.put_u8(b',');
    Ok(())
}

/// The number of digits before the colon and the number they make.
fn netstring_len(buf: &[u8], max: usize) -> Result<Option<(usize, usize)>, ScgiError> {
    let digits = buf.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let no_netstring = || ScgiError::NoNetstring(excerpt(&buf[..buf.len().min(16)]));
    if matches!(&buf[..digits], [b'0', _, ..]) {
        return Err(no_netstring());
    }
    let len = match &buf[..digits] {
        b"" => 0,
        number => decimal(number)
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(usize::MAX),
    };
    if len > max {
        return Err(ScgiError::TooLarge(max));
    }
    match buf.get(digits) {
        None => Ok(None),
        Some(b':') if digits > 0 => Ok(Some((digits, len))),
        Some(_) => Err(no_netstring()),
    }
}

fn decode_headers(headers: &Bytes) -> Result<Environ, ScgiError> {
    let mut environ = Environ::with_capacity(32);
    if headers.is_empty() {
        return Ok(environ);
    }
    if headers.last() != Some(&0) {
        return Err(ScgiError::Unpaired);
    }
    let mut start = 0;
    let mut strings = memchr_iter(0, headers).map(|end| {
        let string = headers.slice(start..end);
        start = end + 1;
        string
    });
    while let Some(name) = strings.next() {
        environ.push(name, strings.next().ok_or(ScgiError::Unpaired)?);
    }
    Ok(environ)
}

/// Checks the two headers on which the request depends. Other names may come twice,
/// against SCGI-3-NODUP: nginx before 1.23 sends every `Cookie` field apart.
fn check(environ: &Environ) -> Result<(), ScgiError> {
    if environ.iter().any(|(name, _)| name.is_empty()) {
        return Err(ScgiError::EmptyName);
    }
    for name in ["CONTENT_LENGTH", "SCGI"] {
        if environ.all(name).count() > 1 {
            return Err(ScgiError::Duplicate(name));
        }
    }
    let first = environ.iter().next().map(|(name, _)| name);
    if first.is_none_or(|name| name != "CONTENT_LENGTH") {
        return Err(ScgiError::LengthNotFirst(evidence(first)));
    }
    if environ.content_length()?.is_none() {
        return Err(BadLength::NotANumber(excerpt(b"")).into());
    }
    match environ.get("SCGI") {
        Some(version) if version == "1" => Ok(()),
        other => Err(ScgiError::Version(evidence(other))),
    }
}

fn evidence(text: Option<&Bytes>) -> String {
    text.map_or_else(|| "missing".to_owned(), |text| excerpt(text))
}

/// No name is empty, and none there twice.
fn check_names(variables: &[(&Bytes, &Bytes)]) -> Result<(), Unencodable> {
    if variables.iter().any(|(name, _)| name.is_empty()) {
        return Err(Unencodable::EmptyName);
    }
    check_distinct(variables.iter().map(|&(name, _)| name).collect())
}

/// The name of the first variable with a NUL in its name or value.
fn holder_of_nul<'a>(variables: &[(&'a Bytes, &Bytes)]) -> &'a [u8] {
    let holds = |(name, value): &&(&Bytes, &Bytes)| name.contains(&0) || value.contains(&0);
    variables.iter().find(holds).map_or(b"", |(name, _)| name)
}

/// Sorted by length first, which mostly tells two names apart.
fn check_distinct(mut names: Vec<&Bytes>) -> Result<(), Unencodable> {
    names.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Unencodable::Duplicate(excerpt(pair[0]))),
        None => Ok(()),
    }
}
