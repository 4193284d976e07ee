//! The client's octets, head by head.

use bytes::BytesMut;
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf};
use wire::http::{self, Limits, RequestHead};

use super::connection::Trouble;

/// The reading half of a client connection.
pub(super) struct Incoming {
    pub(super) half: OwnedReadHalf,
    pub(super) buf: BytesMut,
}

impl Incoming {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half,
            buf: BytesMut::new(),
        }
    }

    /// The next request's head, or `None` where the client is done.
    pub(super) async fn head(&mut self) -> Result<Option<RequestHead>, Trouble> {
        loop {
            if let Some(head) = http::decode_request(&mut self.buf, &Limits::default())? {
                return Ok(Some(head));
            }
            let is_clean = self.buf.is_empty();
            if self.fill().await? == 0 {
                return if is_clean {
                    Ok(None)
                } else {
                    Err(Trouble::Gone)
                };
            }
        }
    }

    /// Reads once more; 0 at the end.
    pub(super) async fn fill(&mut self) -> Result<usize, Trouble> {
        Ok(self.half.read_buf(&mut self.buf).await?)
    }
}
