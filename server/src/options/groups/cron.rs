//! Commands that the master runs at their times.

use super::keyvals;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Many, One};
use crate::options::opt::Topic::Hooks;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "cron",
        Many("MINUTE HOUR DAY MONTH WEEKDAY COMMAND"),
        Hooks,
        "Run a shell command when the local time fits; -1 fits always, -N whenever N divides",
    ),
    opt(
        "unique-cron",
        Many("MINUTE HOUR DAY MONTH WEEKDAY COMMAND"),
        Hooks,
        "The same, but not while its last run still goes on",
    ),
    opt(
        "cron2",
        Many("[KEY=VALUE,...] COMMAND"),
        Hooks,
        "The same with names: minute, hour, day, month, week (each -1 unless given), unique, \
         harakiri",
    ),
    opt(
        "cron-harakiri",
        One("SECONDS"),
        Hooks,
        "Kill such commands after so long [default: never]",
    ),
];

/// When a command is to run: uWSGI's fields, where a negative number -N fits whatever N divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Of the hour, from 0.
    pub minute: i32,
    /// Of the day, from 0.
    pub hour: i32,
    /// Of the month, from 1.
    pub day: i32,
    /// Of the year, from 1.
    pub month: i32,
    /// Of the week, from 0 (Sunday); 7 is Sunday too.
    pub weekday: i32,
}

/// A command that runs at its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronSettings {
    /// When.
    pub schedule: Schedule,
    /// The shell command.
    pub command: String,
    /// Whether it is left out while it still runs.
    pub unique: bool,
    /// Seconds after which it is killed.
    pub harakiri: Option<u32>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Vec<CronSettings>, OptionError> {
    let harakiri = gathered.number("cron-harakiri", 0, 0, u32::MAX)?;
    let harakiri = (harakiri > 0).then_some(harakiri);
    let cron = |given: &Given| {
        let positional = |given: &Given| {
            given.read(
                "MINUTE HOUR DAY MONTH WEEKDAY COMMAND, as in `0 -2 -1 -1 -1 ls`",
                plain,
            )
        };
        match given.opt.name {
            "cron" => Some(positional(given)),
            "unique-cron" => Some(positional(given).map(|cron| CronSettings {
                unique: true,
                ..cron
            })),
            "cron2" => Some(given.read(
                "KEY=VALUE,... COMMAND with the keys minute, hour, day, month, week, unique and \
                 harakiri",
                keyed,
            )),
            _ => None,
        }
    };
    let crons = gathered.given.iter().filter_map(cron);
    let with_harakiri = |cron: CronSettings| CronSettings {
        // 0 is a word of its own: never.
        harakiri: cron.harakiri.or(harakiri).filter(|&seconds| seconds > 0),
        ..cron
    };
    crons.map(|cron| cron.map(with_harakiri)).collect()
}

fn plain(value: &str) -> Option<CronSettings> {
    let mut rest = value.trim_start();
    let mut field = || {
        let (number, after) = rest.split_once(char::is_whitespace)?;
        rest = after.trim_start();
        number.parse().ok()
    };
    let schedule = Schedule {
        minute: field()?,
        hour: field()?,
        day: field()?,
        month: field()?,
        weekday: field()?,
    };
    (!rest.is_empty()).then(|| CronSettings {
        schedule,
        command: rest.to_owned(),
        unique: false,
        harakiri: None,
    })
}

const KEYS: [&str; 7] = [
    "minute", "hour", "day", "month", "week", "unique", "harakiri",
];

fn keyed(value: &str) -> Option<CronSettings> {
    let (keys, command) = match value.split_once(' ') {
        Some((keys, command)) if keys.contains('=') => (keys, command),
        None if value.contains('=') => return None,
        _ => ("", value),
    };
    let mut cron = CronSettings {
        schedule: Schedule {
            minute: -1,
            hour: -1,
            day: -1,
            month: -1,
            weekday: -1,
        },
        command: command.to_owned(),
        unique: false,
        harakiri: None,
    };
    let pairs = match keys {
        "" => Vec::new(),
        keys => keyvals::read(keys, &KEYS)?,
    };
    for (key, value) in pairs {
        let number: i32 = value.parse().ok()?;
        match key.as_str() {
            "minute" => cron.schedule.minute = number,
            "hour" => cron.schedule.hour = number,
            "day" => cron.schedule.day = number,
            "month" => cron.schedule.month = number,
            "week" => cron.schedule.weekday = number,
            "unique" => cron.unique = number != 0,
            _ => cron.harakiri = Some(number.try_into().ok()?),
        }
    }
    (!command.is_empty()).then_some(cron)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_numbers_stand_before_the_command() {
        let cron = plain("-15 -1 1 12 7 ./manage.py runjobs 5").unwrap();
        let expected = Schedule {
            minute: -15,
            hour: -1,
            day: 1,
            month: 12,
            weekday: 7,
        };
        assert_eq!(cron.schedule, expected);
        assert_eq!(cron.command, "./manage.py runjobs 5");
        assert_eq!(plain("0 0 * * * ls"), None, "there are no stars");
        assert_eq!(plain("0 0 1 1 1"), None);
    }

    #[test]
    fn what_a_keyed_one_does_not_name_fits_always() {
        let cron = keyed("day=-5,harakiri=10 run x=y").unwrap();
        assert_eq!((cron.schedule.day, cron.schedule.minute), (-5, -1));
        assert_eq!(
            (cron.harakiri, cron.command.as_str()),
            (Some(10), "run x=y")
        );
        assert_eq!(keyed("run it").unwrap().command, "run it");
        assert_eq!(keyed("hours=1 run"), None);
        assert_eq!(keyed("hour=1"), None);
    }
}
