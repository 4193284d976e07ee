//! Name-value pairs (FastCGI 1.0 section 3.4).

use std::mem;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Malformed;
use crate::environ::Environ;

/// The form of a length: both are legal up to 127 (FCGI-3.4-NV-LONG-SMALL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthForm {
    /// One byte, up to 127.
    Short,
    /// Four bytes with the top bit set, up to 2^31-1.
    Long,
}

/// One pair and how its lengths were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name, possibly empty (FCGI-3.4-NV-EMPTY-NAME).
    pub name: Bytes,
    /// The value, possibly empty or binary.
    pub value: Bytes,
    /// How the length of the name was written.
    pub name_form: LengthForm,
    /// How the length of the value was written.
    pub value_form: LengthForm,
}

/// Takes pairs out of a stream whose records may cut them anywhere (FCGI-3.4-NV-SPLIT).
///
/// Pairs inside one record are slices of it; only those across records are copied.
/// The decoder holds at most the content it was given: limiting that is up to the caller.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The record being read; empty whenever `cut` is not.
    record: Bytes,
    /// A pair cut by the end of a record, with all that came after.
    cut: BytesMut,
}

/// The layout of the pair at the front of a buffer.
struct Layout {
    header_len: usize,
    name: (usize, LengthForm),
    value: (usize, LengthForm),
}

/// Appends one pair, its lengths in the shortest form (FCGI-3.4-NV-SHORT, FCGI-3.4-NV-LONG).
///
/// # Panics
/// If name or value has 2 GiB or more, which the format cannot express.
pub fn encode(name: &[u8], value: &[u8], dst: &mut BytesMut) {
    dst.reserve(8 + name.len() + value.len());
    encode_length(name.len(), dst);
    encode_length(value.len(), dst);
    dst.put_slice(name);
    dst.put_slice(value);
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(name: &[u8], value: &[u8]) -> usize {
    let length_len = |len| if len < 128 { 1 } else { 4 };
    length_len(name.len()) + length_len(value.len()) + name.len() + value.len()
}

/// The pairs of a whole stream.
///
/// # Errors
/// [`Malformed::PairOverrun`] if the last pair is cut off.
pub fn decode_all(content: &[u8]) -> Result<Environ, Malformed> {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::copy_from_slice(content));
    let mut environ = Environ::new();
    while let Some(pair) = decoder.next_pair() {
        environ.push(pair.name, pair.value);
    }
    decoder.finish()?;
    Ok(environ)
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the content of the next record.
    pub fn push(&mut self, content: Bytes) {
        if self.cut.is_empty() && self.record.is_empty() {
            self.record = content;
            return;
        }
        self.cut.extend_from_slice(&mem::take(&mut self.record));
        self.cut.extend_from_slice(&content);
    }

    /// The next whole pair, or `None` until more is pushed.
    pub fn next_pair(&mut self) -> Option<Pair> {
        if !self.cut.is_empty() {
            let layout = Layout::read(&self.cut)?.fitting(&self.cut)?;
            return Some(layout.split(self.cut.split_to(layout.len()).freeze()));
        }
        match Layout::read(&self.record).and_then(|layout| layout.fitting(&self.record)) {
            Some(layout) => Some(layout.split(self.record.split_to(layout.len()))),
            None => {
                self.cut.extend_from_slice(&mem::take(&mut self.record));
                None
            }
        }
    }

    /// Whether all that was pushed is taken, so that no pair is cut here (FCGI-DF-PAIR-WHOLE).
    pub fn is_between_pairs(&self) -> bool {
        self.cut.is_empty() && self.record.is_empty()
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`Malformed::PairOverrun`] if it ends inside a pair.
    pub fn finish(self) -> Result<(), Malformed> {
        let rest = if self.cut.is_empty() {
            &self.record[..]
        } else {
            &self.cut[..]
        };
        if rest.is_empty() {
            return Ok(());
        }
        let missing = Layout::read(rest).map_or(1, |layout| layout.len() - rest.len());
        Err(Malformed::PairOverrun(missing as u64))
    }
}

impl Layout {
    /// Reads both lengths, or `None` while they are incomplete.
    fn read(buf: &[u8]) -> Option<Self> {
        let (name_len, name_form, rest) = read_length(buf)?;
        let (value_len, value_form, rest) = read_length(rest)?;
        Some(Self {
            header_len: buf.len() - rest.len(),
            name: (name_len, name_form),
            value: (value_len, value_form),
        })
    }

    fn len(&self) -> usize {
        self.header_len
            .saturating_add(self.name.0)
            .saturating_add(self.value.0)
    }

    fn fitting(self, buf: &[u8]) -> Option<Self> {
        (self.len() <= buf.len()).then_some(self)
    }

    /// Splits the bytes of exactly this pair.
    fn split(&self, mut bytes: Bytes) -> Pair {
        bytes.advance(self.header_len);
        let name = bytes.split_to(self.name.0);
        Pair {
            name,
            value: bytes,
            name_form: self.name.1,
            value_form: self.value.1,
        }
    }
}

/// One length, its form, and what follows it.
fn read_length(buf: &[u8]) -> Option<(usize, LengthForm, &[u8])> {
    let (&first, rest) = buf.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), LengthForm::Short, rest));
    }
    let (&long, rest) = buf.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(long) & 0x7fff_ffff;
    Some((length as usize, LengthForm::Long, rest))
}

fn encode_length(len: usize, dst: &mut BytesMut) {
    match u8::try_from(len) {
        Ok(short @ 0..0x80) => dst.put_u8(short),
        _ => {
            let long = u32::try_from(len).ok().filter(|&len| len < 1 << 31);
            dst.put_u32(long.expect("names and values are shorter than 2 GiB") | 1 << 31);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LengthForm::{Long, Short};

    fn pair(name: &'static [u8], value: &'static [u8], forms: [LengthForm; 2]) -> Pair {
        let [name_form, value_form] = forms;
        Pair {
            name: name.into(),
            value: value.into(),
            name_form,
            value_form,
        }
    }

    /// Decodes `stream` cut into records of every length.
    #[track_caller]
    fn assert_pairs(stream: &[u8], expected: &[Pair]) {
        for record_len in 1..=stream.len() {
            let (mut decoder, mut seen) = (Decoder::new(), Vec::new());
            for record in stream.chunks(record_len) {
                decoder.push(Bytes::copy_from_slice(record));
                seen.extend(std::iter::from_fn(|| decoder.next_pair()));
            }
            assert_eq!(seen, expected, "in records of {record_len} bytes");
            assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn all_four_combinations_of_lengths_are_read() {
        assert_pairs(
            b"\x01\x01AB\x01\x80\0\0\x01CD\x80\0\0\x01\x01EF\x80\0\0\x01\x80\0\0\x01GH",
            &[
                pair(b"A", b"B", [Short, Short]),
                pair(b"C", b"D", [Short, Long]),
                pair(b"E", b"F", [Long, Short]),
                pair(b"G", b"H", [Long, Long]),
            ],
        );
    }

    #[test]
    fn empty_names_and_values_are_pairs() {
        assert_pairs(
            b"\x05\0EMPTY\0\0\0\x01x",
            &[
                pair(b"EMPTY", b"", [Short, Short]),
                pair(b"", b"", [Short, Short]),
                pair(b"", b"x", [Short, Short]),
            ],
        );
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        let mut wire = BytesMut::new();
        encode(b"A", &[b'x'; 127], &mut wire);
        assert_eq!(&wire[..3], b"\x01\x7fA");
        assert_eq!(wire.len(), encoded_len(b"A", &[b'x'; 127]));
        wire.clear();
        encode(b"A", &[b'x'; 128], &mut wire);
        assert_eq!(&wire[..6], b"\x01\x80\0\0\x80A");
        assert_eq!(wire.len(), encoded_len(b"A", &[b'x'; 128]));
    }

    #[test]
    fn a_stream_that_ends_inside_a_pair_is_refused() {
        for (stream, missing) in [
            (&b"\x7f\x7fA"[..], 253),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", 0xffff_fffe),
            (b"\x80\x80\x80\x80\x80", 1),
            (b"\x01", 1),
            (b"\x01\x01AB\x01\x01C", 1),
        ] {
            assert_eq!(
                decode_all(stream),
                Err(Malformed::PairOverrun(missing)),
                "{stream:?}"
            );
        }
    }

    #[test]
    fn a_pair_inside_one_record_is_not_copied() {
        let record = Bytes::from_static(b"\x01\x01AB");
        let mut decoder = Decoder::new();
        decoder.push(record.clone());
        let value = decoder.next_pair().unwrap().value;
        assert_eq!(value.as_ptr(), record[3..].as_ptr());
    }

    #[test]
    fn order_and_duplicates_survive() {
        let environ = decode_all(b"\x01\x01A1\x01\x01A2").unwrap();
        assert_eq!(environ, [("A", "1"), ("A", "2")].into_iter().collect());
    }
}
