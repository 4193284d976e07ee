//! Bodies: given by value, in hexadecimal, or by rule.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Place,
    loose::Loose,
    text::{Hex, Text},
};

/// Octets of a body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<ContentTable>")]
pub enum Content {
    /// Text with placeholders.
    Text(Text),
    /// Octets spelled in hexadecimal.
    Hex(Hex),
    /// So many octets of the counter: octet i is i mod 251.
    Counter(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentTable {
    hex: Option<Hex>,
    size: Option<u64>,
    pattern: Option<Pattern>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pattern {
    Counter,
}

impl TryFrom<Loose<ContentTable>> for Content {
    type Error = String;

    fn try_from(form: Loose<ContentTable>) -> Result<Self, String> {
        match form {
            Loose::Text(text) => Text::try_from(text)
                .map(Self::Text)
                .map_err(|error| error.to_string()),
            Loose::Table(ContentTable {
                hex: Some(hex),
                size: None,
                pattern: None,
            }) => Ok(Self::Hex(hex)),
            Loose::Table(ContentTable {
                hex: None,
                size: Some(size),
                pattern: Some(Pattern::Counter) | None,
            }) => Ok(Self::Counter(size)),
            _ => Err("a body is a string, { hex = \"…\" }, \
                      or { size = N, pattern = \"counter\" }"
                .to_owned()),
        }
    }
}

/// How many octets of a body by rule are made at a time.
const BLOCK: u64 = 64 * 1024;

impl Content {
    /// Octets in all.
    pub fn size(&self, place: &Place) -> u64 {
        match self {
            Self::Text(text) => text.octets(place).len() as u64,
            Self::Hex(hex) => hex.0.len() as u64,
            Self::Counter(size) => *size,
        }
    }

    /// The octets, by the block.
    pub fn blocks(&self, place: &Place) -> Box<dyn Iterator<Item = Vec<u8>>> {
        match self {
            Self::Text(text) => Box::new(std::iter::once(text.octets(place))),
            Self::Hex(hex) => Box::new(std::iter::once(hex.0.clone())),
            Self::Counter(size) => Box::new(counter(*size)),
        }
    }
}

/// `size` octets of the counter, in blocks of at most 64 KiB: octet i is i mod 251.
pub fn counter(size: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..size.div_ceil(BLOCK)).map(move |block| {
        let start = block * BLOCK;
        let end = size.min(start + BLOCK);
        (start..end).map(|i| (i % 251) as u8).collect()
    })
}

/// SHA-256 of all blocks, in lower-case hexadecimal.
pub fn digest(blocks: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for block in blocks {
        hash.update(&block);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_runs_on_across_blocks() {
        let whole: Vec<u8> = counter(70_000).flatten().collect();
        assert_eq!(whole.len(), 70_000);
        assert!(
            whole
                .iter()
                .enumerate()
                .all(|(i, &b)| b as usize == i % 251)
        );
    }

    #[test]
    fn digests_are_lower_case_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest([]), empty);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest([b"a".to_vec(), b"bc".to_vec()]), abc);
    }
}
