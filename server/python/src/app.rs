//! One WSGI application, and how it is asked.

use std::sync::Arc;

use bytes::Bytes;
use gateserve::app::{AppError, Arrived, Call};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::environ::{self, Facts};
use crate::errors::Errors;
use crate::input::Input;
use crate::names::Names;
use crate::policy::Policy;
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

    /// Asks the application and sends what it replies. Whatever it keeps of the request outlives
    /// it without harm.
    pub(crate) fn answer(&self, py: Python<'_>, mut call: Call, names: &Names) {
        let facts = match Facts::of(&mut call) {
            Ok(facts) => facts,
            Err(refusal) => return call.fail(refusal),
        };
        let arrived = std::mem::take(&mut call.arrived);
        let call = Arc::new(call);
        let exchange = match Exchange::new(py, &call, arrived, &facts, names.policy) {
            Ok(exchange) => exchange,
            Err(error) => return fail(py, &call, &error),
        };
        let answered = self.ask(py, &exchange, &facts, names);
        exchange.end(py, &call, answered, names);
    }

    fn ask(
        &self,
        py: Python<'_>,
        exchange: &Exchange<'_>,
        facts: &Facts,
        names: &Names,
    ) -> PyResult<Bytes> {
        let environ = environ::make(py, facts, names)?;
        environ.set_item(&names.input, &exchange.input)?;
        environ.set_item(&names.core, facts.core)?;
        if let Some(errors) = &exchange.errors {
            environ.set_item(&names.errors, errors)?;
        }
        // WSGI-CALL-POSITIONAL
        let iterable = self.callable.bind(py).call1((environ, &exchange.started))?;
        let sent = response::send(py, &iterable, exchange.started.get(), names);
        let closed = close(&iterable, names);
        // WSGI-ITER-CLOSE-EXC: the reply is as whole as it was before.
        if let Err(error) = closed {
            tell::exception(py, &error);
        }
        sent
    }
}

/// WSGI-ITER-CLOSE, of the object that was returned (WSGI-ITER-CLOSE-SAME-OBJECT).
fn close(iterable: &Bound<'_, PyAny>, names: &Names) -> PyResult<()> {
    if iterable.is_exact_instance_of::<PyList>() || iterable.is_exact_instance_of::<PyTuple>() {
        return Ok(());
    }
    match iterable.getattr_opt(&names.close)? {
        Some(close) => close.call0().map(drop),
        None => Ok(()),
    }
}

/// What one request's application holds.
struct Exchange<'py> {
    input: Bound<'py, Input>,
    started: Bound<'py, StartResponse>,
    errors: Option<Bound<'py, Errors>>,
}

impl<'py> Exchange<'py> {
    fn new(
        py: Python<'py>,
        call: &Arc<Call>,
        arrived: Arrived,
        facts: &Facts,
        policy: Policy,
    ) -> PyResult<Self> {
        let errors = facts
            .reports_errors
            .then(|| Bound::new(py, Errors::new(Arc::clone(call))));
        Ok(Self {
            input: Bound::new(py, Input::new(Arc::clone(call), arrived))?,
            started: Bound::new(
                py,
                StartResponse::new(Arc::clone(call), facts.is_head, policy.write_tolerance),
            )?,
            errors: errors.transpose()?,
        })
    }

    /// Ends the reply as it has come out.
    fn end(&self, py: Python<'_>, call: &Call, answered: PyResult<Bytes>, names: &Names) {
        self.input.get().close();
        if let Some(errors) = &self.errors {
            errors.get().send_rest();
        }
        let started = self.started.get();
        let error = match answered {
            Ok(last) => return started.finish_with(last),
            Err(error) => error,
        };
        if let Some(fault) = started.fault() {
            // The peer is at fault; what the application was told may be of interest as well.
            tell::exception(py, &error);
            return call.fail(AppError::from(fault));
        }
        tell::exception(py, &error);
        match self.input.get().fault() {
            Some(fault) => call.fail(AppError::from(fault)),
            None if names.policy.catch_exceptions && started.may_replace() => {
                let (head, text) = tell::as_reply(py, &error);
                call.finish(Some(head), text);
            }
            None => call.fail(raised()),
        }
    }
}

fn fail(py: Python<'_>, call: &Call, error: &PyErr) {
    tell::exception(py, error);
    call.fail(raised());
}

fn raised() -> AppError {
    AppError::new(500, "application raised an exception")
}
