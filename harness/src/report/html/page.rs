//! What the page's templates are given: words and numbers, ready to print.

use serde::Serialize;

use super::{
    Beside, RenderError,
    data::{Data, mark_class},
    lists::{self, Changed, Glance, Item, Pair, Predicted, Single},
    rates::{self, Rates},
    steps::{self, Steps},
};
use crate::{
    outcome::Level,
    report::{
        change,
        findings::{self, Verdict, plural},
        observed,
        text::visible,
        units,
        view::{Mark, Tally, gather},
    },
    results::{Results, Role},
};

#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    verdict: Sentence,
    counts: Vec<Count>,
    facts: Vec<(&'static str, String)>,
    notes: Vec<String>,
    subjects: Vec<Subject>,
    glance: Glance,
    marks: Vec<Count>,
    broken: Vec<Item>,
    advice: Vec<Item>,
    lone: Vec<Single>,
    changes: Vec<Changed>,
    editions: Vec<Pair>,
    trouble: Vec<Item>,
    known: Vec<Item>,
    stale: Vec<Item>,
    predictions: Vec<Predicted>,
    skipped: Vec<Skipped>,
    differences: Vec<Difference>,
    choices: Vec<Choice>,
    throughput: Rates,
    steps: Steps,
    /// What the script draws, as JSON without a `<`.
    data: String,
}

#[derive(Debug, Serialize)]
struct Sentence {
    word: &'static str,
    class: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Count {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    count: u32,
}

#[derive(Debug, Serialize)]
struct Subject {
    role: &'static str,
    id: String,
    version: String,
    via: String,
    image: Option<String>,
}

#[derive(Debug, Serialize)]
struct Skipped {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    reason: String,
    places: String,
    scenarios: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Difference {
    what: String,
    gateway: String,
    values: Vec<(String, Vec<String>)>,
    scenarios: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Choice {
    scenario: String,
    says: String,
    what: String,
    values: Vec<(String, String)>,
}

impl Page {
    pub(super) fn of(
        results: &Results,
        transcripts: &dyn Fn(&str) -> Option<String>,
        beside: Beside<'_>,
    ) -> Result<Self, RenderError> {
        let items = |wanted: &dyn Fn(Mark) -> bool| lists::items(results, wanted);
        let (broken, advice) = lists::broken(results);
        let changes = beside.old.map(|old| change::compare(old, results));
        Ok(Self {
            title: title(results),
            verdict: verdict(results),
            counts: counts(results),
            facts: facts(results),
            notes: owned(&results.environment.notes),
            subjects: results.subjects.iter().map(subject).collect(),
            glance: Glance::of(results),
            marks: marks(results),
            broken,
            advice,
            lone: lists::lone(results),
            changes: changes.as_ref().map(lists::changes).unwrap_or_default(),
            editions: lists::editions(results),
            trouble: items(&|mark| mark == Mark::BenchError),
            known: items(&|mark| mark == Mark::Known),
            stale: items(&|mark| mark == Mark::Stale),
            predictions: lists::predictions(results),
            data: Data::of(results, transcripts, changes.as_ref()).json()?,
            skipped: findings::skipped(results).iter().map(skipped).collect(),
            differences: findings::disagreements(results)
                .iter()
                .map(difference)
                .collect(),
            choices: observed::choices(results).iter().map(choice).collect(),
            throughput: rates::of(results)?,
            steps: steps::of(results),
        })
    }
}

/// Wire text made visible, one by one.
pub(super) fn owned<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    let texts = texts.iter().map(|text| visible(text.as_ref()).into_owned());
    texts.collect()
}

fn title(results: &Results) -> String {
    let of = |role| {
        let subjects = results.subjects.iter();
        let subjects = subjects.filter(move |subject| subject.role == role);
        subjects
            .map(|subject| subject.id.as_str())
            .collect::<Vec<_>>()
    };
    // Where the harness alone asks, the application server is what the page is about.
    let names = match of(Role::Gateway) {
        none if none.is_empty() => of(Role::Backend),
        gateways => gateways,
    };
    match names.as_slice() {
        [] => "gatebench report".to_owned(),
        names => format!("gatebench report: {}", visible(&names.join(", "))),
    }
}

fn verdict(results: &Results) -> Sentence {
    let verdict = Verdict::of(results, Level::Required);
    let class = match verdict.exit_code() {
        0 => "pass",
        1 => "fail",
        _ => "bench-error",
    };
    let text = verdict.sentence();
    let word = verdict.word();
    Sentence { word, class, text }
}

/// The marks that occur, for the filter and the legend.
fn marks(results: &Results) -> Vec<Count> {
    let tally = Tally::of(&results.results);
    let count = |(mark, count): (Mark, usize)| Count {
        class: mark_class(mark),
        symbol: mark.symbol(),
        word: mark.word(),
        count: u32::try_from(count).unwrap_or(u32::MAX),
    };
    tally.iter().map(count).collect()
}

fn counts(results: &Results) -> Vec<Count> {
    let counts = findings::counts(&results.summary).into_iter();
    let count = |(count, mark): (u32, Mark)| Count {
        class: mark_class(mark),
        symbol: mark.symbol(),
        word: mark.word(),
        count,
    };
    counts.map(count).collect()
}

fn facts(results: &Results) -> Vec<(&'static str, String)> {
    let environment = &results.environment;
    let engine = environment.engine.as_deref().unwrap_or("none answered");
    let facts = [
        ("gatebench", environment.gatebench.clone()),
        ("started", environment.started.clone()),
        ("kernel", environment.kernel.clone()),
        ("processors", plural(environment.cpus as usize, "CPU")),
        ("memory", units::bytes(environment.memory_bytes)),
        ("container engine", engine.to_owned()),
    ];
    facts
        .map(|(name, value)| (name, visible(&value).into_owned()))
        .to_vec()
}

fn subject(subject: &crate::results::Subject) -> Subject {
    Subject {
        role: match subject.role {
            Role::Gateway => "gateway",
            Role::Backend => "backend",
        },
        id: visible(&subject.id).into_owned(),
        version: visible(subject.version.as_deref().unwrap_or("unknown")).into_owned(),
        via: visible(&subject.via).into_owned(),
        image: subject
            .image
            .as_deref()
            .map(|image| visible(image).into_owned()),
    }
}

fn skipped(group: &findings::Skipped<'_>) -> Skipped {
    let mut scenarios: Vec<_> = group
        .cases
        .iter()
        .map(|case| case.scenario.clone())
        .collect();
    scenarios.sort();
    scenarios.dedup();
    Skipped {
        class: mark_class(group.mark),
        symbol: group.mark.symbol(),
        word: group.mark.word(),
        reason: visible(group.reason).into_owned(),
        places: group.places(),
        scenarios,
    }
}

fn difference(found: &findings::Disagreement<'_>) -> Difference {
    let value = |(value, models): &(&str, Vec<&str>)| (visible(value).into_owned(), owned(models));
    Difference {
        what: visible(found.what).into_owned(),
        gateway: found.gateway.to_owned(),
        values: found.values.iter().map(value).collect(),
        scenarios: owned(&found.scenarios),
    }
}

fn choice(found: &observed::Choice<'_>) -> Choice {
    let values = found.values.iter().map(|(value, columns)| {
        let places = gather(columns.iter().copied());
        (visible(value).into_owned(), visible(&places).into_owned())
    });
    Choice {
        scenario: found.scenario.to_owned(),
        says: visible(found.says).into_owned(),
        what: visible(found.what).into_owned(),
        values: values.collect(),
    }
}
