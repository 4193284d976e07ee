//! YAML, and JSON, which is a part of it: the mapping below `uwsgi:`. A list is the same option
//! several times.

use saphyr_parser::{Event, Parser, ScanError, Span, SpannedEventReceiver};

use super::{Entry, Trouble};

pub(super) fn parse(text: &str, section: &str, json: bool) -> Result<Vec<Entry>, Trouble> {
    let mut walk = Walk {
        section,
        json,
        depth: 0,
        inside: false,
        key: None,
        entries: Vec::new(),
        trouble: None,
    };
    Parser::new_from_str(text)
        .load(&mut walk, false)
        .map_err(|error: ScanError| Trouble {
            line: error.marker().line(),
            what: error.info().to_owned(),
        })?;
    match walk.trouble {
        Some(trouble) => Err(trouble),
        None => Ok(walk.entries),
    }
}

/// Where in the document the reader is.
struct Walk<'s> {
    section: &'s str,
    json: bool,
    /// Of mappings and lists around.
    depth: usize,
    /// Whether the section's mapping is open.
    inside: bool,
    /// The key that waits for its value.
    key: Option<String>,
    entries: Vec<Entry>,
    /// The first mapping where a value should be.
    trouble: Option<Trouble>,
}

impl Walk<'_> {
    fn scalar(&mut self, text: &str, plain: bool, line: usize) {
        match (self.depth, &self.key) {
            (1 | 2, None) => self.key = Some(text.to_owned()),
            // A section without a mapping.
            (1, Some(_)) => self.key = None,
            (2.., Some(key)) if self.inside => {
                let value = if plain { self.plain(text) } else { text };
                self.entries.push(Entry {
                    key: key.clone(),
                    value: value.to_owned(),
                    line,
                    quoted: !plain && !self.json,
                });
                if self.depth == 2 {
                    self.key = None;
                }
            }
            (2, Some(_)) => self.key = None,
            _ => {}
        }
    }

    fn refuse(&mut self, line: usize) {
        let key = self.key.clone().unwrap_or_default();
        self.trouble.get_or_insert_with(|| Trouble {
            line,
            what: format!("`{key}` is a mapping; an option takes a value, or a list of values"),
        });
    }

    /// JSON's words as uWSGI has them; YAML's nothing is an empty value.
    fn plain<'t>(&self, text: &'t str) -> &'t str {
        match (self.json, text) {
            (true, "true") => "1",
            (true, "false" | "null") => "0",
            (false, "~" | "null") => "",
            _ => text,
        }
    }
}

impl<'i> SpannedEventReceiver<'i> for Walk<'_> {
    fn on_event(&mut self, event: Event<'i>, span: Span) {
        match event {
            Event::MappingStart(..) => {
                self.depth += 1;
                if self.depth > 2 && self.inside {
                    self.refuse(span.start.line());
                }
                if self.depth == 2 && self.key.as_deref() == Some(self.section) {
                    self.inside = true;
                }
                if self.depth == 2 {
                    self.key = None;
                }
            }
            Event::SequenceStart(..) => self.depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                if self.depth == 2 {
                    self.inside = false;
                }
                self.depth = self.depth.saturating_sub(1);
                if self.depth <= 2 {
                    self.key = None;
                }
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == saphyr_parser::ScalarStyle::Plain;
                self.scalar(&text, plain, span.start.line());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(text: &str, json: bool, expected: &[(&str, &str, usize)]) {
        let entries = parse(text, "uwsgi", json).unwrap();
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.line))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn yaml_is_the_mapping_below_the_section() {
        assert_reads(
            "other: 1\nuwsgi:\n  master: true\n  socket: [':1', \":2\"] # two\n  env:\n    - A=1\n    - B=2\n  processes: 4\nmore:\n  x: 1\n",
            false,
            &[
                ("master", "true", 3),
                ("socket", ":1", 4),
                ("socket", ":2", 4),
                ("env", "A=1", 6),
                ("env", "B=2", 7),
                ("processes", "4", 8),
            ],
        );
    }

    #[test]
    fn json_has_uwsgis_words_for_yes_and_no() {
        assert_reads(
            "{\n\t\"uwsgi\": {\n\t\t\"master\": true, \"lazy-apps\": false,\n\"socket\": [\":1\"]}}",
            true,
            &[
                ("master", "1", 3),
                ("lazy-apps", "0", 3),
                ("socket", ":1", 4),
            ],
        );
    }

    #[test]
    fn a_mapping_is_no_value() {
        let trouble = parse("uwsgi:\n  a: 1\n  env:\n    A: 1\n", "uwsgi", false).unwrap_err();
        assert_eq!(
            (trouble.line, &trouble.what[..18]),
            (4, "`env` is a mapping")
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        assert_eq!(
            parse("uwsgi:\n  a: [\n", "uwsgi", false).unwrap_err().line,
            3
        );
    }
}
