//! CGI programs.

use std::path::PathBuf;
use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Many, One};
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
    ),
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
];

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
    /// Limit on the head that a script prints, in bytes.
    pub head_bytes: usize,
}

impl Default for CgiSettings {
    fn default() -> Self {
        Self {
            env: Vec::new(),
            timeout: Duration::from_secs(60),
            helpers: Vec::new(),
            index: Vec::new(),
            allowed_ext: Vec::new(),
            head_bytes: 64 * 1024,
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
    Ok(CgiSettings {
        env: gathered.pairs("cgi-env", "NAME=VALUE")?,
        timeout: gathered.seconds("cgi-timeout")?,
        helpers: gathered.pairs("cgi-helper", ".EXT=PROGRAM")?,
        index: gathered.texts("cgi-index"),
        allowed_ext: gathered.texts("cgi-allowed-ext"),
        ..CgiSettings::default()
    })
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
