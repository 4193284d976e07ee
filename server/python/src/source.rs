//! From the place of an application to the application.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use gateserve::options::{PythonSettings, PythonSource};
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

/// What is to be served: one application, or a dictionary of mount points and applications.
pub(crate) fn load<'py>(
    py: Python<'py>,
    source: &PythonSource,
    settings: &PythonSettings,
) -> PyResult<Bound<'py, PyAny>> {
    match source {
        PythonSource::Module { name, callable } => {
            let module = py.import(name)?;
            let callable = callable.as_deref().unwrap_or(&settings.callable);
            application(&module, callable)
        }
        PythonSource::File(file) => application(&from_file(py, file)?, &settings.callable),
        PythonSource::Paste(address) => from_paste(py, address, settings.paste_logger),
    }
}

/// `applications` of the `uwsgi` module or of the module itself goes before the callable.
fn application<'py>(module: &Bound<'py, PyModule>, callable: &str) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    for place in [&py.import("uwsgi")?, module] {
        let many = place.dict().get_item("applications")?;
        if let Some(many) = many.filter(|it| it.is_instance_of::<PyDict>()) {
            return Ok(many);
        }
    }
    let found = named(module, callable)?;
    match found.is_callable() || found.is_instance_of::<PyDict>() {
        true => Ok(found),
        false => Err(PyTypeError::new_err(format!(
            "`{callable}` of {} is {}, not a callable",
            module.name()?,
            found.get_type().name()?,
        ))),
    }
}

/// A name, `object.name`, `make()`, or any expression over the module's names.
pub(crate) fn named<'py>(
    module: &Bound<'py, PyModule>,
    callable: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    let names = module.dict();
    let first = callable.split(['.', '(']).next().unwrap_or_default();
    if !names.contains(first)? && !module.hasattr(first)? {
        return Err(PyAttributeError::new_err(format!(
            "module {} has no `{first}`: name the application with --callable or \
             module:callable",
            module.name()?
        )));
    }
    if callable == first {
        return module.getattr(callable);
    }
    py.eval(&CString::new(callable)?, Some(&names), None)
}

/// Runs a file as a module that is named like uWSGI's, once.
pub(crate) fn from_file<'py>(py: Python<'py>, file: &Path) -> PyResult<Bound<'py, PyModule>> {
    let name = format!("uwsgi_file_{}", pythonized(&file.to_string_lossy()));
    file_as_module(py, file, &name)
}

/// Imports a module by its name, or runs a file: what has a slash or ends in `.py`.
pub(crate) fn import(py: Python<'_>, what: &str) -> PyResult<()> {
    let file = Path::new(what);
    let is_file = what.contains('/') || file.extension().is_some_and(|it| it == "py");
    match is_file {
        true => file_as_module(py, file, &pythonized(what)).map(drop),
        false => py.import(what).map(drop),
    }
}

fn file_as_module<'py>(py: Python<'py>, file: &Path, name: &str) -> PyResult<Bound<'py, PyModule>> {
    let path = file.to_string_lossy().into_owned();
    let source = fs::read(file).map_err(|error| {
        let wrong = format!("failed to open python file {path}: {error}");
        pyo3::exceptions::PyFileNotFoundError::new_err(wrong)
    })?;
    let util = py.import("importlib.util")?;
    let machinery = py.import("importlib.machinery")?;
    let loader = machinery
        .getattr("SourceFileLoader")?
        .call1((name, &path))?;
    let spec = util.call_method1("spec_from_loader", (name, &loader))?;
    let module = util.call_method1("module_from_spec", (spec,))?;
    module.setattr("__file__", &path)?;
    let modules = py.import("sys")?.getattr("modules")?;
    modules.set_item(name, &module)?;
    // A file need not end in .py, and what was compiled before may be of another one.
    let code = loader.call_method1("source_to_code", (source.as_slice(), &path))?;
    let namespace = module.getattr("__dict__")?;
    let ran = py
        .import("builtins")?
        .call_method1("exec", (code, namespace));
    if let Err(error) = ran {
        modules.del_item(name)?;
        return Err(error);
    }
    Ok(module.cast_into::<PyModule>()?)
}

/// The name of a file's module as uWSGI makes it: the path without its ending, slashes and dots as
/// underscores.
fn pythonized(path: &str) -> String {
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let path = path.strip_suffix(".py").unwrap_or(path);
    path.replace(['/', '.'], "_")
}

fn from_paste<'py>(
    py: Python<'py>,
    address: &str,
    with_logger: bool,
) -> PyResult<Bound<'py, PyAny>> {
    gateserve::tell(&format!("Loading paste environment: {address}"));
    let address = match address.strip_prefix("config:") {
        Some(file) => format!("config:{}", std::path::absolute(file)?.display()),
        None => address.to_owned(),
    };
    if let Some(file) = address.strip_prefix("config:").filter(|_| with_logger) {
        py.import("logging.config")?
            .call_method1("fileConfig", (file,))?;
    }
    py.import("paste.deploy")?
        .call_method1("loadapp", (address,))
}
