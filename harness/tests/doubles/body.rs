//! The body of a request.

use bytes::{Bytes, BytesMut};
use wire::http::{ChunkEvent, ChunkedDecoder, Framing};

use super::{connection::Trouble, incoming::Incoming};

/// A body as it comes from the client.
pub(super) struct Body {
    left: Left,
}

enum Left {
    Octets(u64),
    Chunks(ChunkedDecoder),
    Kept(Bytes),
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let left = match framing {
            Framing::Length(length) => Left::Octets(length),
            Framing::Chunked => Left::Chunks(ChunkedDecoder::new()),
            Framing::None | Framing::UntilClose => Left::Kept(Bytes::new()),
        };
        Self { left }
    }

    /// The next octets; `None` at the end.
    pub(super) async fn next(&mut self, from: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
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
            Left::Chunks(decoder) => loop {
                match decoder.decode(&mut from.buf)? {
                    Some(ChunkEvent::Data(data)) => return Ok(Some(data)),
                    Some(ChunkEvent::End { .. }) => {
                        self.left = Left::Kept(Bytes::new());
                        return Ok(None);
                    }
                    None if from.fill().await? == 0 => return Err(Trouble::Gone),
                    None => {}
                }
            },
            Left::Kept(kept) if kept.is_empty() => Ok(None),
            Left::Kept(kept) => Ok(Some(std::mem::take(kept))),
        }
    }

    /// Waits for all of it, since only then its length is known; returns the length.
    pub(super) async fn keep(&mut self, from: &mut Incoming) -> Result<u64, Trouble> {
        let mut kept = BytesMut::new();
        while let Some(piece) = self.next(from).await? {
            kept.extend_from_slice(&piece);
        }
        let length = kept.len() as u64;
        self.left = Left::Kept(kept.freeze());
        Ok(length)
    }
}
