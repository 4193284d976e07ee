//! A request head, and what a server that is too kind, or too strict, makes of it.
//!
//! The codec refuses what RFC 9112 tells to refuse. Who serves it all the same has it put right
//! before it is decoded.

use bytes::{Bytes, BytesMut};
use wire::{
    field::Header,
    http::{self, Framing, HttpError, Limits, RequestHead, Version},
};

use super::{
    super::{Site, Trouble, flaw::Flaw, peer::Incoming},
    Stop,
};

/// Octets of a request line that [`Flaw::HttpLineOf4096`] takes.
const SHORT_LINE: usize = 4096;
/// Octets that a first read has at least where [`Flaw::HttpHeadInOneRead`] goes on.
const FEW: usize = 16;

/// Reads the next head; none at the end.
pub(super) async fn read(
    site: &Site,
    incoming: &mut Incoming,
) -> Result<Option<RequestHead>, Stop> {
    loop {
        loosen(site, &mut incoming.buf);
        if site.does(Flaw::HttpEmptyLineRefused) && incoming.buf.starts_with(b"\r\n") {
            return Err(Stop::Refused(400));
        }
        match http::decode_request(&mut incoming.buf, &Limits::default()) {
            Ok(Some(head)) => return allowed(site, head).map(Some),
            Ok(None) => {}
            Err(error) => return Err(refusal(site, &error)),
        }
        let few = (1..FEW).contains(&incoming.buf.len());
        if few && site.does(Flaw::HttpHeadInOneRead) {
            return Err(Stop::Refused(400));
        }
        if incoming.fill().await? == 0 {
            return Ok(None);
        }
    }
}

/// How a head that cannot be read is answered.
fn refusal(site: &Site, error: &HttpError) -> Stop {
    let drops = match error {
        HttpError::RequestLine(_) => site.does(Flaw::HttpNonsenseDropped),
        HttpError::HeadTooLarge(_) => site.does(Flaw::HttpLargeHeadDropped),
        _ => false,
    };
    if drops {
        return Stop::Trouble(Trouble::Gone);
    }
    let is_long = matches!(error, HttpError::FirstLineTooLong(_));
    Stop::Refused(match is_long && site.does(Flaw::HttpLongTarget400) {
        true => 400,
        false => error.status(),
    })
}

/// RFC 9112 section 3.2: one Host, which is one.
fn allowed(site: &Site, mut head: RequestHead) -> Result<RequestHead, Stop> {
    let refused = Err(Stop::Refused(400));
    let hosts: Vec<&Bytes> = head.all("host").collect();
    if hosts.is_empty() && head.version == Version::Http11 && !site.does(Flaw::HttpNoHostServed) {
        return refused;
    }
    if hosts.len() > 1 && !site.does(Flaw::HttpTwoHostsServed) {
        return refused;
    }
    if !hosts.iter().all(|host| is_host(host)) && !site.does(Flaw::HttpAnyHostServed) {
        return refused;
    }
    if hosts.len() != 1 || !is_host(hosts[0]) {
        // The environment is made of what the codec takes.
        drop_field(&mut head, "host");
        head.headers.push(Header::new("Host", "localhost"));
    }
    if !head.target.starts_with(b"/") && site.does(Flaw::HttpAbsoluteRefused) {
        return refused;
    }
    if head.target.len() > SHORT_LINE && site.does(Flaw::HttpLineOf4096) {
        return Err(Stop::Refused(414));
    }
    Ok(head)
}

fn is_host(host: &[u8]) -> bool {
    !host.iter().any(|b| b" /?#@".contains(b))
}

/// How the body is framed, by what the fault makes of the fields.
pub(super) fn framing(site: &Site, head: &mut RequestHead) -> Result<Framing, HttpError> {
    let error = match head.framing() {
        Ok(framing) => return Ok(framing),
        Err(error) => error,
    };
    match error {
        HttpError::BadLength(_) if site.does(Flaw::HttpBadLengthIs0) => Ok(Framing::None),
        HttpError::BadLength(_) => of_length(site, head).ok_or(error),
        HttpError::RepeatedLength(_) => of_lengths(site, head).ok_or(error),
        HttpError::LengthAndEncoding if site.does(Flaw::HttpLengthBeatsChunks) => {
            drop_field(head, "transfer-encoding");
            head.framing()
        }
        HttpError::LengthAndEncoding if site.does(Flaw::HttpBothFramingsKeptOpen) => {
            drop_field(head, "content-length");
            head.framing()
        }
        HttpError::EncodingInHttp10 if site.does(Flaw::Http10ChunkedKept) => Ok(Framing::Chunked),
        HttpError::EncodingWithoutEnd(_) if site.does(Flaw::HttpChunkedAnywhere) => {
            Ok(Framing::Chunked)
        }
        HttpError::UnknownEncoding(_) if site.does(Flaw::HttpCodingsIgnored) => {
            Ok(Framing::Chunked)
        }
        _ => Err(error),
    }
}

/// A single length that is none.
fn of_length(site: &Site, head: &RequestHead) -> Option<Framing> {
    let value = head.header("content-length")?;
    let text = std::str::from_utf8(value).ok()?;
    if let Some(digits) = text
        .strip_prefix('+')
        .filter(|_| site.does(Flaw::HttpSignedLengthTaken))
    {
        return Some(Framing::Length(digits.parse().ok()?));
    }
    if let Some((first, _)) = text
        .split_once(',')
        .filter(|_| site.does(Flaw::HttpFirstLengthCounts))
    {
        return Some(Framing::Length(first.parse().ok()?));
    }
    let wide: u128 = text.parse().ok()?;
    site.does(Flaw::HttpLengthWraps)
        .then_some(Framing::Length(wide as u64))
}

/// Several lengths.
fn of_lengths(site: &Site, head: &RequestHead) -> Option<Framing> {
    let mut lengths = head.all("content-length");
    let first = lengths.next()?;
    let agree = lengths.all(|other| other == first);
    let takes = match agree {
        true => site.does(Flaw::HttpAgreeingLengthsTaken),
        false => site.does(Flaw::HttpFirstLengthCounts),
    };
    let length = std::str::from_utf8(first).ok()?.parse().ok()?;
    takes.then_some(Framing::Length(length))
}

fn drop_field(head: &mut RequestHead, name: &str) {
    head.headers.retain(|field: &Header| !field.is(name));
}

/// What becomes of a head.
type Edit = fn(&str) -> String;

/// Puts right what the codec would refuse.
fn loosen(site: &Site, buf: &mut BytesMut) {
    let edits: [(Flaw, Edit); 7] = [
        (Flaw::HttpBareLfServed, |head| {
            head.replace("\r\n", "\n").replace('\n', "\r\n")
        }),
        (Flaw::HttpSpaceColonServed, |head| head.replace(" :", ":")),
        (Flaw::HttpFoldDropped, |head| {
            match head.contains("HTTP/1.1\r\n ") {
                true => head.to_owned(),
                false => head.replace("\r\n ", ""),
            }
        }),
        (Flaw::HttpIndentIgnored, |head| {
            head.replace("HTTP/1.1\r\n ", "HTTP/1.1\r\n")
        }),
        (Flaw::HttpNulDropped, |head| head.replace('\0', "")),
        (Flaw::HttpBareCrEndsLine, |head| {
            let kept = head.replace("\r\n", "\u{ffff}");
            kept.replace(['\r', '\u{ffff}'], "\r\n")
        }),
        (Flaw::HttpLastWordDropped, without_fourth_word),
    ];
    let edit = edits.into_iter().find(|(flaw, _)| site.does(*flaw));
    let Some((_, edit)) = edit else { return };
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].map(|end| {
        let found = buf.windows(end.len()).position(|window| window == end);
        found.map(|at| at + end.len())
    });
    let Some(end) = ends.into_iter().flatten().min() else {
        return;
    };
    let rest = buf.split_off(end);
    // Octet for octet: each is the code point of the same number.
    let head: String = buf.iter().copied().map(char::from).collect();
    let edited: Vec<u8> = edit(&head).chars().map(|c| c as u8).collect();
    *buf = BytesMut::from(&edited[..]);
    buf.unsplit(rest);
}

/// `GET /a b HTTP/1.1` as `GET /a HTTP/1.1`.
fn without_fourth_word(head: &str) -> String {
    let (line, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [method, target, _, version] => format!("{method} {target} {version}\r\n{rest}"),
        _ => head.to_owned(),
    }
}
