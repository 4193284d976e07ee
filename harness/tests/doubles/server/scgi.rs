//! SCGI: a netstring, a body, CGI output, the end of the connection.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatebench::witness::Health;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::sleep,
};
use wire::environ::Environ;

use super::{
    Site, Trouble, call, died,
    flaw::Flaw,
    peer::{self, Incoming},
};
use crate::program::Program;

/// The most octets of headers.
const MOST: usize = 128 * 1024;

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, site: &Site) -> Result<(), Trouble> {
    let (incoming, mut out) = stream.into_split();
    let mut incoming = Incoming::new(incoming);
    let mut is_gone = false;
    loop {
        match answer(site, &mut incoming, &mut out).await {
            Ok(says_gone) => is_gone = says_gone,
            Err(Trouble::Gone) => break,
            Err(down) => return Err(down),
        }
        if !site.does(Flaw::ScgiTakesSecond) || incoming.buf.is_empty() {
            break;
        }
    }
    if is_gone && site.does(Flaw::ScgiKeepsOpen) {
        sleep(Duration::from_secs(20)).await;
    }
    match is_gone && site.does(Flaw::ScgiResets) {
        true => peer::reset(incoming, out),
        false => incoming.linger(&mut out).await,
    }
    Ok(())
}

/// Answers what comes; whether its status is 410.
async fn answer(
    site: &Site,
    incoming: &mut Incoming,
    out: &mut OwnedWriteHalf,
) -> Result<bool, Trouble> {
    let environ = headers(site, incoming).await?;
    let mut length = call::length(&environ);
    if length > 60_000 && site.does(Flaw::ScgiBodyToEnd) {
        length = u64::MAX;
    }
    if site.does(Flaw::ScgiReadsAllFirst) || length == u64::MAX {
        while (incoming.buf.len() as u64) < length && incoming.fill().await? > 0 {}
    }
    let Program {
        stdin,
        mut stdout,
        stderr: _stderr,
        ending: _ending,
    } = call::start(site, environ)?;
    let feeding = async {
        call::feed(site, incoming, length, stdin).await.ok();
        if site.does(Flaw::HalfCloseAborts) && matches!(incoming.fill().await, Ok(0)) {
            return;
        }
        std::future::pending::<()>().await;
    };
    let replying = async {
        let mut block = BytesMut::new();
        let (mut said, mut is_gone) = (0, false);
        loop {
            block.reserve(peer::BLOCK);
            if stdout.read_buf(&mut block).await? == 0 {
                break;
            }
            is_gone |= said == 0 && block.starts_with(b"Status: 410");
            if block.starts_with(b"Status: 404") && site.does(Flaw::ScgiHeadless) {
                // The body without its head.
                let head = block.windows(2).position(|end| end == b"\n\n");
                drop(block.split_to(head.map_or(0, |at| at + 2)));
            }
            said += block.len();
            out.write_all(&block.split()).await?;
        }
        if said == 0 {
            out.write_all(&call::FAILED).await?;
        }
        Ok::<_, Trouble>(is_gone)
    };
    tokio::select! {
        () = feeding => Ok(false),
        replied = replying => replied,
    }
}

/// The headers, once the netstring is whole (SCGI-4-FRAGMENTED, SCGI-4-COMMA-LATE).
async fn headers(site: &Site, incoming: &mut Incoming) -> Result<Environ, Trouble> {
    loop {
        if let Some(block) = netstring(site, incoming)? {
            return environ(site, &block);
        }
        let read = incoming.fill().await?;
        if read == 1 && incoming.buf.len() == 1 && site.does(Flaw::ScgiInOneRead) {
            return Err(Trouble::Gone);
        }
        if read == 0 {
            return truncated(site, incoming);
        }
    }
}

/// The content of the netstring, or `None` while it is incomplete.
fn netstring(site: &Site, incoming: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
    let buf = &mut incoming.buf;
    let digits = buf
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    if digits > 10 {
        // SCGI-4-LEN-HUGE
        return Err(if site.does(Flaw::ScgiDiesOfHugeLength) {
            died()
        } else {
            Trouble::Gone
        });
    }
    let Some(&colon) = buf.get(digits) else {
        return Ok(None);
    };
    if colon != b':' || digits == 0 {
        return Err(match site.does(Flaw::ScgiStuckOnHttp) {
            true => Trouble::Down(Health::Stuck),
            false => Trouble::Gone, // SCGI-DF-HTTP-DETECT
        });
    }
    let text = std::str::from_utf8(&buf[..digits]).unwrap_or_default();
    let length: usize = text.parse().map_err(|_| Trouble::Gone)?;
    if length > MOST {
        return Err(if site.does(Flaw::ScgiDiesOfHugeLength) {
            died()
        } else {
            Trouble::Gone
        });
    }
    let end = digits + 1 + length;
    if site.does(Flaw::ScgiCommaAtOnce) && buf.len() == end {
        return Err(Trouble::Gone);
    }
    let Some(&comma) = buf.get(end) else {
        return Ok(None);
    };
    if comma != b',' {
        return Err(Trouble::Gone);
    }
    Ok(Some(buf.split_to(end + 1).freeze().slice(digits + 1..end)))
}

/// The end of the connection inside the netstring (SCGI-4-TRUNCATED).
fn truncated(site: &Site, incoming: &mut Incoming) -> Result<Environ, Trouble> {
    let colon = incoming.buf.iter().position(|&octet| octet == b':');
    match colon {
        Some(at) if site.does(Flaw::ScgiRunsTruncated) => {
            let block = incoming.buf.split().freeze().slice(at + 1..);
            environ(site, &block)
        }
        _ => Err(Trouble::Gone),
    }
}

fn environ(site: &Site, block: &Bytes) -> Result<Environ, Trouble> {
    let mut environ = Environ::new();
    let mut strings = block.split(|&octet| octet == 0).collect::<Vec<_>>();
    if strings.pop().is_none_or(|rest| !rest.is_empty()) && !site.does(Flaw::ScgiRunsTruncated) {
        return Err(Trouble::Gone);
    }
    for pair in strings.chunks(2) {
        let &[name, value] = pair else {
            if site.does(Flaw::ScgiRunsTruncated) {
                break;
            }
            return Err(Trouble::Gone);
        };
        if value.is_empty() && name.starts_with(b"HTTP_") && site.does(Flaw::ScgiEmptyValueRefused)
        {
            return Err(Trouble::Gone);
        }
        let is_twice = environ.get(name).is_some();
        if is_twice && name == b"CONTENT_LENGTH" && !site.does(Flaw::ScgiDuplicateTaken) {
            return Err(Trouble::Gone); // SCGI-3-NODUP-APP
        }
        environ.set(name, block.slice_ref(value));
    }
    check(site, &environ)?;
    Ok(environ)
}

/// The headers that a request depends on.
fn check(site: &Site, environ: &Environ) -> Result<(), Trouble> {
    let mut names = environ.iter().map(|(name, _)| name);
    let is_first = names.next().is_some_and(|name| name == "CONTENT_LENGTH");
    let length = environ.get("CONTENT_LENGTH").cloned().unwrap_or_default();
    let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let is_checked = !site.does(Flaw::ScgiLengthUnchecked);
    if is_checked && (!is_first || !is_number) {
        return Err(Trouble::Gone); // SCGI-3-CL-APP-CHECK
    }
    let is_second = names.next().is_some_and(|name| name == "SCGI");
    if !is_second && site.does(Flaw::ScgiVersionSecond) {
        return Err(Trouble::Gone);
    }
    let says_one = environ.get("SCGI").is_some_and(|version| version == "1");
    match says_one || site.does(Flaw::ScgiVersionUnchecked) {
        true => Ok(()),
        false => Err(Trouble::Gone), // SCGI-3-SCGI-APP-CHECK
    }
}
