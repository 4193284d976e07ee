//! What the log says.

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Maybe};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "disable-logging",
        Flag,
        Logging,
        "Write no line per request; errors are still told",
    )
    .short('L'),
    opt(
        "log-date",
        Maybe {
            value: "FORMAT",
            default: "true",
        },
        Logging,
        "Put the date before every message, or what strftime makes of FORMAT",
    )
    .aliases(&["logdate", "log-prefix"]),
];

/// What the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Whether each request gets a line.
    pub requests: bool,
    /// `log-date`: what stands before a message.
    pub date: Option<DateStyle>,
}

/// How a date is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateStyle {
    /// As `ctime` does: `Sun Nov 22 15:28:10 2026`.
    Ctime,
    /// As `strftime` does with this format.
    Strftime(String),
}

impl DateStyle {
    /// As uWSGI reads it: whatever is no word for yes is a format, even a word for no.
    fn read(given: &Given) -> Self {
        let value = given.value.as_str();
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Self::Ctime,
            _ => Self::Strftime(value.to_owned()),
        }
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<LogSettings, OptionError> {
    Ok(LogSettings {
        requests: !gathered.flag("disable-logging")?,
        date: gathered.last("log-date").map(DateStyle::read),
    })
}
