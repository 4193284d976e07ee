//! What the log is told of Python's troubles.

use gateserve::app::{AppError, Call};
use gateserve::language::LoadError;
use pyo3::prelude::*;

/// Prints the traceback.
pub(crate) fn exception(py: Python<'_>, error: &PyErr) {
    error.print(py);
}

/// The application cannot be loaded: the traceback goes to the log.
pub(crate) fn failed_load(py: Python<'_>, error: &PyErr) -> LoadError {
    exception(py, error);
    LoadError(format!("unable to load the Python application: {error}"))
}

/// uWSGI's line for a request that no application answers.
pub(crate) fn no_application(call: Call) {
    call.fail(AppError::new(
        500,
        "--- no python application found, check your startup logs for errors ---",
    ));
}
