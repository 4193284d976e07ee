//! Feeds bytes to a decoder whole and then singly, so that every test also tests
//! how reads are cut.

use std::fmt::Debug;

use bytes::BytesMut;

/// Everything a decoder makes of `wire` in reads of `read_size` bytes, and what is left over.
pub(crate) fn decode_in_reads<T, E>(
    wire: &[u8],
    read_size: usize,
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
) -> Result<(Vec<T>, BytesMut), E> {
    let (mut buf, mut seen) = (BytesMut::new(), Vec::new());
    for read in wire.chunks(read_size.max(1)) {
        buf.extend_from_slice(read);
        while let Some(value) = decode(&mut buf)? {
            seen.push(value);
        }
    }
    Ok((seen, buf))
}

/// Asserts that `wire` decodes to `expected` and nothing is left over.
#[track_caller]
pub(crate) fn assert_decodes<T, E, D>(wire: &[u8], expected: &[T], decoder: impl Fn() -> D)
where
    T: Debug + PartialEq,
    E: Debug,
    D: FnMut(&mut BytesMut) -> Result<Option<T>, E>,
{
    for read_size in [wire.len(), 1] {
        let (seen, left) = decode_in_reads(wire, read_size, decoder()).unwrap();
        assert_eq!(seen, expected, "in reads of {read_size} bytes");
        assert!(
            left.is_empty(),
            "{left:?} left over in reads of {read_size} bytes"
        );
    }
}

/// Asserts that `wire` is refused for the same reason however it is cut, and returns it.
#[track_caller]
pub(crate) fn refusal<T, E, D>(wire: &[u8], decoder: impl Fn() -> D) -> E
where
    T: Debug,
    E: Debug + PartialEq,
    D: FnMut(&mut BytesMut) -> Result<Option<T>, E>,
{
    let whole = decode_in_reads(wire, wire.len(), decoder()).unwrap_err();
    let singly = decode_in_reads(wire, 1, decoder()).unwrap_err();
    assert_eq!(
        std::mem::discriminant(&whole),
        std::mem::discriminant(&singly),
        "{whole:?} whole but {singly:?} in single bytes"
    );
    whole
}
