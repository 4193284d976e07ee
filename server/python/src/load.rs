//! Loading applications.

use std::path::Path;

use gateserve::options::{PythonApp, PythonSettings, PythonSource, Settings};
use pyo3::prelude::*;

use crate::app::App;

/// Loads every application, in order.
pub(crate) fn all(
    py: Python<'_>,
    python: &PythonSettings,
    _settings: &Settings,
) -> PyResult<Vec<App>> {
    let path = py.import("sys")?.getattr("path")?;
    for folder in &python.path {
        path.call_method1("append", (folder,))?;
    }
    python.apps.iter().map(|app| one(py, app)).collect()
}

fn one(py: Python<'_>, app: &PythonApp) -> PyResult<App> {
    let callable = match &app.source {
        PythonSource::Module(name) => py.import(name)?.getattr(&*app.callable)?,
        PythonSource::File(file) => from_file(py, file)?.get_item(&app.callable)?,
    };
    Ok(App::new(callable.unbind()))
}

/// The globals of a file that was run.
fn from_file<'py>(py: Python<'py>, file: &Path) -> PyResult<Bound<'py, PyAny>> {
    py.import("runpy")?.call_method1("run_path", (file,))
}
