//! XML: the elements within `<uwsgi>`, which is the root or a child of it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Entry, Trouble, line_at};

pub(super) fn parse(text: &str, section: &str) -> Result<Vec<Entry>, Trouble> {
    let mut reader = Reader::from_str(text);
    let trouble = |place: u64, what: String| Trouble {
        line: line_at(text, usize::try_from(place).unwrap_or(usize::MAX)),
        what,
    };
    let mut walk = Walk {
        section,
        ..Walk::default()
    };
    loop {
        let place = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|error| trouble(reader.error_position(), error.to_string()))?;
        let line = line_at(text, usize::try_from(place).unwrap_or(usize::MAX));
        match event {
            Event::Start(element) => walk.open(&element, line),
            Event::Empty(element) => {
                walk.open(&element, line);
                walk.close();
            }
            Event::Text(content) => walk.text(&content),
            Event::CData(content) => walk.text(&content),
            Event::GeneralRef(entity) => walk.text(match &*entity {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                other => return Err(trouble(place, format!("entity `&{other};` is not known"))),
            }),
            Event::End(_) => walk.close(),
            Event::Eof => return Ok(walk.entries),
            _ => {}
        }
    }
}

/// Where in the document the reader is.
#[derive(Default)]
struct Walk<'s> {
    section: &'s str,
    depth: usize,
    /// The depth of `<uwsgi>` while it is open.
    inside: Option<usize>,
    /// The option that is open, and its text.
    option: Option<Entry>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn open(&mut self, element: &BytesStart<'_>, line: usize) {
        self.depth += 1;
        let name = element.name().as_ref().to_owned();
        match self.inside {
            // `<uwsgi id="x">` belongs to `file.xml:x` alone.
            None if name == "uwsgi" && self.is_asked_for(element) => self.inside = Some(self.depth),
            Some(depth) if self.depth == depth + 1 => {
                self.option = Some(Entry {
                    key: name,
                    value: String::new(),
                    line,
                    quoted: false,
                });
            }
            _ => {}
        }
    }

    fn is_asked_for(&self, element: &BytesStart<'_>) -> bool {
        let id = element.try_get_attribute("id").ok().flatten();
        id.is_none_or(|id| self.section == "uwsgi" || *id.value == *self.section)
    }

    fn text(&mut self, text: &str) {
        if let Some(option) = &mut self.option {
            option.value.push_str(text);
        }
    }

    fn close(&mut self) {
        match self.inside {
            Some(depth) if self.depth == depth => self.inside = None,
            Some(depth) if self.depth == depth + 1 => {
                if let Some(mut option) = self.option.take() {
                    option.value = option.value.trim().to_owned();
                    // `<master/>` is yes.
                    if option.value.is_empty() {
                        option.value = "1".to_owned();
                    }
                    self.entries.push(option);
                }
            }
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(text: &str, section: &str, expected: &[(&str, &str)]) {
        let entries = parse(text, section).unwrap();
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str()))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn elements_are_options() {
        assert_reads(
            "<uwsgi>\n<socket>:1</socket><socket> :2 </socket><master/>\n<env>A=1&amp;2</env></uwsgi>",
            "uwsgi",
            &[
                ("socket", ":1"),
                ("socket", ":2"),
                ("master", "1"),
                ("env", "A=1&2"),
            ],
        );
    }

    #[test]
    fn one_of_several_is_chosen_by_its_id() {
        let text = "<all><uwsgi id=\"a\"><processes>1</processes></uwsgi><uwsgi id=\"b\"><processes>2</processes></uwsgi></all>";
        assert_reads(text, "b", &[("processes", "2")]);
    }

    #[test]
    fn what_is_no_xml_is_told_with_its_line() {
        assert_eq!(parse("<uwsgi>\n<a></b>\n", "uwsgi").unwrap_err().line, 2);
    }
}
