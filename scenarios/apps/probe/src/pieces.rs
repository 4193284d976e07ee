//! A payload cut into what is written at once, with the waits between.

use std::ops::Range;
use std::time::Duration;

use crate::answer::Payload;

/// Bytes in one piece at most.
pub const PIECE_LEN: u64 = 64 * 1024;

/// The counter pattern repeats after this many bytes, a prime so that no block size hides a shift.
const PERIOD: u64 = 251;

/// What is written at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Wait before it is written.
    pub wait: Duration,
    /// At most [`PIECE_LEN`] bytes; may be empty.
    pub bytes: Vec<u8>,
    /// Whether it ends a chunk that must leave at once.
    pub flush: bool,
}

/// The pieces of a payload, in order; made as they are asked for.
#[derive(Debug)]
pub struct Pieces<'a> {
    source: Source<'a>,
    size: u64,
    chunks: Option<u64>,
    pause: Duration,
    chunk: u64,
    written: u64,
}

#[derive(Debug)]
enum Source<'a> {
    Bytes(&'a [u8]),
    Counter,
}

impl<'a> Pieces<'a> {
    /// Cuts a payload whose bytes are at hand, so `None` for an echo.
    pub fn of(payload: &'a Payload, chunks: Option<u64>, pause: Duration) -> Option<Self> {
        let (source, size) = match payload {
            Payload::Bytes(bytes) => (Source::Bytes(bytes), bytes.len() as u64),
            Payload::Counter(size) => (Source::Counter, *size),
            Payload::Echo => return None,
        };
        Some(Self {
            source,
            size,
            chunks,
            pause,
            chunk: 0,
            written: 0,
        })
    }

    /// Where a chunk ends: the size is shared out evenly.
    fn chunk_end(&self, chunk: u64) -> u64 {
        let chunks = u128::from(self.chunks.unwrap_or(1).max(1));
        let end = u128::from(self.size) * (u128::from(chunk) + 1) / chunks;
        u64::try_from(end).unwrap_or(self.size)
    }

    fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        match self.source {
            Source::Counter => counter(range),
            Source::Bytes(bytes) => bytes[range.start as usize..range.end as usize].to_vec(),
        }
    }

    fn is_chunk_start(&self) -> bool {
        self.chunk > 0 && self.written == self.chunk_end(self.chunk - 1)
    }
}

/// A stretch of the counter pattern, copied period by period.
fn counter(range: Range<u64>) -> Vec<u8> {
    let period: [u8; PERIOD as usize] = std::array::from_fn(|at| at as u8);
    let phase = (range.start % PERIOD) as usize;
    let size = (range.end - range.start) as usize;
    let mut bytes = Vec::with_capacity(phase + size + period.len());
    while bytes.len() < phase + size {
        bytes.extend_from_slice(&period);
    }
    bytes.truncate(phase + size);
    bytes.drain(..phase);
    bytes
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.chunk >= self.chunks.unwrap_or(1) || self.size == 0 {
            return None;
        }
        let wait = if self.is_chunk_start() {
            self.pause
        } else {
            Duration::ZERO
        };
        let chunk_end = self.chunk_end(self.chunk);
        let end = chunk_end.min(self.written.saturating_add(PIECE_LEN));
        let bytes = self.bytes(self.written..end);
        let ends_chunk = end == chunk_end;
        self.written = end;
        self.chunk += u64::from(ends_chunk);
        Some(Piece {
            wait,
            bytes,
            flush: ends_chunk && self.chunks.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(payload: &Payload, chunks: Option<u64>) -> Vec<Piece> {
        Pieces::of(payload, chunks, Duration::from_millis(5))
            .unwrap()
            .collect()
    }

    fn joined(pieces: &[Piece]) -> Vec<u8> {
        pieces
            .iter()
            .flat_map(|piece| piece.bytes.clone())
            .collect()
    }

    #[test]
    fn chunks_share_the_bytes_evenly_with_a_pause_between() {
        let pieces = cut(&Payload::Bytes(b"abcdefg".to_vec()), Some(3));
        let seen: Vec<_> = pieces
            .iter()
            .map(|p| (p.wait.as_millis(), &p.bytes[..]))
            .collect();
        assert_eq!(seen, [(0, &b"ab"[..]), (5, b"cd"), (5, b"efg")]);
        assert!(pieces.iter().all(|piece| piece.flush));
    }

    #[test]
    fn the_counter_pattern_goes_on_across_pieces() {
        let size = 3 * PIECE_LEN + 7;
        let bytes = joined(&cut(&Payload::Counter(size), None));
        let expected: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        assert!(bytes == expected, "the pattern breaks");
    }

    #[test]
    fn no_piece_is_larger_than_the_limit() {
        let pieces = cut(&Payload::Counter(5 * PIECE_LEN), Some(2));
        assert!(
            pieces
                .iter()
                .all(|piece| piece.bytes.len() as u64 <= PIECE_LEN)
        );
        let waits = pieces.iter().filter(|piece| !piece.wait.is_zero()).count();
        assert_eq!(waits, 1, "one pause between two chunks");
    }

    #[test]
    fn more_chunks_than_bytes_still_end() {
        let pieces = cut(&Payload::Bytes(b"ab".to_vec()), Some(5));
        assert_eq!(pieces.len(), 5);
        assert_eq!(joined(&pieces), b"ab");
    }

    #[test]
    fn an_empty_body_has_no_pieces() {
        assert!(cut(&Payload::Counter(0), Some(3)).is_empty());
    }

    #[test]
    fn an_echo_has_no_pieces_of_its_own() {
        assert!(Pieces::of(&Payload::Echo, None, Duration::ZERO).is_none());
    }
}
