//! Strategies for the values that the codecs carry.

use bytes::Bytes;
use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use wire::environ::Environ;
use wire::http::Header;

/// Octets that any format carries as a value.
fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(1..=255u8, 0..200)
}

/// Variables with distinct names that are not empty, and values without NUL.
pub(crate) fn environ() -> impl Strategy<Value = Environ> {
    hash_set("[A-Z_]{1,140}", 0..12).prop_flat_map(|names| {
        let values = vec(value(), names.len());
        values.prop_map(move |values| names.iter().cloned().zip(values).collect())
    })
}

/// Header fields with names that no decoder gives a meaning, and values of any text.
pub(crate) fn headers() -> impl Strategy<Value = Vec<Header>> {
    let name = "X-[a-zA-Z0-9!#$%&'*+.^_`|~-]{0,12}";
    let value = vec(prop_oneof![Just(b'\t'), b' '..=b'~', 128..=255u8], 0..40);
    vec(
        (name, value).prop_map(|(name, value)| Header::new(name, trimmed(&value))),
        0..8,
    )
}

/// A body and the lengths of the pieces in which it travels.
pub(crate) fn body() -> impl Strategy<Value = (Vec<u8>, usize)> {
    (vec(any::<u8>(), 0..500), 1..100usize)
}

fn trimmed(value: &[u8]) -> Bytes {
    Bytes::copy_from_slice(value.trim_ascii())
}
