//! Where this process writes its messages, and how it follows when that changes.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::net::{ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use nix::unistd::{Gid, Uid};

use super::file::LogFile;
use super::generation::Generation;
use crate::clock;
use crate::options::{DateStyle, DestinationSettings, LogTarget};

static STATE: OnceLock<State> = OnceLock::new();

struct State {
    /// The file that standard output and standard error are, if they are one that has a name.
    file: Mutex<Option<LogFile>>,
    generation: Generation,
    date: Option<Date>,
}

/// `log-date`, ready for use.
enum Date {
    Ctime,
    Strftime(CString),
}

/// Sends standard output and standard error of this process, and of all that it starts, to where
/// the options say. `resumed` is whether this is a reload of a running server: its log stays as it
/// is, unless `log-reopen` is given.
///
/// # Errors
/// A file that cannot be opened or an address that cannot be used.
pub(crate) fn begin(
    settings: &DestinationSettings,
    date: Option<&DateStyle>,
    owner: (Option<Uid>, Option<Gid>),
    resumed: bool,
) -> io::Result<()> {
    let state = State {
        file: Mutex::new(None),
        generation: Generation::new()?,
        date: date.map(Date::new),
    };
    // A second start in one process keeps to the first one's log.
    let _ = STATE.set(state);
    match settings.daemonize.as_ref().or(settings.to.as_ref()) {
        Some(target) => send_to(target, settings, owner, resumed).map_err(naming(target)),
        None => Ok(()),
    }
}

/// `logto2`: the same once privileges are given up.
///
/// # Errors
/// As in [`begin`].
pub(crate) fn begin_unprivileged(settings: &DestinationSettings, resumed: bool) -> io::Result<()> {
    match &settings.to_unprivileged {
        Some(target) => send_to(target, settings, (None, None), resumed).map_err(naming(target)),
        None => Ok(()),
    }
}

/// `daemonize2`: the same once the applications are loaded.
///
/// # Errors
/// As in [`begin`].
pub(crate) fn send_on(target: &LogTarget, settings: &DestinationSettings) -> io::Result<()> {
    send_to(target, settings, (None, None), false).map_err(naming(target))
}

/// Opens the log file anew, in this process and, before it writes its next line or serves its next
/// request, in every worker: after `logrotate` has moved the file, or for the master fifo's `l`
/// and `touch-logreopen`. To be called in the master. Nothing is done where the log is no file; a
/// file that cannot be opened is complained about in the old one, which stays.
pub(crate) fn reopen() {
    change(|file, old| file.reopen(old, clock::now()));
}

/// Gives the log file its backup name (`log-backupname`, or the name with the time) and begins a
/// new one, in this process and in every worker, as in [`reopen`]: for the master fifo's `L` and
/// `touch-logrotate`.
pub(crate) fn rotate() {
    change(|file, old| file.rotate(old, clock::now()));
}

/// Follows the master to a log file that was opened anew. Costs two loads where none was.
pub(crate) fn follow() {
    let Some(state) = STATE.get().filter(|state| state.generation.is_new()) else {
        return;
    };
    let opened = state.with_file(|file| file.open(false).and_then(|file| become_output(&file)));
    if let Some(Err(error)) = opened {
        super::fault(&format!("cannot open the log file anew: {error}"));
    }
}

/// The date that `log-date` puts before a message, with what divides them.
pub(super) fn date_before(line: &mut String) {
    match STATE.get().and_then(|state| state.date.as_ref()) {
        None => {}
        Some(date) => date.put(line),
    }
}

/// The date of a message that always has one.
pub(super) fn date_always(line: &mut String) {
    match STATE.get().and_then(|state| state.date.as_ref()) {
        Some(date) => date.put(line),
        None => Date::Ctime.put(line),
    }
}

impl Date {
    fn new(style: &DateStyle) -> Self {
        match style {
            DateStyle::Ctime => Self::Ctime,
            // Neither a file nor an argument can hold a NUL.
            DateStyle::Strftime(format) => {
                Self::Strftime(CString::new(format.as_str()).unwrap_or_default())
            }
        }
    }

    fn put(&self, line: &mut String) {
        match self {
            Self::Ctime => line.push_str(&String::from_utf8_lossy(&clock::local_date())),
            Self::Strftime(format) => {
                let date = clock::strftime(format, clock::now());
                line.push_str(&String::from_utf8_lossy(&date));
            }
        }
        line.push_str(" - ");
    }
}

impl State {
    fn with_file<T>(&self, act: impl FnOnce(&LogFile) -> T) -> Option<T> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_ref().map(act)
    }
}

/// Replaces the open file by what `open` makes of it, here and everywhere.
fn change(open: impl FnOnce(&LogFile, &mut dyn Write) -> io::Result<File>) {
    let Some(state) = STATE.get() else { return };
    let changed = state.with_file(|file| {
        let opened = open(file, &mut io::stderr())?;
        become_output(&opened)
    });
    match changed {
        Some(Ok(())) => state.generation.advance(),
        Some(Err(error)) => super::fault(&format!("cannot open the log file anew: {error}")),
        None => {}
    }
}

fn send_to(
    target: &LogTarget,
    settings: &DestinationSettings,
    owner: (Option<Uid>, Option<Gid>),
    resumed: bool,
) -> io::Result<()> {
    match target {
        LogTarget::File(path) => {
            let file = LogFile::new(path, settings.backup.as_deref())?
                .with_mode(settings.mode)
                .with_owner(settings.chown.then_some(owner));
            if !resumed || settings.reopen {
                become_output(&open(&file, settings.truncate && !resumed)?)?;
            }
            if let Some(state) = STATE.get() {
                *state.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
            }
            Ok(())
        }
        LogTarget::Udp(_) if resumed && !settings.reopen => Ok(()),
        LogTarget::Udp(address) => become_output(&udp(address)?),
    }
}

/// The error with what it is about.
fn naming(target: &LogTarget) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{target}: {error}"))
}

/// The streams by their names are this process's own: they may be pipes or sockets of another
/// user's, which cannot be opened a second time.
fn open(file: &LogFile, truncate: bool) -> io::Result<OwnedFd> {
    let inherited = |path: &Path| match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => {
            Some(io::stdout().as_fd().try_clone_to_owned())
        }
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => {
            Some(io::stderr().as_fd().try_clone_to_owned())
        }
        _ => None,
    };
    inherited(file.path()).unwrap_or_else(|| Ok(file.open(truncate)?.into()))
}

/// A socket that sends to this address: each write is a datagram.
fn udp(address: &str) -> io::Result<UdpSocket> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        let any = if address.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let connected = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(address)?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes this standard output and standard error.
pub(super) fn become_output(output: &impl AsFd) -> io::Result<()> {
    nix::unistd::dup2_stdout(output)?;
    nix::unistd::dup2_stderr(output)?;
    Ok(())
}
