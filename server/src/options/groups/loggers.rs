//! Several logs: what writes them, which line goes where, and how it is encoded.

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::logger::{EncoderSettings, LoggerSettings, RouteSettings, is_pattern};
use crate::options::opt::Takes::{Flag, Many, Maybe, One};
use crate::options::opt::Topic::Logging;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "logger",
        Many("LOGGER"),
        Logging,
        "Send messages to LOGGER: stdio, fd:N, file:PATH, socket:ADDR, syslog:TAG, \
         rsyslog:ADDR,TAG or pipe:COMMAND, with `NAME ` before it for --log-route",
    ),
    opt(
        "req-logger",
        Many("LOGGER"),
        Logging,
        "Send the lines of requests to LOGGER, and nothing else",
    )
    .aliases(&["logger-req"]),
    opt(
        "log-syslog",
        Maybe {
            value: "TAG",
            default: "",
        },
        Logging,
        "The same as --logger syslog:TAG",
    ),
    opt(
        "log-socket",
        Many("ADDR"),
        Logging,
        "The same as --logger socket:ADDR",
    ),
    opt(
        "log-encoder",
        Many("ENCODER"),
        Logging,
        "Change every message: prefix TEXT, suffix TEXT, nl, format TEXT or json TEXT, with \
         `:NAME` behind its first word for one logger only; several apply one after the other",
    ),
    opt(
        "log-req-encoder",
        Many("ENCODER"),
        Logging,
        "The same for the lines of requests, where --req-logger is given",
    ),
    opt(
        "log-route",
        Many("NAME REGEX"),
        Logging,
        "Send messages that match REGEX to the logger NAME alone",
    ),
    opt(
        "log-req-route",
        Many("NAME REGEX"),
        Logging,
        "The same for the lines of requests",
    ),
    opt(
        "log-drain",
        Many("REGEX"),
        Logging,
        "Drop messages that match REGEX",
    ),
    opt(
        "log-filter",
        Many("REGEX"),
        Logging,
        "Drop messages that match no such REGEX",
    ),
    opt(
        "log-maxsize",
        One("BYTES"),
        Logging,
        "Rotate the file of --logto or --daemonize once it is larger",
    ),
    opt(
        "rsyslog-packet-size",
        One("BYTES"),
        Logging,
        "The most that a datagram of a rsyslog logger holds [default: 1024]",
    ),
    opt(
        "rsyslog-split-messages",
        Flag,
        Logging,
        "Send what a datagram of a rsyslog logger cannot hold in more of them",
    ),
];

/// Several logs, and what is done to messages on their way there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggersSettings {
    /// `logger`: for messages.
    pub loggers: Vec<LoggerSettings>,
    /// `req-logger`: for the lines of requests.
    pub request_loggers: Vec<LoggerSettings>,
    /// `log-encoder`.
    pub encoders: Vec<EncoderSettings>,
    /// `log-req-encoder`.
    pub request_encoders: Vec<EncoderSettings>,
    /// `log-route`.
    pub routes: Vec<RouteSettings>,
    /// `log-req-route`.
    pub request_routes: Vec<RouteSettings>,
    /// `log-drain`: patterns of messages that are dropped.
    pub drain: Vec<String>,
    /// `log-filter`: patterns of messages that are kept; all if there are none.
    pub filter: Vec<String>,
    /// `log-maxsize`: the most bytes that a log file holds before it is rotated.
    pub max_size: Option<u64>,
    /// `rsyslog-packet-size`: bytes.
    pub packet_size: usize,
    /// `rsyslog-split-messages`.
    pub split: bool,
}

impl LoggersSettings {
    /// Whether the log needs a process of its own that writes it.
    pub fn need_process(&self) -> bool {
        self.separate_requests()
            || self.max_size.is_some()
            || !(self.loggers.is_empty() && self.encoders.is_empty() && self.routes.is_empty())
            || !(self.drain.is_empty() && self.filter.is_empty())
    }

    /// Whether the lines of requests go another way than all other messages.
    pub fn separate_requests(&self) -> bool {
        !(self.request_loggers.is_empty() && self.request_routes.is_empty())
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<LoggersSettings, OptionError> {
    let mut loggers = list(gathered, "logger", LOGGER, LoggerSettings::read)?;
    let syslog = |tag: &str| LoggerSettings::read(&format!("syslog:{tag}"));
    loggers.extend(list(gathered, "log-syslog", "a tag", syslog)?);
    let socket = |address: &str| LoggerSettings::read(&format!("socket:{address}"));
    loggers.extend(list(gathered, "log-socket", "an address", socket)?);
    let encoder = EncoderSettings::read;
    let pattern = |value: &str| is_pattern(value).then(|| value.to_owned());
    Ok(LoggersSettings {
        loggers,
        request_loggers: list(gathered, "req-logger", LOGGER, LoggerSettings::read)?,
        encoders: list(gathered, "log-encoder", ENCODER, encoder)?,
        request_encoders: list(gathered, "log-req-encoder", ENCODER, encoder)?,
        routes: list(gathered, "log-route", ROUTE, RouteSettings::read)?,
        request_routes: list(gathered, "log-req-route", ROUTE, RouteSettings::read)?,
        drain: list(gathered, "log-drain", PATTERN, pattern)?,
        filter: list(gathered, "log-filter", PATTERN, pattern)?,
        max_size: gathered.size("log-maxsize")?,
        packet_size: gathered.number("rsyslog-packet-size", 1024, 64, 65_507)? as usize,
        split: gathered.flag("rsyslog-split-messages")?,
    })
}

const LOGGER: &str = "stdio, fd:N, file:PATH, socket:ADDR, syslog[:TAG[,FACILITY]], \
                      rsyslog:ADDR[,TAG[,PRIORITY]] or pipe:COMMAND, with or without a name before it";
const ENCODER: &str = "prefix, suffix, nl, format or json, and its text";
const ROUTE: &str = "a logger's name, a space and a regular expression";
const PATTERN: &str = "a regular expression";

fn list<T>(
    gathered: &Gathered,
    name: &str,
    expected: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, OptionError> {
    let read = |given: &Given| given.read(expected, &read);
    gathered.all(name).map(read).collect()
}
