//! From this program to the user's own interpreter: Python applications run in a process that
//! begins as `python3` and loads this server as a library.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::options::PythonSettings;

/// What the interpreter does first: it loads the library and calls its `main`.
const BOOT: &str = "\
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
library, program, *args = sys.argv[1:]
loader = ExtensionFileLoader('_gateserve', library)
module = module_from_spec(spec_from_loader('_gateserve', loader, origin=library))
loader.exec_module(module)
sys.argv = [program]
sys.exit(module.main([program, *args]))
";

/// The library's file name.
const LIBRARY: &str = "libgateserve_python.so";

/// Why Python could not be started.
#[derive(Debug, thiserror::Error)]
pub enum InterpreterError {
    /// The library is nowhere.
    #[error(
        "the Python side ({LIBRARY}) is not beside {}: build it with `cargo build -p \
         gateserve-python`, or name its file in GATESERVE_PYTHON_LIBRARY", program.display()
    )]
    NoLibrary {
        /// This program.
        program: PathBuf,
    },
    /// A virtual environment without an interpreter.
    #[error("virtualenv {} has no bin/python3", home.display())]
    NoEnvironment {
        /// The environment's folder.
        home: PathBuf,
    },
    /// The interpreter does not start.
    #[error("cannot run the interpreter {}: {source}", interpreter.display())]
    Exec {
        /// What was to be run.
        interpreter: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// This program's own file is not known.
    #[error("cannot find this program's own file: {0}")]
    Program(io::Error),
}

/// Goes on as the interpreter, with the same arguments (program name first), environment and
/// descriptors. Returns only if that fails.
pub fn enter(
    settings: &PythonSettings,
    args: impl IntoIterator<Item = OsString>,
) -> InterpreterError {
    match command(settings) {
        Ok((interpreter, mut command)) => {
            crate::master::keep_signal_mask(&mut command);
            let source = command.args(args.into_iter().skip(1)).exec();
            InterpreterError::Exec {
                interpreter,
                source,
            }
        }
        Err(error) => error,
    }
}

fn command(settings: &PythonSettings) -> Result<(PathBuf, Command), InterpreterError> {
    let program = std::env::current_exe().map_err(InterpreterError::Program)?;
    let library = library(&program)?;
    let interpreter = interpreter(settings)?;
    let mut command = Command::new(&interpreter);
    // What an application prints must be in the log when it dies.
    command.args(["-u", "-c", BOOT]).arg(library).arg(program);
    Ok((interpreter, command))
}

fn library(program: &Path) -> Result<PathBuf, InterpreterError> {
    if let Some(named) = std::env::var_os("GATESERVE_PYTHON_LIBRARY") {
        return Ok(named.into());
    }
    let folder = program.parent().unwrap_or_else(|| Path::new("/"));
    let places = [folder.join(LIBRARY), folder.join("../lib").join(LIBRARY)];
    let found = places.into_iter().find(|place| place.is_file());
    found.ok_or_else(|| InterpreterError::NoLibrary {
        program: program.to_owned(),
    })
}

fn interpreter(settings: &PythonSettings) -> Result<PathBuf, InterpreterError> {
    if let Some(program) = &settings.program {
        return Ok(program.clone());
    }
    let Some(home) = &settings.home else {
        return Ok("python3".into());
    };
    let places = ["bin/python3", "bin/python"].map(|name| home.join(name));
    let found = places.into_iter().find(|place| place.exists());
    found.ok_or_else(|| InterpreterError::NoEnvironment { home: home.clone() })
}
