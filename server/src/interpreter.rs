//! From this program to the user's own interpreter: Python applications run in a process that
//! begins as `python3` and loads this server as a library.

use std::ffi::OsString;
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::options::{self, Gathered, Settings};
use crate::program;

/// What the interpreter does first: it loads the library and calls its `main`. Old interpreters
/// must be able to read it as well, since it is what refuses them.
const BOOT: &str = "\
import sys
library, program, handed = sys.argv[1:4]
def refuse(what):
    sys.exit('gateserve: ' + sys.executable + ' is ' + what + ': name another interpreter with \
--python-bin or --virtualenv')
if sys.version_info < (3, 9):
    refuse('Python %d.%d, older than 3.9' % sys.version_info[:2])
if sys.implementation.name != 'cpython':
    refuse(sys.implementation.name + ', not CPython')
if 't' in sys.abiflags:
    refuse('a free-threaded build, which is not supported')
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
loader = ExtensionFileLoader('_gateserve', library)
module = module_from_spec(spec_from_loader('_gateserve', loader, origin=library))
try:
    loader.exec_module(module)
except ImportError as error:
    sys.exit('gateserve: cannot load the Python side: %s' % error)
sys.exit(module.main([program] + sys.argv[4:], int(handed)))
";

/// What runs where nothing else is asked for.
const DEFAULT: &str = "python3";

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
    /// A virtual environment that is not there.
    #[error(
        "there is no virtualenv {}: create it with `python3 -m venv {}`, or name an interpreter \
         with --python-bin", home.display(), home.display()
    )]
    NoHome {
        /// The environment's folder.
        home: PathBuf,
    },
    /// A virtual environment without an interpreter.
    #[error(
        "virtualenv {} has no bin/python: create it with `python3 -m venv {}`, or name an \
         interpreter with --python-bin", home.display(), home.display()
    )]
    NoEnvironment {
        /// The environment's folder.
        home: PathBuf,
    },
    /// The interpreter does not start.
    #[error(
        "cannot run the interpreter {}: {source}; name one with --python-bin or --virtualenv",
        interpreter.display()
    )]
    Exec {
        /// What was to be run.
        interpreter: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The configuration cannot be handed to it.
    #[error("cannot hand the configuration to the interpreter: {0}")]
    Configuration(io::Error),
    /// This program's own file is not known.
    #[error("cannot find this program's own file: {0}")]
    Program(io::Error),
}

/// Goes on as the interpreter, with the same arguments (program name first), environment and
/// descriptors, and with the configuration as it was read. Returns only if that fails.
pub fn enter(
    settings: &Settings,
    gathered: &Gathered,
    args: impl IntoIterator<Item = OsString>,
) -> InterpreterError {
    let library = std::env::current_exe()
        .map_err(InterpreterError::Program)
        .and_then(|program| {
            let library = library(&program)?;
            Ok((library, program::called_by().unwrap_or(program)))
        });
    let interpreter = interpreter(settings);
    match (library, interpreter) {
        (Ok((library, program)), Ok(interpreter)) => {
            let start = BootFiles {
                interpreter: &interpreter,
                library: &library,
                program: &program,
            };
            become_interpreter(settings, gathered, &start, args)
        }
        (Err(error), _) | (_, Err(error)) => error,
    }
}

/// The files of a start.
#[derive(Clone, Copy, Debug)]
pub struct BootFiles<'a> {
    /// What is executed.
    pub interpreter: &'a Path,
    /// What it loads.
    pub library: &'a Path,
    /// The program that it goes on as.
    pub program: &'a Path,
}

/// The same with these files, by a program that is an interpreter itself.
pub fn become_interpreter(
    settings: &Settings,
    gathered: &Gathered,
    files: &BootFiles<'_>,
    args: impl IntoIterator<Item = OsString>,
) -> InterpreterError {
    let handed = match options::hand_over(settings, gathered) {
        // The interpreter takes it over.
        Ok(handed) => handed.into_raw_fd().to_string(),
        Err(error) => return InterpreterError::Configuration(error),
    };
    let mut command = Command::new(files.interpreter);
    let optimize = settings.apps.python.as_ref().map_or(0, |it| it.optimize);
    match optimize {
        0 => {}
        1 => drop(command.arg("-O")),
        _ => drop(command.arg("-OO")),
    }
    let words = [
        files.library.as_os_str(),
        files.program.as_os_str(),
        handed.as_ref(),
    ];
    command.args(["-c", BOOT]).args(words);
    crate::master::keep_signal_mask(&mut command);
    let source = command.args(args.into_iter().skip(1)).exec();
    InterpreterError::Exec {
        interpreter: files.interpreter.to_owned(),
        source,
    }
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

/// The interpreter that the settings ask for.
///
/// # Errors
/// A virtual environment that is none.
pub fn interpreter(settings: &Settings) -> Result<PathBuf, InterpreterError> {
    let Some(python) = &settings.apps.python else {
        return Ok(DEFAULT.into());
    };
    let chdir = settings.system.chdir.as_deref();
    if let Some(program) = &python.program {
        let is_path = program.components().count() > 1;
        return Ok(if is_path {
            found(program, chdir)
        } else {
            program.clone()
        });
    }
    let Some(home) = &python.home else {
        return Ok(DEFAULT.into());
    };
    let home = found(home, chdir);
    if !home.is_dir() {
        return Err(InterpreterError::NoHome { home });
    }
    let places = ["bin/python3", "bin/python"].map(|name| home.join(name));
    let interpreter = places.into_iter().find(|place| place.exists());
    interpreter.ok_or(InterpreterError::NoEnvironment { home })
}

/// A relative path counts from the folder that `chdir` names where there is such a thing, else
/// from the one that the server was started in. The result is absolute where that is known: the
/// interpreter finds its environment by it.
fn found(path: &Path, chdir: Option<&Path>) -> PathBuf {
    let below = chdir.map(|folder| folder.join(path));
    let place = below.filter(|place| place.exists());
    let place = place.unwrap_or_else(|| path.to_owned());
    std::path::absolute(&place).unwrap_or(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_counts_from_the_folder_of_chdir_where_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("venv")).unwrap();
        let below = folder.path().join("venv");
        assert_eq!(found(Path::new("venv"), Some(folder.path())), below);
        let here = std::env::current_dir().unwrap().join("other");
        assert_eq!(found(Path::new("other"), Some(folder.path())), here);
        assert_eq!(
            found(Path::new("/opt/venv"), Some(folder.path())),
            Path::new("/opt/venv")
        );
    }
}
