//! A request body, and how a server may miss its end.

use bytes::{Bytes, BytesMut};
use wire::{
    field::Header,
    http::{self, ChunkEvent, ChunkedDecoder, Framing, HttpError, RequestHead},
};

use super::{
    super::{Site, Trouble, flaw::Flaw, peer::Incoming},
    Stop,
};

/// Reads the body; what its trailers say may become fields of the head.
pub(super) async fn read(
    site: &Site,
    head: &mut RequestHead,
    framing: Framing,
    incoming: &mut Incoming,
) -> Result<Bytes, Stop> {
    match framing {
        Framing::None if head.method == "POST" && site.does(Flaw::HttpPostWaitsForEnd) => {
            while incoming.fill().await? > 0 {}
            Ok(incoming.buf.split().freeze())
        }
        Framing::None | Framing::UntilClose => Ok(Bytes::new()),
        Framing::Length(length) => of_length(site, length, incoming).await,
        Framing::Chunked => of_chunks(site, head, incoming).await,
    }
}

async fn of_length(site: &Site, length: u64, incoming: &mut Incoming) -> Result<Bytes, Stop> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    while incoming.buf.len() < length {
        more(site, incoming).await?;
    }
    let takes = match site.does(Flaw::HttpBodyTakesAll) {
        true => incoming.buf.len(),
        false => length,
    };
    Ok(incoming.buf.split_to(takes).freeze())
}

/// Waits for more of a body; its end before it is whole ends the connection.
async fn more(site: &Site, incoming: &mut Incoming) -> Result<(), Stop> {
    if incoming.fill().await? > 0 {
        return Ok(());
    }
    if site.does(Flaw::HttpShortBodyWaits) {
        std::future::pending::<()>().await;
    }
    Err(Trouble::Gone.into())
}

async fn of_chunks(
    site: &Site,
    head: &mut RequestHead,
    incoming: &mut Incoming,
) -> Result<Bytes, Stop> {
    let (mut decoder, mut chunks) = (ChunkedDecoder::new(), Vec::new());
    let trailers = loop {
        edit(site, &mut incoming.buf)?;
        match decoder.decode(&mut incoming.buf) {
            Ok(Some(ChunkEvent::Data(data))) => chunks.push(data),
            Ok(Some(ChunkEvent::End { trailers })) => break trailers,
            Ok(None) if site.does(Flaw::HttpChunkInOneRead) && !incoming.buf.is_empty() => {
                return Err(Stop::Refused(400));
            }
            Ok(None) => more(site, incoming).await?,
            Err(error) if ends(site, &error) => {
                incoming.buf.clear();
                break Vec::new();
            }
            Err(error) => return Err(error.into()),
        }
    };
    if site.does(Flaw::HttpTrailersMerged) {
        head.headers.extend::<Vec<Header>>(trailers);
    }
    if site.does(Flaw::HttpChunkedTakesAll) {
        incoming.buf.clear();
    }
    Ok(joined(site, &chunks))
}

/// Chunk-size lines that the codec refuses and a faulty server does not, or the other way round.
fn edit(site: &Site, buf: &mut BytesMut) -> Result<(), Stop> {
    if site.does(Flaw::HttpExtensionsRefused) && buf.contains(&b';') {
        return Err(Stop::Refused(400));
    }
    let edits = [
        (Flaw::HttpChunkSizeWraps, &b"10000000000000003\r\n"[..]),
        (Flaw::HttpChunkSize0x, b"0x3\r\n"),
    ];
    for (flaw, line) in edits {
        if site.does(flaw) && buf.starts_with(line) {
            let rest = buf.split_off(line.len());
            *buf = BytesMut::from(&b"3\r\n"[..]);
            buf.unsplit(rest);
        }
    }
    Ok(())
}

/// Whether a mistake in the chunks is taken for their end.
fn ends(site: &Site, error: &HttpError) -> bool {
    match error {
        HttpError::ChunkSize(line) => line.contains('z') && site.does(Flaw::HttpBadChunkIsTheLast),
        HttpError::ChunkEnd(_) => site.does(Flaw::HttpChunkEndSkipped),
        _ => false,
    }
}

fn joined(site: &Site, chunks: &[Bytes]) -> Bytes {
    let keeps = chunks.len() > 1 && site.does(Flaw::HttpChunksKept);
    let mut body = BytesMut::new();
    for chunk in chunks {
        match keeps {
            true => http::encode_chunk(chunk, &mut body),
            false => body.extend_from_slice(chunk),
        }
    }
    body.freeze()
}
