//! Names and values in order, in one piece of memory.

use std::fmt;

use serde::{Serialize, Serializer};

/// Names and values as they were sent: octets as text, one code point each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    text: String,
    /// Where each name and its value end.
    ends: Vec<(usize, usize)>,
}

impl Pairs {
    /// Room for so many of so many octets in all.
    pub fn with_capacity(pairs: usize, octets: usize) -> Self {
        Self {
            text: String::with_capacity(octets),
            ends: Vec::with_capacity(pairs),
        }
    }

    /// Adds one as it is on the wire.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.append(name);
        let value = self.append(value);
        self.ends.push((name, value));
    }

    fn append(&mut self, octets: &[u8]) -> usize {
        match std::str::from_utf8(octets) {
            Ok(text) if text.is_ascii() => self.text.push_str(text),
            _ => self.text.extend(octets.iter().copied().map(char::from)),
        }
        self.text.len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        (0..self.ends.len()).map(|place| self.at(place))
    }

    fn at(&self, place: usize) -> (&str, &str) {
        let (name, value) = self.ends[place];
        let from = self.from(place);
        (&self.text[from..name], &self.text[name..value])
    }

    fn from(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| self.ends[before].1)
    }

    /// The last value of a name.
    pub fn last(&self, name: &str) -> Option<&str> {
        let mut places = (0..self.ends.len()).rev();
        let fits = |place: &usize| self.ends[*place].0 - self.from(*place) == name.len();
        let found = places.find(|place| fits(place) && self.at(*place).0 == name)?;
        Some(self.at(found).1)
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for Pairs {
    fn from_iter<T: IntoIterator<Item = (&'a [u8], &'a [u8])>>(pairs: T) -> Self {
        // What a gateway usually sends.
        let mut all = Self::with_capacity(32, 1024);
        for (name, value) in pairs {
            all.push(name, value);
        }
        all
    }
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_kept_in_order_and_the_last_of_a_name_counts() {
        let all: [(&[u8], &[u8]); 4] = [
            (b"A", b"1"),
            (b"", b"none"),
            (b"A", b""),
            (b"\xe4", b"\xff"),
        ];
        let pairs: Pairs = all.into_iter().collect();
        let seen: Vec<_> = pairs.iter().collect();
        assert_eq!(seen, [("A", "1"), ("", "none"), ("A", ""), ("ä", "ÿ")]);
        assert_eq!((pairs.last("A"), pairs.last("")), (Some(""), Some("none")));
        assert_eq!((pairs.last("B"), pairs.last("ä")), (None, Some("ÿ")));
        assert_eq!(
            serde_json::to_string(&pairs).unwrap(),
            r#"[["A","1"],["","none"],["A",""],["ä","ÿ"]]"#
        );
    }
}
