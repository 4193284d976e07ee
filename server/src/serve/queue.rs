//! Bytes on their way out: small pieces are joined, large ones are kept as they are, and all of
//! it leaves in one vectored write.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use crate::exchange::FilePart;
use crate::socket::Stream;

/// Pieces below this size are copied behind the bytes before them, which is cheaper than another
/// slice and lets a small head and its body leave as one.
const JOIN_BELOW: usize = 4096;

/// Slices in one write.
const SLICES: usize = 16;

/// Bytes to be sent, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    sealed: VecDeque<Piece>,
    tail: BytesMut,
    sealed_len: u64,
    written: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    File(FilePart),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(part) => part.len(),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::File(_) => None,
        }
    }
}

impl Queue {
    /// Bytes waiting.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.sealed_len)
            .unwrap_or(usize::MAX)
            .saturating_add(self.tail.len())
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
        self.seal_tail();
        self.seal(Piece::Bytes(piece));
    }

    /// Appends part of a file.
    pub(super) fn push_file(&mut self, part: FilePart) {
        if part.len() > 0 {
            self.seal_tail();
            self.seal(Piece::File(part));
        }
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.seal(Piece::Bytes(tail));
        }
    }

    fn seal(&mut self, piece: Piece) {
        self.sealed_len += piece.len();
        self.sealed.push_back(piece);
    }

    /// Writes once, as much as the socket takes.
    pub(super) fn write_to(&mut self, stream: &Stream) -> io::Result<()> {
        let written = match self.sealed.front_mut() {
            None => stream.try_write(&[IoSlice::new(&self.tail)], false)?,
            Some(Piece::Bytes(_)) => self.write_bytes(stream)?,
            Some(Piece::File(part)) => match stream.try_send_file(part)? {
                Some(sent) => {
                    self.sent_of_file(sent);
                    return Ok(());
                }
                None => return self.read_file(),
            },
        };
        self.advance(written);
        Ok(())
    }

    /// The pieces up to the first file, in one write.
    fn write_bytes(&self, stream: &Stream) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let pieces = self
            .sealed
            .iter()
            .map(Piece::bytes)
            .chain([Some(self.tail.as_ref())]);
        let mut file_follows = false;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            let Some(bytes) = piece else {
                file_follows = true;
                break;
            };
            *slice = IoSlice::new(bytes);
            used += 1;
        }
        stream.try_write(&slices[..used], file_follows)
    }

    fn sent_of_file(&mut self, sent: usize) {
        self.written += sent as u64;
        self.sealed_len -= sent as u64;
        self.drop_used_up();
    }

    fn drop_used_up(&mut self) {
        if self.sealed.front().is_some_and(|piece| piece.len() == 0) {
            self.sealed.pop_front();
        }
    }

    /// Replaces the beginning of the file in front by its bytes.
    fn read_file(&mut self) -> io::Result<()> {
        let Some(Piece::File(part)) = self.sealed.front_mut() else {
            return Ok(());
        };
        let bytes = part.read()?;
        self.drop_used_up();
        self.sealed.push_front(Piece::Bytes(bytes));
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.written += written as u64;
        while let Some(Piece::Bytes(piece)) = self.sealed.front_mut() {
            let taken = written.min(piece.len());
            piece.advance(taken);
            self.sealed_len -= taken as u64;
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
            .filter_map(Piece::bytes)
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
    fn part_of_a_file_keeps_its_place_among_the_bytes() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let mut queue = Queue::default();
        queue.push("head ".into());
        queue.push_file(FilePart::new(file, 2, 5));
        queue.push(" tail".into());
        assert_eq!(queue.len(), 15);
        assert_eq!(drained(queue), (b"head 23456 tail".to_vec(), 3));
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
