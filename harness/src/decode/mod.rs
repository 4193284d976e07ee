//! Octets of a wire as a tree of fields: where each lies, what it says, what it is for.
//!
//! ```text
//!  octets ──▶ recognise ──▶ protocol ─┐
//!                                     ├──▶ fields ──▶ Field { from..to, name, value, note, section, parts }
//!  direction ─────────────────────────┘        fastcgi · uwsgi · scgi · http · head
//! ```
//!
//! Nothing is refused: what is broken or cut off is a field with a `warning`. The strict decoders
//! are those of `wire`; these here keep the places of things, for people who look at bytes.

mod cursor;
mod fastcgi;
mod head;
mod http;
mod input;
mod recognise;
mod scgi;
pub mod show;
mod uwsgi;
mod variable;

use serde::Serialize;

use crate::{model::Model, report::text::is_hidden};

pub use input::octets;
pub use recognise::{Recognised, recognise};

/// Which way octets went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the gateway (or client) to the application server.
    Request,
    /// Back.
    Reply,
}

/// A piece of what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Offset of its first octet.
    pub from: usize,
    /// Offset after its last octet.
    pub to: usize,
    /// A stable key of its kind, such as `fastcgi.version`, for translations.
    pub key: &'static str,
    /// Its name in the specification, or that of a variable or header field.
    pub name: String,
    /// What it says, readable; long values are cut with `…`.
    pub value: String,
    /// What it is for, in one sentence.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
    /// Where that is specified.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub section: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What it consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// The fields of what went one way over one connection, from its first octet on.
///
/// CGI has no wire of its own: it is decoded as what carries it, FastCGI.
pub fn fields(protocol: Model, direction: Direction, octets: &[u8]) -> Vec<Field> {
    match (protocol, direction) {
        (Model::Uwsgi, Direction::Request) => uwsgi::fields(octets),
        (Model::Scgi, Direction::Request) => scgi::fields(octets),
        (Model::Scgi, Direction::Reply) => head::output(octets, 0),
        (Model::Http | Model::Uwsgi, direction) => http::fields(octets, direction),
        _ => fastcgi::fields(octets),
    }
}

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// Octets as text: what cannot be printed is escaped, what is long is cut.
pub(crate) fn text(octets: &[u8]) -> String {
    let kept = &octets[..octets.len().min(SHOWN)];
    let mut text = String::new();
    for chunk in kept.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if is_hidden(c) => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for octet in chunk.invalid() {
            text.push_str(&format!("\\x{octet:02x}"));
        }
    }
    if octets.len() > SHOWN {
        text.push('…');
    }
    text
}

/// The first octets as text, for a message that quotes them.
pub fn show_start(octets: &[u8]) -> String {
    text(&octets[..octets.len().min(16)])
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Field;

    /// A tree in lines: range, name, value, warning; parts are indented.
    pub(crate) fn lines(fields: &[Field]) -> String {
        let mut text = String::new();
        add(fields, 0, &mut text);
        text
    }

    fn add(fields: &[Field], depth: usize, text: &mut String) {
        for field in fields {
            let warning = field.warning.as_deref().map(|it| format!(" !! {it}"));
            text.push_str(&format!(
                "{}{}..{} {}: {}{}\n",
                "  ".repeat(depth),
                field.from,
                field.to,
                field.name,
                field.value,
                warning.unwrap_or_default()
            ));
            add(&field.parts, depth + 1, text);
        }
    }

    /// Every field lies in its parent, and neither overlaps its neighbour nor the end.
    pub(crate) fn assert_sound(fields: &[Field], from: usize, to: usize) {
        let mut at = from;
        for field in fields {
            assert!(
                at <= field.from && field.from <= field.to && field.to <= to,
                "{field:?}"
            );
            at = field.to;
            assert_sound(&field.parts, field.from, field.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_escapes_what_would_disturb_a_terminal_and_cuts_what_is_long() {
        assert_eq!(
            text(b"a\x1b[0m\r\n\xff\xc3\xa9\\"),
            "a\\u{1b}[0m\\r\\n\\xff\u{e9}\\\\"
        );
        assert!(text(&[b'a'; 201]).ends_with("a…"));
    }

    #[test]
    fn whatever_octets_come_the_fields_are_sound() {
        let mut random = 7u64;
        for round in 0..2000 {
            let octets: Vec<u8> = (0..round % 97)
                .map(|index| {
                    random = random
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    // Half of them small, so that lengths and types are often sensible.
                    let octet = (random >> 56) as u8;
                    if index % 2 == 0 { octet % 8 } else { octet }
                })
                .collect();
            for model in [Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http] {
                for direction in [Direction::Request, Direction::Reply] {
                    testing::assert_sound(&fields(model, direction, &octets), 0, octets.len());
                }
            }
        }
    }
}
