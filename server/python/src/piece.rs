//! Python's bytes as the server's.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

/// Below this size, in bytes, a copy is cheaper than keeping the Python object until it is sent.
const COPY_BELOW: usize = 16 * 1024;

/// The same bytes; large ones are not copied.
pub(crate) fn share(piece: &Bound<'_, PyBytes>) -> Bytes {
    let bytes = piece.as_bytes();
    match bytes.len() < COPY_BELOW {
        true => Bytes::copy_from_slice(bytes),
        false => Bytes::from_owner(PyBackedBytes::from(piece.clone())),
    }
}
