//! The `start_response` callable, and all that is sent of one reply (PEP 3333, "The
//! start_response() Callable", "The write() Callable").

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use gateserve::app::{AppError, Call};
use gateserve::exchange::ReplyError;
use pyo3::exceptions::{PyAssertionError, PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use wire::cgi::CgiHead;

use crate::head::{Head, type_name};
use crate::piece;

/// What one request's application has said and sent.
#[pyclass(frozen, module = "gateserve")]
pub(crate) struct StartResponse {
    call: Arc<Call>,
    is_head: bool,
    /// Failed writes that the application is not told of.
    tolerance: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `start_response` was called, whether it succeeded or not (WSGI-SR-TWICE).
    called: bool,
    /// What was said and not yet sent.
    head: Option<Head>,
    /// What is known of the reply once its head has gone out.
    sent: Option<Sent>,
    fault: Option<ReplyError>,
    /// Failed writes.
    failed: u64,
}

/// A reply whose head has gone out.
struct Sent {
    /// Bytes of the announced length that are still due.
    due: Option<u64>,
    length: Option<u64>,
    /// Nothing of the body goes to the client.
    is_bodiless: bool,
    /// The gateway may put a file in the place of the body, which need not be there then.
    is_delegated: bool,
}

/// What to do about a piece of the body.
struct Step {
    head: Option<CgiHead>,
    /// Bytes of the piece that may be sent.
    allowed: usize,
    /// Whether anything may follow.
    goes_on: bool,
}

impl StartResponse {
    /// `is_head`: the request is a HEAD; `tolerance`: failed writes that the application is not told of.
    pub(crate) fn new(call: Arc<Call>, is_head: bool, tolerance: u64) -> Self {
        Self {
            call,
            is_head,
            tolerance,
            state: Mutex::default(),
        }
    }

    /// Never held while waiting, nor while Python code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a piece of the body; false if no more is wanted. An empty one is no body data
    /// (WSGI-SR-DEFER-EMPTY-CHUNK).
    pub(crate) fn send(&self, py: Python<'_>, piece: &Bound<'_, PyBytes>) -> PyResult<bool> {
        match piece.as_bytes().len() {
            0 => Ok(true),
            size => self.send_some(py, piece, size),
        }
    }

    fn send_some(&self, py: Python<'_>, piece: &Bound<'_, PyBytes>, size: usize) -> PyResult<bool> {
        let step = self.step(size as u64)?;
        if step.head.is_some() || step.allowed > 0 {
            let bytes = piece::share(piece).slice(..step.allowed);
            let sent = py.detach(|| self.call.send(step.head, bytes));
            sent.or_else(|fault| self.gone(fault))?;
        }
        Ok(step.goes_on)
    }

    /// Sends part of a file as the rest of the body.
    pub(crate) fn send_file(
        &self,
        py: Python<'_>,
        file: File,
        offset: u64,
        length: u64,
    ) -> PyResult<()> {
        self.know_length(length);
        let step = self.step(length)?;
        if step.head.is_none() && step.allowed == 0 {
            return Ok(());
        }
        let length = step.allowed as u64;
        let sent = py.detach(|| self.call.file(step.head, file, offset, length));
        sent.or_else(|fault| self.gone(fault))
    }

    /// Decides about `size` bytes of body.
    fn step(&self, size: u64) -> PyResult<Step> {
        let mut state = self.state();
        let head = state.begin(self.is_head)?;
        let Some(sent) = &mut state.sent else {
            return Err(not_called());
        };
        if sent.is_bodiless {
            // WSGI-CL-HEAD, WSGI-CL-204-304: nothing that follows would be seen.
            let goes_on = false;
            return Ok(Step {
                head,
                allowed: 0,
                goes_on,
            });
        }
        // WSGI-CL-NO-EXCESS
        let allowed = sent.due.map_or(size, |due| due.min(size));
        if let Some(due) = &mut sent.due {
            *due -= allowed;
        }
        let goes_on = allowed == size;
        if !goes_on {
            let length = sent.length.unwrap_or_default();
            drop(state);
            eprintln!("application sent more than the {length} bytes of its Content-Length");
        }
        Ok(Step {
            head,
            allowed: usize::try_from(allowed).unwrap_or(usize::MAX),
            goes_on,
        })
    }

    /// The whole body has so many bytes: the head says so if it can still be said and the
    /// application has not said it (WSGI-CL-AUTO-ONE).
    pub(crate) fn know_length(&self, length: u64) {
        let is_told = length > 0 || !self.is_head;
        if let Some(head) = &mut self.state().head
            && head.length.is_none()
            && is_told
            && !head.is_bodiless()
            && !head.is_delegated
        {
            head.set_length(length);
        }
    }

    /// Ends the reply with this as the last piece of the body, and with the head if it is still due
    /// (WSGI-SR-EMPTY-BODY).
    pub(crate) fn finish_with(&self, last: Bytes) {
        let Ok(step) = self.step(last.len() as u64) else {
            let text = "application returned without calling start_response";
            return self.call.fail(AppError::new(500, text));
        };
        let last = last.slice(..step.allowed);
        match self.shortage() {
            None => self.call.finish(step.head, last),
            Some((due, length)) => {
                // WSGI-CL-SHORT: the client must be able to tell.
                if step.head.is_some() || !last.is_empty() {
                    // Whether it is still there does not matter any more.
                    let _ = self.call.send(step.head, last);
                }
                let text = format!(
                    "application sent {} of the {length} bytes of its Content-Length",
                    length - due
                );
                self.call.fail(AppError::new(500, text));
            }
        }
    }

    /// Bytes that are missing of the announced ones, if any are.
    fn shortage(&self) -> Option<(u64, u64)> {
        let state = self.state();
        let sent = state.sent.as_ref().filter(|sent| !sent.is_bodiless)?;
        let due = sent.due.filter(|&due| due > 0)?;
        let is_left_to_the_gateway = sent.is_delegated && sent.due == sent.length;
        (!is_left_to_the_gateway).then_some((due, sent.length?))
    }

    fn gone(&self, fault: ReplyError) -> PyResult<()> {
        let mut state = self.state();
        state.failed += 1;
        if state.failed <= self.tolerance {
            return Ok(());
        }
        // uWSGI's words, and then the reason.
        let error = PyOSError::new_err(format!("write error: {fault}"));
        state.fault = Some(fault);
        Err(error)
    }

    /// Why nothing can be sent any more.
    pub(crate) fn fault(&self) -> Option<ReplyError> {
        self.state().fault.clone()
    }

    /// Whether nothing has gone out.
    pub(crate) fn may_replace(&self) -> bool {
        self.state().sent.is_none()
    }
}

impl State {
    /// Turns what was said into what is sent: the head is due.
    fn begin(&mut self, is_head: bool) -> PyResult<Option<CgiHead>> {
        let Some(head) = self.head.take() else {
            return match self.sent {
                Some(_) => Ok(None),
                None => Err(not_called()),
            };
        };
        self.sent = Some(Sent {
            due: head.length,
            length: head.length,
            is_bodiless: is_head || head.is_bodiless(),
            is_delegated: head.is_delegated,
        });
        Ok(Some(head.head))
    }
}

/// WSGI-APP-START-BEFORE-BODY
fn not_called() -> PyErr {
    PyAssertionError::new_err("start_response was not called before the body")
}

#[pymethods]
impl StartResponse {
    /// Says status and headers, and gives `write` (WSGI-SR-RETURNS-WRITE). Nothing goes out yet
    /// (WSGI-SR-DEFER).
    #[pyo3(signature = (status, response_headers, exc_info = None))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        response_headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        if let Some(exc_info) = exc_info {
            if !this.may_replace() {
                return Err(raised_before(exc_info));
            }
        } else if std::mem::replace(&mut this.state().called, true) {
            return Err(PyAssertionError::new_err(
                "start_response was called before; only with exc_info may it be called again \
                 (PEP 3333)",
            ));
        }
        let head = Head::of(status, response_headers)?;
        let mut state = this.state();
        state.called = true;
        // WSGI-SR-EXC-REPLACE
        state.head = Some(head);
        drop(state);
        slf.getattr(pyo3::intern!(slf.py(), "write"))
    }

    /// Sends a piece of the body as if it had been yielded, and the head before it, even before an
    /// empty piece.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        // WSGI-WRITE-TYPE
        let Ok(piece) = data.cast::<PyBytes>() else {
            let name = type_name(data);
            return Err(PyTypeError::new_err(format!(
                "write() expects bytes, not {name}"
            )));
        };
        let size = piece.as_bytes().len();
        match self.send_some(py, piece, size)? {
            true => Ok(()),
            false
                if self
                    .state()
                    .sent
                    .as_ref()
                    .is_some_and(|sent| sent.is_bodiless) =>
            {
                Ok(())
            }
            false => Err(PyAssertionError::new_err(
                "write() goes beyond the Content-Length of the response",
            )),
        }
    }
}

/// WSGI-SR-EXC-RERAISE: the head has gone out, so the application's own exception goes on.
fn raised_before(exc_info: &Bound<'_, PyAny>) -> PyErr {
    let parts = exc_info.cast::<PyTuple>().ok();
    let value = parts.and_then(|parts| parts.get_item(1).ok());
    match value.filter(|value| !value.is_none()) {
        Some(value) => {
            let traceback = parts.and_then(|parts| parts.get_item(2).ok());
            let value = match traceback.filter(|traceback| !traceback.is_none()) {
                Some(traceback) => value
                    .call_method1("with_traceback", (traceback,))
                    .unwrap_or(value),
                None => value,
            };
            PyErr::from_value(value)
        }
        None => PyAssertionError::new_err("the head of the response has gone out already"),
    }
}
