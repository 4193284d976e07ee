//! The client's octets, head by head.

use bytes::BytesMut;
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf};
use wire::http::{self, Limits, RequestHead};

use super::{Setting, connection::Trouble};

/// Octets read at once.
pub(super) const BLOCK: usize = 64 * 1024;

/// The reading half of a client connection.
pub(super) struct Incoming {
    half: OwnedReadHalf,
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
    pub(super) async fn head(&mut self, setting: &Setting) -> Result<Option<RequestHead>, Trouble> {
        let limits = Limits {
            head_bytes: setting.conduct.head_limit,
            ..Limits::default()
        };
        loop {
            if self.buf.windows(4).any(|end| end == b"\r\n\r\n") {
                setting.octets(&mut self.buf);
            }
            if let Some(head) = http::decode_request(&mut self.buf, &limits)? {
                return Ok(Some(head));
            }
            let is_clean = self.buf.is_empty();
            match self.fill().await? {
                0 if is_clean => return Ok(None),
                0 => return Err(Trouble::Gone),
                _ => {}
            }
        }
    }

    /// Reads once more; 0 at the end.
    pub(super) async fn fill(&mut self) -> Result<usize, Trouble> {
        self.buf.reserve(BLOCK);
        Ok(self.half.read_buf(&mut self.buf).await?)
    }
}
