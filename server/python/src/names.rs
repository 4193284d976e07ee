//! Python strings that every request needs, made once.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Strings and values that every environment holds.
pub(crate) struct Names {
    /// What each environment begins as: the entries that are the same for all requests.
    pub(crate) template: Py<PyDict>,
    pub(crate) input: Py<PyString>,
    pub(crate) url_scheme: Py<PyString>,
    pub(crate) http: Py<PyString>,
    pub(crate) https: Py<PyString>,
    pub(crate) close: Py<PyString>,
}

impl Names {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let name = |text| PyString::intern(py, text).unbind();
        let template = PyDict::new(py);
        template.set_item("wsgi.version", (1, 0))?;
        template.set_item("wsgi.errors", py.import("sys")?.getattr("stderr")?)?;
        template.set_item("wsgi.multithread", false)?;
        template.set_item("wsgi.multiprocess", true)?;
        template.set_item("wsgi.run_once", false)?;
        template.set_item("wsgi.input_terminated", true)?;
        Ok(Self {
            template: template.unbind(),
            input: name("wsgi.input"),
            url_scheme: name("wsgi.url_scheme"),
            http: name("http"),
            https: name("https"),
            close: name("close"),
        })
    }
}
