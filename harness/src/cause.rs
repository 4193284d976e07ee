//! Why a case probably went wrong, read from what the subjects logged: `scenarios/log-lines.toml`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

/// A log line that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// Who writes it.
    pub by: String,
    /// A regular expression over one line.
    #[serde(deserialize_with = "regular")]
    pub pattern: Regex,
    /// What it means.
    pub cause: String,
    /// What to change.
    pub cure: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    line: Vec<LogLine>,
}

fn regular<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
    let pattern = String::deserialize(from)?;
    Regex::new(&pattern).map_err(serde::de::Error::custom)
}

/// Every line that the bench knows, in the order in which they are tried.
pub fn known() -> &'static [LogLine] {
    static LINES: LazyLock<Vec<LogLine>> = LazyLock::new(|| {
        let text = include_str!("../scenarios/log-lines.toml");
        let file: File = toml::from_str(text).expect("the table of log lines is tested");
        file.line
    });
    &LINES
}

/// What a log says of the cause: the first line that is known, with its meaning.
pub fn in_log(log: &str) -> Option<&'static LogLine> {
    let of_line = |line: &str| known().iter().find(|known| known.pattern.is_match(line));
    log.lines().find_map(of_line)
}

/// The likely cause in one or two sentences, from the logs of both subjects.
pub fn likely(gateway_log: &str, backend_log: &str) -> Option<String> {
    // What the one behind says explains what the one in front saw.
    let found = in_log(backend_log).or_else(|| in_log(gateway_log))?;
    Some(format!("{} {}", found.cause, found.cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_a_regular_expression() {
        assert!(known().len() > 15);
    }

    #[test]
    fn a_known_line_tells_cause_and_cure() {
        let log = "2026/01/01 00:00:00 [notice] 7#7: start\n\
             2026/01/01 00:00:01 [error] 8#8: *1 upstream sent too big header while reading response \
             header from upstream, client: 127.0.0.1";
        let told = likely(log, "").unwrap();
        assert!(told.contains("fastcgi_buffer_size"), "{told}");
    }

    #[test]
    fn the_one_behind_explains_what_the_one_in_front_saw() {
        let front = "upstream prematurely closed connection while reading response header";
        let told = likely(front, "HARAKIRI ON WORKER 1").unwrap();
        assert!(told.contains("harakiri"), "{told}");
    }

    #[test]
    fn an_unknown_line_says_nothing() {
        assert_eq!(likely("all is well", "GET / 200"), None);
    }
}
