//! The socket of one connection: octets in, octets out, and an end that loses nothing.

use std::{io, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    time::timeout,
};

/// Octets read at once.
pub(super) const BLOCK: usize = 64 * 1024;
/// How long the double waits for the other side to see a reply before it closes.
const LINGER: Duration = Duration::from_secs(1);

/// The reading half.
pub(super) struct Incoming {
    half: OwnedReadHalf,
    /// What came and was not taken yet.
    pub(super) buf: BytesMut,
    /// Octets that the last read gave.
    pub(super) last: usize,
}

impl Incoming {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half,
            buf: BytesMut::new(),
            last: 0,
        }
    }

    /// Reads once more; 0 at the end.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        self.buf.reserve(BLOCK);
        self.last = self.half.read_buf(&mut self.buf).await?;
        Ok(self.last)
    }

    /// Ends the sending direction first, so that what the other side still sends does not reset the
    /// connection before it has read the reply; waits for its end for a while.
    pub(super) async fn linger(&mut self, out: &mut OwnedWriteHalf) {
        out.shutdown().await.ok();
        let drain = async {
            while matches!(self.fill().await, Ok(1..)) {
                self.buf.clear();
            }
        };
        timeout(LINGER, drain).await.ok();
    }
}

/// Closes with a reset: what the other side has not read yet is lost.
pub(super) fn reset(incoming: Incoming, out: OwnedWriteHalf) {
    if let Ok(stream) = incoming.half.reunite(out) {
        stream.set_zero_linger().ok();
    }
}
