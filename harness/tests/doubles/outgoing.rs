//! Replies on their way to the client.

use bytes::BytesMut;
use tokio::{io::AsyncWriteExt, net::tcp::OwnedWriteHalf};
use wire::http::{self, Framing, Header, ResponseHead, Version, reason_phrase};

use super::connection::Trouble;

/// The writing half of a client connection.
pub(super) struct Outgoing {
    pub(super) half: OwnedWriteHalf,
    /// How the body under way is framed: what is left of a length.
    framing: Framing,
}

impl Outgoing {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self {
            half,
            framing: Framing::None,
        }
    }

    /// A reply of the gateway's own, the last on its connection.
    pub(super) async fn refuse(&mut self, status: u16) -> Result<(), Trouble> {
        let head = ResponseHead {
            version: Version::Http11,
            status,
            reason: reason_phrase(status).into(),
            headers: vec![
                Header::new("Content-Length", "0"),
                Header::new("Connection", "close"),
            ],
        };
        self.head(&head, Framing::None).await
    }

    /// An interim response without fields.
    pub(super) async fn interim(&mut self, status: u16) -> Result<(), Trouble> {
        let line = format!("HTTP/1.1 {status} {}\r\n\r\n", reason_phrase(status));
        Ok(self.half.write_all(line.as_bytes()).await?)
    }

    /// The head of a reply whose body is framed so.
    pub(super) async fn head(
        &mut self,
        head: &ResponseHead,
        framing: Framing,
    ) -> Result<(), Trouble> {
        let mut octets = BytesMut::new();
        head.encode(&mut octets);
        self.framing = framing;
        Ok(self.half.write_all(&octets).await?)
    }

    /// The next octets of the body; what goes beyond its frame is dropped.
    pub(super) async fn body(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let mut framed = BytesMut::new();
        match &mut self.framing {
            Framing::None => return Ok(()),
            Framing::Length(left) => {
                let fits = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(octets.len());
                *left -= fits as u64;
                framed.extend_from_slice(&octets[..fits]);
            }
            Framing::Chunked => http::encode_chunk(octets, &mut framed),
            Framing::UntilClose => framed.extend_from_slice(octets),
        }
        Ok(self.half.write_all(&framed).await?)
    }

    /// Ends the body; an error where the client has to see that it is not whole.
    pub(super) async fn end(&mut self) -> Result<(), Trouble> {
        match self.framing {
            Framing::Length(1..) => Err(Trouble::Gone),
            Framing::Chunked => Ok(self.half.write_all(http::LAST_CHUNK).await?),
            Framing::None | Framing::Length(0) | Framing::UntilClose => Ok(()),
        }
    }
}
