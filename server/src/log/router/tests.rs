use std::path::Path;

use super::super::file::LogFile;
use super::*;
use crate::options::{EncoderKind, LoggerKind};

/// A router whose loggers write to files of their own names in a folder.
struct Routed {
    folder: tempfile::TempDir,
    router: Router,
}

impl Routed {
    /// `loggers` and `request_loggers` by name; a name that begins with `-` is no name for routes.
    fn new(loggers: &[&str], request_loggers: &[&str], settings: LoggersSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = LoggersSettings {
            loggers: loggers
                .iter()
                .map(|name| logger(folder.path(), name))
                .collect(),
            request_loggers: request_loggers
                .iter()
                .map(|name| logger(folder.path(), name))
                .collect(),
            ..settings
        };
        let log = LogFile::new(&folder.path().join("original"), None).unwrap();
        let original = Destination::file(log, None).unwrap();
        let router = Router::open(&settings, original).unwrap();
        Self { folder, router }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn logger(folder: &Path, name: &str) -> LoggerSettings {
    LoggerSettings {
        name: (!name.starts_with('-')).then(|| name.to_owned()),
        kind: LoggerKind::File {
            path: folder.join(name),
            backup: None,
            max_size: None,
        },
    }
}

fn to(logger: &str, pattern: &str) -> RouteSettings {
    RouteSettings {
        logger: logger.to_owned(),
        pattern: pattern.to_owned(),
    }
}

fn encoder(logger: Option<&str>, prefix: &str) -> EncoderSettings {
    EncoderSettings {
        logger: logger.map(str::to_owned),
        kind: EncoderKind::Prefix(prefix.to_owned()),
    }
}

#[test]
fn every_logger_without_a_name_takes_every_message() {
    let mut routed = Routed::new(&["-a", "-b", "named"], &[], LoggersSettings::default());
    routed.router.message(b"hello\n");
    assert_eq!(routed.text("-a"), "hello\n");
    assert_eq!(routed.text("-b"), "hello\n");
    assert_eq!(routed.text("named") + &routed.text("original"), "");
}

#[test]
fn without_such_a_logger_the_original_log_takes_it() {
    let mut routed = Routed::new(&["named"], &["-requests"], LoggersSettings::default());
    routed.router.message(b"hello\n");
    routed.router.request(b"GET\n");
    assert_eq!(routed.text("original"), "hello\n");
    assert_eq!(routed.text("-requests"), "GET\n");
}

#[test]
fn routed_messages_go_to_their_logger_alone() {
    // As real configurations have it: what is JSON already, and what is not.
    let settings = LoggersSettings {
        routes: vec![
            to("app", "{"),
            to("plain", r"^((?!\{).)*$"),
            to("none", "x"),
        ],
        encoders: vec![encoder(Some("plain"), "> "), encoder(None, "")],
        ..LoggersSettings::default()
    };
    let mut routed = Routed::new(&["app", "plain", "-all"], &[], settings);
    routed.router.message(b"{\"a\": 1}\n");
    routed.router.message(b"plain x\n");
    assert_eq!(routed.text("app"), "{\"a\": 1}\n");
    assert_eq!(routed.text("plain"), "> plain x\n");
    assert_eq!(routed.text("-all"), "");
}

#[test]
fn drained_messages_and_those_that_no_filter_lets_through_are_gone() {
    let settings = LoggersSettings {
        drain: vec!["secret$".to_owned()],
        filter: vec!["^a".to_owned(), "^b".to_owned()],
        ..LoggersSettings::default()
    };
    let mut routed = Routed::new(&[], &[], settings);
    for message in ["a\n", "b\n", "c\n", "a secret\n"] {
        routed.router.message(message.as_bytes());
    }
    assert_eq!(routed.text("original"), "a\nb\n");
}

#[test]
fn requests_may_be_routed_to_a_logger_with_a_name() {
    let settings = LoggersSettings {
        request_routes: vec![to("errors", " 500$")],
        request_encoders: vec![encoder(None, "r ")],
        encoders: vec![encoder(None, "m ")],
        ..LoggersSettings::default()
    };
    let mut routed = Routed::new(&["errors"], &["-requests"], settings);
    routed.router.request(b"GET / 200\n");
    routed.router.request(b"GET / 500\n");
    routed.router.message(b"500\n");
    assert_eq!(routed.text("-requests"), "r GET / 200\n");
    assert_eq!(routed.text("errors"), "r GET / 500\n");
    assert_eq!(routed.text("original"), "m 500\n");
}
