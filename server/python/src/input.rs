//! `wsgi.input` (PEP 3333, "Input and Error Streams").

use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use gateserve::app::Call;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The request body as a file: blocks until what was asked for, or the end, is there.
#[pyclass(frozen)]
pub(crate) struct Input {
    call: Mutex<Option<std::sync::Arc<Call>>>,
    ahead: Mutex<Bytes>,
}

impl Input {
    pub(crate) fn new(call: std::sync::Arc<Call>) -> Self {
        Self {
            call: Mutex::new(Some(call)),
            ahead: Mutex::default(),
        }
    }

    /// The request is over: nothing can be read any more.
    pub(crate) fn close(&self) {
        self.call.lock().ok().map(|mut call| call.take());
    }

    fn read_up_to(&self, py: Python<'_>, most: usize) -> PyResult<Bytes> {
        py.detach(|| {
            let mut ahead = self.ahead.lock().map_err(|_| broken("lock"))?;
            let call = self.call.lock().map_err(|_| broken("lock"))?.clone();
            let mut read = BytesMut::new();
            while read.len() < most {
                if ahead.is_empty() {
                    let Some(call) = &call else { break };
                    match call.read().map_err(|error| broken(&error.to_string()))? {
                        Some(piece) => *ahead = piece,
                        None => break,
                    }
                }
                let wanted = (most - read.len()).min(ahead.len());
                read.extend_from_slice(&ahead.split_to(wanted));
            }
            Ok(read.freeze())
        })
    }
}

fn broken(why: &str) -> PyErr {
    PyOSError::new_err(format!("error during read() on wsgi.input: {why}"))
}

#[pymethods]
impl Input {
    #[pyo3(signature = (size = None))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let most = size.and_then(|size| usize::try_from(size).ok());
        let bytes = self.read_up_to(py, most.unwrap_or(usize::MAX))?;
        Ok(PyBytes::new(py, &bytes))
    }
}
