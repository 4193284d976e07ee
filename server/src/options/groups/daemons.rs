//! Programs that the master runs beside the workers.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::keyvals;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many};
use crate::options::opt::Topic::Hooks;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "attach-daemon",
        Many("COMMAND"),
        Hooks,
        "Run a shell command beside the workers, again whenever it ends, and stop it with the \
         server. It has to stay in the foreground",
    ),
    opt(
        "attach-control-daemon",
        Many("COMMAND"),
        Hooks,
        "The same, but the server stops when the command ends",
    ),
    opt(
        "smart-attach-daemon",
        Many("PIDFILE[,FREQ] COMMAND"),
        Hooks,
        "Run a command that goes into the background and writes PIDFILE, unless that names a \
         living process; again once there is none. It outlives the server",
    ),
    opt(
        "smart-attach-daemon2",
        Many("PIDFILE[,FREQ] COMMAND"),
        Hooks,
        "The same for a command that stays in the foreground; PIDFILE is written for it",
    ),
    opt(
        "attach-daemon2",
        Many("KEY=VALUE,..."),
        Hooks,
        "Run a command with more options: cmd, pidfile, freq, daemonize, control, stopsignal, \
         reloadsignal, uid, gid, stdin, chdir, touch, max_throttle, notifypid",
    ),
    opt(
        "daemons-honour-stdin",
        Flag,
        Hooks,
        "Leave such commands the server's standard input",
    ),
];

/// uWSGI looks after a pidfile so many seconds before it gives a daemon up.
const FREQUENCY: u32 = 10;

/// A program that runs beside the workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The shell command.
    pub command: String,
    /// Where its process id stands: then it is not stopped with the server.
    pub pidfile: Option<PathBuf>,
    /// Whether that file is written for it, since it stays in the foreground.
    pub daemonize: bool,
    /// Seconds without a living process in the pidfile before it is run again.
    pub patience: u32,
    /// Whether the server stops when it ends.
    pub control: bool,
    /// What stops it.
    pub stop_signal: Signal,
    /// What it gets in place of that when the server reloads.
    pub reload_signal: Option<Signal>,
    /// Whom to run it as: numbers, as in uWSGI.
    pub uid: Option<u32>,
    /// The same for the group.
    pub gid: Option<u32>,
    /// Whether it gets the server's standard input.
    pub stdin: bool,
    /// Where to run it.
    pub chdir: Option<PathBuf>,
    /// Files that, once touched, have it run anew.
    pub touch: Vec<PathBuf>,
    /// The most seconds between its end and its next run; 0 is five minutes.
    pub max_throttle: u32,
    /// Whether it gets the signals although it has a pidfile.
    pub notify: bool,
}

impl DaemonSettings {
    fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            pidfile: None,
            daemonize: false,
            patience: FREQUENCY,
            control: false,
            stop_signal: Signal::SIGTERM,
            reload_signal: None,
            uid: None,
            gid: None,
            stdin: false,
            chdir: None,
            touch: Vec::new(),
            max_throttle: 0,
            notify: false,
        }
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Vec<DaemonSettings>, OptionError> {
    let stdin = gathered.flag("daemons-honour-stdin")?;
    let mut daemons = Vec::new();
    // In the order in which they were given, whatever their kind.
    for given in &gathered.given {
        if let Some(daemon) = daemon(given) {
            let mut daemon = daemon?;
            daemon.stdin |= stdin;
            daemons.push(daemon);
        }
    }
    Ok(daemons)
}

fn daemon(given: &Given) -> Option<Result<DaemonSettings, OptionError>> {
    let smart = |given: &Given| given.read("PIDFILE[,FREQ] COMMAND", smart);
    Some(match given.opt.name {
        "attach-daemon" => Ok(DaemonSettings::new(&given.value)),
        "attach-control-daemon" => Ok(DaemonSettings {
            control: true,
            ..DaemonSettings::new(&given.value)
        }),
        "smart-attach-daemon" => smart(given),
        "smart-attach-daemon2" => smart(given).map(|daemon| DaemonSettings {
            daemonize: true,
            ..daemon
        }),
        "attach-daemon2" => given.read(
            "cmd=COMMAND and other KEY=VALUE of attach-daemon2, with commas between them",
            keyed,
        ),
        _ => return None,
    })
}

fn smart(value: &str) -> Option<DaemonSettings> {
    let (pidfile, command) = value.split_once(' ')?;
    let (pidfile, patience) = match pidfile.split_once(',') {
        Some((pidfile, patience)) => (pidfile, patience.parse().ok()?),
        None => (pidfile, FREQUENCY),
    };
    Some(DaemonSettings {
        pidfile: Some(pidfile.into()),
        patience,
        ..DaemonSettings::new(command)
    })
}

const KEYS: [&str; 20] = [
    "command",
    "cmd",
    "exec",
    "freq",
    "pidfile",
    "control",
    "daemonize",
    "daemon",
    "touch",
    "stopsignal",
    "stop_signal",
    "reloadsignal",
    "reload_signal",
    "stdin",
    "uid",
    "gid",
    "ns_pid",
    "chdir",
    "max_throttle",
    "notifypid",
];

fn keyed(value: &str) -> Option<DaemonSettings> {
    let mut daemon = DaemonSettings::new("");
    for (key, value) in keyvals::read(value, &KEYS)? {
        let signal = |number: &str| Signal::try_from(number.parse::<i32>().ok()?).ok();
        match key.as_str() {
            "command" | "cmd" | "exec" => daemon.command = value,
            "freq" => daemon.patience = value.parse().ok()?,
            "pidfile" => daemon.pidfile = Some(value.into()),
            // As in uWSGI, to be named is enough.
            "control" => daemon.control = true,
            "daemonize" | "daemon" => daemon.daemonize = true,
            "stdin" => daemon.stdin = true,
            "notifypid" => daemon.notify = true,
            "touch" => daemon.touch = value.split(';').map(PathBuf::from).collect(),
            "stopsignal" | "stop_signal" => daemon.stop_signal = signal(&value)?,
            "reloadsignal" | "reload_signal" => daemon.reload_signal = Some(signal(&value)?),
            "uid" => daemon.uid = Some(value.parse().ok()?),
            "gid" => daemon.gid = Some(value.parse().ok()?),
            "chdir" => daemon.chdir = Some(value.into()),
            "max_throttle" => daemon.max_throttle = value.parse().ok()?,
            // No namespaces here.
            _ => return None,
        }
    }
    (!daemon.command.is_empty()).then_some(daemon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smart_daemon_has_a_pidfile_and_a_patience() {
        let daemon = smart("/run/x.pid,3 run it").unwrap();
        assert_eq!(daemon.pidfile, Some("/run/x.pid".into()));
        assert_eq!((daemon.patience, daemon.command.as_str()), (3, "run it"));
        assert_eq!(smart("/run/x.pid"), None);
    }

    #[test]
    fn a_keyed_daemon_needs_its_command() {
        let daemon = keyed("cmd=run it,stopsignal=2,daemonize=1,touch=/a;/b").unwrap();
        assert_eq!(
            (daemon.stop_signal, daemon.daemonize),
            (Signal::SIGINT, true)
        );
        assert_eq!(daemon.touch, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(keyed("freq=3"), None);
        assert_eq!(keyed("cmd=x,stopsignal=999"), None);
    }
}
