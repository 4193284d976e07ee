//! What the log is told of Python's troubles.

use bytes::Bytes;
use gateserve::app::{self, Call};
use gateserve::language::LoadError;
use pyo3::prelude::*;
use wire::cgi::CgiHead;

/// Prints the traceback, and does no more than that: `SystemExit` is an application's mistake like
/// any other, and no reason for the worker to end (WSGI-ITER-BASEEXC).
pub(crate) fn exception(py: Python<'_>, error: &PyErr) {
    // Before Python 3.12 the exception itself knows only what the last `with` or `finally` on its
    // way has seen; what is shown is what it knows.
    let _ = error
        .value(py)
        .setattr("__traceback__", error.traceback(py));
    error.display(py);
}

/// The traceback as a reply, for `catch-exceptions`.
pub(crate) fn as_reply(py: Python<'_>, error: &PyErr) -> (CgiHead, Bytes) {
    let text = traceback(py, error).unwrap_or_else(|_| error.to_string());
    let head = CgiHead::new(500)
        .with("Content-Type", "text/plain; charset=utf-8")
        .with("Content-Length", text.len().to_string());
    (head, text.into())
}

fn traceback(py: Python<'_>, error: &PyErr) -> PyResult<String> {
    let lines = py.import("traceback")?.call_method1(
        "format_exception",
        (error.get_type(py), error.value(py), error.traceback(py)),
    )?;
    let lines: Vec<String> = lines.extract()?;
    Ok(lines.concat())
}

/// The interpreter cannot be used: the traceback goes to the log.
pub(crate) fn failed_start(py: Python<'_>, error: &PyErr) -> LoadError {
    exception(py, error);
    LoadError(format!("the interpreter cannot be used: {error}"))
}

/// uWSGI's reply and line for a request that no application answers.
pub(crate) fn no_application(call: Call) {
    gateserve::tell(app::NO_APPLICATION);
    let (head, body) = app::no_application();
    call.finish(Some(head), body.into());
}
