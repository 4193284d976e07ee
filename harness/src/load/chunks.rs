//! The chunked transfer coding (RFC 9112 §7.1), decoded only to know where it ends.

use super::head::Malformed;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the size of a chunk, after so many of its digits.
    Size {
        size: u64,
        digits: u8,
    },
    /// In an extension, which is skipped.
    Extension {
        size: u64,
    },
    /// Before the LF that ends the size line.
    SizeEnd {
        size: u64,
    },
    /// In the data, with so many bytes to come.
    Data(u64),
    DataCr,
    DataLf,
    /// At the start of a trailer line, or of the empty one that ends the body.
    LineStart,
    TrailerLine,
    TrailerEnd,
    LastLf,
    Ended,
}

/// What one call took.
pub(super) struct Taken {
    /// Bytes consumed.
    pub(super) used: usize,
    /// Bytes of content among them.
    pub(super) content: u64,
}

/// More digits would not fit the 64 bits of a size.
const SIZE_DIGITS_MAX: u8 = 15;

impl Chunks {
    pub(super) const START: Self = Self::Size { size: 0, digits: 0 };

    /// Takes bytes up to the end of the body or of `bytes`.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Taken, Malformed> {
        let (mut used, mut content) = (0, 0);
        while used < bytes.len() && *self != Self::Ended {
            if let Self::Data(left) = *self {
                let here = left.min((bytes.len() - used) as u64);
                used += here as usize;
                content += here;
                *self = if here == left {
                    Self::DataCr
                } else {
                    Self::Data(left - here)
                };
            } else {
                *self = self.after(bytes[used])?;
                used += 1;
            }
        }
        Ok(Taken { used, content })
    }

    /// The state after one byte that is no data.
    fn after(self, byte: u8) -> Result<Self, Malformed> {
        Ok(match (self, byte) {
            (Self::Size { size, digits }, _) => size_byte(size, digits, byte)?,
            (Self::Extension { size }, b'\r') => Self::SizeEnd { size },
            (Self::Extension { .. }, b'\n') => return Err(Malformed::ChunkEnd),
            (Self::Extension { .. }, _) => self,
            (Self::SizeEnd { size: 0 }, b'\n') => Self::LineStart,
            (Self::SizeEnd { size }, b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::START,
            (Self::LineStart, b'\r') => Self::LastLf,
            (Self::LineStart | Self::TrailerLine, b'\n') => return Err(Malformed::ChunkEnd),
            (Self::TrailerLine, b'\r') => Self::TrailerEnd,
            (Self::LineStart | Self::TrailerLine, _) => Self::TrailerLine,
            (Self::TrailerEnd, b'\n') => Self::LineStart,
            (Self::LastLf, b'\n') => Self::Ended,
            _ => return Err(Malformed::ChunkEnd),
        })
    }
}

fn size_byte(size: u64, digits: u8, byte: u8) -> Result<Chunks, Malformed> {
    match (char::from(byte).to_digit(16), byte) {
        (Some(digit), _) if digits < SIZE_DIGITS_MAX => Ok(Chunks::Size {
            size: size << 4 | u64::from(digit),
            digits: digits + 1,
        }),
        (None, b'\r') if digits > 0 => Ok(Chunks::SizeEnd { size }),
        (None, b';' | b' ' | b'\t') if digits > 0 => Ok(Chunks::Extension { size }),
        _ => Err(Malformed::ChunkSize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes whole and then singly; gives the content's length and the bytes left over.
    fn decode(wire: &[u8]) -> Result<(u64, usize), Malformed> {
        let mut seen = Vec::new();
        for read_size in [wire.len(), 1] {
            let (mut chunks, mut content, mut used) = (Chunks::START, 0, 0);
            for read in wire.chunks(read_size) {
                let taken = chunks.take(read)?;
                used += taken.used;
                content += taken.content;
            }
            assert_eq!(chunks, Chunks::Ended, "in reads of {read_size} bytes");
            seen.push((content, wire.len() - used));
        }
        assert_eq!(seen[0], seen[1], "whole and singly");
        Ok(seen[0])
    }

    #[test]
    fn chunks_are_counted_up_to_the_last() {
        assert_eq!(
            decode(b"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"),
            Ok((15, 0))
        );
    }

    #[test]
    fn extensions_and_trailers_are_skipped() {
        let wire = b"5;name=\"v\"\r\nhello\r\n000 \r\nExpires: never\r\nA: b\r\n\r\n";
        assert_eq!(decode(wire), Ok((5, 0)));
    }

    #[test]
    fn bytes_behind_the_end_are_left() {
        assert_eq!(decode(b"0\r\n\r\nHTTP"), Ok((0, 4)));
    }

    #[test]
    fn broken_chunks_are_refused() {
        assert_eq!(decode(b"\r\n"), Err(Malformed::ChunkSize));
        assert_eq!(decode(b"x\r\n"), Err(Malformed::ChunkSize));
        assert_eq!(decode(b"1000000000000000\r\n"), Err(Malformed::ChunkSize));
        assert_eq!(decode(b"5\n"), Err(Malformed::ChunkSize));
        assert_eq!(decode(b"1\r\nab\r\n"), Err(Malformed::ChunkEnd));
        assert_eq!(decode(b"0\r\nA: b\n\r\n"), Err(Malformed::ChunkEnd));
    }
}
