//! The functions of the `uwsgi` module that ask the server.

use std::sync::OnceLock;

use bytes::Bytes;
use gateserve::inside::{Inside, WorkerView};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyModule, PyTuple};

/// Where this process is; unset in the master, which forks before it is known.
static INSIDE: OnceLock<Inside> = OnceLock::new();

/// This process is a worker now.
pub(super) fn begin(inside: Inside) {
    // A worker forks no worker.
    let _ = INSIDE.set(inside);
}

/// Adds the functions to the module.
pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let native = pyo3::wrap_pymodule!(functions)(py).into_bound(py);
    for (name, function) in native.cast::<PyModule>()?.dict() {
        let name: String = name.extract()?;
        if !name.starts_with("__") {
            module.setattr(name, function)?;
        }
    }
    Ok(())
}

fn inside() -> Option<&'static Inside> {
    INSIDE.get()
}

/// The functions, with uWSGI's names.
#[pymodule]
mod functions {
    use super::{Inside, PyBytes, PyTuple, inside, memory, octets, view};
    use gateserve::app;
    use pyo3::prelude::*;

    /// This worker's number, from 1; 0 in the master.
    #[pyfunction]
    fn worker_id() -> usize {
        inside().map_or(0, Inside::worker)
    }

    /// The master's process id.
    #[pyfunction]
    fn masterpid() -> i32 {
        inside().map_or_else(|| std::process::id().cast_signed(), Inside::master)
    }

    /// Requests that this worker has served, those of its predecessors included.
    #[pyfunction]
    fn request_id() -> u64 {
        inside().map_or(0, Inside::requests)
    }

    /// Requests that all workers have served.
    #[pyfunction]
    fn total_requests() -> u64 {
        inside().map_or(0, Inside::total_requests)
    }

    /// One dictionary for each worker.
    #[pyfunction]
    fn workers(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        let workers = inside().map(Inside::workers).unwrap_or_default();
        let views = workers.iter().map(|worker| view(py, worker));
        PyTuple::new(py, views.collect::<PyResult<Vec<_>>>()?)
    }

    /// Asks for a graceful reload of the whole server.
    #[pyfunction]
    #[pyo3(signature = (*_args))]
    fn reload(_args: &Bound<'_, PyTuple>) -> PyResult<bool> {
        match inside() {
            Some(inside) => Ok(inside.reload().map(|()| true)?),
            None => Ok(false),
        }
    }

    /// Asks the whole server to end.
    #[pyfunction]
    fn stop() -> PyResult<bool> {
        match inside() {
            Some(inside) => Ok(inside.stop().map(|()| true)?),
            None => Ok(false),
        }
    }

    /// Whether this worker takes new connections.
    #[pyfunction]
    #[pyo3(signature = (accepting = true))]
    fn accepting(accepting: bool) {
        if let Some(inside) = inside() {
            inside.set_accepting(accepting);
        }
    }

    /// Limits the request that the calling thread answers to so many seconds from now; 0 takes
    /// the limit back. Without a request it does nothing, as in uWSGI.
    #[pyfunction]
    fn set_user_harakiri(seconds: i32) {
        let seconds = u32::try_from(seconds).unwrap_or_default();
        gateserve::harakiri::set_user_harakiri(seconds);
    }

    /// Sets a variable for the line of the request log, `%(name)` in `log-format`.
    #[pyfunction]
    fn set_logvar(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        app::set_log_variable(octets(name)?, octets(value)?);
        Ok(())
    }

    /// A variable that was set so; `None` if it was not.
    #[pyfunction]
    fn get_logvar<'py>(
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let value = app::log_variable(&octets(name)?);
        Ok(value.map(|value| PyBytes::new(py, &value)))
    }

    /// The memory of this process: RSS and address space in bytes.
    #[pyfunction]
    fn mem() -> (u64, u64) {
        memory().unwrap_or_default()
    }

    /// Writes a line to the server's log.
    #[pyfunction]
    fn log(line: &Bound<'_, PyAny>) -> PyResult<bool> {
        let line = match line.cast::<PyBytes>() {
            Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
            Err(_) => line.extract()?,
        };
        gateserve::tell(line.trim_end_matches('\n'));
        Ok(true)
    }
}

/// Bytes, or text as UTF-8.
fn octets(text: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    match text.cast::<PyBytes>() {
        Ok(bytes) => Ok(Bytes::copy_from_slice(bytes.as_bytes())),
        Err(_) => Ok(text.extract::<String>()?.into()),
    }
}

/// RSS and address space of this process in bytes (proc(5), `statm`).
fn memory() -> Option<(u64, u64)> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split(' ').map_while(|word| word.parse::<u64>().ok());
    let (size, resident) = (pages.next()?, pages.next()?);
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    let page = u64::try_from(page).ok()?;
    Some((resident * page, size * page))
}

/// uWSGI's dictionary of one worker.
fn view<'py>(py: Python<'py>, worker: &WorkerView) -> PyResult<Bound<'py, PyDict>> {
    let view = PyDict::new(py);
    view.set_item("id", worker.id)?;
    view.set_item("pid", worker.pid)?;
    view.set_item("requests", worker.requests)?;
    view.set_item("delta_requests", worker.delta_requests)?;
    view.set_item("signals", worker.signals)?;
    view.set_item("exceptions", worker.exceptions)?;
    view.set_item("harakiri_count", worker.harakiri_count)?;
    view.set_item("accepting", worker.accepting)?;
    view.set_item("status", PyBytes::new(py, worker.status.as_bytes()))?;
    view.set_item("rss", worker.rss)?;
    view.set_item("vsz", worker.vsz)?;
    view.set_item("running_time", worker.running_time)?;
    view.set_item("last_spawn", worker.last_spawn)?;
    view.set_item("respawn_count", worker.respawn_count)?;
    view.set_item("tx", worker.tx)?;
    view.set_item("avg_rt", worker.avg_rt)?;
    view.set_item("apps", PyTuple::empty(py))?;
    Ok(view)
}
