//! The lists and tables of the page that need no script: findings, questions, changes, versions.

use serde::Serialize;

use super::{
    data::{anchor, mark_class},
    page::owned,
};
use crate::{
    outcome::Level,
    report::{
        change::{Change, Changes},
        editions,
        findings::{self, Finding, plural},
        glance, lone as alone, predictions as predicted,
        text::{clip, visible},
        view::{Column, Mark, gather},
    },
    results::{CaseResult, Results, Role},
};

/// Columns of a value that a list shows; its case has all of it.
const SHOWN: usize = 160;

/// One finding in a line.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    scenario: String,
    level: &'static str,
    text: String,
    places: String,
    anchor: String,
    /// Leads to all cases of the scenario, where there are several.
    others: Option<String>,
    count: usize,
}

/// The findings whose mark is wanted.
pub(super) fn items(results: &Results, wanted: &dyn Fn(Mark) -> bool) -> Vec<Item> {
    findings::findings(results, wanted)
        .iter()
        .map(item)
        .collect()
}

/// Broken rules, and recommendations that were not followed.
pub(super) fn broken(results: &Results) -> (Vec<Item>, Vec<Item>) {
    let found = findings::findings(results, Mark::is_violation);
    let (rules, advice): (Vec<_>, Vec<_>) = found.iter().partition(|one| counts(one));
    (
        rules.into_iter().map(item).collect(),
        advice.into_iter().map(item).collect(),
    )
}

fn counts(found: &Finding<'_>) -> bool {
    found.first().level == Level::Required
}

fn item(found: &Finding<'_>) -> Item {
    let case = found.first();
    let known = case.reason.as_deref().filter(|_| found.mark != Mark::Fail);
    let text = known.or(case.actual.as_deref()).unwrap_or(&case.says);
    Item {
        class: mark_class(found.mark),
        symbol: found.mark.symbol(),
        word: found.mark.word(),
        scenario: case.scenario.clone(),
        level: case.level.word(),
        text: short(text),
        places: visible(&gather(found.cases.iter().map(|case| Column::of(case)))).into_owned(),
        anchor: anchor(case),
        others: (found.cases.len() > 1).then(|| of_scenario(&case.scenario)),
        count: found.cases.len(),
    }
}

fn short(text: &str) -> String {
    clip(&visible(text), SHOWN).into_owned()
}

/// The name under which the script shows all cases of a scenario.
fn of_scenario(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("of-{id}").chars().map(plain).collect()
}

/// The questions and each gateway's answers.
#[derive(Debug, Serialize)]
pub(super) struct Glance {
    gateways: Vec<String>,
    topics: Vec<Topic>,
}

#[derive(Debug, Serialize)]
struct Topic {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    asks: String,
    scenario: String,
    cells: Vec<Vec<Answer>>,
}

#[derive(Debug, Serialize)]
struct Answer {
    class: &'static str,
    symbol: &'static str,
    models: Vec<&'static str>,
    text: String,
    tip: String,
    link: String,
}

impl Glance {
    pub(super) fn of(results: &Results) -> Self {
        let gateways = results.subjects.iter();
        let gateways = gateways.filter(|subject| subject.role == Role::Gateway);
        let gateways: Vec<_> = gateways.map(|subject| subject.id.as_str()).collect();
        let mut topics = Vec::<Topic>::new();
        for question in glance::questions() {
            let cells = gateways
                .iter()
                .map(|gateway| cell(question, gateway, results));
            let cells: Vec<_> = cells.collect();
            if cells.iter().all(Vec::is_empty) {
                continue;
            }
            let row = Row {
                asks: question.asks.clone(),
                scenario: question.scenario.clone(),
                cells,
            };
            match topics.last_mut() {
                Some(topic) if topic.name == question.topic => topic.rows.push(row),
                _ => topics.push(Topic {
                    name: question.topic.clone(),
                    rows: vec![row],
                }),
            }
        }
        Self {
            gateways: owned(&gateways),
            topics,
        }
    }
}

fn cell(question: &glance::Question, gateway: &str, results: &Results) -> Vec<Answer> {
    let answers = glance::answers(question, gateway, results);
    let answers = answers.iter().map(|answer| Answer {
        class: mark_class(answer.mark),
        symbol: answer.mark.symbol(),
        models: answer
            .cases
            .iter()
            .map(|case| Column::of(case).model_word())
            .collect(),
        text: clip(&visible(&answer.text), 56).into_owned(),
        tip: short(&answer.text),
        link: anchor(answer.cases[0]),
    });
    answers.collect()
}

/// A scenario that one subject alone breaks.
#[derive(Debug, Serialize)]
pub(super) struct Single {
    subject: String,
    scenario: String,
    says: String,
    kept: String,
    anchor: String,
}

pub(super) fn lone(results: &Results) -> Vec<Single> {
    let found = alone::lone(results);
    let single = found.iter().map(|one| Single {
        subject: visible(one.subject).into_owned(),
        scenario: one.scenario.to_owned(),
        says: visible(&one.case.says).into_owned(),
        kept: visible(&one.kept.join(", ")).into_owned(),
        anchor: anchor(one.case),
    });
    single.collect()
}

/// What changed in one direction.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    title: &'static str,
    items: Vec<Moved>,
}

#[derive(Debug, Serialize)]
struct Moved {
    class: &'static str,
    scenario: String,
    before: &'static str,
    after: &'static str,
    place: String,
    anchor: String,
}

pub(super) fn changes(changes: &Changes<'_>) -> Vec<Changed> {
    let lists = [
        ("Worse", &changes.worse),
        ("Better", &changes.better),
        ("Otherwise different", &changes.other),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let changed = lists.map(|(title, list)| Changed {
        title,
        items: list.iter().map(moved).collect(),
    });
    changed.collect()
}

fn moved(change: &Change<'_>) -> Moved {
    Moved {
        class: mark_class(change.after),
        scenario: change.case.scenario.clone(),
        before: change.before.word(),
        after: change.after.word(),
        place: visible(&Column::of(change.case).label()).into_owned(),
        anchor: anchor(change.case),
    }
}

/// Two versions of one peer.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    one: String,
    other: String,
    same: String,
    rows: Vec<Versus>,
}

#[derive(Debug, Serialize)]
struct Versus {
    scenario: String,
    one: Side,
    other: Side,
    places: String,
}

#[derive(Debug, Serialize)]
struct Side {
    class: &'static str,
    text: String,
    anchor: String,
}

pub(super) fn editions(results: &Results) -> Vec<Pair> {
    let pairs = editions::pairs(results);
    let pairs = pairs.iter().map(|pair| Pair {
        one: visible(pair.one).into_owned(),
        other: visible(pair.other).into_owned(),
        same: plural(pair.same, "case"),
        rows: pair
            .different
            .iter()
            .map(|found| Versus {
                scenario: found.one.scenario.clone(),
                one: side(found.one),
                other: side(found.other),
                places: visible(&found.places.join(", ")).into_owned(),
            })
            .collect(),
    });
    pairs.collect()
}

fn side(case: &CaseResult) -> Side {
    let mark = Mark::of(case);
    Side {
        class: mark_class(mark),
        text: short(&editions::told(case)),
        anchor: anchor(case),
    }
}

/// A prediction and what was observed.
#[derive(Debug, Serialize)]
pub(super) struct Predicted {
    peer: String,
    predicted: String,
    scenario: String,
    observed: String,
    anchor: Option<String>,
    verdict: &'static str,
    class: &'static str,
}

pub(super) fn predictions(results: &Results) -> Vec<Predicted> {
    let observed = predicted::observed(results);
    if observed.iter().all(|one| one.case.is_none()) {
        return Vec::new();
    }
    let told = observed.iter().map(|one| Predicted {
        peer: one.prediction.peer.clone(),
        predicted: one.prediction.predicted.clone(),
        scenario: one.prediction.scenario.clone().unwrap_or_default(),
        observed: short(&one.seen),
        anchor: one.case.map(anchor),
        verdict: one.settled.word(),
        class: match one.settled {
            predicted::Settled::Confirmed => "pass",
            predicted::Settled::Refuted => "known",
            predicted::Settled::NotRun => "unsupported",
        },
    });
    told.collect()
}
