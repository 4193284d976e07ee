//! What exactly one subject breaks: everybody else who was asked keeps the rule, so it can be kept.

use std::collections::BTreeMap;

use super::{
    text::visible,
    view::{Column, Mark},
};
use crate::{
    outcome::AtFault,
    results::{CaseResult, Results, Role},
};

/// A scenario that one subject of several breaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Lone<'a> {
    /// Scenario id.
    pub scenario: &'a str,
    /// Subject id of the one.
    pub subject: &'a str,
    /// The first of its cases that broke the rule.
    pub case: &'a CaseResult,
    /// Subject ids of those who keep it, sorted; at least one.
    pub kept: Vec<&'a str>,
}

/// Each scenario that is broken by exactly one of the subjects that were asked, in the order of
/// scenario and side. Violations that are known count: they are what the question is after.
pub fn lone(results: &Results) -> Vec<Lone<'_>> {
    // By scenario and side, what each subject did: the first case in which it broke the rule.
    let mut asked = BTreeMap::<_, BTreeMap<&str, Option<&CaseResult>>>::new();
    for case in &results.results {
        let mark = Mark::of(case);
        if !mark.is_verdict() {
            continue;
        }
        let broke = mark.is_violation() || mark == Mark::Known;
        for (role, subject) in sides(case) {
            let did = asked
                .entry((case.scenario.as_str(), side(role)))
                .or_default();
            let did = did.entry(subject).or_default();
            if broke && is_to_blame(case, role) && did.is_none() {
                *did = Some(case);
            }
        }
    }
    asked
        .into_iter()
        .filter_map(|((scenario, _), did)| only(scenario, &did))
        .collect()
}

/// The list as Markdown, which reads well on a terminal too.
pub fn render(found: &[Lone<'_>]) -> String {
    if found.is_empty() {
        return "No scenario is broken by exactly one of several subjects.\n".to_owned();
    }
    let lines = found.iter().map(|one| {
        let (place, kept) = (Column::of(one.case).label(), one.kept.join(", "));
        let line = format!(
            "- {} breaks {} on {place}; kept by {kept}",
            one.subject, one.scenario
        );
        visible(&line).into_owned() + "\n"
    });
    lines.collect()
}

fn only<'a>(
    scenario: &'a str,
    did: &BTreeMap<&'a str, Option<&'a CaseResult>>,
) -> Option<Lone<'a>> {
    let mut broke = did.iter().filter_map(|(id, case)| Some((*id, (*case)?)));
    let (subject, case) = broke.next()?;
    let kept: Vec<_> = did
        .iter()
        .filter(|(_, case)| case.is_none())
        .map(|(id, _)| *id)
        .collect();
    (broke.next().is_none() && !kept.is_empty()).then_some(Lone {
        scenario,
        subject,
        case,
        kept,
    })
}

fn sides(case: &CaseResult) -> impl Iterator<Item = (Role, &str)> {
    let gateway = case.gateway.as_deref().map(|id| (Role::Gateway, id));
    let backend = case.backend.as_deref().map(|id| (Role::Backend, id));
    let backend = backend.filter(|(_, id)| *id != "script");
    gateway.into_iter().chain(backend)
}

fn side(role: Role) -> u8 {
    match role {
        Role::Gateway => 0,
        Role::Backend => 1,
    }
}

fn is_to_blame(case: &CaseResult, role: Role) -> bool {
    match case.at_fault {
        Some(AtFault::Gateway) => role == Role::Gateway,
        Some(AtFault::Backend) => role == Role::Backend,
        Some(AtFault::Either) | None => true,
    }
}
