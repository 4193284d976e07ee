//! A program that runs beside the workers.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Gid, Pid, Uid};

use crate::log;
use crate::options::DaemonSettings;
use crate::system::command::{self, Bond};

/// One that ended within this time after its start has to wait, as in uWSGI.
const TOO_SOON: Duration = Duration::from_secs(3);

/// The longest wait, unless the configuration says else.
const LONGEST_WAIT: u32 = 300;

/// One daemon. Without a pidfile it is a child of the master, which runs it again when it ends;
/// with one, the process that the pidfile names is looked for once a second.
#[derive(Debug)]
pub(super) struct Daemon<'a> {
    pub(super) settings: &'a DaemonSettings,
    pub(super) pid: Option<Pid>,
    /// How often it was run.
    pub(super) runs: u32,
    last_run: Option<Instant>,
    /// When to run it next, if that is settled.
    due: Option<Instant>,
    /// Whether the process of the pidfile was seen since the last run.
    seen: bool,
    /// Seconds without it.
    missed: u32,
    /// When each of the files to be touched was last changed.
    touched: Vec<Option<SystemTime>>,
}

/// What the end of a process means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Buried {
    /// It was another's.
    Other,
    /// It was this daemon's.
    Own,
    /// The same, and the server is to stop with it.
    Control,
}

impl<'a> Daemon<'a> {
    pub(super) fn new(settings: &'a DaemonSettings, now: Instant) -> Self {
        Self {
            settings,
            pid: None,
            runs: 0,
            last_run: None,
            due: Some(now),
            seen: false,
            missed: 0,
            touched: settings.touch.iter().map(|file| changed(file)).collect(),
        }
    }

    /// When something is due that no other event tells of.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Runs it if that is due. One that runs already, from before the server, is left alone.
    pub(super) fn act(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        let running = self.settings.pidfile.as_deref().and_then(living);
        match running.filter(|_| self.runs == 0) {
            Some(pid) => {
                log::tell(&format!(
                    "[uwsgi-daemons] found valid/active pidfile for \"{}\" (pid: {pid})",
                    self.settings.command
                ));
                (self.pid, self.seen) = (Some(pid), true);
            }
            None => self.spawn(now),
        }
    }

    fn spawn(&mut self, now: Instant) {
        let command = &self.settings.command;
        log::tell(&format!(
            "[uwsgi-daemons] {}spawning \"{command}\" (uid: {} gid: {})",
            if self.runs > 0 { "re" } else { "" },
            self.settings.uid.unwrap_or_else(|| Uid::current().as_raw()),
            self.settings.gid.unwrap_or_else(|| Gid::current().as_raw()),
        ));
        self.runs += 1;
        self.last_run = Some(now);
        (self.seen, self.missed) = (false, 0);
        match self.start() {
            Ok(pid) => self.pid = Some(pid),
            Err(error) => {
                log::tell(&format!(
                    "[uwsgi-daemons] unable to spawn \"{command}\": {error}"
                ));
                self.retry(now);
            }
        }
    }

    fn start(&self) -> io::Result<Pid> {
        let settings = self.settings;
        let bond = match settings.pidfile {
            Some(_) => Bond::Free,
            None => Bond::Session,
        };
        let mut shell = command::shell(&settings.command, bond);
        if !settings.stdin {
            shell.stdin(Stdio::null());
        }
        if let Some(folder) = &settings.chdir {
            shell.current_dir(folder);
        }
        if let Some(gid) = settings.gid {
            shell.gid(gid);
        }
        if let Some(uid) = settings.uid {
            shell.uid(uid);
        }
        // Process ids are small.
        let pid = Pid::from_raw(shell.spawn()?.id() as i32);
        if let Some(file) = settings.pidfile.as_ref().filter(|_| settings.daemonize) {
            std::fs::write(file, format!("{pid}\n"))?;
        }
        Ok(pid)
    }

    fn retry(&mut self, now: Instant) {
        let since = self.last_run.map(|last| now - last);
        let wait = throttle(self.runs, since, self.settings.max_throttle);
        if wait > 0 {
            log::tell(&format!(
                "[uwsgi-daemons] throttling \"{}\" for {wait} seconds",
                self.settings.command
            ));
        }
        self.due = Some(now + Duration::from_secs(wait.into()));
    }

    /// To be called once a second: looks after pidfile and files to be touched.
    pub(super) fn tick(&mut self, now: Instant) {
        self.look_for_touches();
        let Some(pidfile) = self
            .settings
            .pidfile
            .as_deref()
            .filter(|_| self.due.is_none())
        else {
            return;
        };
        match living(pidfile) {
            Some(pid) if self.pid == Some(pid) => self.seen = true,
            Some(pid) => {
                self.tell_change(Some(pid));
                (self.pid, self.seen) = (Some(pid), true);
            }
            None if self.seen => self.spawn(now),
            None => {
                self.missed += 1;
                if self.missed >= self.settings.patience {
                    self.tell_change(None);
                    self.spawn(now);
                }
            }
        }
    }

    fn tell_change(&self, new: Option<Pid>) {
        let (old, new) = (number(self.pid), number(new));
        log::tell(&format!(
            "[uwsgi-daemons] found changed pid for \"{}\" (old_pid: {old} new_pid: {new})",
            self.settings.command
        ));
    }

    fn look_for_touches(&mut self) {
        for (file, last) in self.settings.touch.iter().zip(&mut self.touched) {
            let now = changed(file);
            if *last == now {
                continue;
            }
            *last = now;
            log::fault(&format!(
                "*** {} has been touched... reloading daemon \"{}\" (pid: {}) !!! ***",
                file.display(),
                self.settings.command,
                number(self.pid)
            ));
            // Its end has it run again.
            if let Some(pid) = self.pid {
                let _ = killpg(pid, self.settings.stop_signal);
            }
        }
    }

    /// A process has ended. `serving` is whether the daemon is to run on.
    pub(super) fn buried(&mut self, pid: Pid, now: Instant, serving: bool) -> Buried {
        if self.pid != Some(pid) {
            return Buried::Other;
        }
        if self.settings.pidfile.is_some() {
            // It went into the background, or its end is seen by the next look.
            return Buried::Own;
        }
        self.pid = None;
        if !serving {
            log::tell(&format!(
                "daemon \"{}\" (pid: {pid}) annihilated",
                self.settings.command
            ));
            return Buried::Own;
        }
        if self.settings.control {
            return Buried::Control;
        }
        self.retry(now);
        Buried::Own
    }

    /// Whether it runs and ends with the server.
    pub(super) fn is_bound(&self) -> bool {
        self.pid.is_some() && self.settings.pidfile.is_none()
    }

    /// Tells it to stop, if it is to stop with the server (or to reload with it).
    pub(super) fn stop(&mut self, reloading: bool) {
        self.due = None;
        let Some(pid) = self.pid else { return };
        let settings = self.settings;
        let default = match settings.pidfile {
            Some(_) if reloading => Signal::SIGHUP,
            _ => settings.stop_signal,
        };
        let signal = settings
            .reload_signal
            .filter(|_| reloading)
            .unwrap_or(default);
        if settings.pidfile.is_none() {
            log::tell(&format!(
                "[uwsgi-daemons] stopping daemon (pid: {pid}): {}",
                settings.command
            ));
        }
        if settings.pidfile.is_none() || settings.notify {
            // It may have ended just now.
            let _ = killpg(pid, signal);
        }
    }

    /// Runs again what was stopped.
    pub(super) fn resume(&mut self, now: Instant) {
        if self.pid.is_none() {
            self.due = Some(now);
        }
    }

    /// It has not stopped in time.
    pub(super) fn kill(&self) {
        if let Some(pid) = self.pid.filter(|_| self.is_bound()) {
            log::tell(&format!(
                "[uwsgi-daemons] daemon did not die in time, killing (pid: {pid}): {}",
                self.settings.command
            ));
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

fn number(pid: Option<Pid>) -> i32 {
    pid.map_or(-1, Pid::as_raw)
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|found| found.modified()).ok()
}

/// The process that a pidfile names, if it lives.
fn living(pidfile: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(pidfile).ok()?;
    let pid = text.trim().parse().ok().filter(|&pid| pid > 0)?;
    let pid = Pid::from_raw(pid);
    let exists = matches!(kill(pid, None), Ok(()) | Err(Errno::EPERM));
    (exists && !is_zombie(pid)).then_some(pid)
}

/// Whether it has ended and waits for its parent to notice: in a container without an init that
/// may last for ever.
fn is_zombie(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// Seconds to wait before the next run, by uWSGI's rule: as many as there were runs, less those
/// that have passed since the last one.
fn throttle(runs: u32, since_last: Option<Duration>, most: u32) -> u32 {
    let Some(since) = since_last.filter(|&since| since <= TOO_SOON) else {
        return 0;
    };
    let passed = u32::try_from(since.as_secs()).unwrap_or(u32::MAX);
    let most = if most > 0 { most } else { LONGEST_WAIT };
    runs.saturating_sub(passed).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_that_has_run_for_a_while_is_run_again_at_once() {
        assert_eq!(throttle(1, None, 0), 0);
        assert_eq!(throttle(7, Some(4 * SECOND), 0), 0);
    }

    #[test]
    fn one_that_ends_at_once_waits_longer_each_time() {
        assert_eq!(throttle(1, Some(SECOND), 0), 1);
        assert_eq!(throttle(5, Some(SECOND), 0), 4);
        assert_eq!(throttle(5000, Some(SECOND), 0), 300);
        assert_eq!(throttle(5000, Some(SECOND), 2), 2);
    }

    #[test]
    fn a_pidfile_of_a_dead_process_names_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(living(file.path()), None);
        std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(living(file.path()), Some(nix::unistd::getpid()));
        std::fs::write(&file, "-1\n").unwrap();
        assert_eq!(living(file.path()), None);
    }
}
