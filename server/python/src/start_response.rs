//! The `start_response` callable (PEP 3333, "The start_response() Callable").

use std::sync::Mutex;

use bytes::Bytes;
use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use wire::cgi::CgiHead;
use wire::field::Header;

/// What one request's application has said of its head.
#[pyclass(frozen)]
pub(crate) struct StartResponse {
    head: Mutex<Option<CgiHead>>,
}

impl StartResponse {
    pub(crate) fn new() -> Self {
        Self {
            head: Mutex::default(),
        }
    }

    /// The head, once.
    pub(crate) fn take(&self) -> Option<CgiHead> {
        self.head.lock().ok()?.take()
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, exc_info = None))]
    fn __call__(
        &self,
        status: &str,
        headers: &Bound<'_, PyList>,
        exc_info: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let fields = headers.iter().map(|field| header(&field));
        let head = CgiHead {
            status: Some(split(status)?),
            fields: fields.collect::<PyResult<_>>()?,
        };
        let mut slot = self
            .head
            .lock()
            .map_err(|_| PyValueError::new_err("lock"))?;
        if slot.is_some() && exc_info.is_none() {
            return Err(PyAssertionError::new_err("headers already set"));
        }
        *slot = Some(head);
        Ok(())
    }
}

fn header(field: &Bound<'_, PyAny>) -> PyResult<Header> {
    let (name, value): (String, String) = field.extract()?;
    Ok(Header {
        name: Bytes::from(name),
        value: Bytes::from(value),
    })
}

fn split(status: &str) -> PyResult<(u16, Bytes)> {
    let (code, reason) = status.split_once(' ').unwrap_or((status, ""));
    let code = code
        .parse()
        .map_err(|_| PyValueError::new_err(format!("status {status:?} begins with no number")))?;
    Ok((code, Bytes::copy_from_slice(reason.as_bytes())))
}
