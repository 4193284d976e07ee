//! Where the log goes.

use std::fmt;
use std::path::PathBuf;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};
use crate::options::values;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "logto",
        One("FILE"),
        Logging,
        "Append everything that goes to standard output and standard error to FILE instead, or \
         send it to HOST:PORT, one UDP datagram a write",
    ),
    opt(
        "logto2",
        One("FILE"),
        Logging,
        "The same once --uid and --gid are in force",
    ),
    opt(
        "daemonize",
        One("FILE"),
        Logging,
        "Detach from the terminal and log to FILE (or HOST:PORT, as with --logto); the command ends \
         once the server is ready, or with its exit code",
    )
    .short('d'),
    opt(
        "daemonize2",
        One("FILE"),
        Logging,
        "The same, but only once the applications are loaded",
    ),
    opt(
        "log-truncate",
        Flag,
        Logging,
        "Empty the log file at the start",
    ),
    opt(
        "log-reopen",
        Flag,
        Logging,
        "Open the log file anew at a reload",
    ),
    opt(
        "log-backupname",
        One("FILE"),
        Logging,
        "What a rotated log file is called [default: its name with the time in seconds]",
    ),
    opt(
        "logfile-chmod",
        One("MODE"),
        Logging,
        "Rights of the log file, three octal digits [default: 640]",
    ),
    opt(
        "logfile-chown",
        Flag,
        Logging,
        "Give the log file to the user and group of --uid and --gid",
    ),
];

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationSettings {
    /// `logto`: in place of standard error.
    pub to: Option<LogTarget>,
    /// `logto2`: the same, opened without root's rights.
    pub to_unprivileged: Option<LogTarget>,
    /// `daemonize`: detach at the start, and log there in place of `to`.
    pub daemonize: Option<LogTarget>,
    /// `daemonize2`: detach once the applications are loaded, and log there from then on.
    pub daemonize_loaded: Option<LogTarget>,
    /// `log-truncate`.
    pub truncate: bool,
    /// `log-reopen`: whether a reload opens the file anew.
    pub reopen: bool,
    /// `log-backupname`.
    pub backup: Option<PathBuf>,
    /// `logfile-chmod`: the file's permission bits.
    pub mode: Option<u32>,
    /// `logfile-chown`: whether the file goes to the user and group that are run as.
    pub chown: bool,
}

/// What takes the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// A file, which is appended to.
    File(PathBuf),
    /// `HOST:PORT` that takes UDP datagrams.
    Udp(String),
}

impl fmt::Display for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Udp(address) => f.write_str(address),
        }
    }
}

impl LogTarget {
    /// As uWSGI reads it: what has a colon is an address. Only what begins like a path is none.
    fn read(value: &str) -> Option<Self> {
        match value.rsplit_once(':') {
            Some(_) if value.starts_with(['/', '.']) => Some(Self::File(value.into())),
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Some(Self::Udp(value.to_owned()))
            }
            Some(_) => None,
            None => Some(Self::File(value.into())).filter(|_| !value.is_empty()),
        }
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<DestinationSettings, OptionError> {
    let target = |name| gathered.last(name).map(read_target).transpose();
    let mode = |given: &Given| given.read("three octal digits", values::mode);
    note_words(gathered);
    Ok(DestinationSettings {
        to: target("logto")?,
        to_unprivileged: target("logto2")?,
        daemonize: target("daemonize")?,
        daemonize_loaded: target("daemonize2")?,
        truncate: gathered.flag("log-truncate")?,
        reopen: gathered.flag("log-reopen")?,
        backup: gathered.path("log-backupname"),
        mode: gathered.last("logfile-chmod").map(mode).transpose()?,
        chown: gathered.flag("logfile-chown")?,
    })
}

/// People write `daemonize = true`, which both servers take for the name of a file.
fn note_words(gathered: &Gathered) {
    for name in ["daemonize", "daemonize2", "logto", "logto2"] {
        let given = gathered.last(name);
        let word = |given: &&Given| matches!(given.value.as_str(), "true" | "True" | "1" | "yes");
        if let Some(Given { value, origin, .. }) = given.filter(word) {
            gathered.note(format!(
                "`{name} = {value}` ({origin}) logs to a file of the name `{value}`, as in uWSGI"
            ));
        }
    }
}

fn read_target(given: &Given) -> Result<LogTarget, OptionError> {
    given.read("a file or HOST:PORT", LogTarget::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_colon_is_an_address_unless_it_begins_like_a_path() {
        let file = |path: &str| Some(LogTarget::File(path.into()));
        let udp = |address: &str| Some(LogTarget::Udp(address.into()));
        assert_eq!(LogTarget::read("app.log"), file("app.log"));
        assert_eq!(LogTarget::read("/log/at-12:00"), file("/log/at-12:00"));
        assert_eq!(LogTarget::read("127.0.0.1:514"), udp("127.0.0.1:514"));
        assert_eq!(LogTarget::read("[::1]:514"), udp("[::1]:514"));
        for wrong in ["", ":514", "host:", "host:port"] {
            assert_eq!(LogTarget::read(wrong), None, "{wrong}");
        }
    }
}
