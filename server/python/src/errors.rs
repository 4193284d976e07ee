//! `wsgi.errors` of a request whose gateway takes error text as well: FastCGI.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gateserve::app::Call;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// A text stream to the log and to the gateway, a line at a time.
#[pyclass(frozen, module = "gateserve")]
pub(crate) struct Errors {
    call: Arc<Call>,
    /// The beginning of a line.
    line: Mutex<Vec<u8>>,
}

impl Errors {
    pub(crate) fn new(call: Arc<Call>) -> Self {
        Self {
            call,
            line: Mutex::default(),
        }
    }

    /// Sends a line that has no end yet.
    pub(crate) fn send_rest(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(std::mem::take(&mut line));
    }

    fn send(&self, text: Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let text = Bytes::from(text);
        if !self.call.stderr(text.clone()) {
            // The application has kept the stream beyond the request.
            eprint!("{}", String::from_utf8_lossy(&text));
        }
    }
}

#[pymethods]
impl Errors {
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        // WSGI-ERRORS-UNICODE
        let encoded = text.call_method1("encode", ("utf-8", "backslashreplace"))?;
        let encoded = encoded.cast::<PyBytes>()?.as_bytes();
        let lines = {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            line.extend_from_slice(encoded);
            let end = line.iter().rposition(|&byte| byte == b'\n');
            let rest = line.split_off(end.map_or(0, |end| end + 1));
            std::mem::replace(&mut *line, rest)
        };
        self.send(lines);
        text.len()
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast::<PyString>()?)?;
        }
        Ok(())
    }

    fn flush(&self) {
        self.send_rest();
    }
}
