//! What answers requests, in general.

use super::{cgi, gateway, python};
use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, Maybe};
use crate::options::opt::Topic::{Applications, Processes};
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "probe",
        Flag,
        Applications,
        "Answer with the probe: a reply that tells what arrived, shaped by the X-Probe \
         header",
    ),
    opt(
        "need-app",
        Maybe {
            value: "BOOL",
            default: "true",
        },
        Processes,
        "Refuse to start without an application; `false` answers 500 to what no application answers \
         [default: true]",
    ),
];

/// What answers requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppSettings {
    /// `probe`: the native probe, at the root.
    pub probe: bool,
    /// `cgi`: folders and programs, in order.
    pub cgi: Vec<cgi::CgiMount>,
    /// How CGI programs run.
    pub cgi_settings: cgi::CgiSettings,
    /// Python applications, if there are any.
    pub python: Option<python::PythonSettings>,
    /// `need-app`: whether to end with 22 where no application can be loaded.
    pub need_app: bool,
    /// Where the built-in gateway forwards to.
    pub upstreams: Vec<gateway::Upstream>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<AppSettings, OptionError> {
    Ok(AppSettings {
        probe: gathered.flag("probe")?,
        cgi: cgi::mounts(gathered)?,
        cgi_settings: cgi::resolve(gathered)?,
        python: python::resolve(gathered)?,
        need_app: gathered.switch("need-app", true),
        upstreams: gateway::resolve(gathered)?,
    })
}
