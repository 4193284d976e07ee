//! Regular expressions in option values.
//!
//! uWSGI's are Perl's (PCRE), look-around and back references included.

use fancy_regex::Regex;

use super::error::OptionError;
use super::given::Given;

/// A regular expression; it may match anywhere in a text.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads one that an option names.
    pub(super) fn of(given: &Given, text: &str) -> Result<Self, OptionError> {
        let regex = Regex::new(text);
        let expected = |error| format!("a regular expression ({error})");
        regex
            .map(Self)
            .map_err(|error| given.refuse(&expected(error)))
    }

    /// Whether it matches. One that takes too many steps on this text does not.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }

    /// What it matches and what its groups match, empty for a group that takes no part.
    pub fn captures(&self, text: &str) -> Option<Vec<String>> {
        let captures = self.0.captures(text).ok()??;
        let groups = captures.iter();
        Some(
            groups
                .map(|group| group.map_or_else(String::new, |group| group.as_str().to_owned()))
                .collect(),
        )
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}
