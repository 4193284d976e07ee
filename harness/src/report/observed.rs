//! What the rules leave open, and who did what with it.

use super::view::Column;
use crate::{
    outcome::Level,
    results::{CaseResult, Results},
};

/// The key under which a case keeps the conforming outcome that was met.
const CHOSEN: &str = "chosen";

/// One thing that subjects do differently, though none of them is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Scenario id.
    pub scenario: &'a str,
    /// What must hold, or what was looked at.
    pub says: &'a str,
    /// What was observed; empty for the conforming outcome that was met.
    pub what: &'a str,
    /// The values with the pairings that showed them; at least two.
    pub values: Vec<(&'a str, Vec<Column<'a>>)>,
}

/// Choices that were not made alike everywhere, in the order of the results.
pub fn choices(results: &Results) -> Vec<Choice<'_>> {
    let mut choices = Vec::<Choice<'_>>::new();
    for case in &results.results {
        for (what, value) in told(case) {
            let known = choices.iter_mut();
            let mut known = known.filter(|c| c.scenario == case.scenario && c.what == what);
            match known.next() {
                Some(choice) => note(&mut choice.values, value, case),
                None => choices.push(Choice {
                    scenario: &case.scenario,
                    says: &case.says,
                    what,
                    values: vec![(value, vec![Column::of(case)])],
                }),
            }
        }
    }
    choices.retain(|choice| choice.values.len() > 1);
    choices
}

/// The conforming outcome that was met; without one, what a scenario without a rule observed.
fn told(case: &CaseResult) -> Vec<(&str, &str)> {
    if let Some(chosen) = case.observation.get(CHOSEN) {
        return vec![("", chosen)];
    }
    if case.level != Level::Observed {
        return Vec::new();
    }
    let observed = case.observation.iter();
    observed
        .map(|(what, value)| (what.as_str(), value.as_str()))
        .collect()
}

fn note<'a>(values: &mut Vec<(&'a str, Vec<Column<'a>>)>, value: &'a str, case: &'a CaseResult) {
    let column = Column::of(case);
    match values.iter_mut().find(|(known, _)| *known == value) {
        Some((_, columns)) => columns.push(column),
        None => values.push((value, vec![column])),
    }
}
