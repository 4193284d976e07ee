//! What differs between two versions of one peer that ran side by side.

use std::collections::BTreeMap;

use super::view::{Column, Mark};
use crate::{
    model::Model,
    results::{CaseResult, Results, Subject},
};

/// Two versions of one peer in one configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// Subject id of the one that was named first.
    pub one: &'a str,
    /// Subject id of the other.
    pub other: &'a str,
    /// Cases that ended alike.
    pub same: usize,
    /// Those that did not, equal ones of several pairings in one.
    pub different: Vec<Difference<'a>>,
}

/// One scenario in which two versions differ.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// A case of the one.
    pub one: &'a CaseResult,
    /// The same case of the other.
    pub other: &'a CaseResult,
    /// Where it shows: model and other side.
    pub places: Vec<String>,
}

/// Every two versions of one peer, in the order of the subjects.
pub fn pairs(results: &Results) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    for (at, one) in results.subjects.iter().enumerate() {
        let others = results.subjects[at + 1..].iter();
        for other in others.filter(|other| is_edition(one, other)) {
            pairs.push(pair(one, other, results));
        }
    }
    pairs
}

fn is_edition(one: &Subject, other: &Subject) -> bool {
    let of = |subject: &Subject| (subject.name.clone(), subject.role, subject.variant.clone());
    one.id != other.id && of(one) == of(other) && (one.id.contains('@') || other.id.contains('@'))
}

fn pair<'a>(one: &'a Subject, other: &'a Subject, results: &'a Results) -> Pair<'a> {
    let (ours, mut theirs) = (cases(&one.id, results), cases(&other.id, results));
    let mut pair = Pair {
        one: &one.id,
        other: &other.id,
        same: 0,
        different: Vec::new(),
    };
    for (key, one) in ours {
        let Some(other) = theirs.remove(&key) else {
            continue;
        };
        if told(one) == told(other) {
            pair.same += 1;
            continue;
        }
        let column = Column::of(one);
        let beside = if one.gateway.as_deref() == Some(pair.one) {
            column.backend
        } else {
            column.gateway
        };
        let place = format!("{} with {beside}", column.way());
        let alike = |known: &&mut Difference<'_>| {
            known.one.scenario == one.scenario
                && told(known.one) == told(one)
                && told(known.other) == told(other)
        };
        match pair.different.iter_mut().find(alike) {
            Some(known) => known.places.push(place),
            None => pair.different.push(Difference {
                one,
                other,
                places: vec![place],
            }),
        }
    }
    pair
}

/// Scenario, model, and the other side.
type Key<'a> = (&'a str, Option<Model>, Option<&'a str>);

fn cases<'a>(id: &str, results: &'a Results) -> BTreeMap<Key<'a>, &'a CaseResult> {
    let of_it = results.results.iter().filter_map(|case| {
        let (gateway, backend) = (case.gateway.as_deref(), case.backend.as_deref());
        let beside = match (gateway == Some(id), backend == Some(id)) {
            (true, _) => backend,
            (_, true) => gateway,
            _ => return None,
        };
        Some(((case.scenario.as_str(), case.model, beside), case))
    });
    of_it.collect()
}

/// How a case ended, in words: the outcome, and the choice that was made or what was wrong.
pub fn told(case: &CaseResult) -> String {
    let mark = Mark::of(case);
    let detail = match mark {
        Mark::Pass | Mark::Stale => case.observation.get("chosen"),
        Mark::Fail | Mark::Crash | Mark::Hang | Mark::Known => case.actual.as_ref(),
        Mark::Unsupported | Mark::Blocked | Mark::BenchError => None,
    };
    match detail {
        Some(detail) => format!("{}: {detail}", mark.word()),
        None => mark.word().to_owned(),
    }
}
