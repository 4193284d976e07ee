//! The interpreter as the server sees it.

use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use gateserve::Language;
use gateserve::app::Call;
use gateserve::inside::Inside;
use gateserve::language::LoadError;
use gateserve::options::{Given, PythonSettings, Settings};
use nix::unistd::{ForkResult, Pid};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use send_wrapper::SendWrapper;

use crate::load::Apps;
use crate::names::Names;
use crate::{load, startup, tell, uwsgi_module};

/// CPython in this process.
pub(crate) struct Interpreter {
    names: Names,
    /// The options as they were given, for `uwsgi.opt`.
    given: Vec<Given>,
    python: Option<PythonSettings>,
    apps: OnceLock<Apps>,
}

impl Interpreter {
    /// The interpreter that has loaded this library.
    pub(crate) fn new(py: Python<'_>, settings: &Settings, given: Vec<Given>) -> PyResult<Self> {
        Ok(Self {
            names: Names::new(py, settings)?,
            given,
            python: settings.apps.python.clone(),
            apps: OnceLock::new(),
        })
    }
}

impl Language for Interpreter {
    fn prepare(&self, settings: &Settings) -> Result<(), LoadError> {
        let Some(python) = &settings.apps.python else {
            return Ok(());
        };
        Python::attach(|py| {
            startup::settle(py, python)?;
            uwsgi_module::install(py, settings, &self.given)?;
            load::import(py, &python.shared_imports);
            Ok(())
        })
        .map_err(|error: PyErr| Python::attach(|py| tell::failed_start(py, &error)))
    }

    fn load(&self, settings: &Settings) -> Result<(), LoadError> {
        let Some(python) = &settings.apps.python else {
            return Ok(());
        };
        let apps = Python::attach(|py| load::all(py, python, settings))?;
        // The master loads once; a worker only if the master did not.
        let _ = self.apps.set(apps);
        Ok(())
    }

    fn fork(&self) -> io::Result<ForkResult> {
        // `os.fork` runs what applications and the interpreter itself registered for it.
        let forked = Python::attach(|py| -> PyResult<i32> {
            py.import("os")?.call_method0("fork")?.extract()
        });
        match forked {
            Ok(0) => Ok(ForkResult::Child),
            Ok(child) => Ok(ForkResult::Parent {
                child: Pid::from_raw(child),
            }),
            Err(error) => Err(Python::attach(|py| system_error(py, &error))),
        }
    }

    fn forked(&self, inside: Inside) {
        Python::attach(|py| uwsgi_module::forked(py, inside, self.python.as_ref()));
    }

    fn detached(&self, work: &mut dyn FnMut()) {
        // The event loop is of this thread and stays on it.
        let work = SendWrapper::new(work);
        Python::attach(|py| py.detach(move || (work.take())()));
    }

    fn leave(&self) {
        Python::attach(|py| {
            uwsgi_module::leave(py);
            let left = py
                .import("atexit")
                .and_then(|atexit| atexit.call_method0("_run_exitfuncs"));
            if let Err(error) = left {
                tell::exception(py, &error);
            }
        });
    }

    fn dump_stack_on(&self, signal: i32, descriptor: RawFd) -> bool {
        Python::attach(|py| {
            let arguments = [("file", descriptor), ("all_threads", 0), ("chain", 0)];
            let registered = arguments.into_py_dict(py).and_then(|named| {
                let faulthandler = py.import("faulthandler")?;
                faulthandler.call_method("register", (signal,), Some(&named))
            });
            registered
                .inspect_err(|error| tell::exception(py, error))
                .is_ok()
        })
    }

    fn call(&self, mut call: Call) {
        let Some(Apps { mounted, apps }) = self.apps.get() else {
            return tell::no_application(call);
        };
        call.enter();
        let picked = mounted.pick(&mut call.environ);
        if picked != Some(0) {
            call.answered_by(picked);
        }
        match picked {
            Some(number) => Python::attach(|py| {
                let answering = || apps[number].answer(py, call, &self.names);
                // A mistake of this library costs one request, which is answered 500 where its call
                // is dropped, and not the worker. The panic has been told of already.
                let _ = catch_unwind(AssertUnwindSafe(answering));
            }),
            None => tell::no_application(call),
        }
    }
}

/// What the system said to `os.fork`.
fn system_error(py: Python<'_>, error: &PyErr) -> io::Error {
    let number = error
        .is_instance_of::<PyOSError>(py)
        .then(|| error.value(py).getattr("errno").ok()?.extract().ok())
        .flatten();
    number.map_or_else(
        || io::Error::other(error.to_string()),
        io::Error::from_raw_os_error,
    )
}
