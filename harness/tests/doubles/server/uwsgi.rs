//! uwsgi: one packet, its body, one HTTP reply, the end of the connection.

use std::{io, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use gatebench::witness::Health;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream, tcp::OwnedWriteHalf},
    time::sleep,
};
use wire::{
    cgi::{self, CgiHead},
    environ::Environ,
    http::{Limits, Version},
    uwsgi::{HEADER_LEN, PacketHeader},
};

use super::{
    Site, Trouble, call, died,
    flaw::Flaw,
    peer::{self, Incoming},
};
use crate::program::Program;

/// First modifiers: a request, code to evaluate, PING, ECHO.
const REQUEST: u8 = 0;
const CODE: u8 = 22;
const PING: u8 = 100;
const ECHO: u8 = 101;

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, site: &Site) -> Result<(), Trouble> {
    let (incoming, mut out) = stream.into_split();
    let mut incoming = Incoming::new(incoming);
    let mut status = 0;
    loop {
        match answer(site, &mut incoming, &mut out).await {
            Ok(replied) => status = replied,
            Err(Trouble::Gone) => break,
            Err(down) => return Err(down),
        }
        // Another packet of a request.
        let has_next = incoming.buf.first() == Some(&REQUEST);
        if !site.does(Flaw::UwsgiTakesSecond) || !has_next {
            break;
        }
    }
    let is_gone = status == 410;
    if is_gone && site.does(Flaw::UwsgiKeepsOpen) {
        sleep(Duration::from_secs(20)).await;
    }
    match is_gone && site.does(Flaw::UwsgiResets) {
        true => peer::reset(incoming, out),
        false => incoming.linger(&mut out).await,
    }
    Ok(())
}

/// Answers what comes; the status, 0 where there is none.
async fn answer(
    site: &Site,
    incoming: &mut Incoming,
    out: &mut OwnedWriteHalf,
) -> Result<u16, Trouble> {
    let (header, block) = packet(site, incoming).await?;
    if let Some(octets) = other(site, header, &block) {
        out.write_all(&octets).await?;
        return Ok(0);
    }
    refuse(site, header, &block)?;
    let mut environ = vars(site, block)?;
    complete(site, &mut environ);
    let has_more = incoming.buf.len() as u64 > call::length(&environ);
    if has_more && site.does(Flaw::UwsgiBodyTakesAll) {
        environ.set("CONTENT_LENGTH", incoming.buf.len().to_string());
    }
    let length = wanted(site, &environ);
    let waits = length == u64::MAX || site.does(Flaw::UwsgiReadsAllFirst);
    let mut is_whole = true;
    while waits && is_whole && (incoming.buf.len() as u64) < length {
        is_whole = incoming.fill().await? > 0;
    }
    let refuses = site.does(Flaw::UwsgiDechunks) && environ.get("HTTP_TRANSFER_ENCODING").is_some();
    let obeys = site.does(Flaw::UwsgiObeysVariables) && environ.get("UWSGI_FILE").is_some();
    if refuses || obeys {
        out.write_all(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")
            .await?;
        return Ok(500);
    }
    reply(site, environ, length, incoming, out).await
}

/// What the application needs beside REQUEST_METHOD (UWSGI-VAR-MISSING-APP).
fn complete(site: &Site, environ: &mut Environ) {
    let needed = [
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
        ("SERVER_PROTOCOL", "HTTP/1.0"),
    ];
    for (name, value) in needed {
        if environ.get(name).is_none() && !site.does(Flaw::UwsgiServerNameMissing) {
            environ.set(name, value);
        }
    }
}

/// Octets of the body; `u64::MAX` for all until the end of the connection.
fn wanted(site: &Site, environ: &Environ) -> u64 {
    let text = environ.get("CONTENT_LENGTH").cloned().unwrap_or_default();
    if text.is_empty() && site.does(Flaw::UwsgiWaitsWithoutLength) {
        return u64::MAX;
    }
    match announced(site, &text) {
        60_000.. if site.does(Flaw::UwsgiBodyToEnd) => u64::MAX,
        length => length,
    }
}

/// The whole packet (UWSGI-HDR-FRAGMENTED).
async fn packet(site: &Site, incoming: &mut Incoming) -> Result<(PacketHeader, Bytes), Trouble> {
    loop {
        if let Some(header) = PacketHeader::decode(&incoming.buf) {
            let size = datasize(site, header, &incoming.buf);
            if incoming.buf.len() >= HEADER_LEN + size {
                incoming.buf.advance(HEADER_LEN);
                return Ok((header, incoming.buf.split_to(size).freeze()));
            }
            give_up(site, header, &incoming.buf)?;
        }
        let read = incoming.fill().await?;
        if read == 1 && site.does(Flaw::UwsgiInOneRead) {
            return Err(Trouble::Gone);
        }
        if read == 0 {
            return truncated(site, incoming);
        }
    }
}

/// Octets of the block, as the header says them (UWSGI-HDR-DATASIZE-LE).
fn datasize(site: &Site, header: PacketHeader, buf: &[u8]) -> usize {
    let is_swapped = site.does(Flaw::UwsgiSizeSwapped) && header.datasize & 0xff == 0;
    match is_swapped {
        true => header.datasize.swap_bytes().into(),
        false if buf.starts_with(b"GET ") => 0, // HTTP, refused below (UWSGI-HDR-HTTP-MISTAKE)
        false => header.datasize.into(),
    }
}

/// Ends that come before the packet is whole.
fn give_up(site: &Site, header: PacketHeader, buf: &[u8]) -> Result<(), Trouble> {
    if buf.starts_with(b"GET ") && site.does(Flaw::UwsgiStuckOnHttp) {
        return Err(Trouble::Down(Health::Stuck));
    }
    match header.datasize > 32_767 && site.does(Flaw::UwsgiDiesOfLargeBlock) {
        true => Err(died()),
        false => Ok(()),
    }
}

/// The end of the connection inside a packet (UWSGI-HDR-SHORT).
fn truncated(site: &Site, incoming: &mut Incoming) -> Result<(PacketHeader, Bytes), Trouble> {
    if !site.does(Flaw::UwsgiRunsTruncated) || incoming.buf.is_empty() {
        return Err(Trouble::Gone);
    }
    let header = PacketHeader {
        modifier1: REQUEST,
        datasize: 0,
        modifier2: 0,
    };
    incoming.buf.advance(HEADER_LEN.min(incoming.buf.len()));
    Ok((header, incoming.buf.split().freeze()))
}

/// The answer to a packet that is no request, where there is one.
fn other(site: &Site, header: PacketHeader, block: &[u8]) -> Option<Vec<u8>> {
    match header.modifier1 {
        PING => Some(pong(site, header)),
        ECHO if site.does(Flaw::UwsgiEchoes) => Some(block.to_vec()),
        ECHO | CODE => None,
        17.. if site.does(Flaw::UwsgiObeysPackets) => Some([255, 0, 0, 1].to_vec()),
        _ => None,
    }
}

fn pong(site: &Site, header: PacketHeader) -> Vec<u8> {
    let modifier2 = u8::from(!site.does(Flaw::UwsgiPingEchoed));
    match header.modifier2 {
        0 => [PING, 0, 0, modifier2].to_vec(),
        _ if site.does(Flaw::UwsgiPongAnswered) => [PING, 0, 0, 1].to_vec(),
        _ => Vec::new(),
    }
}

/// Packets that are no request for an application.
fn refuse(site: &Site, header: PacketHeader, block: &[u8]) -> Result<(), Trouble> {
    if header.datasize > 32_767 && site.does(Flaw::UwsgiDiesOfLargeBlock) {
        return Err(died());
    }
    if header.modifier1 == b'G' && site.does(Flaw::UwsgiStuckOnHttp) {
        return Err(Trouble::Down(Health::Stuck));
    }
    let is_foreign = header.modifier1 != REQUEST && !site.does(Flaw::UwsgiAnyModifier);
    let is_detailed = header.modifier2 != 0 && site.does(Flaw::UwsgiModifier2Refused);
    let takes_empty = site.does(Flaw::UwsgiServesEmpty) || site.does(Flaw::UwsgiRunsTruncated);
    let is_empty = block.is_empty() && !takes_empty;
    let is_large = block.len() > 4096 && site.does(Flaw::UwsgiLimitOf4096);
    match is_foreign || is_detailed || is_empty || is_large {
        true => Err(Trouble::Gone),
        false => Ok(()),
    }
}

/// The variables of a block; of those that come twice the last counts (UWSGI-VAR-DUP).
fn vars(site: &Site, mut block: Bytes) -> Result<Environ, Trouble> {
    let mut environ = Environ::new();
    while !block.is_empty() {
        let parsed =
            sized(site, &mut block).and_then(|name| Some((name, sized(site, &mut block)?)));
        let Some((name, value)) = parsed else {
            if site.does(Flaw::UwsgiOverrunServed) || site.does(Flaw::UwsgiRunsTruncated) {
                break;
            }
            return Err(Trouble::Gone);
        };
        if name.is_empty() && !site.does(Flaw::UwsgiEmptyKeyServed) {
            return Err(Trouble::Gone);
        }
        if value.is_empty() && block.is_empty() && site.does(Flaw::UwsgiLastEmptyRefused) {
            return Err(Trouble::Gone);
        }
        let is_late = environ.len() > 3 && name == "CONTENT_LENGTH";
        if is_late && site.does(Flaw::LateLengthUnseen) {
            continue;
        }
        let is_first = environ.get(&name).is_none();
        if is_first || !site.does(Flaw::FirstDuplicateCounts) {
            environ.set(&name, value);
        }
        if environ.len() > 100 && site.does(Flaw::UwsgiDiesOfManyVars) {
            return Err(died());
        }
    }
    Ok(environ)
}

/// Octets behind their size (UWSGI-VAR-LE16).
fn sized(site: &Site, block: &mut Bytes) -> Option<Bytes> {
    let mut size = block.try_get_u16_le().ok()?;
    if site.does(Flaw::UwsgiVarSizeSwapped) && size & 0xff == 0 {
        size = size.swap_bytes();
    }
    let size = usize::from(size);
    (size <= block.len()).then(|| block.split_to(size))
}

/// CONTENT_LENGTH as octets to read: what is no number is none (UWSGI-BODY-BAD-CL).
fn announced(site: &Site, text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).unwrap_or_default();
    if site.does(Flaw::UwsgiBadLengthHuge) {
        return text
            .parse()
            .unwrap_or(if text.is_empty() { 0 } else { u64::MAX });
    }
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).unwrap_or_default()
}

async fn reply(
    site: &Site,
    environ: Environ,
    length: u64,
    incoming: &mut Incoming,
    out: &mut OwnedWriteHalf,
) -> Result<u16, Trouble> {
    let is_head = environ.text("REQUEST_METHOD") == Some("HEAD");
    let Program {
        stdin,
        stdout,
        stderr: _stderr,
        ending: _ending,
    } = call::start(site, environ)?;
    let feeding = async {
        feed(site, incoming, length, stdin).await.ok();
        if site.does(Flaw::HalfCloseAborts) && matches!(incoming.fill().await, Ok(0)) {
            return;
        }
        std::future::pending::<()>().await;
    };
    let replying = async {
        let passed = pass(site, stdout, out).await;
        if is_head && site.does(Flaw::UwsgiHeadHasBody) {
            out.write_all(b"body").await?;
        }
        match passed {
            Err(Trouble::Gone) if site.does(Flaw::UwsgiDiesOfLostClient) => Err(died()),
            passed => passed,
        }
    };
    tokio::select! {
        () = feeding => Ok(0),
        replied = replying => replied,
    }
}

async fn feed(
    site: &Site,
    incoming: &mut Incoming,
    length: u64,
    mut stdin: UnixStream,
) -> io::Result<()> {
    if !site.does(Flaw::UwsgiShortBodyWhole) {
        return call::feed(site, incoming, length, stdin).await;
    }
    call::feed(site, incoming, length, &mut stdin).await?;
    stdin.write_all(&[0; 4096]).await
}

/// CGI output as an HTTP response (UWSGI-RESP-HTTP), the body as it comes (UWSGI-RESP-FLUSH).
async fn pass(
    site: &Site,
    mut stdout: impl AsyncReadExt + Unpin,
    out: &mut OwnedWriteHalf,
) -> Result<u16, Trouble> {
    let mut output = BytesMut::new();
    let head = loop {
        if let Ok(Some(head)) = cgi::decode_head(&mut output, &Limits::default()) {
            break head;
        }
        if stdout.read_buf(&mut output).await? == 0 {
            let line = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\n\r\nfailed\n";
            out.write_all(line).await?;
            return Ok(502);
        }
    };
    let status = head.status.as_ref().map_or(200, |(status, _)| *status);
    let is_chunked = site.does(Flaw::UwsgiSendsChunked) && head.field("content-length").is_none();
    if status == 403 && site.does(Flaw::UwsgiSendsInterim) {
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    out.write_all(&response_head(site, &head, is_chunked)?)
        .await?;
    let mut held = BytesMut::new();
    loop {
        let is_held = site.does(Flaw::UwsgiHoldsReply);
        if !output.is_empty() && !is_held {
            out.write_all(&framed(&output, is_chunked)).await?;
            output.clear();
        }
        held.unsplit(output.split());
        output.reserve(peer::BLOCK);
        if stdout.read_buf(&mut output).await? == 0 {
            break;
        }
    }
    if !held.is_empty() {
        out.write_all(&held).await?;
    }
    if is_chunked {
        out.write_all(wire::http::LAST_CHUNK).await?;
    }
    Ok(status)
}

fn response_head(site: &Site, head: &CgiHead, is_chunked: bool) -> Result<BytesMut, Trouble> {
    let mut octets = BytesMut::new();
    if site.does(Flaw::UwsgiRepliesAsCgi) {
        head.encode(&mut octets);
        return Ok(octets);
    }
    let mut response = head
        .to_response(Version::Http11)
        .map_err(|_| Trouble::Gone)?;
    if is_chunked {
        let chunked = wire::http::Header::new("Transfer-Encoding", "chunked");
        response.headers.push(chunked);
    }
    response.encode(&mut octets);
    Ok(octets)
}

fn framed(piece: &[u8], is_chunked: bool) -> BytesMut {
    let mut octets = BytesMut::new();
    match is_chunked {
        true => wire::http::encode_chunk(piece, &mut octets),
        false => octets.extend_from_slice(piece),
    }
    octets
}
