//! CGI programs.

use std::path::PathBuf;
use std::time::Duration;

use super::cgi_warm::{self, WarmSettings};
use super::{cgi_rights, system};
use crate::app::cgi::spawn::Rights;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, One};
use crate::options::opt::Topic::Applications;
use crate::options::opt::{Opt, opt};
use crate::options::values::mounted;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "cgi",
        Many("[/PREFIX=]PATH"),
        Applications,
        "Run the CGI programs of a folder, or one CGI program, below /PREFIX or everywhere",
    ),
    opt(
        "cgi-env",
        Many("NAME=VALUE"),
        Applications,
        "Add a variable to the environment of CGI programs",
    ),
    opt(
        "cgi-timeout",
        One("SECONDS"),
        Applications,
        "Kill a CGI program that stays silent for so long [default: 60]",
    ),
    opt(
        "cgi-helper",
        Many(".EXT=PROGRAM"),
        Applications,
        "Run CGI files that end in .EXT through PROGRAM",
    )
    .aliases(&["cgi-map-helper"]),
    opt(
        "cgi-index",
        Many("FILE"),
        Applications,
        "CGI program to look for where a path is a folder",
    ),
    opt(
        "cgi-allowed-ext",
        Many(".EXT"),
        Applications,
        "Run only CGI files that end in .EXT",
    ),
    opt(
        "cgi-from-docroot",
        Flag,
        Applications,
        "Run the CGI programs below the DOCUMENT_ROOT that the gateway sends with the request",
    ),
    opt(
        "cgi-from-script-filename",
        Flag,
        Applications,
        "Run the CGI program that the gateway names in SCRIPT_FILENAME, or as DOCUMENT_ROOT and \
         SCRIPT_NAME, wherever it lies, as fcgiwrap does",
    ),
    opt(
        "cgi-safe",
        Many("FOLDER"),
        Applications,
        "Run CGI programs in FOLDER too where a symbolic link below a --cgi folder leads there",
    ),
    opt(
        "cgi-only",
        Many("FILE"),
        Applications,
        "With --cgi-from-script-filename, run no other program than FILE",
    ),
    opt(
        "cgi-path-info",
        Flag,
        Applications,
        "Leave PATH_INFO as the gateway sent it instead of what follows the program in the path",
    ),
    opt(
        "cgi-unset",
        Many("NAME"),
        Applications,
        "Keep a variable of the request from CGI programs",
    ),
    opt(
        "cgi-inherit-env",
        Flag,
        Applications,
        "Hand this server's own environment on to CGI programs",
    ),
    opt(
        "cgi-stderr-to-log",
        Flag,
        Applications,
        "Write what CGI programs say on standard error into the log alone, not to a FastCGI \
         gateway too",
    ),
    opt(
        "cgi-set",
        Many("[/PREFIX=]KEY=VALUE,…"),
        Applications,
        "What the programs of the --cgi of this prefix, or all others, may do: uid, gid (with \
         names or numbers), umask, and limits cpu (seconds), as, fsize, core (bytes, or with k, m, \
         g), nofile, nproc",
    ),
    opt(
        "cgi-concurrency",
        One("N"),
        Applications,
        "Run at most so many CGI programs at a time in each worker [default: any number]",
    ),
    opt(
        "cgi-queue",
        One("N"),
        Applications,
        "With --cgi-concurrency, let so many requests wait in each worker; more are answered 503 \
         [default: 64]",
    ),
    opt(
        "cgi-queue-timeout",
        One("SECONDS"),
        Applications,
        "With --cgi-concurrency, answer 503 to a request that has waited so long [default: 30]",
    ),
    opt(
        "cgi-keep-children",
        Flag,
        Applications,
        "Let processes run on that a CGI program leaves behind",
    ),
    opt(
        "cgi-buffer-size",
        One("BYTES"),
        Applications,
        "The most that the response head of a CGI program may take [default: 65536]",
    ),
    opt(
        "cgi-close-stdin-on-eof",
        Flag,
        Applications,
        "Close a CGI program's standard input behind the request body; always so here",
    ),
    opt(
        "cgi-optimize",
        Flag,
        Applications,
        "Accepted; the folders of --cgi are resolved once",
    )
    .aliases(&["cgi-optimized"]),
    opt(
        "cgi-async-max-attempts",
        Flag,
        Applications,
        "Accepted; the end of a CGI program is an event here and is not polled for",
    )
    .aliases(&["cgi-max-attempts"]),
];

/// `cgi-buffer-size` where nothing is said, as in uWSGI.
const HEAD_BYTES: usize = 64 * 1024;

/// `cgi-queue` where nothing is said.
const QUEUE: u32 = 64;

/// `cgi-queue-timeout` where nothing is said.
const QUEUE_SECONDS: u32 = 30;

/// How `--cgi` programs run, whatever their mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgiSettings {
    /// `cgi-env`: variables added to every script's environment, in order.
    pub env: Vec<(String, String)>,
    /// `cgi-timeout`: how long a script may stay silent before it is killed.
    pub timeout: Duration,
    /// `cgi-helper`: interpreter by file extension (with its dot), as `.py` and `python3`.
    pub helpers: Vec<(String, String)>,
    /// `cgi-index`: file names to try where the path is a folder.
    pub index: Vec<String>,
    /// `cgi-allowed-ext`: the only extensions (with their dot) that may run; empty for all.
    pub allowed_ext: Vec<String>,
    /// `cgi-from-docroot`: whether `DOCUMENT_ROOT` is a folder of scripts.
    pub from_docroot: bool,
    /// `cgi-from-script-filename`: whether the gateway may name any script.
    pub from_script_filename: bool,
    /// `cgi-safe`: folders outside of the mounts that links may lead to.
    pub safe: Vec<PathBuf>,
    /// `cgi-only`: the only scripts that a gateway may name; empty for all.
    pub only: Vec<PathBuf>,
    /// `cgi-path-info`: whether `PATH_INFO` stays as it was sent.
    pub keeps_path_info: bool,
    /// `cgi-unset`: variables that scripts do not get.
    pub unset: Vec<String>,
    /// `cgi-inherit-env`: whether scripts get this server's own environment.
    pub inherits_env: bool,
    /// `cgi-stderr-to-log`: whether a FastCGI gateway is spared the scripts' error text.
    pub stderr_to_log: bool,
    /// `cgi-mode`: forked from a booted interpreter where possible.
    pub warm: Option<WarmSettings>,
    /// `cgi-set`: what the programs of a mount may do, by its prefix; `None` for all others.
    pub rights: Vec<(Option<String>, Rights)>,
    /// `cgi-concurrency`: programs that run at a time in a worker; 0 for any number.
    pub concurrency: usize,
    /// `cgi-queue`: requests that wait for a place in a worker.
    pub queue: usize,
    /// `cgi-queue-timeout`: how long they wait.
    pub queue_timeout: Duration,
    /// `cgi-keep-children`: whether what scripts leave behind may run on.
    pub keeps_children: bool,
    /// `cgi-buffer-size`: limit on the head that a script prints, in bytes.
    pub head_bytes: usize,
}

impl CgiSettings {
    /// Whether requests bring their own folder or script, so that no mount is needed.
    pub fn mounts_itself(&self) -> bool {
        self.from_docroot || self.from_script_filename
    }

    /// What the programs of the mount at this prefix may do.
    pub fn rights_of(&self, prefix: &str) -> Rights {
        let of = |wanted: Option<&str>| {
            let mut all = self.rights.iter().rev();
            all.find(|(given, _)| given.as_deref() == wanted)
        };
        let found = of(Some(prefix.trim_end_matches('/'))).or_else(|| of(None));
        found.map(|(_, rights)| rights.clone()).unwrap_or_default()
    }
}

impl Default for CgiSettings {
    fn default() -> Self {
        Self {
            env: Vec::new(),
            timeout: Duration::from_secs(60),
            helpers: Vec::new(),
            index: Vec::new(),
            allowed_ext: Vec::new(),
            from_docroot: false,
            from_script_filename: false,
            safe: Vec::new(),
            only: Vec::new(),
            keeps_path_info: false,
            unset: Vec::new(),
            inherits_env: false,
            stderr_to_log: false,
            rights: Vec::new(),
            concurrency: 0,
            queue: QUEUE as usize,
            queue_timeout: Duration::from_secs(QUEUE_SECONDS.into()),
            keeps_children: false,
            head_bytes: HEAD_BYTES,
            warm: None,
        }
    }
}

/// One `--cgi [/prefix=]PATH`: a folder of scripts, or one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgiMount {
    /// The URL prefix without a slash at its end; empty for the root.
    pub prefix: String,
    /// The folder, or the script's file.
    pub path: PathBuf,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<CgiSettings, OptionError> {
    for name in ["cgi-close-stdin-on-eof", "cgi-optimize"] {
        gathered.flag(name)?;
    }
    let head_bytes = gathered.size("cgi-buffer-size")?.filter(|&bytes| bytes > 0);
    Ok(CgiSettings {
        env: environment(gathered)?,
        timeout: gathered.seconds("cgi-timeout")?,
        helpers: gathered.pairs("cgi-helper", ".EXT=PROGRAM")?,
        index: gathered.texts("cgi-index"),
        allowed_ext: gathered.texts("cgi-allowed-ext"),
        from_docroot: gathered.flag("cgi-from-docroot")?,
        from_script_filename: gathered.flag("cgi-from-script-filename")?,
        safe: gathered.paths("cgi-safe"),
        only: gathered.paths("cgi-only"),
        keeps_path_info: gathered.flag("cgi-path-info")?,
        unset: gathered.texts("cgi-unset"),
        inherits_env: gathered.flag("cgi-inherit-env")?,
        stderr_to_log: gathered.flag("cgi-stderr-to-log")?,
        rights: cgi_rights::read(gathered)?,
        concurrency: gathered.number("cgi-concurrency", 0, 0, 65535)? as usize,
        queue: gathered.number("cgi-queue", QUEUE, 0, 65535)? as usize,
        queue_timeout: gathered.seconds_or("cgi-queue-timeout", QUEUE_SECONDS)?,
        keeps_children: gathered.flag("cgi-keep-children")?,
        head_bytes: head_bytes.map_or(HEAD_BYTES, |bytes| bytes.try_into().unwrap_or(usize::MAX)),
        warm: cgi_warm::resolve(gathered)?,
    })
}

/// `env` of the configuration, which is meant for applications whatever they are, and `cgi-env`,
/// which wins. Of one name the last value counts.
fn environment(gathered: &Gathered) -> Result<Vec<(String, String)>, OptionError> {
    let mut variables: Vec<(String, String)> = Vec::new();
    let own = gathered.pairs("cgi-env", "NAME=VALUE")?;
    let own = own.into_iter().map(|(name, value)| (name, Some(value)));
    for (name, value) in system::environment(gathered).into_iter().chain(own) {
        variables.retain(|(given, _)| *given != name);
        variables.extend(value.map(|value| (name, value)));
    }
    Ok(variables)
}

/// Every `cgi` asked for, in order.
pub(in crate::options) fn mounts(gathered: &Gathered) -> Result<Vec<CgiMount>, OptionError> {
    gathered.all("cgi").map(mount).collect()
}

/// `/prefix=PATH` or `PATH`.
fn mount(given: &Given) -> Result<CgiMount, OptionError> {
    let (prefix, path) = mounted(&given.value);
    if path.is_empty() {
        return Err(given.refuse("[/PREFIX=]PATH of a folder or program"));
    }
    Ok(CgiMount {
        prefix: prefix.to_owned(),
        path: path.into(),
    })
}
