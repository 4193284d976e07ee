//! What a single text may be: a meta-variable, a field, a log.

use regex::Regex;
use serde::Deserialize;

use crate::scenario::{Place, loose::Loose, text::Text};

/// A condition on one text. Every key that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Loose<ValueTable>")]
pub struct Value(Vec<Check>);

#[derive(Clone, Debug)]
enum Check {
    Equals(Text),
    OneOf(Vec<Text>),
    StartsWith(Text),
    Contains(Text),
    Lacks(Text),
    Matches(Regex),
    Present,
    Absent,
    Null,
}

/// A condition as a table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ValueTable {
    pub(super) equals: Option<Text>,
    pub(super) one_of: Option<Vec<Text>>,
    pub(super) starts_with: Option<Text>,
    pub(super) contains: Option<Text>,
    pub(super) lacks: Option<Text>,
    pub(super) matches: Option<String>,
    pub(super) present: bool,
    pub(super) absent: bool,
    pub(super) null: bool,
}

impl TryFrom<Loose<ValueTable>> for Value {
    type Error = String;

    fn try_from(form: Loose<ValueTable>) -> Result<Self, String> {
        match form {
            Loose::Text(text) => Text::try_from(text)
                .map(|text| Self(vec![Check::Equals(text)]))
                .map_err(|error| error.to_string()),
            Loose::Table(table) => table.checks().map(Self),
            _ => Err("expected a string or a table such as { contains = \"…\" }".to_owned()),
        }
    }
}

impl ValueTable {
    fn checks(self) -> Result<Vec<Check>, String> {
        let checks = self.any_checks()?;
        if checks.is_empty() {
            return Err("an empty table asks for nothing".to_owned());
        }
        Ok(checks)
    }

    /// The condition, which may ask for nothing.
    pub(super) fn value(self) -> Result<Value, String> {
        self.any_checks().map(Value)
    }

    fn any_checks(self) -> Result<Vec<Check>, String> {
        let pattern = self.matches.as_deref().map(Regex::new).transpose();
        let pattern = pattern.map_err(|_| "`matches` is no regular expression".to_owned())?;
        let checks = [
            self.equals.map(Check::Equals),
            self.one_of.map(Check::OneOf),
            self.starts_with.map(Check::StartsWith),
            self.contains.map(Check::Contains),
            self.lacks.map(Check::Lacks),
            pattern.map(Check::Matches),
            self.present.then_some(Check::Present),
            self.absent.then_some(Check::Absent),
            self.null.then_some(Check::Null),
        ];
        Ok(checks.into_iter().flatten().collect())
    }
}

impl Value {
    /// The first check that `actual` does not pass, in words; `None` when all hold.
    pub fn unmet(&self, actual: Option<&str>, place: &Place) -> Option<String> {
        let unmet = self.0.iter().find(|check| !check.holds(actual, place))?;
        Some(unmet.words(place))
    }
}

impl Check {
    fn holds(&self, actual: Option<&str>, place: &Place) -> bool {
        let with = |test: &dyn Fn(&str) -> bool| actual.is_some_and(test);
        match self {
            Self::Equals(text) => with(&|actual| actual == text.at(place)),
            Self::OneOf(texts) => with(&|actual| texts.iter().any(|text| actual == text.at(place))),
            Self::StartsWith(text) => with(&|actual| actual.starts_with(&text.at(place))),
            Self::Contains(text) => with(&|actual| actual.contains(&text.at(place))),
            Self::Lacks(text) => actual.is_none_or(|actual| !actual.contains(&text.at(place))),
            Self::Matches(regex) => with(&|actual| regex.is_match(actual)),
            Self::Present => actual.is_some(),
            Self::Absent => actual.is_none(),
            // RFC 3875 4.1: a zero-length value and a missing variable are the same thing.
            Self::Null => actual.is_none_or(str::is_empty),
        }
    }

    fn words(&self, place: &Place) -> String {
        let quoted = |text: &Text| quote(&text.at(place));
        match self {
            Self::Equals(text) => quoted(text),
            Self::OneOf(texts) => {
                let texts: Vec<String> = texts.iter().map(quoted).collect();
                format!("one of {}", texts.join(", "))
            }
            Self::StartsWith(text) => format!("starts with {}", quoted(text)),
            Self::Contains(text) => format!("contains {}", quoted(text)),
            Self::Lacks(text) => format!("does not contain {}", quoted(text)),
            Self::Matches(regex) => format!("matches /{regex}/"),
            Self::Present => "present".to_owned(),
            Self::Absent => "absent".to_owned(),
            Self::Null => "empty or absent".to_owned(),
        }
    }
}

/// How many code points of a value a report shows.
const SHOWN: usize = 120;

/// Text as a report shows it: quoted, escaped, cut where it is long.
pub(in crate::scenario) fn quote(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHOWN {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(SHOWN).collect();
    format!("{head:?}… ({count} octets)")
}

/// An optional text as a report shows it.
pub(in crate::scenario) fn quote_or_absent(text: Option<&str>) -> String {
    text.map_or_else(|| "absent".to_owned(), quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Doc {
        v: Value,
    }

    fn unmet(source: &str, actual: Option<&str>) -> Option<String> {
        let doc: Doc = toml::from_str(&format!("v = {source}")).unwrap();
        doc.v.unmet(actual, &Place::new("/probe", "h:1"))
    }

    #[test]
    fn a_string_must_be_equal() {
        assert_eq!(unmet("'{app}/a'", Some("/probe/a")), None);
        assert_eq!(unmet("'a'", Some("b")).as_deref(), Some("\"a\""));
        assert_eq!(unmet("'a'", None).as_deref(), Some("\"a\""));
    }

    #[test]
    fn null_is_empty_or_absent() {
        for null in [None, Some("")] {
            assert_eq!(unmet("{ null = true }", null), None);
        }
        assert!(unmet("{ null = true }", Some("0")).is_some());
        assert!(unmet("{ absent = true }", Some("")).is_some());
        assert!(unmet("{ present = true }", Some("")).is_none());
    }

    #[test]
    fn every_given_key_must_hold() {
        let both = "{ starts_with = 'a', lacks = 'b' }";
        assert_eq!(unmet(both, Some("ac")), None);
        let words = unmet(both, Some("ab"));
        assert_eq!(words.as_deref(), Some("does not contain \"b\""));
    }

    #[test]
    fn patterns_are_regular_expressions() {
        let version = r"{ matches = '^CGI/\d+\.\d+$' }";
        assert_eq!(unmet(version, Some("CGI/1.1")), None);
        assert!(unmet(version, Some("CGI/1")).is_some());
    }

    #[test]
    fn a_long_value_is_cut_in_reports() {
        let shown = quote(&"a".repeat(500));
        assert!(shown.ends_with("… (500 octets)"), "{shown}");
    }
}
