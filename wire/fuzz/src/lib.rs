//! What every target asserts: no panic, and the same answer however reads are cut.

use std::fmt::Debug;
use std::mem::discriminant;

use bytes::BytesMut;

/// The values decoded from `bytes` in reads of `read_size`, and the error if there was one.
pub fn run<T, E>(
    bytes: &[u8],
    read_size: usize,
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
) -> (Vec<T>, Option<E>) {
    let (mut buf, mut seen) = (BytesMut::new(), Vec::new());
    for read in bytes.chunks(read_size) {
        buf.extend_from_slice(read);
        loop {
            match decode(&mut buf) {
                Ok(Some(value)) => seen.push(value),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, None)
}

/// Decodes `input` whole and in reads as long as its first byte says, and compares.
pub fn cut_anywhere<T, E, D>(input: &[u8], decoder: impl Fn() -> D)
where
    T: Debug + PartialEq,
    E: Debug,
    D: FnMut(&mut BytesMut) -> Result<Option<T>, E>,
{
    let Some((&read_size, bytes)) = input.split_first() else {
        return;
    };
    let (whole, whole_error) = run(bytes, bytes.len().max(1), decoder());
    let (cut, cut_error) = run(bytes, usize::from(read_size).max(1), decoder());
    assert_eq!(cut, whole);
    assert_eq!(
        cut_error.as_ref().map(discriminant),
        whole_error.as_ref().map(discriminant)
    );
}
