//! A decoded conversation as text: one line for each field, what it is for told once.

use std::{collections::BTreeSet, fmt::Write};

use super::Field;

/// How many octets of a field are shown in hexadecimal digits.
const DIGITS: usize = 8;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// What each field is for and where that is specified; the first time that it comes.
    pub notes: bool,
    /// The octets of each field.
    pub octets: bool,
}

/// The fields as lines, each ended by a line end.
pub fn text(fields: &[Field], octets: &[u8], detail: Detail) -> String {
    let mut page = Page {
        octets,
        detail,
        told: BTreeSet::new(),
        text: String::new(),
    };
    fields.iter().for_each(|field| page.add(field, 0));
    page.text
}

struct Page<'a> {
    octets: &'a [u8],
    detail: Detail,
    told: BTreeSet<String>,
    text: String,
}

impl Page<'_> {
    fn add(&mut self, field: &Field, depth: usize) {
        let indent = "  ".repeat(depth);
        let place = format!("{indent}{}..{}", field.from, field.to);
        let _ = write!(self.text, "{place:<14}");
        if self.detail.octets {
            let digits = self.digits(field);
            let _ = write!(self.text, " {digits:<24}");
        }
        let _ = write!(self.text, " {}", field.name);
        if !field.value.is_empty() {
            let _ = write!(self.text, ": {}", field.value);
        }
        self.text.push('\n');
        if let Some(warning) = &field.warning {
            let _ = writeln!(self.text, "{:<14}{indent} !! {warning}", "");
        }
        let is_new = || format!("{}{}", field.key, field.note);
        if self.detail.notes && !field.note.is_empty() && self.told.insert(is_new()) {
            let section = match field.section {
                "" => String::new(),
                section => format!(" [{section}]"),
            };
            let _ = writeln!(self.text, "{:<14}{indent}   {}{section}", "", field.note);
        }
        field
            .parts
            .iter()
            .for_each(|part| self.add(part, depth + 1));
    }

    /// The first octets of a field that has no parts.
    fn digits(&self, field: &Field) -> String {
        if !field.parts.is_empty() {
            return String::new();
        }
        let octets = self.octets.get(field.from..field.to).unwrap_or_default();
        let mut digits = String::new();
        for octet in octets.iter().take(DIGITS) {
            let _ = write!(digits, "{octet:02x} ");
        }
        if octets.len() > DIGITS {
            digits.pop();
            digits.push('…');
        }
        digits.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{Direction, fields},
        model::Model,
    };

    #[test]
    fn a_field_is_a_line_with_its_octets_and_its_note_once() {
        let octets = b"\0\x1f\0\0\x0e\0REQUEST_METHOD\x04\0POST\x04\0NAME\x01\0xbody";
        let fields = fields(Model::Uwsgi, Direction::Request, octets);
        let detail = Detail {
            notes: true,
            octets: true,
        };
        insta::assert_snapshot!(text(&fields, octets, detail));
    }
}
