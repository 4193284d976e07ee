//! From what an application returns to the reply.

use bytes::{Bytes, BytesMut};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::file_wrapper::FileWrapper;
use crate::head::type_name;
use crate::names::Names;
use crate::piece;
use crate::start_response::StartResponse;

/// The most bytes of a list that are joined to leave at once.
const JOIN_UP_TO: usize = 64 * 1024;

/// Sends what the iterable gives, piece by piece: each is with the system before the next is asked
/// for (WSGI-ITER-NO-DELAY, WSGI-ITER-ORDER). What is known to be the last piece is handed back: it
/// may leave with the end of the reply.
pub(crate) fn send(
    py: Python<'_>,
    iterable: &Bound<'_, PyAny>,
    started: &StartResponse,
    names: &Names,
) -> PyResult<Bytes> {
    if let Ok(list) = iterable.cast_exact::<PyList>() {
        return send_all(py, list.iter().collect(), started);
    }
    if let Ok(tuple) = iterable.cast_exact::<PyTuple>() {
        return send_all(py, tuple.iter().collect(), started);
    }
    if let Ok(wrapper) = iterable.cast_exact::<FileWrapper>()
        && let Some(part) = wrapper.get().plain_file(py, &names.file_types)?
    {
        started.send_file(py, part.file, part.offset, part.length)?;
        return Ok(Bytes::new());
    }
    send_each(py, iterable, started).map(|()| Bytes::new())
}

/// A list is known whole, and with it its length.
fn send_all(
    py: Python<'_>,
    pieces: Vec<Bound<'_, PyAny>>,
    started: &StartResponse,
) -> PyResult<Bytes> {
    if let [piece] = pieces.as_slice() {
        let piece = piece::share(bytes(piece)?);
        started.know_length(piece.len() as u64);
        return Ok(piece);
    }
    let pieces: PyResult<Vec<_>> = pieces.iter().map(bytes).collect();
    let pieces = pieces?;
    let size: usize = pieces.iter().map(|piece| piece.as_bytes().len()).sum();
    started.know_length(size as u64);
    if size <= JOIN_UP_TO {
        let mut joined = BytesMut::with_capacity(size);
        for piece in pieces {
            joined.extend_from_slice(piece.as_bytes());
        }
        return Ok(joined.freeze());
    }
    for piece in pieces {
        if !started.send(py, piece)? {
            break;
        }
    }
    Ok(Bytes::new())
}

fn send_each(py: Python<'_>, iterable: &Bound<'_, PyAny>, started: &StartResponse) -> PyResult<()> {
    if iterable.is_instance_of::<PyString>() || iterable.is_none() {
        return Err(wrong(
            iterable,
            "an application must return an iterable of bytes",
        ));
    }
    if let Ok(bytes) = iterable.cast::<PyBytes>() {
        // An iterable of numbers in truth, and what is meant is clear: uWSGI takes it, too.
        started.know_length(bytes.as_bytes().len() as u64);
        return started.send(py, bytes).map(drop);
    }
    // Asked for before iteration begins, since it may change then.
    let is_one = iterable.len().is_ok_and(|length| length == 1);
    for (number, piece) in iterable.try_iter()?.enumerate() {
        let piece = piece?;
        let piece = bytes(&piece)?;
        if is_one && number == 0 {
            started.know_length(piece.as_bytes().len() as u64);
        }
        if !started.send(py, piece)? {
            break;
        }
    }
    Ok(())
}

/// WSGI-ITER-BYTES
fn bytes<'a, 'py>(piece: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyBytes>> {
    let piece_of = piece.cast::<PyBytes>();
    piece_of.map_err(|_| wrong(piece, "the body of a response must be bytes"))
}

fn wrong(found: &Bound<'_, PyAny>, rule: &str) -> PyErr {
    PyTypeError::new_err(format!("{rule}, not {}", type_name(found)))
}
