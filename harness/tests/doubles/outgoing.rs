//! Replies on their way to the client.

use bytes::BytesMut;
use tokio::{io::AsyncWriteExt, net::tcp::OwnedWriteHalf};
use wire::http::{self, Framing, Header, ResponseHead, Version, reason_phrase};

use super::connection::Trouble;

/// The writing half of a client connection.
pub(super) struct Outgoing {
    half: OwnedWriteHalf,
    frame: Frame,
}

/// How the body of a reply is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Where it ends; of a length, what is left.
    pub(super) framing: Framing,
    /// Sends what goes beyond the length, too.
    pub(super) exceeds: bool,
    /// Fills up what the length lacks.
    pub(super) pads: bool,
    /// Leaves the client waiting for what the length lacks.
    pub(super) leaves_open: bool,
}

impl From<Framing> for Frame {
    fn from(framing: Framing) -> Self {
        Self {
            framing,
            exceeds: false,
            pads: false,
            leaves_open: false,
        }
    }
}

impl Outgoing {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self {
            half,
            frame: Framing::None.into(),
        }
    }

    /// A reply of the gateway's own, the last on its connection.
    pub(super) async fn answer(&mut self, status: u16) -> Result<(), Trouble> {
        let mut head = ResponseHead {
            version: Version::Http11,
            status,
            reason: reason_phrase(status).into(),
            headers: vec![Header::new("Connection", "close")],
        };
        if status == 401 {
            let challenge = Header::new("WWW-Authenticate", "Basic realm=\"gatebench\"");
            head.headers.push(challenge);
        }
        if status != 204 {
            head.headers.push(Header::new("Content-Length", "0"));
        }
        let mut octets = BytesMut::new();
        head.encode(&mut octets);
        self.begin(&octets, Framing::None.into()).await
    }

    /// An interim response without fields.
    pub(super) async fn interim(&mut self, status: u16) -> Result<(), Trouble> {
        let line = format!("HTTP/1.1 {status} {}\r\n\r\n", reason_phrase(status));
        Ok(self.half.write_all(line.as_bytes()).await?)
    }

    /// The head of a reply whose body is framed so.
    pub(super) async fn begin(&mut self, head: &[u8], frame: Frame) -> Result<(), Trouble> {
        self.frame = frame;
        Ok(self.half.write_all(head).await?)
    }

    /// The next octets of the body; what goes beyond its frame is dropped.
    pub(super) async fn body(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let mut chunk = BytesMut::new();
        let framed = match &mut self.frame.framing {
            Framing::None => &[],
            Framing::Length(left) => {
                let fits = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(octets.len());
                *left -= fits as u64;
                if self.frame.exceeds {
                    octets
                } else {
                    &octets[..fits]
                }
            }
            Framing::Chunked => {
                http::encode_chunk(octets, &mut chunk);
                &chunk
            }
            Framing::UntilClose => octets,
        };
        Ok(self.half.write_all(framed).await?)
    }

    /// The same, with a chunk head as a part of the body where that goes out in chunks.
    pub(super) async fn body_with_head(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        if self.frame.framing == Framing::Chunked {
            let head = format!("{:x}\r\n", octets.len());
            self.body(head.as_bytes()).await?;
        }
        self.body(octets).await
    }

    /// Ends the body; an error where the client has to see that it is not whole.
    pub(super) async fn end(&mut self) -> Result<(), Trouble> {
        match self.frame.framing {
            Framing::Length(left @ 1..) if self.frame.pads => {
                let spaces = vec![b' '; usize::try_from(left).unwrap_or_default()];
                self.body(&spaces).await
            }
            Framing::Length(1..) if self.frame.leaves_open => Ok(()),
            Framing::Length(1..) => Err(Trouble::Gone),
            Framing::Chunked => Ok(self.half.write_all(http::LAST_CHUNK).await?),
            Framing::None | Framing::Length(0) | Framing::UntilClose => Ok(()),
        }
    }

    /// Whether the client is not shown a cut: the rest is made up, or left to be waited for.
    pub(super) fn hides_cut(&self) -> bool {
        let hides = self.frame.pads || self.frame.leaves_open;
        hides && matches!(self.frame.framing, Framing::Length(_))
    }

    /// Ends the sending direction.
    pub(super) async fn shutdown(&mut self) {
        self.half.shutdown().await.ok();
    }
}
