//! The Python interpreter: which one, and what it finds.

use std::path::PathBuf;
use std::time::Duration;

use super::python_apps::{self, PythonApp};
use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Python;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
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
        "Put a folder, or those that a pattern such as `/srv/*/lib` finds, before the places that \
         modules are imported from",
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
    opt(
        "import",
        Many("MODULE"),
        Python,
        "Import a module, or run a file, before the applications are loaded: in the master, or \
         with --lazy-apps in each worker",
    )
    .aliases(&["pyimport", "py-import", "python-import"]),
    opt(
        "shared-import",
        Many("MODULE"),
        Python,
        "Import a module, or run a file, in the master before anything else",
    )
    .aliases(&[
        "shared-pyimport",
        "shared-py-import",
        "shared-python-import",
    ]),
    opt(
        "pyargv",
        One("WORDS"),
        Python,
        "What sys.argv holds behind its first word, split at blanks",
    ),
    opt(
        "optimize",
        One("LEVEL"),
        Python,
        "1 leaves assertions out of the code, 2 the documentation strings too",
    )
    .short('O'),
    opt(
        "py-autoreload",
        One("SECONDS"),
        Python,
        "Look that often for imported modules whose files have changed, and reload then; for \
         development",
    )
    .aliases(&["py-auto-reload", "python-autoreload", "python-auto-reload"]),
    opt(
        "py-auto-reload-ignore",
        Many("MODULE"),
        Python,
        "A module that --py-autoreload is not to look at",
    )
    .aliases(&["py-autoreload-ignore"]),
    opt(
        "py-call-osafterfork",
        Flag,
        Python,
        "Tell the interpreter of each fork; always so here",
    ),
    opt(
        "py-call-uwsgi-fork-hooks",
        Flag,
        Python,
        "Tell the interpreter of each fork; always so here",
    ),
];

/// Python applications and their interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonSettings {
    /// The applications, in the order in which they are loaded.
    pub apps: Vec<PythonApp>,
    /// `callable`: an application's name where it is not told with its module.
    pub callable: String,
    /// `manage-script-name`: whether the path of a request tells its application.
    pub manage_script_name: bool,
    /// `ignore-script-name`: whether `SCRIPT_NAME` tells nothing about that.
    pub ignore_script_name: bool,
    /// Whether the first application answers what belongs to no other; not so with
    /// `no-default-app`.
    pub default_app: bool,
    /// `paste-logger`: whether a Paste file sets up logging as well.
    pub paste_logger: bool,
    /// `virtualenv`: the environment whose interpreter runs them.
    pub home: Option<PathBuf>,
    /// `python-bin`: the interpreter, whatever the environment.
    pub program: Option<PathBuf>,
    /// `pythonpath`: folders to import from or patterns of such, each put before the last.
    pub path: Vec<String>,
    /// `import`: modules and files, in order.
    pub imports: Vec<String>,
    /// `shared-import`: modules and files, in order.
    pub shared_imports: Vec<String>,
    /// `pyargv`: words for `sys.argv`.
    pub argv: Vec<String>,
    /// `optimize`: 0, 1 or 2.
    pub optimize: u32,
    /// `py-autoreload`: how often to look for changed modules.
    pub autoreload: Option<Duration>,
    /// `py-auto-reload-ignore`: names of modules.
    pub autoreload_ignore: Vec<String>,
    /// `catch-exceptions`: whether tracebacks go to the client.
    pub catch_exceptions: bool,
    /// Whether there is a `wsgi.file_wrapper`: not with `wsgi-disable-file-wrapper`.
    pub file_wrapper: bool,
}

pub(in crate::options) fn resolve(
    gathered: &Gathered,
) -> Result<Option<PythonSettings>, OptionError> {
    let apps = python_apps::apps(gathered)?;
    let imports = gathered.texts("import");
    let shared_imports = gathered.texts("shared-import");
    if apps.is_empty() && imports.is_empty() && shared_imports.is_empty() {
        return Ok(None);
    }
    let argv = gathered.text("pyargv").unwrap_or_default();
    Ok(Some(PythonSettings {
        apps,
        callable: gathered
            .text("callable")
            .unwrap_or_else(|| "application".to_owned()),
        manage_script_name: gathered.flag("manage-script-name")?,
        ignore_script_name: gathered.flag("ignore-script-name")?,
        default_app: !gathered.flag("no-default-app")?,
        paste_logger: gathered.flag("paste-logger")? || gathered.last("ini-paste-logged").is_some(),
        home: gathered.path("virtualenv"),
        program: gathered.path("python-bin"),
        path: gathered.texts("pythonpath"),
        imports,
        shared_imports,
        argv: argv.split_ascii_whitespace().map(str::to_owned).collect(),
        optimize: gathered.number("optimize", 0, 0, 2)?,
        autoreload: gathered.seconds_if("py-autoreload")?,
        autoreload_ignore: gathered.texts("py-auto-reload-ignore"),
        catch_exceptions: gathered.flag("catch-exceptions")?,
        file_wrapper: !gathered.flag("wsgi-disable-file-wrapper")?,
    }))
}
