//! Python applications: where they are, and which requests are theirs.

use std::path::{Path, PathBuf};

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Python;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "module",
        One("PKG.MOD[:CALLABLE]"),
        Python,
        "Serve the WSGI application of a Python module; CALLABLE may be a name, `object.name` or \
         a call such as `create_app()`",
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
        "paste",
        One("config:FILE.ini"),
        Python,
        "Serve the WSGI application that a configuration file of Paste names",
    ),
    opt(
        "ini-paste",
        One("FILE.ini"),
        Python,
        "The same; its section [uwsgi] is not read: give the file to --ini too",
    ),
    opt(
        "ini-paste-logged",
        One("FILE.ini"),
        Python,
        "The same, and logging is set up as the file says",
    ),
    opt(
        "paste-logger",
        Flag,
        Python,
        "Set up logging as the file of --paste says",
    ),
    opt(
        "callable",
        One("NAME"),
        Python,
        "The application's name in its module or file [default: application]",
    ),
    opt(
        "mount",
        Many("/PREFIX=APP"),
        Python,
        "Serve a file, a module or module:callable for requests whose SCRIPT_NAME is /PREFIX",
    ),
    opt(
        "manage-script-name",
        Flag,
        Python,
        "Find the application of --mount by the path of a request, and split that into \
         SCRIPT_NAME and PATH_INFO",
    ),
    opt(
        "ignore-script-name",
        Flag,
        Python,
        "Do not look at SCRIPT_NAME to find the application",
    ),
    opt(
        "no-default-app",
        Flag,
        Python,
        "Let no application answer requests that belong to none; without this the first one does",
    ),
];

/// One WSGI application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonApp {
    /// Where it is mounted, as it was given; empty unless it comes from `mount`.
    pub mountpoint: String,
    /// Where its code is.
    pub source: PythonSource,
}

/// Where the code of an application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonSource {
    /// `module`: a dotted name to import.
    Module {
        /// The dotted name.
        name: String,
        /// The application's name there, or an expression such as `create_app()`.
        callable: Option<String>,
    },
    /// `wsgi-file`: a file to run.
    File(PathBuf),
    /// `paste`: a Paste address such as `config:/srv/production.ini`.
    Paste(String),
}

/// The applications, in the order in which uWSGI loads them.
pub(super) fn apps(gathered: &Gathered) -> Result<Vec<PythonApp>, OptionError> {
    let root = |source| PythonApp {
        mountpoint: String::new(),
        source,
    };
    let module = gathered.text("module").map(|name| module(&name));
    let file = gathered.path("wsgi-file").map(PythonSource::File);
    let of_file = |name| gathered.text(name).map(|file| paste(&file));
    let pasted = gathered
        .text("paste")
        .map(PythonSource::Paste)
        .or_else(|| of_file("ini-paste"))
        .or_else(|| of_file("ini-paste-logged"));
    let mut apps: Vec<_> = [module, file, pasted]
        .into_iter()
        .flatten()
        .map(root)
        .collect();
    for given in gathered.all("mount") {
        apps.push(mounted(given)?);
    }
    Ok(apps)
}

fn mounted(given: &Given) -> Result<PythonApp, OptionError> {
    given.read("/PREFIX=APP", |value| {
        let (mountpoint, what) = value.split_once('=')?;
        Some(PythonApp {
            mountpoint: mountpoint.to_owned(),
            source: source(what),
        })
    })
}

/// What `mount` names: a file by its ending, else a module.
fn source(what: &str) -> PythonSource {
    let extension = Path::new(what).extension().and_then(|it| it.to_str());
    match extension {
        Some("py" | "wsgi") => PythonSource::File(what.into()),
        Some("ini") => paste(what),
        _ => module(what),
    }
}

fn module(value: &str) -> PythonSource {
    let (name, callable) = match value.split_once(':') {
        Some((name, callable)) => (name, Some(callable.to_owned())),
        None => (value, None),
    };
    PythonSource::Module {
        name: name.to_owned(),
        callable,
    }
}

/// Paste wants to be told what kind of place it is, and a whole path.
fn paste(file: &str) -> PythonSource {
    PythonSource::Paste(format!("config:{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_is_told_by_its_ending() {
        let expected = [
            ("/srv/app.py", PythonSource::File("/srv/app.py".into())),
            ("app.wsgi", PythonSource::File("app.wsgi".into())),
            ("a.ini", PythonSource::Paste("config:a.ini".into())),
            ("shop.wsgi", PythonSource::File("shop.wsgi".into())),
            ("shop", module("shop")),
            ("shop.web:make()", module("shop.web:make()")),
        ];
        for (what, source_) in expected {
            assert_eq!(source(what), source_, "{what}");
        }
    }
}
