//! A short text in shared memory that one process writes and others read, without a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Words of eight bytes in one text.
const WORDS: usize = 48;

/// The most bytes that a text holds; the rest is cut off.
pub(super) const CAPACITY: usize = WORDS * 8;

/// How often a reader tries again when the writer was faster.
const TRIES: usize = 8;

/// A sequence lock over plain atomic words: a reader that overlaps with a writer notices, and one
/// that would not has read bytes of two texts, never anything else.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Text {
    /// Odd while the text is being written.
    sequence: AtomicU32,
    length: AtomicU32,
    words: [AtomicU64; WORDS],
}

impl Text {
    /// Replaces the text by `parts`, each but the last with a zero byte behind it.
    pub(super) fn write(&self, parts: &[&[u8]]) {
        let mut bytes = [0; CAPACITY];
        let length = join(&mut bytes, parts);
        let sequence = self.sequence.load(Ordering::Relaxed) | 1;
        self.sequence.store(sequence, Ordering::Relaxed);
        fence(Ordering::Release);
        self.length.store(length as u32, Ordering::Relaxed);
        let used = length.div_ceil(8);
        let (chunks, _) = bytes.as_chunks::<8>();
        for (word, chunk) in self.words.iter().zip(&chunks[..used]) {
            word.store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
        }
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Release);
    }

    /// The parts of the text; `None` if it is being written all the time.
    pub(super) fn read(&self) -> Option<Vec<Vec<u8>>> {
        let bytes = (0..TRIES).find_map(|_| self.try_read())?;
        Some(bytes.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect())
    }

    fn try_read(&self) -> Option<Vec<u8>> {
        let before = self.sequence.load(Ordering::Acquire);
        let length = (self.length.load(Ordering::Relaxed) as usize).min(CAPACITY);
        let mut bytes = Vec::with_capacity(CAPACITY);
        for word in &self.words[..length.div_ceil(8)] {
            bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        bytes.truncate(length);
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(bytes)
    }
}

/// Puts the parts behind one another, as far as they fit; how many bytes that took.
fn join(bytes: &mut [u8; CAPACITY], parts: &[&[u8]]) -> usize {
    let mut length = 0;
    for (index, part) in parts.iter().enumerate() {
        let separator = usize::from(index > 0);
        let start = (length + separator).min(CAPACITY);
        let fits = part.len().min(CAPACITY - start);
        bytes[start..start + fits].copy_from_slice(&part[..fits]);
        length = start + fits;
    }
    length
}

#[cfg(test)]
impl Text {
    pub(super) fn empty() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            length: AtomicU32::new(0),
            words: [const { AtomicU64::new(0) }; WORDS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let text = Text::empty();
        assert_eq!(text.read(), Some(vec![Vec::new()]));
        text.write(&[b"127.0.0.1", b"", b"/longer than eight"]);
        let expected = [&b"127.0.0.1"[..], b"", b"/longer than eight"];
        assert_eq!(text.read().unwrap(), expected);
        text.write(&[b"short"]);
        assert_eq!(text.read().unwrap(), [b"short"]);
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let text = Text::empty();
        let long = vec![b'x'; 2 * CAPACITY];
        text.write(&[b"ab", &long, &long]);
        let read = text.read().unwrap();
        assert_eq!((read.len(), read[1].len()), (2, CAPACITY - 3));
    }

    #[test]
    fn a_text_that_is_being_written_is_not_read() {
        let text = Text::empty();
        text.sequence.store(1, Ordering::Relaxed);
        assert_eq!(text.read(), None);
        text.write(&[b"whole"]);
        assert_eq!(text.read().unwrap(), [b"whole"]);
    }
}
