//! Python strings and values that every request needs, made once.

use gateserve::options::Settings;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::file_wrapper::{FileTypes, FileWrapper};
use crate::policy::Policy;
use crate::table::Table;
use crate::uwsgi_module;

/// Strings and values that every environment holds.
pub(crate) struct Names {
    /// What each environment begins as: the entries that are the same for all requests.
    pub(crate) template: Py<PyDict>,
    pub(crate) table: Table,
    pub(crate) policy: Policy,
    pub(crate) file_types: FileTypes,
    pub(crate) input: Py<PyString>,
    pub(crate) errors: Py<PyString>,
    pub(crate) core: Py<PyString>,
    pub(crate) url_scheme: Py<PyString>,
    pub(crate) http: Py<PyString>,
    pub(crate) https: Py<PyString>,
    pub(crate) close: Py<PyString>,
}

impl Names {
    pub(crate) fn new(py: Python<'_>, settings: &Settings) -> PyResult<Self> {
        let name = |text| PyString::intern(py, text).unbind();
        let policy = Policy::of(settings);
        Ok(Self {
            template: template(py, &policy)?.unbind(),
            table: Table::default(),
            file_types: FileTypes::new(py)?,
            policy,
            input: name("wsgi.input"),
            errors: name("wsgi.errors"),
            core: name("uwsgi.core"),
            url_scheme: name("wsgi.url_scheme"),
            http: name("http"),
            https: name("https"),
            close: name("close"),
        })
    }
}

/// WSGI-ENV-WSGI-KEYS, but for those that differ from request to request; and what uWSGI adds.
fn template<'py>(py: Python<'py>, policy: &Policy) -> PyResult<Bound<'py, PyDict>> {
    let template = PyDict::new(py);
    template.set_item("wsgi.version", (1, 0))?;
    // Takes any text: what the locale cannot express is escaped (WSGI-ERRORS-UNICODE).
    template.set_item("wsgi.errors", py.import("sys")?.getattr("stderr")?)?;
    template.set_item("wsgi.multithread", policy.multithread)?;
    template.set_item("wsgi.multiprocess", policy.multiprocess)?;
    template.set_item("wsgi.run_once", false)?;
    // Every body has its end, whether it was announced or not.
    template.set_item("wsgi.input_terminated", true)?;
    if policy.file_wrapper {
        template.set_item("wsgi.file_wrapper", py.get_type::<FileWrapper>())?;
    }
    let version = PyBytes::new(py, uwsgi_module::version().as_bytes());
    template.set_item("uwsgi.version", version)?;
    let node = nix::unistd::gethostname().unwrap_or_default();
    let node = node.to_string_lossy();
    template.set_item("uwsgi.node", PyBytes::new(py, node.as_bytes()))?;
    Ok(template)
}
