//! Commands that run at their times.

use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::clock::LocalTime;
use crate::log;
use crate::options::{CronSettings, Schedule};
use crate::system::command::{self, Bond};

/// A minute: no command runs twice within one.
const MINUTE: u64 = 60;

/// One command.
#[derive(Debug)]
pub(super) struct Cron<'a> {
    pub(super) settings: &'a CronSettings,
    pub(super) run: Option<Run>,
    last: Option<u64>,
}

/// The command's last run, while it goes on. Times are Unix time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) pid: Pid,
    pub(super) since: u64,
    /// When it is killed.
    until: Option<u64>,
}

impl<'a> Cron<'a> {
    pub(super) fn new(settings: &'a CronSettings) -> Self {
        Self {
            settings,
            run: None,
            last: None,
        }
    }

    /// To be called about once a second.
    pub(super) fn tick(&mut self, now: u64, local: &LocalTime) {
        if let Some(run) = self
            .run
            .filter(|run| run.until.is_some_and(|until| until < now))
        {
            self.harakiri(run);
        }
        if self.is_due(now, local) {
            self.start(now);
        }
    }

    fn is_due(&self, now: u64, local: &LocalTime) -> bool {
        let busy = self.settings.unique && self.run.is_some();
        let rested = self
            .last
            .is_none_or(|last| now.saturating_sub(last) >= MINUTE);
        !busy && rested && fits(self.settings.schedule, local)
    }

    fn start(&mut self, now: u64) {
        let command = &self.settings.command;
        self.last = Some(now);
        let mut shell = command::shell(command, Bond::Session);
        match shell.stdin(Stdio::null()).spawn() {
            Ok(child) => {
                // Process ids are small.
                let pid = Pid::from_raw(child.id() as i32);
                log::fault(&format!("[uwsgi-cron] running \"{command}\" (pid {pid})"));
                let until = self
                    .settings
                    .harakiri
                    .map(|seconds| now + u64::from(seconds));
                self.run = Some(Run {
                    pid,
                    since: now,
                    until,
                });
            }
            Err(error) => log::fault(&format!("[uwsgi-cron] cannot run \"{command}\": {error}")),
        }
    }

    /// Kills what runs too long, with all that it has started.
    fn harakiri(&self, run: Run) {
        log::tell(&format!(
            "*** HARAKIRI ON CRON \"{}\" (pid: {}) ***",
            self.settings.command, run.pid
        ));
        self.kill();
    }

    /// A process has ended; whether it was this command's.
    pub(super) fn buried(&mut self, pid: Pid, now: u64) -> bool {
        let Some(run) = self.run.filter(|run| run.pid == pid) else {
            return false;
        };
        let took = now.saturating_sub(run.since);
        log::tell(&format!(
            "[uwsgi-cron] command \"{}\" running with pid {pid} exited after {took} second(s)",
            self.settings.command
        ));
        self.run = None;
        true
    }

    /// The server ends, and so does what runs.
    pub(super) fn stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// It has not ended in time.
    pub(super) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(run) = self.run {
            // It may have ended already, which the next wait tells.
            let _ = killpg(run.pid, signal);
        }
    }
}

/// uWSGI's rule: as in a crontab, day and weekday are joined by "or" if both are numbers.
fn fits(schedule: Schedule, now: &LocalTime) -> bool {
    let fits = |field: i32, value: i32| match field {
        ..=-1 => value % field == 0,
        _ => field == value,
    };
    let weekday = match schedule.weekday {
        7 => 0,
        other => other,
    };
    let (day, weekday_fits) = (fits(schedule.day, now.day), fits(weekday, now.weekday));
    let days = match schedule.day >= 0 && weekday >= 0 {
        true => day || weekday_fits,
        false => day && weekday_fits,
    };
    let month = fits(schedule.month, now.month);
    fits(schedule.minute, now.minute) && fits(schedule.hour, now.hour) && month && days
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sunday, 15th of November, 12:30.
    const NOON: LocalTime = LocalTime {
        minute: 30,
        hour: 12,
        day: 15,
        month: 11,
        weekday: 0,
    };

    fn at(minute: i32, hour: i32, day: i32, month: i32, weekday: i32) -> Schedule {
        Schedule {
            minute,
            hour,
            day,
            month,
            weekday,
        }
    }

    #[test]
    fn a_number_fits_itself_and_a_negative_one_whatever_it_divides() {
        assert!(fits(at(30, 12, 15, 11, -1), &NOON));
        assert!(fits(at(-15, -4, -5, -1, -1), &NOON));
        assert!(!fits(at(-7, -1, -1, -1, -1), &NOON));
        assert!(!fits(at(31, -1, -1, -1, -1), &NOON));
        assert!(!fits(at(-1, -1, -1, 12, -1), &NOON));
    }

    #[test]
    fn day_and_weekday_are_joined_by_or() {
        assert!(fits(at(-1, -1, 1, -1, 0), &NOON));
        assert!(fits(at(-1, -1, 15, -1, 3), &NOON));
        assert!(!fits(at(-1, -1, 1, -1, 3), &NOON));
        assert!(!fits(at(-1, -1, 1, -1, -1), &NOON));
    }

    #[test]
    fn seven_is_sunday_too() {
        assert!(fits(at(-1, -1, -1, -1, 7), &NOON));
    }

    fn every_minute(unique: bool) -> CronSettings {
        CronSettings {
            schedule: at(-1, -1, -1, -1, -1),
            command: "true".into(),
            unique,
            harakiri: None,
        }
    }

    #[test]
    fn a_minute_lies_between_two_runs() {
        let settings = every_minute(false);
        let mut cron = Cron::new(&settings);
        assert!(cron.is_due(1000, &NOON));
        cron.last = Some(1000);
        assert!(!cron.is_due(1059, &NOON));
        assert!(cron.is_due(1060, &NOON));
    }

    #[test]
    fn a_unique_command_does_not_run_beside_itself() {
        for unique in [false, true] {
            let settings = every_minute(unique);
            let mut cron = Cron::new(&settings);
            cron.run = Some(Run {
                pid: Pid::from_raw(7),
                since: 0,
                until: None,
            });
            assert_eq!(cron.is_due(1000, &NOON), !unique);
        }
    }
}
