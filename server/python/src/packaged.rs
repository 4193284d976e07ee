//! The program as a package installs it: a script of an interpreter, which goes on as the server,
//! or as another interpreter where the options name one.

use std::path::Path;

use gateserve::interpreter::BootFiles;
use gateserve::options::{PythonSettings, Settings};
use gateserve::{interpreter, program};
use pyo3::prelude::*;

use crate::{failed, run};

/// The whole program; `args` begin with its name. Returns the exit code.
pub(crate) fn start(py: Python<'_>, args: Vec<String>, library: &Path) -> i32 {
    let mut code = 0;
    let ended = program::start(args.clone(), |settings, given| {
        if !is_ours(py, settings)? {
            let other = interpreter::interpreter(settings)?;
            let program = std::path::absolute(&args[0])?;
            let args = args.iter().map(Into::into);
            let files = BootFiles {
                interpreter: &other,
                library,
                program: &program,
            };
            let error = interpreter::become_interpreter(settings, &given, &files, args);
            return Err(error.into());
        }
        take_environment(py)?;
        code = run(py, &args, settings, given);
        Ok(0)
    });
    match ended {
        Ok(0) => code,
        Ok(code) => code.into(),
        Err(error) => failed(1, &error),
    }
}

/// Whether this is the interpreter that the options ask for.
fn is_ours(py: Python<'_>, settings: &Settings) -> PyResult<bool> {
    let Some(python) = &settings.apps.python else {
        return Ok(true);
    };
    let sys = py.import("sys")?;
    let optimize: u32 = sys.getattr("flags")?.getattr("optimize")?.extract()?;
    let named = match python {
        PythonSettings {
            program: None,
            home: None,
            ..
        } => None,
        _ => interpreter::interpreter(settings).ok(),
    };
    let Some(named) = named else {
        // Without an environment of that name the start fails, and says why.
        return Ok(python.home.is_none()
            && python.program.is_none()
            && python.optimize <= optimize);
    };
    // What is in the same folder has the same environment.
    let here: std::path::PathBuf = sys.getattr("executable")?.extract()?;
    let folder = |path: &Path| path.parent().and_then(|folder| folder.canonicalize().ok());
    Ok(folder(&named) == folder(&here) && python.optimize <= optimize)
}

/// What `env` has changed since the interpreter has read the environment.
fn take_environment(py: Python<'_>) -> PyResult<()> {
    let environ = py.import("os")?.getattr("environ")?;
    for (name, value) in std::env::vars_os() {
        environ.set_item(name, value)?;
    }
    Ok(())
}
