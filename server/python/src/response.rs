//! From what an application returns to the reply.

use bytes::Bytes;
use gateserve::app::Call;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wire::cgi::CgiHead;

use crate::start_response::StartResponse;

/// Sends every piece of the iterable. The last one and the head, if they are still to be sent, are
/// handed back: they need no waiting for.
pub(crate) fn send(
    py: Python<'_>,
    call: &Call,
    iterable: &Bound<'_, PyAny>,
    started: &StartResponse,
) -> PyResult<(Option<CgiHead>, Bytes)> {
    let mut held = Bytes::new();
    for piece in iterable.try_iter()? {
        let piece = piece?;
        let piece = Bytes::copy_from_slice(piece.cast::<PyBytes>()?.as_bytes());
        if piece.is_empty() {
            continue;
        }
        if let Some(head) = started.take() {
            py.detach(|| call.head(head)).map_err(gone)?;
        }
        py.detach(|| call.body(std::mem::replace(&mut held, piece)))
            .map_err(gone)?;
    }
    Ok((started.take(), held))
}

fn gone(error: gateserve::exchange::ReplyError) -> PyErr {
    pyo3::exceptions::PyOSError::new_err(error.to_string())
}
