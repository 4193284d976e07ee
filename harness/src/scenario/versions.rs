//! Ranges of versions, as the known list spells them.

use serde::Deserialize;

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Versions(Vec<(Bound, Vec<u64>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Below,
    UpTo,
    Exactly,
    From,
    Above,
}

/// Longer spellings first, so that `<=` is not read as `<`.
const BOUNDS: [(&str, Bound); 5] = [
    ("<=", Bound::UpTo),
    (">=", Bound::From),
    ("<", Bound::Below),
    (">", Bound::Above),
    ("=", Bound::Exactly),
];

impl TryFrom<String> for Versions {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "any" {
            return Ok(Self(Vec::new()));
        }
        let bounds = text.split(',').map(|bound| {
            let bound = bound.trim();
            let (word, version) = BOUNDS
                .iter()
                .find_map(|(sign, word)| Some((*word, bound.strip_prefix(sign)?)))
                .unwrap_or((Bound::Exactly, bound));
            Some((word, numbers(version.trim())?))
        });
        let bounds: Option<Vec<_>> = bounds.collect();
        bounds.map(Self).ok_or_else(|| {
            format!("`{text}` is no range of versions such as `any`, `1.22.1` or `>=1.18, <1.23`")
        })
    }
}

/// The numbers of a version, or `None` where it does not begin with one.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = version.find(|c| !is_part(c)).unwrap_or(version.len());
    let parts = version[..end].trim_end_matches('.').split('.');
    parts.map(|part| part.parse().ok()).collect()
}

impl Versions {
    /// Whether a version that a program told lies in the range; one that is unknown only in `any`.
    pub fn hold(&self, version: Option<&str>) -> bool {
        let told = version.and_then(numbers);
        self.0.iter().all(|(bound, limit)| {
            let Some(told) = &told else { return false };
            match bound {
                Bound::Below => told < limit,
                Bound::UpTo => told <= limit || told.starts_with(limit),
                Bound::Exactly => told.starts_with(limit),
                Bound::From => told >= limit,
                Bound::Above => told > limit && !told.starts_with(limit),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> Versions {
        Versions::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn ranges_have_bounds() {
        let range = versions(">=1.18, <1.23");
        for (version, holds) in [
            ("1.17.9", false),
            ("1.18.0", true),
            ("1.22.1", true),
            ("1.23.0", false),
        ] {
            assert_eq!(range.hold(Some(version)), holds, "{version}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(versions("<1.10").hold(Some("1.9")));
        assert!(versions("<=1.4.82").hold(Some("1.4.82-r1")));
        assert!(versions("<=1.4").hold(Some("1.4.99")));
        assert!(!versions(">1.4").hold(Some("1.4.99")));
    }

    #[test]
    fn a_plain_version_holds_for_its_patches() {
        assert!(versions("1.22").hold(Some("1.22.1")));
        assert!(!versions("1.22").hold(Some("1.2")));
        assert!(!versions("1.22").hold(Some("1.220")));
    }

    #[test]
    fn an_unknown_version_is_in_any_only() {
        assert!(versions("any").hold(None));
        assert!(!versions("<2").hold(None));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for odd in ["", "new", "<", ">=1.2, x"] {
            assert!(Versions::try_from(odd.to_owned()).is_err(), "{odd}");
        }
    }
}
