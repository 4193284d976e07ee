//! Loggers, encoders and routes, as their values are written.

use std::path::PathBuf;

/// One `logger` or `req-logger`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggerSettings {
    /// What routes and encoders call it. A logger with a name gets only what is routed to it.
    pub name: Option<String>,
    /// What it does with a message.
    pub kind: LoggerKind,
}

/// What a logger does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggerKind {
    /// Writes it where the log would go without loggers.
    Stdio,
    /// Writes it to an inherited descriptor.
    Fd(i32),
    /// Appends it to a file.
    File {
        /// The file.
        path: PathBuf,
        /// What the file is called after it has been rotated.
        backup: Option<PathBuf>,
        /// The most bytes before that happens.
        max_size: Option<u64>,
    },
    /// Sends it as a datagram.
    Socket {
        /// `HOST:PORT` for UDP, or the path of a Unix socket.
        address: String,
        /// What stands before each message.
        prefix: String,
    },
    /// Hands it to the machine's syslog.
    Syslog {
        /// Who is said to speak.
        tag: String,
        /// The facility's code (RFC 3164 section 4.1.1).
        facility: u8,
    },
    /// Sends it to a syslog elsewhere.
    Rsyslog {
        /// `HOST[:PORT]` for UDP, or the path of a Unix socket.
        address: String,
        /// Who is said to speak: `uwsgi`, after the machine's name, unless given.
        tag: Option<String>,
        /// Facility and severity in one (RFC 3164 section 4.1.1).
        priority: u8,
    },
    /// Writes it to the standard input of a command.
    Pipe(String),
}

impl LoggerSettings {
    /// `[NAME ]KIND[:ARGUMENT]`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let named = value.split_once(' ').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let (name, rest) = match named {
            Some((name, rest)) => (Some(name.to_owned()), rest),
            None => (None, value),
        };
        let (kind, argument) = rest.split_once(':').unwrap_or((rest, ""));
        let kind = kind_of(kind, argument)?;
        Some(Self { name, kind })
    }
}

fn kind_of(kind: &str, argument: &str) -> Option<LoggerKind> {
    Some(match (kind, argument) {
        ("stdio", _) => LoggerKind::Stdio,
        ("syslog", argument) => {
            let (tag, facility) = argument.split_once(',').unwrap_or((argument, ""));
            LoggerKind::Syslog {
                tag: if tag.is_empty() { "uwsgi" } else { tag }.to_owned(),
                facility: facility_code(facility),
            }
        }
        // All others need to be told where.
        (_, "") => return None,
        ("fd", number) => LoggerKind::Fd(number.parse().ok().filter(|&fd| fd >= 0)?),
        ("file", argument) => file(argument)?,
        ("socket", argument) => {
            let (address, prefix) = argument.split_once(',').unwrap_or((argument, ""));
            LoggerKind::Socket {
                address: address.to_owned(),
                prefix: prefix.to_owned(),
            }
        }
        ("rsyslog", argument) => {
            let mut parts = argument.splitn(3, ',');
            LoggerKind::Rsyslog {
                address: parts.next()?.to_owned(),
                tag: parts.next().map(str::to_owned),
                // The system's daemons, a notice.
                priority: parts
                    .next()
                    .map_or(Some(29), |number| number.parse().ok())?,
            }
        }
        ("pipe", command) => LoggerKind::Pipe(command.to_owned()),
        _ => return None,
    })
}

/// A path, or `logfile=PATH,maxsize=BYTES,backupname=PATH`.
fn file(argument: &str) -> Option<LoggerKind> {
    let (mut path, mut backup, mut max_size) = (None, None, None);
    if !argument.contains('=') {
        path = Some(argument);
    } else {
        for pair in argument.split(',') {
            match pair.split_once('=')? {
                ("logfile", value) => path = Some(value),
                ("backupname", value) => backup = Some(value),
                ("maxsize", value) => max_size = Some(value.parse().ok()?),
                _ => return None,
            }
        }
    }
    Some(LoggerKind::File {
        path: path?.into(),
        backup: backup.map(PathBuf::from),
        max_size: max_size.filter(|&bytes| bytes > 0),
    })
}

/// The code of a facility's name; what is no name is `daemon`, as in uWSGI.
fn facility_code(name: &str) -> u8 {
    const NAMES: [&str; 12] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp",
    ];
    let local = name
        .strip_prefix("local")
        .and_then(|number| number.parse::<u8>().ok())
        .filter(|number| *number < 8);
    let named = NAMES.iter().position(|known| *known == name);
    match (local, named) {
        (Some(number), _) => 16 + number,
        (None, Some(place)) => u8::try_from(place).unwrap_or(3),
        (None, None) if name == "security" => 4,
        (None, None) => 3,
    }
}

/// One `log-encoder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderSettings {
    /// The logger that it is for; `None` for all.
    pub logger: Option<String>,
    /// What it makes of a message.
    pub kind: EncoderKind,
}

/// What an encoder makes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncoderKind {
    /// Text before it.
    Prefix(String),
    /// Text behind it.
    Suffix(String),
    /// A newline behind it.
    Newline,
    /// A text with it inside, among others `${msg}`, `${msgnl}`, `${unix}`, `${strftime:…}`.
    Format(String),
    /// The same, with messages and dates escaped for JSON strings.
    Json(String),
}

impl EncoderSettings {
    /// `KIND[:NAME][ TEXT]`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let (head, text) = value.split_once(' ').unwrap_or((value, ""));
        let (kind, logger) = match head.split_once(':') {
            Some((kind, logger)) => (kind, Some(logger.to_owned())),
            None => (head, None),
        };
        let text = text.to_owned();
        let kind = match kind {
            "prefix" => EncoderKind::Prefix(text),
            "suffix" => EncoderKind::Suffix(text),
            "nl" => EncoderKind::Newline,
            "format" => EncoderKind::Format(text),
            "json" => EncoderKind::Json(text),
            _ => return None,
        };
        Some(Self { logger, kind })
    }
}

/// One `log-route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSettings {
    /// The logger's name.
    pub logger: String,
    /// What the messages look like.
    pub pattern: String,
}

impl RouteSettings {
    /// `NAME REGEX`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let (logger, pattern) = value.split_once(' ')?;
        is_pattern(pattern).then(|| Self {
            logger: logger.to_owned(),
            pattern: pattern.to_owned(),
        })
    }
}

/// Whether this is a regular expression, lookaround as in PCRE included.
pub(super) fn is_pattern(text: &str) -> bool {
    fancy_regex::Regex::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(value: &str) -> Option<LoggerKind> {
        LoggerSettings::read(value).map(|logger| logger.kind)
    }

    #[test]
    fn a_logger_may_have_a_name() {
        let named = LoggerSettings::read("applogger stdio").unwrap();
        assert_eq!(named.name.as_deref(), Some("applogger"));
        assert_eq!(named.kind, LoggerKind::Stdio);
        assert_eq!(LoggerSettings::read("stdio").unwrap().name, None);
        // As in uWSGI, what is before the space is a name only if it looks like one.
        assert_eq!(
            kind("file:/var/log/my app.log"),
            kind("x file:/var/log/my app.log")
        );
    }

    #[test]
    fn a_file_is_a_path_or_pairs() {
        let file = |path: &str, backup: Option<&str>, max_size| {
            Some(LoggerKind::File {
                path: path.into(),
                backup: backup.map(PathBuf::from),
                max_size,
            })
        };
        assert_eq!(kind("file:/tmp/a.log"), file("/tmp/a.log", None, None));
        assert_eq!(
            kind("file:logfile=/tmp/a.log,maxsize=2000000,backupname=/tmp/b"),
            file("/tmp/a.log", Some("/tmp/b"), Some(2_000_000))
        );
        assert_eq!(kind("file:maxsize=1"), None);
        assert_eq!(kind("file"), None);
    }

    #[test]
    fn a_syslog_has_a_tag_and_a_facility() {
        let syslog = |tag: &str, facility| {
            Some(LoggerKind::Syslog {
                tag: tag.into(),
                facility,
            })
        };
        assert_eq!(kind("syslog"), syslog("uwsgi", 3));
        assert_eq!(kind("syslog:shop"), syslog("shop", 3));
        assert_eq!(kind("syslog:shop,local6"), syslog("shop", 22));
        assert_eq!(kind("syslog:shop,authpriv"), syslog("shop", 10));
        assert_eq!(
            kind("rsyslog:127.0.0.1:514,shop,133"),
            Some(LoggerKind::Rsyslog {
                address: "127.0.0.1:514".into(),
                tag: Some("shop".into()),
                priority: 133
            })
        );
    }

    #[test]
    fn what_is_no_logger_is_refused() {
        for wrong in ["", "mongodb:x", "socket:", "fd:x", "name unknown:x"] {
            assert_eq!(kind(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_encoder_may_be_for_one_logger() {
        let read = EncoderSettings::read("format:applogger ${msg} !").unwrap();
        assert_eq!(read.logger.as_deref(), Some("applogger"));
        assert_eq!(read.kind, EncoderKind::Format("${msg} !".into()));
        let newline = EncoderSettings::read("nl").unwrap();
        assert_eq!((newline.logger, newline.kind), (None, EncoderKind::Newline));
        assert_eq!(EncoderSettings::read("gzip"), None);
    }

    #[test]
    fn a_route_may_look_ahead() {
        let route = RouteSettings::read(r"default ^((?!\{).)*$").unwrap();
        assert_eq!(route.logger, "default");
        assert_eq!(RouteSettings::read("default"), None);
        assert_eq!(RouteSettings::read("default ("), None);
    }
}
