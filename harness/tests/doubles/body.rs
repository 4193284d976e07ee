//! The body of a request.

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt, net::UnixStream, time::timeout};
use wire::http::{ChunkEvent, ChunkedDecoder, Framing, Header, LAST_CHUNK, encode_chunk};

use super::{conduct::Conduct, connection::Trouble, incoming::Incoming};

/// A body as it comes from the client.
pub(super) struct Body {
    left: Left,
    length: Option<u64>,
    is_chunked: bool,
}

enum Left {
    Octets(u64),
    Chunks(ChunkedDecoder),
    Kept(Bytes),
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let (left, length) = match framing {
            Framing::Length(length) => (Left::Octets(length), Some(length)),
            Framing::Chunked => (Left::Chunks(ChunkedDecoder::new()), None),
            Framing::None | Framing::UntilClose => (Left::Kept(Bytes::new()), None),
        };
        Self {
            left,
            length,
            is_chunked: framing == Framing::Chunked,
        }
    }

    /// Octets in all, for which a chunked body has to be there first (CGI-4.2-DECHUNK); `None`
    /// without a body.
    pub(super) async fn length(
        &mut self,
        from: &mut Incoming,
        conduct: &Conduct,
    ) -> Result<Option<u64>, Trouble> {
        if let Left::Chunks(decoder) = &mut self.left {
            let kept = keep(decoder, from, conduct).await?;
            self.length = Some(kept.len() as u64);
            self.left = Left::Kept(kept);
        }
        if conduct.buffers_request {
            let mut kept = BytesMut::new();
            while let Some(piece) = self.next(from).await? {
                kept.extend_from_slice(&piece);
            }
            self.left = Left::Kept(kept.freeze());
        }
        Ok(self.length)
    }

    /// Passes the body on as it comes, and reads the rest where the program takes no more;
    /// whether it took all.
    pub(super) async fn feed(
        &mut self,
        from: &mut Incoming,
        stdin: UnixStream,
        conduct: &Conduct,
    ) -> Result<bool, Trouble> {
        let (mut stdin, mut took_all) = (Some(stdin), true);
        let mut room = match self.length {
            Some(length) if !self.is_chunked => (conduct.feeds)(length),
            _ => u64::MAX,
        };
        while let Some(piece) = self.patiently(from, &mut stdin, conduct).await? {
            let fits = usize::try_from(room).unwrap_or(usize::MAX).min(piece.len());
            room -= fits as u64;
            if let Some(open) = &mut stdin
                && open.write_all(&piece[..fits]).await.is_err()
            {
                (stdin, took_all) = (None, false);
            }
        }
        if conduct.holds_empty_chunks && self.is_chunked && self.length == Some(0) {
            std::future::pending::<()>().await;
        }
        Ok(took_all)
    }

    /// The next octets; where the client's pause is too long for the conduct, the program's input
    /// ends meanwhile.
    async fn patiently(
        &mut self,
        from: &mut Incoming,
        stdin: &mut Option<UnixStream>,
        conduct: &Conduct,
    ) -> Result<Option<Bytes>, Trouble> {
        if let Some(patience) = conduct.feed_patience {
            match timeout(patience, self.next(from)).await {
                Ok(next) => return next,
                Err(_) => *stdin = None,
            }
        }
        match self.next(from).await {
            Err(Trouble::Gone) if conduct.pads_request => Ok(self.padding()),
            next => next,
        }
    }

    async fn next(&mut self, from: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
        match &mut self.left {
            Left::Octets(0) => Ok(None),
            Left::Octets(left) => {
                if from.buf.is_empty() && from.fill().await? == 0 {
                    return Err(Trouble::Gone);
                }
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                let piece = from.buf.split_to(most.min(from.buf.len())).freeze();
                *left -= piece.len() as u64;
                Ok(Some(piece))
            }
            Left::Kept(kept) if !kept.is_empty() => Ok(Some(std::mem::take(kept))),
            Left::Kept(_) | Left::Chunks(_) => Ok(None),
        }
    }

    fn padding(&mut self) -> Option<Bytes> {
        match std::mem::replace(&mut self.left, Left::Octets(0)) {
            Left::Octets(left @ 1..) => Some(vec![0; usize::try_from(left).ok()?].into()),
            _ => None,
        }
    }
}

/// Reads a chunked body to its end.
async fn keep(
    decoder: &mut ChunkedDecoder,
    from: &mut Incoming,
    conduct: &Conduct,
) -> Result<Bytes, Trouble> {
    let mut kept = BytesMut::new();
    loop {
        match decoder.decode(&mut from.buf)? {
            Some(ChunkEvent::Data(data)) if conduct.keeps_chunk_heads => {
                encode_chunk(&data, &mut kept);
            }
            Some(ChunkEvent::Data(data)) => kept.extend_from_slice(&data),
            Some(ChunkEvent::End { trailers }) => {
                if conduct.keeps_chunk_heads {
                    kept.extend_from_slice(LAST_CHUNK);
                }
                if conduct.keeps_trailers {
                    trailers.iter().for_each(|trailer| line(trailer, &mut kept));
                }
                return Ok(kept.freeze());
            }
            None if from.fill().await? == 0 => return Err(Trouble::Gone),
            None => {}
        }
    }
}

fn line(field: &Header, to: &mut BytesMut) {
    for part in [&field.name[..], b": ", &field.value, b"\r\n"] {
        to.extend_from_slice(part);
    }
}
