//! What the `uwsgi` module tells of the server as it was configured.

use std::time::{SystemTime, UNIX_EPOCH};

use gateserve::options::{Given, Settings, Takes};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyModule};

/// The version of uWSGI whose behaviour this server follows.
const VERSION: (u32, u32, u32, u32) = (2, 0, 31, 0);

/// The same as text.
pub(crate) fn version() -> String {
    let (base, major, minor, _) = VERSION;
    format!("{base}.{major}.{minor}")
}

/// Puts the facts into the module, with uWSGI's names and types: texts are bytes.
pub(super) fn add(
    module: &Bound<'_, PyModule>,
    settings: &Settings,
    given: &[Given],
) -> PyResult<()> {
    let py = module.py();
    let (base, major, minor, revision) = VERSION;
    let version = version();
    module.add("version", PyBytes::new(py, version.as_bytes()))?;
    let custom = PyBytes::new(py, b"");
    module.add("version_info", (base, major, minor, revision, custom))?;
    module.add("gateserve_version", env!("CARGO_PKG_VERSION"))?;
    let hostname = nix::unistd::gethostname().unwrap_or_default();
    let hostname = hostname.to_string_lossy();
    module.add("hostname", PyBytes::new(py, hostname.as_bytes()))?;
    module.add("numproc", settings.processes.workers)?;
    module.add("cores", settings.processes.threads)?;
    module.add("threads", settings.processes.threads)?;
    module.add("has_threads", u8::from(settings.processes.enable_threads))?;
    module.add("buffer_size", settings.limits.buffer_size)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    module.add("started_on", now.map_or(0, |since| since.as_secs()))?;
    let pidfiles = &settings.system.pidfiles;
    if let Some(file) = pidfiles.as_root.as_ref().or(pidfiles.as_user.as_ref()) {
        let file = file.to_string_lossy();
        module.add("pidfile", PyBytes::new(py, file.as_bytes()))?;
    }
    module.add("opt", options(py, given)?)
}

/// The options as they were given, under each of their names: bytes, `True` for a flag that is
/// set, and a list where an option was given more than once.
fn options<'py>(py: Python<'py>, given: &[Given]) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for option in given {
        let names = [option.opt.name].into_iter();
        for name in names.chain(option.opt.aliases.iter().copied()) {
            let value = value(py, option);
            match all.get_item(name)? {
                None => all.set_item(name, value)?,
                Some(before) => match before.cast::<PyList>() {
                    Ok(values) => values.append(value)?,
                    Err(_) => all.set_item(name, PyList::new(py, [before, value])?)?,
                },
            }
        }
    }
    Ok(all)
}

fn value<'py>(py: Python<'py>, option: &Given) -> Bound<'py, PyAny> {
    if option.opt.takes == Takes::Flag && option.value == "true" {
        return true.into_pyobject(py).map_or_else(
            |_| py.None().into_bound(py),
            |value| value.to_owned().into_any(),
        );
    }
    PyBytes::new(py, option.value.as_bytes()).into_any()
}
