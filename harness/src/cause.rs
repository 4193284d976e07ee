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
    /// A line as it is logged.
    pub example: String,
    /// The rules at stake.
    #[serde(default)]
    pub requirements: Vec<String>,
}

impl LogLine {
    /// What a number in the line is, where it is text that was read as something else.
    pub fn number(&self, line: &str) -> Option<String> {
        let found = self.pattern.captures(line)?;
        let number = |name| found.name(name)?.as_str().parse::<u32>().ok();
        if let Some(size) = number("size_of_text") {
            let [low, high, ..] = size.to_le_bytes();
            // A uwsgi packet is one octet, then its size, low octet first.
            let known = [
                "GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "PROP",
            ];
            let is_it = |word: &&&str| word.as_bytes().get(1..3) == Some(&[low, high]);
            let text = known.iter().find(is_it);
            return text.map(|text| {
                format!("{size} is 0x{size:04x}: the second and third letter of `{text}`, low octet first.")
            });
        }
        let octet = number("first_octet").and_then(|it| u8::try_from(it).ok())?;
        let what = match octet {
            b'H' => "the H of `HTTP/1.1`",
            b'S' => "the S of `Status:`, so a CGI head without records",
            b'C' => "the C of `Content-Type:`, so a CGI head without records",
            b'<' => "the beginning of markup",
            0 => "the first octet of a uwsgi packet",
            _ if octet.is_ascii_graphic() => "a letter, so text and no record",
            _ => return None,
        };
        Some(format!(
            "{octet} is `{}`: {what}.",
            char::from(octet).escape_default()
        ))
    }
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

/// What is known of one line.
pub fn of_line(line: &str) -> Option<&'static LogLine> {
    known().iter().find(|known| known.pattern.is_match(line))
}

/// What a log says of the cause: the first line that is known, with its meaning.
pub fn in_log(log: &str) -> Option<&'static LogLine> {
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
    fn every_example_is_explained_by_its_own_entry() {
        for line in known() {
            let found = of_line(&line.example).map(|found| found.pattern.as_str());
            assert_eq!(found, Some(line.pattern.as_str()), "{}", line.example);
        }
    }

    #[test]
    fn every_rule_that_a_line_names_is_in_the_catalogue() {
        let catalogue = crate::scenario::load_embedded().unwrap();
        for id in known().iter().flat_map(|line| &line.requirements) {
            assert!(catalogue.requirements.get(id).is_some(), "{id}");
        }
    }

    #[test]
    fn numbers_that_are_text_are_read_as_such() {
        let of = |line: &str| of_line(line)?.number(line);
        for (number, word) in [
            (21573, "GET "),
            (21327, "POST"),
            (21589, "PUT "),
            (16709, "HEAD"),
        ] {
            let told = of(&format!(
                "invalid request block size: {number} (max 4096)...skip"
            ));
            assert!(told.unwrap().contains(&format!("`{word}`")), "{number}");
        }
        assert_eq!(
            of("invalid request block size: 5216 (max 4096)...skip"),
            None
        );
        let told = of("upstream sent unsupported FastCGI protocol version: 72 while").unwrap();
        assert!(told.contains("HTTP/1.1"), "{told}");
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
