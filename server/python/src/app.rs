//! One WSGI application, and how it is asked.

use std::sync::Arc;

use gateserve::app::{AppError, Call};
use pyo3::prelude::*;

use crate::environ::environ;
use crate::input::Input;
use crate::names::Names;
use crate::start_response::StartResponse;
use crate::{response, tell};

/// A WSGI application.
pub(crate) struct App {
    callable: Py<PyAny>,
}

impl App {
    pub(crate) fn new(callable: Py<PyAny>) -> Self {
        Self { callable }
    }

    /// Asks the application and sends what it replies.
    pub(crate) fn answer(&self, py: Python<'_>, call: Call, names: &Names) {
        let call = Arc::new(call);
        let input = match Bound::new(py, Input::new(Arc::clone(&call))) {
            Ok(input) => input,
            Err(error) => return tell::exception(py, &error),
        };
        let answered = self.ask(py, &call, &input, names);
        input.get().close();
        // An application may keep `environ`, but no more than that.
        let Some(call) = Arc::into_inner(call) else {
            return;
        };
        match answered {
            Ok((head, last)) => call.finish(head, last),
            Err(error) => {
                tell::exception(py, &error);
                call.fail(AppError::new(500, "application raised an exception"));
            }
        }
    }

    fn ask(
        &self,
        py: Python<'_>,
        call: &Call,
        input: &Bound<'_, Input>,
        names: &Names,
    ) -> PyResult<(Option<wire::cgi::CgiHead>, bytes::Bytes)> {
        let environ = environ(py, call, input, names)?;
        let started = Bound::new(py, StartResponse::new())?;
        let iterable = self.callable.bind(py).call1((environ, &started))?;
        let sent = response::send(py, call, &iterable, started.get());
        if let Ok(close) = iterable.getattr(&names.close) {
            close.call0()?;
        }
        sent
    }
}
