//! Bytes on their way out: small pieces are joined, large ones are kept as they are, and all of
//! it leaves in one vectored write.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use crate::socket::Stream;

/// Pieces below this size are copied behind the bytes before them, which is cheaper than another
/// slice and lets a small head and its body leave as one.
const JOIN_BELOW: usize = 4096;

/// Slices in one write.
const SLICES: usize = 16;

/// Bytes to be sent, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    sealed: VecDeque<Bytes>,
    tail: BytesMut,
    sealed_len: usize,
    written: u64,
}

impl Queue {
    /// Bytes waiting.
    pub(super) fn len(&self) -> usize {
        self.sealed_len + self.tail.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that have left, ever.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The end of the queue, to encode into.
    pub(super) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Appends a piece, without copying it if it is large.
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.len() < JOIN_BELOW {
            self.tail.extend_from_slice(&piece);
            return;
        }
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.seal(tail);
        }
        self.seal(piece);
    }

    fn seal(&mut self, piece: Bytes) {
        self.sealed_len += piece.len();
        self.sealed.push_back(piece);
    }

    /// Writes once, as much as the socket takes.
    pub(super) fn write_to(&mut self, stream: &Stream) -> io::Result<()> {
        let written = if self.sealed.is_empty() {
            stream.try_write(&[IoSlice::new(&self.tail)])?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let pieces = self
                .sealed
                .iter()
                .map(Bytes::as_ref)
                .chain([self.tail.as_ref()]);
            let pairs = slices.iter_mut().zip(pieces);
            let used = pairs
                .map(|(slice, piece)| *slice = IoSlice::new(piece))
                .count();
            stream.try_write(&slices[..used])?
        };
        self.advance(written);
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.written += written as u64;
        while let Some(piece) = self.sealed.front_mut() {
            let taken = written.min(piece.len());
            piece.advance(taken);
            self.sealed_len -= taken;
            written -= taken;
            if !piece.is_empty() {
                return;
            }
            self.sealed.pop_front();
        }
        if written == self.tail.len() {
            // Keeps the capacity for the next reply, which advancing would give up.
            self.tail.clear();
        } else {
            self.tail.advance(written);
        }
    }

    /// All that waits, for tests.
    #[cfg(test)]
    pub(super) fn to_bytes(&self) -> BytesMut {
        let mut bytes = BytesMut::new();
        self.sealed
            .iter()
            .for_each(|piece| bytes.extend_from_slice(piece));
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// Forgets everything: the peer is gone.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Everything that leaves the queue, and in how many writes.
    fn drained(mut queue: Queue) -> (Vec<u8>, usize) {
        let (mut peer, socket) = UnixStream::pair().unwrap();
        let stream = Stream::new(OwnedFd::from(socket).into());
        let (mut seen, mut writes) = (Vec::new(), 0);
        while !queue.is_empty() {
            let before = queue.len();
            queue.write_to(&stream).unwrap();
            writes += 1;
            let mut read = vec![0; before - queue.len()];
            peer.read_exact(&mut read).unwrap();
            seen.extend(read);
        }
        (seen, writes)
    }

    #[test]
    fn a_small_head_and_body_leave_in_one_write() {
        let mut queue = Queue::default();
        queue.tail().extend_from_slice(b"head ");
        queue.push("body".into());
        assert_eq!(drained(queue), (b"head body".to_vec(), 1));
    }

    #[test]
    fn large_and_small_pieces_keep_their_order() {
        let mut queue = Queue::default();
        let mut expected = Vec::new();
        for size in [1, JOIN_BELOW, 2, 3, JOIN_BELOW * 2, JOIN_BELOW, 4] {
            let piece = vec![b'0' + (size % 10) as u8; size];
            expected.extend_from_slice(&piece);
            queue.push(piece.into());
        }
        assert_eq!(queue.len(), expected.len());
        assert_eq!(drained(queue), (expected, 1));
    }

    #[test]
    fn what_was_written_in_part_goes_on_where_it_stopped() {
        let mut queue = Queue::default();
        queue.push(vec![1; JOIN_BELOW].into());
        queue.tail().extend_from_slice(b"abc");
        queue.advance(JOIN_BELOW + 1);
        assert_eq!(queue.len(), 2);
        assert_eq!(drained(queue).0, b"bc");
    }
}
