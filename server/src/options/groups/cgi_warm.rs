//! CGI programs that are forked from a booted interpreter.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Many, One};
use crate::options::opt::Topic::Applications;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "cgi-mode",
        One("exec|warm"),
        Applications,
        "Execute CGI programs (exec), or fork those written in Python from an interpreter that is \
         already booted (warm) [default: exec]",
    ),
    opt(
        "cgi-preload",
        Many("MODULE,..."),
        Applications,
        "With --cgi-mode warm, import Python modules before there are requests",
    ),
];

/// `cgi-mode=warm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarmSettings {
    /// `cgi-preload`: modules to import, with commas between them.
    pub preload: String,
}

/// `None` for `cgi-mode=exec`.
pub(in crate::options) fn resolve(
    gathered: &Gathered,
) -> Result<Option<WarmSettings>, OptionError> {
    let mode = |word: &str| match word {
        "exec" => Some(false),
        "warm" => Some(true),
        _ => None,
    };
    let given = gathered.last("cgi-mode");
    let is_warm = given.map(|given| given.read("exec or warm", mode));
    let preload = gathered.texts("cgi-preload").join(",");
    Ok(is_warm
        .transpose()?
        .unwrap_or(false)
        .then_some(WarmSettings { preload }))
}
