//! The `uwsgi` module, which applications import to ask the server for something.
//!
//! ```text
//! uwsgi.py             what Python can do by itself, and what is refused
//! uwsgidecorators.py   the decorators that come with uWSGI
//! autoreload.py        py-autoreload
//! native.rs            what only the server can do
//! facts.rs             options, version and sizes
//! ```

mod facts;
mod native;

pub(crate) use facts::version;
use gateserve::inside::Inside;
use gateserve::options::{Given, PythonSettings, Settings};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyModule};

use crate::tell;

const SOURCE: &str = include_str!("uwsgi.py");
const DECORATORS: &str = include_str!("uwsgidecorators.py");
const AUTORELOAD: &str = include_str!("autoreload.py");

/// Makes the module, which can be imported from then on.
pub(crate) fn install(py: Python<'_>, settings: &Settings, given: &[Given]) -> PyResult<()> {
    let module = PyModule::new(py, "uwsgi")?;
    module.add("__file__", "<gateserve>/uwsgi.py")?;
    module.add("_DECORATORS", DECORATORS)?;
    native::add(&module)?;
    facts::add(&module, settings, given)?;
    run(&module, SOURCE, "<gateserve>/uwsgi.py")?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("uwsgi", module)
}

/// A worker begins: from here on the module tells where it is.
pub(crate) fn forked(py: Python<'_>, inside: Inside, settings: Option<&PythonSettings>) {
    let is_first = inside.worker() == 1;
    native::begin(inside);
    hook(py, "post_fork_hook");
    if let Some(settings) = settings.filter(|_| is_first)
        && let Err(error) = autoreload(py, settings)
    {
        tell::exception(py, &error);
    }
}

/// One worker looks for changes: all of them have the same modules, but for few.
fn autoreload(py: Python<'_>, settings: &PythonSettings) -> PyResult<()> {
    let Some(every) = settings.autoreload else {
        return Ok(());
    };
    let module = PyModule::new(py, "gateserve_autoreload")?;
    run(&module, AUTORELOAD, "<gateserve>/autoreload.py")?;
    let ignored = settings.autoreload_ignore.as_slice();
    let arguments = (every.as_secs(), PyList::new(py, ignored)?);
    module.getattr("start")?.call1(arguments).map(drop)
}

/// Runs a module's source.
fn run(module: &Bound<'_, PyModule>, source: &str, file: &str) -> PyResult<()> {
    let builtins = module.py().import("builtins")?;
    let code = builtins.call_method1("compile", (source, file, "exec"))?;
    builtins
        .call_method1("exec", (code, module.dict()))
        .map(drop)
}

/// A worker ends.
pub(crate) fn leave(py: Python<'_>) {
    hook(py, "atexit");
}

/// Calls what the application has put into the module under this name.
fn hook(py: Python<'_>, name: &str) {
    let called = py.import("uwsgi").and_then(|module| {
        let hook = module.dict().get_item(name)?;
        hook.filter(|hook| !hook.is_none())
            .map_or(Ok(()), |hook| hook.call0().map(drop))
    });
    if let Err(error) = called {
        tell::exception(py, &error);
    }
}
