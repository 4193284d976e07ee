//! What the rules leave open, and who did what with it.

use std::collections::BTreeMap;

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

/// Of a scenario without a rule everything counts, of the others only which outcome was met.
fn told(case: &CaseResult) -> impl Iterator<Item = (&str, &str)> {
    let all = case.level == Level::Observed;
    let observed: &BTreeMap<_, _> = &case.observation;
    let observed = observed
        .iter()
        .map(|(what, value)| (what.as_str(), value.as_str()));
    let told = observed.filter(move |(what, _)| all || *what == CHOSEN);
    told.map(|(what, value)| (if what == CHOSEN { "" } else { what }, value))
}

fn note<'a>(values: &mut Vec<(&'a str, Vec<Column<'a>>)>, value: &'a str, case: &'a CaseResult) {
    let column = Column::of(case);
    match values.iter_mut().find(|(known, _)| *known == value) {
        Some((_, columns)) => columns.push(column),
        None => values.push((value, vec![column])),
    }
}
