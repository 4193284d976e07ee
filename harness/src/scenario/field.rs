//! Known cases of the field: what gateways and application servers are publicly known to have
//! done, and which scenario tells the one who does it from the one who does not.

use serde::Deserialize;
use toml::Spanned;

use super::{check::missing, error::Flaw, source::Source};

/// A difference or bug of named software, or a problem that people ask about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldCase {
    /// Its number, which never changes.
    pub row: u32,
    /// Whom it was seen with, versions included.
    #[serde(default)]
    pub seen_with: Option<String>,
    /// What one sees.
    pub symptom: String,
    /// Where that is told: tracker, commit, advisory.
    #[serde(default)]
    pub source: Option<String>,
    /// Ids of the scenarios that show it.
    #[serde(default)]
    pub scenarios: Vec<String>,
    /// Why no scenario can, where none does.
    #[serde(default)]
    pub not_shown: Option<String>,
}

/// `field-cases.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    /// Differences and bugs.
    #[serde(default)]
    case: Vec<Spanned<FieldCase>>,
    /// What people ask about.
    #[serde(default)]
    problem: Vec<Spanned<FieldCase>>,
}

/// What is known of the field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Differences and bugs of gateways and application servers, by number.
    pub cases: Vec<FieldCase>,
    /// Problems that people ask about, by number.
    pub problems: Vec<FieldCase>,
}

impl Field {
    /// Reads the file, and names each entry that leads nowhere or is there twice.
    pub(super) fn read(source: &Source, ids: &[&str], flaws: &mut Vec<Flaw>) -> Self {
        let file: FieldFile = match toml::from_str(&source.text) {
            Ok(file) => file,
            Err(error) => {
                flaws.push(Flaw::of(&source.path, &source.text, &error));
                return Self::default();
            }
        };
        for list in [&file.case, &file.problem] {
            for (number, entry) in list.iter().enumerate() {
                let twice = list[..number]
                    .iter()
                    .any(|other| other.get_ref().row == entry.get_ref().row);
                for message in entry.get_ref().flaws(twice, ids) {
                    let at = entry.span().start;
                    flaws.push(Flaw::at(&source.path, &source.text, at, message));
                }
            }
        }
        let plain = |list: Vec<Spanned<FieldCase>>| list.into_iter().map(Spanned::into_inner);
        Self {
            cases: plain(file.case).collect(),
            problems: plain(file.problem).collect(),
        }
    }

    /// Numbers of the cases that a scenario shows.
    pub fn shown_by(&self, scenario: &str) -> Vec<u32> {
        let shows = |case: &&FieldCase| case.scenarios.iter().any(|id| id == scenario);
        self.cases
            .iter()
            .filter(shows)
            .map(|case| case.row)
            .collect()
    }
}

impl FieldCase {
    fn flaws(&self, twice: bool, ids: &[&str]) -> Vec<String> {
        let unknown = |id: &&String| !ids.contains(&id.as_str());
        let unknown = self.scenarios.iter().filter(unknown);
        let mut flaws: Vec<String> = unknown
            .map(|id| missing("scenario", id, ids.iter().copied()))
            .collect();
        if twice {
            flaws.push(format!("row {} is there twice", self.row));
        }
        if self.scenarios.is_empty() == self.not_shown.is_none() {
            flaws.push(format!(
                "row {} has either `scenarios` or `not_shown`",
                self.row
            ));
        }
        flaws
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn flaws(text: &str) -> Vec<String> {
        let source = Source {
            path: "field-cases.toml".to_owned(),
            text: text.to_owned(),
        };
        let mut flaws = Vec::new();
        Field::read(&source, &["a/b/c"], &mut flaws);
        flaws.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_case_is_shown_or_says_why_not() {
        assert!(
            flaws("[[case]]\nrow = 1\nsymptom = 'x'\nscenarios = ['a/b/c']\n[[case]]\nrow = 2\nsymptom = 'x'\nnot_shown = 'y'")
                .is_empty()
        );
        for bad in ["", "scenarios = ['a/b/c']\nnot_shown = 'y'"] {
            let said = flaws(&format!("[[case]]\nrow = 1\nsymptom = 'x'\n{bad}"));
            assert!(said[0].contains("either"), "{said:?}");
        }
    }

    #[test]
    fn a_scenario_that_is_not_there_and_a_row_twice_are_told() {
        let said = flaws("[[case]]\nrow = 1\nsymptom = 'x'\nscenarios = ['a/b/d']");
        assert!(said[0].contains("did you mean `a/b/c`"), "{said:?}");
        let row = "[[problem]]\nrow = 1\nsymptom = 'x'\nnot_shown = 'y'\n";
        assert!(flaws(&format!("{row}{row}"))[0].contains("twice"));
    }
}
