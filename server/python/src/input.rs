//! `wsgi.input` (PEP 3333, "Input and Error Streams").

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateserve::app::{Arrived, Call};
use gateserve::exchange::BodyError;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::body::{Ahead, Stop};

/// The request body as a file: blocks until what was asked for, or the end, is there.
///
/// An application may hand it to a thread of its own, and may keep it: once the request is over,
/// nothing can be read any more (WSGI-INPUT-ISOLATION).
#[pyclass(frozen, module = "gateserve")]
pub(crate) struct Input {
    call: Arc<Call>,
    /// Held while waiting for the event loop, and never by a thread that has Python's lock then.
    ahead: Mutex<Ahead>,
    over: AtomicBool,
    fault: Mutex<Option<BodyError>>,
}

impl Input {
    pub(crate) fn new(call: Arc<Call>, arrived: Arrived) -> Self {
        Self {
            call,
            ahead: Mutex::new(Ahead::new(arrived.bytes, arrived.whole)),
            over: AtomicBool::new(false),
            fault: Mutex::default(),
        }
    }

    /// The request is over. Whoever reads at this moment in another thread is told when the call
    /// ends: it is not waited for.
    pub(crate) fn close(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// What went wrong with the body, if the application has been told so.
    pub(crate) fn fault(&self) -> Option<BodyError> {
        lock(&self.fault).clone()
    }

    /// Takes what `stop` asks for off the body.
    fn take<'py>(
        &self,
        py: Python<'py>,
        stop: Stop,
        asked: Asked,
    ) -> PyResult<Bound<'py, PyBytes>> {
        // What is there already needs no wait and no other thread.
        if let Ok(mut ahead) = self.ahead.try_lock()
            && let Some(bytes) = ahead.take_at_hand(stop)
        {
            return Ok(PyBytes::new(py, &bytes));
        }
        let taken = py.detach(|| {
            let mut ahead = lock(&self.ahead);
            ahead.take(stop, || {
                if self.over.load(Ordering::Acquire) {
                    return Err(None);
                }
                self.call.read().map_err(Some)
            })
        });
        match taken {
            Ok(pieces) => {
                let size = pieces.iter().map(|piece| piece.len()).sum();
                PyBytes::new_with(py, size, |mut room| {
                    for piece in &pieces {
                        let (now, rest) = room.split_at_mut(piece.len());
                        now.copy_from_slice(piece);
                        room = rest;
                    }
                    Ok(())
                })
            }
            Err(fault) => Err(self.failed(fault, asked)),
        }
    }

    /// The words are uWSGI's, which people look for, and then the reason.
    fn failed(&self, fault: Option<BodyError>, asked: Asked) -> PyErr {
        let Asked { method, size } = asked;
        let Some(fault) = fault else {
            return PyOSError::new_err(format!(
                "error during {method}({size}) on wsgi.input: its request is over"
            ));
        };
        let what = match fault {
            BodyError::TimedOut(_) => "timeout",
            _ => "error",
        };
        let text = format!("{what} during {method}({size}) on wsgi.input: {fault}");
        *lock(&self.fault) = Some(fault);
        PyOSError::new_err(text)
    }

    fn line<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let asked = Asked::new("readline", size);
        self.take(py, Stop::AtLine(most(size)), asked)
    }
}

/// What the application called, for messages.
#[derive(Clone, Copy)]
struct Asked {
    method: &'static str,
    size: isize,
}

impl Asked {
    fn new(method: &'static str, size: Option<isize>) -> Self {
        let size = size.filter(|&size| size >= 0).unwrap_or(0);
        Self { method, size }
    }
}

/// WSGI-INPUT-READ-NOARG: no size, `None` and a negative one mean all there is.
fn most(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok())
        .unwrap_or(usize::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl Input {
    #[pyo3(signature = (size = None, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, Stop::At(most(size)), Asked::new("read", size))
    }

    /// At most one wait, as of a raw stream.
    #[pyo3(signature = (size = None, /))]
    fn read1<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, Stop::Soon(most(size)), Asked::new("read1", size))
    }

    fn readinto(&self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let view = py
            .import("builtins")?
            .getattr("memoryview")?
            .call1((buffer,))?;
        let view = view.call_method1("cast", ("B",))?;
        let room = view.len()?;
        let asked = Asked::new("readinto", room.try_into().ok());
        let bytes = self.take(py, Stop::At(room), asked)?;
        let read = bytes.as_bytes().len();
        let slice = pyo3::types::PySlice::new(py, 0, read.try_into()?, 1);
        view.set_item(slice, bytes)?;
        Ok(read)
    }

    #[pyo3(signature = (size = None, /))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.line(py, size)
    }

    /// Whole lines, until they come to `hint` bytes (WSGI-INPUT-READLINES-HINT).
    #[pyo3(signature = (hint = None, /))]
    fn readlines<'py>(&self, py: Python<'py>, hint: Option<isize>) -> PyResult<Bound<'py, PyList>> {
        let enough = match hint {
            Some(0) | None => usize::MAX,
            hint => most(hint),
        };
        let (lines, mut size) = (PyList::empty(py), 0);
        while size < enough {
            let line = self.line(py, None)?;
            if line.as_bytes().is_empty() {
                break;
            }
            size += line.as_bytes().len();
            lines.append(line)?;
        }
        Ok(lines)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.line(py, None)?;
        Ok((!line.as_bytes().is_empty()).then_some(line))
    }

    /// Does no harm: the stream is the server's.
    #[pyo3(name = "close")]
    fn close_of_application(&self) {}

    #[getter]
    fn closed(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn readable(&self) -> bool {
        true
    }

    fn writable(&self) -> bool {
        false
    }

    fn seekable(&self) -> bool {
        false
    }

    fn isatty(&self) -> bool {
        false
    }
}
