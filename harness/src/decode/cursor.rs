//! A place in octets that only goes forward.

use super::{Field, text};

/// What a kind of field is called and what it is for.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) note: &'static str,
    pub(super) section: &'static str,
}

impl Kind {
    pub(super) const fn new(
        key: &'static str,
        name: &'static str,
        note: &'static str,
        section: &'static str,
    ) -> Self {
        Self {
            key,
            name,
            note,
            section,
        }
    }

    /// A field of this kind.
    pub(super) fn at(self, from: usize, to: usize, value: impl Into<String>) -> Field {
        Field {
            from,
            to,
            key: self.key,
            name: self.name.to_owned(),
            value: value.into(),
            note: self.note,
            section: self.section,
            ..Field::default()
        }
    }

    /// A field of this kind whose value is the octets as text.
    pub(super) fn text(self, from: usize, octets: &[u8]) -> Field {
        self.at(from, from + octets.len(), text(octets))
    }
}

/// What stands where more was announced.
pub(super) fn cut(from: usize, octets: &[u8], what: &str, wanted: usize) -> Field {
    let there = octets.len();
    Field {
        from,
        to: from + there,
        key: "cut",
        name: what.to_owned(),
        value: text(octets),
        warning: Some(format!("cut off: {there} of {wanted} octets are there")),
        ..Field::default()
    }
}
