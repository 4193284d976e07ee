//! Reloading and stopping.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

const DEFAULT_MERCY: Duration = Duration::from_secs(60);

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "worker-reload-mercy",
        One("SECONDS"),
        Processes,
        "On reload and shutdown, the time that workers get to finish running requests \
         [default: that of --reload-mercy]",
    ),
    opt(
        "reload-mercy",
        One("SECONDS"),
        Processes,
        "On reload and shutdown, the time that processes get to end [default: 60]",
    ),
    opt(
        "die-on-term",
        Flag,
        Processes,
        "Stop on SIGTERM; always so here unless --term-reloads is given",
    ),
    opt(
        "term-reloads",
        Flag,
        Processes,
        "Start anew at once on SIGTERM, as uWSGI 2.0 does without --die-on-term",
    ),
    opt(
        "no-reload-trial",
        Flag,
        Processes,
        "Reload without trying first, in a process of its own, whether the configuration can be \
         used and the application loads",
    ),
    opt(
        "exit-on-reload",
        Flag,
        Processes,
        "End instead of starting anew, for a supervisor that starts the server again",
    ),
];

/// Reloading and stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadSettings {
    /// `worker-reload-mercy`: time for running requests on reload and shutdown.
    pub mercy: Duration,
    /// `term-reloads` without `die-on-term`: whether SIGTERM reloads brutally.
    pub term_reloads: bool,
    /// Unless `no-reload-trial`: whether a reload is tried before the workers end.
    pub tries: bool,
    /// `exit-on-reload`: whether a reload ends the server.
    pub exit_on_reload: bool,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<ReloadSettings, OptionError> {
    let die_on_term = gathered.flag("die-on-term")?;
    let mercy = gathered.seconds_if("reload-mercy")?;
    let workers_mercy = gathered.seconds_if("worker-reload-mercy")?;
    Ok(ReloadSettings {
        mercy: workers_mercy.or(mercy).unwrap_or(DEFAULT_MERCY),
        term_reloads: gathered.flag("term-reloads")? && !die_on_term,
        tries: !gathered.flag("no-reload-trial")?,
        exit_on_reload: gathered.flag("exit-on-reload")?,
    })
}
