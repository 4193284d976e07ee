//! What the log says.

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Maybe, One};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "disable-logging",
        Flag,
        Logging,
        "Write no line per request; errors are still told, and so are the requests that the \
         options log-4xx to log-zero ask for",
    )
    .short('L'),
    opt(
        "log-4xx",
        Flag,
        Logging,
        "With --disable-logging: tell of requests that were answered with a status from 400 to 499",
    ),
    opt(
        "log-5xx",
        Flag,
        Logging,
        "The same for a status from 500 to 599",
    ),
    opt(
        "log-slow",
        One("MS"),
        Logging,
        "The same for requests that took so many milliseconds",
    ),
    opt(
        "log-big",
        One("BYTES"),
        Logging,
        "The same for replies of so many bytes",
    ),
    opt(
        "log-sendfile",
        One("BOOL"),
        Logging,
        "The same for files that the kernel sent",
    ),
    opt(
        "log-ioerror",
        One("BOOL"),
        Logging,
        "The same for requests that could not be read, or whose reply could not be sent",
    ),
    opt(
        "log-zero",
        Flag,
        Logging,
        "The same for replies without a body",
    ),
    opt(
        "log-format",
        One("FORMAT"),
        Logging,
        "Write each request's line in this format, with variables such as %(uri)",
    )
    .aliases(&["logformat"]),
    opt(
        "log-format-strftime",
        Flag,
        Logging,
        "Write %(ftime) in the format of --log-date",
    )
    .aliases(&["logformat-strftime"]),
    opt(
        "log-micros",
        Flag,
        Logging,
        "Tell microseconds in place of milliseconds",
    ),
    opt(
        "log-x-forwarded-for",
        Flag,
        Logging,
        "Tell the client's address from X-Forwarded-For, where that is given",
    ),
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
    /// Which requests get one in any case.
    pub unusual: Unusual,
    /// `log-format`: how a request's line looks; `None` for uWSGI's usual one.
    pub format: Option<String>,
    /// `log-format-strftime`: whether `%(ftime)` is written as `date` says.
    pub format_date: bool,
    /// `log-micros`: microseconds in place of milliseconds.
    pub micros: bool,
    /// `log-x-forwarded-for`: whether what a proxy says of the client counts.
    pub forwarded: bool,
    /// `log-date`: what stands before a message.
    pub date: Option<DateStyle>,
}

/// Requests that are told of even with `disable-logging`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unusual {
    /// `log-4xx`.
    pub client_errors: bool,
    /// `log-5xx`.
    pub server_errors: bool,
    /// `log-slow`: those that took so many milliseconds.
    pub slow: Option<u32>,
    /// `log-big`: those whose reply has so many bytes.
    pub big: Option<u64>,
    /// `log-sendfile`.
    pub sendfile: bool,
    /// `log-ioerror`.
    pub io_errors: bool,
    /// `log-zero`: those whose reply has no body.
    pub empty: bool,
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
        unusual: unusual(gathered)?,
        format: gathered.text("log-format"),
        format_date: gathered.flag("log-format-strftime")?,
        micros: gathered.flag("log-micros")?,
        forwarded: gathered.flag("log-x-forwarded-for")?,
        date: gathered.last("log-date").map(DateStyle::read),
    })
}

fn unusual(gathered: &Gathered) -> Result<Unusual, OptionError> {
    Ok(Unusual {
        client_errors: gathered.flag("log-4xx")?,
        server_errors: gathered.flag("log-5xx")?,
        slow: gathered.nonzero("log-slow")?,
        big: gathered.size("log-big")?,
        sendfile: gathered.flag("log-sendfile")?,
        io_errors: gathered.flag("log-ioerror")?,
        empty: gathered.flag("log-zero")?,
    })
}
