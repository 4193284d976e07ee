//! What the interpreter looks like before anything of the application runs: as in uWSGI, and
//! without traces of how this library came into it.

use gateserve::options::PythonSettings;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// What `sys.argv` begins with; applications look for it.
const NAME: &str = "uwsgi";

/// Removes the traces of the start.
pub(crate) fn clean(py: Python<'_>, args: &[String]) -> PyResult<()> {
    let sys = py.import("sys")?;
    sys.setattr("argv", [NAME])?;
    // Since Python 3.10.
    if sys.hasattr("orig_argv")? {
        sys.setattr("orig_argv", args)?;
    }
    let main = py.import("__main__")?;
    let names = main.dict();
    for (name, _) in names.copy()? {
        if !name.extract::<String>()?.starts_with("__") {
            names.del_item(name)?;
        }
    }
    let signal = py.import("signal")?;
    // Ctrl-C ends what loads, and asks the master once there is one.
    signal.call_method1(
        "signal",
        (signal.getattr("SIGINT")?, signal.getattr("SIG_DFL")?),
    )?;
    output(py)
}

/// What an application prints belongs to the log, line by line, as in uWSGI. A terminal keeps its
/// own, which debuggers need.
fn output(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    let stdin = sys.getattr("stdin")?;
    let terminal = !stdin.is_none() && stdin.call_method0("isatty")?.is_truthy()?;
    if terminal {
        return Ok(());
    }
    let options = PyDict::new(py);
    options.set_item("mode", "w")?;
    options.set_item("buffering", 1)?;
    options.set_item("errors", "backslashreplace")?;
    options.set_item("closefd", false)?;
    let log = py.import("io")?.call_method("open", (2,), Some(&options))?;
    for name in ["stdout", "__stdout__", "stderr", "__stderr__"] {
        sys.setattr(name, &log)?;
    }
    Ok(())
}

/// Where modules come from, and `sys.argv`.
pub(crate) fn settle(py: Python<'_>, settings: &PythonSettings) -> PyResult<()> {
    let sys = py.import("sys")?;
    gateserve::tell(&format!("Python version: {}", version(&sys)?));
    let argv = sys.getattr("argv")?;
    for word in &settings.argv {
        argv.call_method1("append", (word,))?;
    }
    let path = sys.getattr("path")?.cast_into::<PyList>()?;
    // The current folder: an empty string, except where a script has started the interpreter.
    if path
        .get_item(0)
        .and_then(|first| first.is_truthy())
        .unwrap_or(true)
    {
        path.insert(0, "")?;
    }
    for pattern in &settings.path {
        for folder in globbed(py, pattern)? {
            gateserve::tell(&format!("added {folder} to pythonpath."));
            path.insert(0, folder)?;
        }
    }
    Ok(())
}

/// The version, on one line.
fn version(sys: &Bound<'_, PyModule>) -> PyResult<String> {
    let version: String = sys.getattr("version")?.extract()?;
    Ok(version.replace('\n', ""))
}

/// What a pattern finds; the pattern itself where that is nothing.
fn globbed(py: Python<'_>, pattern: &str) -> PyResult<Vec<String>> {
    let found = py.import("glob")?.call_method1("glob", (pattern,))?;
    let mut found: Vec<String> = found.extract()?;
    found.sort();
    if found.is_empty() {
        found.push(pattern.to_owned());
    }
    Ok(found)
}

/// The number of threads that Python knows of.
pub(crate) fn threads(py: Python<'_>) -> PyResult<usize> {
    py.import("threading")?
        .call_method0("active_count")?
        .extract()
}

/// Lets the memory of what was loaded be shared by the workers: the garbage collector, which
/// writes into every object that it looks at, leaves these alone from now on.
pub(crate) fn freeze(py: Python<'_>) -> PyResult<()> {
    let gc = py.import("gc")?;
    gc.call_method0("collect")?;
    match gc.call_method0("freeze") {
        Err(error) if !error.is_instance_of::<PyAttributeError>(py) => Err(error),
        _ => Ok(()),
    }
}
