//! What reading a peer's source made expect, held against what a run observed.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::view::Mark;
use crate::{
    gateways,
    model::Model,
    outcome::Outcome,
    results::{CaseResult, Results, Role, Subject},
};

/// `scenarios/predictions.toml`.
static PREDICTIONS: LazyLock<Vec<Prediction>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        prediction: Vec<Prediction>,
    }
    let file: File = toml::from_str(include_str!("../../../scenarios/predictions.toml"))
        .expect("a test reads scenarios/predictions.toml");
    file.prediction
});

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Stable name.
    pub id: String,
    /// Plain name of the gateway or backend, or `name:variant`.
    pub peer: String,
    /// What is expected, in a sentence.
    pub predicted: String,
    /// Id of the scenario that settles it.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Only over this model.
    #[serde(default)]
    pub model: Option<Model>,
    /// It is confirmed where a case ends so, …
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// … and where each of these observed values has this part.
    #[serde(default)]
    pub observed: BTreeMap<String, String>,
    /// Why no scenario settles it.
    #[serde(default)]
    pub open: Option<String>,
}

/// What became of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Every case shows it.
    Confirmed,
    /// A case shows something else.
    Refuted,
    /// The run has no case of it, or no scenario can show it.
    NotRun,
}

impl Settled {
    /// As reports say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::NotRun => "not run",
        }
    }
}

/// A prediction beside what was observed.
#[derive(Debug)]
pub struct Observed<'a> {
    /// What was expected.
    pub prediction: &'static Prediction,
    /// The case that speaks: one that shows something else, where there is one.
    pub case: Option<&'a CaseResult>,
    /// What it ended with, in words.
    pub seen: String,
    /// What becomes of the prediction.
    pub settled: Settled,
}

/// Every prediction.
pub fn predictions() -> &'static [Prediction] {
    &PREDICTIONS
}

/// Every prediction about a peer of the run, beside what its cases show; those about others are not
/// told.
pub fn observed(results: &Results) -> Vec<Observed<'_>> {
    let takes_part = |one: &&Prediction| results.subjects.iter().any(|s| is_named(&one.peer, s));
    let told = PREDICTIONS.iter().filter(takes_part);
    told.map(|prediction| settle(prediction, results)).collect()
}

fn settle<'a>(prediction: &'static Prediction, results: &'a Results) -> Observed<'a> {
    let speaks = |case: &&CaseResult| {
        let model = prediction.model.is_none() || prediction.model == case.model;
        let sides = [case.gateway.as_deref(), case.backend.as_deref()];
        let of_peer = |s: &Subject| sides.contains(&Some(&s.id)) && is_named(&prediction.peer, s);
        prediction.scenario.as_ref() == Some(&case.scenario)
            && model
            && Mark::of(case).is_verdict()
            && results.subjects.iter().any(of_peer)
    };
    let spoken: Vec<_> = results.results.iter().filter(speaks).collect();
    let cases = undisguised(prediction, spoken, results);
    let other = cases.iter().copied().find(|case| !shows(prediction, case));
    let case = other.or_else(|| cases.first().copied());
    let open = prediction.open.as_deref().unwrap_or("no case in this run");
    Observed {
        prediction,
        case,
        seen: case.map_or_else(|| open.to_owned(), seen),
        settled: match (case, other) {
            (None, _) => Settled::NotRun,
            (Some(_), None) => Settled::Confirmed,
            (Some(_), Some(_)) => Settled::Refuted,
        },
    }
}

/// Of the cases that speak, those in which nobody else stands between the peer and what is observed:
/// a gateway in its usual variant before the bench itself or its native probe, a backend with the
/// bench before it, else behind nginx. Another subject may hide what the peer does, or add to it.
fn undisguised<'a>(
    prediction: &Prediction,
    cases: Vec<&'a CaseResult>,
    results: &Results,
) -> Vec<&'a CaseResult> {
    let is_gateway = |s: &Subject| is_named(&prediction.peer, s) && s.role == Role::Gateway;
    let preferred: &[&dyn Fn(&CaseResult) -> bool] = match results.subjects.iter().any(is_gateway) {
        true => &[&|case| is_usual(prediction, case), &|case| {
            matches!(
                case.backend.as_deref(),
                None | Some("script" | "gateserve:probe")
            )
        }],
        false => &[&|case| case.gateway.is_none(), &|case| {
            case.gateway.as_deref() == Some("nginx:documented")
        }],
    };
    preferred.iter().fold(cases, |cases, is_preferred| {
        let some: Vec<_> = cases
            .iter()
            .copied()
            .filter(|case| is_preferred(case))
            .collect();
        match some.is_empty() {
            true => cases,
            false => some,
        }
    })
}

/// Whether the gateway runs in the variant that its plain name means, or in that of the prediction.
fn is_usual(prediction: &Prediction, case: &CaseResult) -> bool {
    let usual = gateways::named(&prediction.peer).map(|one| gateways::id(one, one.variants()[0]));
    usual.is_none_or(|usual| case.gateway.as_ref() == Some(&usual))
}

fn shows(prediction: &Prediction, case: &CaseResult) -> bool {
    let ended = prediction
        .outcome
        .is_none_or(|outcome| outcome == case.outcome);
    let mut observed = prediction.observed.iter();
    let is_seen = |(what, part): (&String, &String)| {
        case.observation
            .get(what)
            .is_some_and(|value| value.contains(part))
    };
    ended && observed.all(is_seen)
}

fn seen(case: &CaseResult) -> String {
    let chosen = case.observation.get("chosen");
    match (case.outcome, &case.actual, chosen) {
        (Outcome::Pass, _, Some(chosen)) => chosen.clone(),
        (Outcome::Pass, ..) if !case.observation.is_empty() => {
            let values = case.observation.iter();
            let values = values.map(|(what, value)| format!("{what}: {value}"));
            values.collect::<Vec<_>>().join(", ")
        }
        (Outcome::Pass, ..) => "the rule is kept".to_owned(),
        (outcome, Some(actual), _) => format!("{}: {actual}", outcome.word()),
        (outcome, None, _) => outcome.word().to_owned(),
    }
}

/// Whether `id`, a plain name or `name:variant`, is the subject's.
fn is_named(id: &str, subject: &Subject) -> bool {
    match id.split_once(':') {
        Some((name, variant)) => {
            name == subject.name && subject.variant.as_deref() == Some(variant)
        }
        None => id == subject.name,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::load_embedded;

    #[test]
    fn every_prediction_is_settled_by_a_scenario_or_says_why_none_does() {
        let catalogue = load_embedded().unwrap();
        let known: BTreeSet<_> = catalogue.scenarios.iter().map(|one| &one.id).collect();
        let mut ids = BTreeSet::new();
        for one in predictions() {
            assert!(ids.insert(&one.id), "{} is there twice", one.id);
            let expects = one.outcome.is_some() || !one.observed.is_empty();
            match &one.scenario {
                Some(scenario) => assert!(known.contains(scenario) && expects, "{}", one.id),
                None => assert!(one.open.is_some(), "{}", one.id),
            }
        }
    }
}
