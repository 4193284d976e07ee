//! The `uwsgi` module, which applications import to ask the server for something.
//!
//! ```text
//! uwsgi.py             what Python can do by itself, and what is refused
//! uwsgidecorators.py   the decorators that come with uWSGI
//! native.rs            what only the server can do
//! facts.rs             options, version and sizes
//! ```

mod facts;
mod native;

use gateserve::inside::Inside;
use gateserve::options::{Given, Settings};
use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::tell;

const SOURCE: &str = include_str!("uwsgi.py");
const DECORATORS: &str = include_str!("uwsgidecorators.py");

/// Makes the module, which can be imported from then on.
pub(crate) fn install(py: Python<'_>, settings: &Settings, given: &[Given]) -> PyResult<()> {
    let module = PyModule::new(py, "uwsgi")?;
    module.add("__file__", "<gateserve>/uwsgi.py")?;
    module.add("_DECORATORS", DECORATORS)?;
    native::add(&module)?;
    facts::add(&module, settings, given)?;
    let builtins = py.import("builtins")?;
    let code = builtins.call_method1("compile", (SOURCE, "<gateserve>/uwsgi.py", "exec"))?;
    builtins.call_method1("exec", (code, module.dict()))?;
    py.import("sys")?
        .getattr("modules")?
        .set_item("uwsgi", module)
}

/// A worker begins: from here on the module tells where it is.
pub(crate) fn forked(py: Python<'_>, inside: Inside) {
    native::begin(inside);
    hook(py, "post_fork_hook");
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
