//! Python applications and their interpreter.

use std::path::PathBuf;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Python;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "module",
        One("PKG.MOD[:CALLABLE]"),
        Python,
        "Serve the WSGI application of a Python module; its callable is `application` unless \
         named here or by --callable",
    )
    .short('w')
    .aliases(&["wsgi"]),
    opt(
        "wsgi-file",
        One("FILE.py"),
        Python,
        "Serve the WSGI application of a Python file",
    )
    .aliases(&["file"]),
    opt(
        "callable",
        One("NAME"),
        Python,
        "The application's name in its module or file [default: application]",
    ),
    opt(
        "virtualenv",
        One("DIR"),
        Python,
        "Run the interpreter of this virtual environment",
    )
    .short('H')
    .aliases(&["home", "venv", "pyhome"]),
    opt(
        "python-bin",
        One("PROGRAM"),
        Python,
        "Run this interpreter [default: that of --virtualenv, else python3]",
    ),
    opt(
        "pythonpath",
        Many("DIR"),
        Python,
        "Add a folder to the places that modules are imported from",
    )
    .aliases(&["python-path", "pp"]),
    opt(
        "catch-exceptions",
        Flag,
        Python,
        "Answer a request whose application raised an exception with the traceback; for tests \
         alone, since it shows the world what it should not see",
    ),
    opt(
        "wsgi-disable-file-wrapper",
        Flag,
        Python,
        "Offer applications no wsgi.file_wrapper",
    ),
];

/// Python applications and their interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonSettings {
    /// The applications, in order; at least one.
    pub apps: Vec<PythonApp>,
    /// `virtualenv`: the environment whose interpreter runs them.
    pub home: Option<PathBuf>,
    /// `python-bin`: the interpreter, whatever the environment.
    pub program: Option<PathBuf>,
    /// `pythonpath`: folders to import from, in order.
    pub path: Vec<PathBuf>,
    /// `catch-exceptions`: whether tracebacks go to the client.
    pub catch_exceptions: bool,
    /// Whether there is a `wsgi.file_wrapper`: not with `wsgi-disable-file-wrapper`.
    pub file_wrapper: bool,
}

/// One WSGI application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonApp {
    /// The URL prefix without a slash at its end; empty for the root.
    pub prefix: String,
    /// Where its code is.
    pub source: PythonSource,
    /// Its name there, or an expression such as `create_app()`.
    pub callable: String,
}

/// Where the code of an application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonSource {
    /// `module`: a dotted name to import.
    Module(String),
    /// `wsgi-file`: a file to run.
    File(PathBuf),
}

pub(in crate::options) fn resolve(
    gathered: &Gathered,
) -> Result<Option<PythonSettings>, OptionError> {
    let named = gathered.last("callable").map(|given| given.value.as_str());
    let app = |source, callable: Option<&str>| PythonApp {
        prefix: String::new(),
        source,
        callable: named.or(callable).unwrap_or("application").to_owned(),
    };
    let module = gathered.last("module").map(|given| {
        let (module, callable) = match given.value.split_once(':') {
            Some((module, callable)) => (module, Some(callable)),
            None => (given.value.as_str(), None),
        };
        app(PythonSource::Module(module.to_owned()), callable)
    });
    let file = gathered.path("wsgi-file");
    let file = file.map(|file| app(PythonSource::File(file), None));
    let Some(only) = module.or(file) else {
        return Ok(None);
    };
    Ok(Some(PythonSettings {
        apps: vec![only],
        home: gathered.path("virtualenv"),
        program: gathered.path("python-bin"),
        path: gathered
            .texts("pythonpath")
            .into_iter()
            .map(PathBuf::from)
            .collect(),
        catch_exceptions: gathered.flag("catch-exceptions")?,
        file_wrapper: !gathered.flag("wsgi-disable-file-wrapper")?,
    }))
}
