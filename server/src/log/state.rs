//! Where this process writes its messages, and how it follows when that changes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use nix::unistd::{Gid, Pid, Uid};

use super::date::Date;
use super::destination::Destination;
use super::file::LogFile;
use super::generation::Generation;
use super::output::{become_file, become_output, become_udp, inherited, naming};
use super::process::{Order, Process, write_packets};
use super::router::Router;
use crate::clock;
use crate::options::{LogTarget, LoggersSettings, Settings};

static STATE: OnceLock<State> = OnceLock::new();

struct State {
    /// The file that standard output and standard error are, if they are one that has a name.
    file: Mutex<Option<LogFile>>,
    generation: Generation,
    date: Option<Date>,
    loggers: LoggersSettings,
    /// What writes the log in place of everybody, where options need that; the master's own.
    process: Mutex<Option<Process>>,
    /// The way there for the lines of requests, where these go their own way.
    requests: RwLock<Option<OwnedFd>>,
}

type Owner = (Option<Uid>, Option<Gid>);

/// Sends standard output and standard error of this process, and of all that it starts, to where
/// the options say. `resumed` is whether this is a reload of a running server: its log stays as it
/// is, unless `log-reopen` is given.
///
/// # Errors
/// A file that cannot be opened or an address that cannot be used.
pub(crate) fn begin(settings: &Settings, resumed: bool) -> io::Result<()> {
    let state = State {
        file: Mutex::new(None),
        generation: Generation::new()?,
        date: settings.log.date.as_ref().map(Date::new),
        loggers: settings.loggers.clone(),
        process: Mutex::new(None),
        requests: RwLock::new(None),
    };
    // A second start in one process keeps to the first one's log.
    let _ = STATE.set(state);
    let to = &settings.destinations;
    let owner = (settings.system.identity.uid, settings.system.identity.gid);
    if let Some(target) = to.daemonize.as_ref().or(to.to.as_ref()) {
        send_to(target, settings, owner, resumed).map_err(naming(target))?;
    }
    match to.to_unprivileged.is_some() || to.daemonize_loaded.is_some() {
        true => Ok(()),
        false => start_process(owner),
    }
}

/// `logto2`: the same once privileges are given up.
///
/// # Errors
/// As in [`begin`].
pub(crate) fn begin_unprivileged(settings: &Settings, resumed: bool) -> io::Result<()> {
    let to = &settings.destinations;
    let Some(target) = &to.to_unprivileged else {
        return Ok(());
    };
    send_to(target, settings, (None, None), resumed).map_err(naming(target))?;
    match to.daemonize_loaded {
        Some(_) => Ok(()),
        None => start_process((None, None)),
    }
}

/// `daemonize2`: the same once the applications are loaded.
///
/// # Errors
/// As in [`begin`].
pub(crate) fn begin_loaded(settings: &Settings, resumed: bool) -> io::Result<()> {
    let Some(target) = &settings.destinations.daemonize_loaded else {
        return Ok(());
    };
    send_to(target, settings, (None, None), resumed).map_err(naming(target))?;
    start_process((None, None))
}

/// Opens the log file anew, in this process and, before it writes its next line or serves its next
/// request, in every worker: after `logrotate` has moved the file, or for the master fifo's `l`
/// and `touch-logreopen`. To be called in the master. Nothing is done where the log is no file; a
/// file that cannot be opened is complained about in the old one, which stays.
pub(crate) fn reopen() {
    change(Order::Reopen, |file, old| file.reopen(old, clock::now()));
}

/// Gives the log file its backup name (`log-backupname`, or the name with the time) and begins a
/// new one, in this process and in every worker, as in [`reopen`]: for the master fifo's `L` and
/// `touch-logrotate`.
pub(crate) fn rotate() {
    change(Order::Rotate, |file, old| file.rotate(old, clock::now()));
}

/// Follows the master to a log file that was opened anew. Costs two loads where none was.
pub(crate) fn follow() {
    let Some(state) = STATE.get().filter(|state| state.generation.is_new()) else {
        return;
    };
    let file = lock(&state.file).clone();
    if let Some(Err(error)) = file.map(|file| become_file(&file, false)) {
        super::fault(&format!("cannot open the log file anew: {error}"));
    }
}

/// The master has learned that a process has ended. If it wrote the log, another one takes over.
pub(crate) fn reaped(pid: Pid) {
    let Some(state) = STATE.get() else { return };
    let mut process = lock(&state.process);
    let Some(process) = process.as_mut().filter(|process| process.is(pid)) else {
        return;
    };
    let mut requests = state
        .requests
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    let started =
        router(state, process.stderr()).and_then(|router| process.restart(router, requests.take()));
    match started {
        Ok(again) => *requests = again,
        Err(error) => {
            let _ = process.give_back();
            drop(requests);
            super::fault(&format!("cannot start the log's process anew: {error}"));
        }
    }
}

/// Makes standard output and standard error what they were before another process began to write
/// the log. That process ends once all others have let go of it. To be called before this one
/// becomes another program.
pub(crate) fn give_back() {
    if let Some(process) = take_process() {
        let _ = process.give_back();
    }
}

/// What [`give_back`] has given is wanted again after all.
pub(crate) fn take_back() {
    if let Err(error) = start_process((None, None)) {
        super::fault(&format!("cannot start the log's process anew: {error}"));
    }
}

/// As [`give_back`] at the end of the server, which waits until everything is written.
pub(crate) fn finish() {
    if let Some(process) = take_process() {
        let _ = process.give_back();
        process.finish();
    }
}

/// The date that `log-date` puts before a message, with what divides them.
pub(super) fn date_before(line: &mut String) {
    if let Some(date) = STATE.get().and_then(|state| state.date.as_ref()) {
        date.put(line);
    }
}

/// The date of a message that always has one.
pub(super) fn date_always(line: &mut String) {
    let date = STATE.get().and_then(|state| state.date.as_ref());
    date.unwrap_or(&Date::Ctime).put(line);
}

/// Writes the line of a request where such lines go.
pub(super) fn write_request(line: &[u8]) {
    let requests = STATE.get().map(|state| &state.requests);
    let requests = requests.map(|it| it.read().unwrap_or_else(PoisonError::into_inner));
    match requests.as_ref().and_then(|it| it.as_ref()) {
        // A log that cannot be written to cannot be complained about either.
        Some(outlet) => write_packets(outlet, line).unwrap_or_default(),
        None => super::write(line),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_process() -> Option<Process> {
    let state = STATE.get()?;
    let mut requests = state
        .requests
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    drop(requests.take());
    lock(&state.process).take()
}

/// Replaces the open file by what `open` makes of it, here and everywhere.
fn change(order: Order, open: impl FnOnce(&LogFile, &mut dyn Write) -> io::Result<File>) {
    let Some(state) = STATE.get() else { return };
    if let Some(process) = lock(&state.process).as_ref() {
        return process.order(order);
    }
    let Some(file) = lock(&state.file).clone() else {
        return;
    };
    let opened = open(&file, &mut io::stderr());
    match opened.and_then(|opened| become_output(&opened)) {
        Ok(()) => state.generation.advance(),
        Err(error) => super::fault(&format!("cannot open the log file anew: {error}")),
    }
}

fn send_to(target: &LogTarget, settings: &Settings, owner: Owner, resumed: bool) -> io::Result<()> {
    let to = &settings.destinations;
    let kept = resumed && !to.reopen;
    let path = match target {
        LogTarget::Udp(_) if kept => return Ok(()),
        LogTarget::Udp(address) => return become_udp(address),
        LogTarget::File(path) => path,
    };
    if let Some(stream) = inherited(path) {
        return become_output(&stream?);
    }
    let file = LogFile::new(path, to.backup.as_deref())?
        .with_mode(to.mode)
        .with_owner(to.chown.then_some(owner));
    if !kept {
        become_file(&file, to.truncate && !resumed)?;
    }
    if let Some(state) = STATE.get() {
        *lock(&state.file) = Some(file);
    }
    Ok(())
}

/// Starts the process that writes the log, if options need one.
fn start_process(user: Owner) -> io::Result<()> {
    let Some(state) = STATE.get().filter(|state| state.loggers.need_process()) else {
        return Ok(());
    };
    let separate = state.loggers.separate_requests();
    let (process, requests) = Process::start(router(state, io::stderr())?, separate, user)?;
    *lock(&state.process) = Some(process);
    *state
        .requests
        .write()
        .unwrap_or_else(PoisonError::into_inner) = requests;
    Ok(())
}

/// What the process does with messages; `stderr` is what everybody's would be without it.
fn router(state: &State, stderr: impl AsFd) -> io::Result<Router> {
    let settings = &state.loggers;
    let stream = || {
        let stderr = stderr.as_fd().try_clone_to_owned();
        stderr.map(|stderr| Destination::Stream(stderr.into()))
    };
    let original = match lock(&state.file).clone() {
        // A server that has given up its rights since may not open its file again.
        Some(file) => Destination::file(file, settings.max_size).or_else(|_| stream())?,
        None => stream()?,
    };
    Router::open(settings, original)
}
