//! What a run found, said once: equal findings of several pairings are one entry.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{Column, Mark, gather, plain_name};
use crate::{
    outcome::{AtFault, Level, Witness},
    results::{CaseResult, Results, Rule, Summary},
};

/// One scenario that ended in the same way, for the same reason, on one or more pairings.
#[derive(Debug)]
pub struct Finding<'a> {
    /// How it ended.
    pub mark: Mark,
    /// The cases, at least one.
    pub cases: Vec<&'a CaseResult>,
}

impl<'a> Finding<'a> {
    /// The case that speaks for all.
    pub fn first(&self) -> &'a CaseResult {
        self.cases[0]
    }

    /// Whom the broken rule binds, and who saw it. Where a carrier stands in between, the
    /// evidence may name one side on one pairing and leave it open on another.
    pub fn blame(&self) -> Option<String> {
        let mut blames: Vec<_> = self.cases.iter().filter_map(|case| blame(case)).collect();
        blames.dedup();
        (!blames.is_empty()).then(|| blames.join("; elsewhere "))
    }

    /// The pairings, one line each.
    pub fn places(&self) -> Vec<String> {
        let places = self.cases.iter().map(|case| Column::of(case).label());
        places.collect()
    }
}

/// The rules that a case cites, quoted: `CGI-4.1.5-PI-DECODED (RFC 3875 §4.1.5, MUST): …`.
pub fn quoted(case: &CaseResult, results: &Results) -> Vec<String> {
    let quote = |id: &String| match results.requirements.get(id) {
        Some(Rule {
            source,
            level,
            statement,
        }) => format!("{id} ({source}, {level}): {statement}"),
        None => id.clone(),
    };
    case.requirements.iter().map(quote).collect()
}

/// The command that plays one case again.
pub fn replay(case: &CaseResult, results: &Results) -> String {
    let mut words = vec!["gatebench".to_owned(), "replay".to_owned()];
    words.push(case.scenario.clone());
    let mut runs = false;
    for (id, option) in [(&case.gateway, "gateway"), (&case.backend, "backend")] {
        let Some(id) = id.as_ref().filter(|id| *id != "script") else {
            continue;
        };
        let subject = results.subjects.iter().find(|subject| subject.id == *id);
        let running = subject.filter(|subject| subject.via == "running");
        let at = if running.is_some() { "-at" } else { "" };
        words.extend([format!("--{option}{at}"), id.clone()]);
        words.extend(
            running
                .into_iter()
                .flat_map(|running| running.options.clone()),
        );
        runs |= running.is_some();
    }
    if let Some(model) = case.model.filter(|_| !runs) {
        words.extend(["--model".to_owned(), model.to_string()]);
    }
    words
        .iter()
        .map(|word| quoted_word(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell takes it.
pub(super) fn quoted_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+[]".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The findings whose mark is wanted: what binds most first, then by scenario.
pub fn findings(results: &Results, wanted: impl Fn(Mark) -> bool) -> Vec<Finding<'_>> {
    let mut found = Vec::<Finding<'_>>::new();
    for case in &results.results {
        let mark = Mark::of(case);
        if !wanted(mark) {
            continue;
        }
        match found.iter_mut().find(|f| same(f, mark, case)) {
            Some(finding) => finding.cases.push(case),
            None => found.push(Finding {
                mark,
                cases: vec![case],
            }),
        }
    }
    found.sort_by_key(|finding| (finding.first().level, finding.first().scenario.as_str()));
    found
}

fn same(finding: &Finding<'_>, mark: Mark, case: &CaseResult) -> bool {
    let first = finding.first();
    finding.mark == mark
        && first.scenario == case.scenario
        && first.expected == case.expected
        && first.actual == case.actual
        && first.reason == case.reason
}

/// Whom the broken rule binds in one case, and who saw it.
pub fn blame(case: &CaseResult) -> Option<String> {
    let fault = match case.at_fault? {
        AtFault::Gateway => "the gateway",
        AtFault::Backend => "the backend",
        AtFault::Either => "the gateway or the backend",
    };
    let seen = case.witness.map(|witness| match witness {
        Witness::Client => "the client's bytes",
        Witness::Application => "what the application saw",
        Witness::Received => "what the backend received",
        Witness::Reply => "what the backend answered",
        Witness::NextRequest => "the next request on the same connection",
        Witness::Process => "the health of the processes",
    });
    Some(match seen {
        Some(seen) => format!("{fault}, by {seen}"),
        None => fault.to_owned(),
    })
}

/// Cases that did not run to a verdict, gathered by the reason.
#[derive(Debug)]
pub struct Skipped<'a> {
    /// `unsupported`, `blocked` or `bench_error`.
    pub mark: Mark,
    /// Why, as the bench said it.
    pub reason: &'a str,
    /// The cases, at least one.
    pub cases: Vec<&'a CaseResult>,
}

impl Skipped<'_> {
    /// The pairings in few words: `nginx (cgi, uwsgi)`.
    pub fn places(&self) -> String {
        gather(self.cases.iter().map(|case| Column::of(case)))
    }
}

/// The `unsupported` and `blocked` cases by reason, the most frequent reason first.
pub fn skipped(results: &Results) -> Vec<Skipped<'_>> {
    by_reason(results, |mark| {
        matches!(mark, Mark::Unsupported | Mark::Blocked)
    })
}

/// The bench's own trouble by reason, the most frequent first: a pairing that does not start is one
/// trouble, not one a case.
pub fn troubles(results: &Results) -> Vec<Skipped<'_>> {
    by_reason(results, |mark| mark == Mark::BenchError)
}

fn by_reason(results: &Results, wanted: impl Fn(Mark) -> bool) -> Vec<Skipped<'_>> {
    let mut by_reason = BTreeMap::<(Mark, &str), Vec<&CaseResult>>::new();
    for case in &results.results {
        let mark = Mark::of(case);
        if wanted(mark) {
            let reason = case.reason.as_deref().unwrap_or("no reason given");
            by_reason.entry((mark, reason)).or_default().push(case);
        }
    }
    let mut skipped: Vec<_> = by_reason
        .into_iter()
        .map(|((mark, reason), cases)| Skipped {
            mark,
            reason,
            cases,
        })
        .collect();
    skipped.sort_by_key(|skipped| (skipped.mark, std::cmp::Reverse(skipped.cases.len())));
    skipped
}

/// One value that the models of a gateway do not agree on, in one or more scenarios.
#[derive(Debug, PartialEq, Eq)]
pub struct Disagreement<'a> {
    /// Subject id of the gateway.
    pub gateway: &'a str,
    /// What was compared, for example `client.status`.
    pub what: &'a str,
    /// The values, each with the models that gave it; the most common first.
    pub values: Vec<(&'a str, Vec<&'a str>)>,
    /// Scenarios that show it, sorted.
    pub scenarios: Vec<&'a str>,
}

/// What differs between the models, the most frequent first.
pub fn disagreements(results: &Results) -> Vec<Disagreement<'_>> {
    let mut scenarios = BTreeMap::<_, Vec<&str>>::new();
    for (key, values) in values_by_model(results) {
        let (gateway, _, scenario, what) = key;
        let names = scenarios
            .entry((gateway, what, by_value(values)))
            .or_default();
        if !names.contains(&scenario) {
            names.push(scenario);
        }
    }
    let mut all: Vec<_> = scenarios
        .into_iter()
        .map(|((gateway, what, values), scenarios)| Disagreement {
            gateway,
            what,
            values,
            scenarios,
        })
        .collect();
    all.sort_by_key(|found| std::cmp::Reverse(found.scenarios.len()));
    all
}

/// Values that differ in a quarter of the scenarios and more, such as a variable that one params
/// file lacks: the table of differences tells them once, a mark in every row would say nothing.
pub fn everywhere(results: &Results) -> BTreeSet<&str> {
    let mut scenarios = BTreeSet::new();
    let mut showing = BTreeMap::<&str, BTreeSet<&str>>::new();
    for case in &results.results {
        scenarios.insert(case.scenario.as_str());
        for difference in &case.differs {
            showing
                .entry(&difference.what)
                .or_default()
                .insert(&case.scenario);
        }
    }
    let many = |found: &BTreeSet<&str>| scenarios.len() >= 8 && 4 * found.len() >= scenarios.len();
    showing
        .into_iter()
        .filter(|(_, found)| many(found))
        .map(|(what, _)| what)
        .collect()
}

/// Gateway, plain backend name, scenario, what was compared.
type Compared<'a> = (&'a str, &'a str, &'a str, &'a str);

fn values_by_model(results: &Results) -> BTreeMap<Compared<'_>, BTreeMap<&str, &str>> {
    let mut found = BTreeMap::<Compared<'_>, BTreeMap<&str, &str>>::new();
    for case in &results.results {
        let column = Column::of(case);
        let backend = plain_name(column.backend);
        for difference in &case.differs {
            let what = difference.what.as_str();
            let values = found
                .entry((column.gateway, backend, &case.scenario, what))
                .or_default();
            values.insert(column.model_word(), &difference.here);
            for (model, value) in &difference.others {
                values.entry(model).or_insert(value);
            }
        }
    }
    found
}

fn by_value<'a>(values: BTreeMap<&'a str, &'a str>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut grouped = BTreeMap::<&str, Vec<&str>>::new();
    for (model, value) in values {
        grouped.entry(value).or_default().push(model);
    }
    let mut grouped: Vec<_> = grouped.into_iter().collect();
    grouped.sort_by_key(|(_, models)| std::cmp::Reverse(models.len()));
    grouped
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether any case came to a verdict.
    pub judged: bool,
    /// Violations that count: at the level asked for or stricter, and not known.
    pub counted: usize,
    /// Violations that are only told.
    pub told: usize,
    /// Entries of the known list that are out of date.
    pub stale: u32,
    /// Cases that the bench itself could not judge.
    pub unjudged: u32,
    /// Figures that it could not measure.
    pub missing: u32,
}

impl Verdict {
    /// Sums up a run, in which violations up to `level` count.
    pub fn of(results: &Results, level: Level) -> Self {
        let violations = results
            .results
            .iter()
            .filter(|c| Mark::of(c).is_violation());
        let (counted, told): (Vec<_>, Vec<_>) = violations.partition(|c| c.level <= level);
        Self {
            judged: results
                .results
                .iter()
                .any(|case| Mark::of(case).is_verdict()),
            counted: counted.len(),
            told: told.len(),
            stale: results.summary.stale,
            unjudged: results.summary.bench_error - results.missing_figures(),
            missing: results.missing_figures(),
        }
    }

    /// What the program's exit code says: 2 when the bench broke, 1 when a rule was broken, else 0.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self { unjudged: 1.., .. } | Self { missing: 1.., .. } => 2,
            Self { counted: 1.., .. } | Self { stale: 1.., .. } => 1,
            _ => 0,
        }
    }

    /// `PASS`, `FAIL` or `ERROR`; `DONE` where nothing was to be judged.
    pub fn word(&self) -> &'static str {
        match self.exit_code() {
            0 if !self.judged => "DONE",
            0 => "PASS",
            1 => "FAIL",
            _ => "ERROR",
        }
    }

    /// The verdict in one sentence, without its word.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if !self.judged {
            parts.push("nothing was judged".to_owned());
        } else if self.counted > 0 {
            parts.push(format!(
                "{} broken a rule",
                cases(self.counted, "has", "have")
            ));
        } else {
            parts.push("every rule that counts was kept".to_owned());
        }
        if self.told > 0 {
            parts.push(format!(
                "{} a recommendation",
                cases(self.told, "does not follow", "do not follow")
            ));
        }
        if self.stale > 0 {
            parts.push(format!(
                "{} of the known list out of date",
                entries(self.stale)
            ));
        }
        for (count, verb, noun) in [
            (self.unjudged, "judge", "case"),
            (self.missing, "measure", "pairing"),
        ] {
            if count > 0 {
                let what = plural(count as usize, noun);
                parts.push(format!("the bench could not {verb} {what}"));
            }
        }
        parts.join("; ")
    }
}

/// The counts of a run that are not zero, each with its mark's symbol and word.
pub fn counts(summary: &Summary) -> Vec<(u32, Mark)> {
    let counts = [
        (summary.pass, Mark::Pass),
        (summary.fail, Mark::Fail),
        (summary.crash, Mark::Crash),
        (summary.hang, Mark::Hang),
        (summary.stale, Mark::Stale),
        (summary.known, Mark::Known),
        (summary.unsupported, Mark::Unsupported),
        (summary.blocked, Mark::Blocked),
        (summary.bench_error, Mark::BenchError),
    ];
    counts.into_iter().filter(|(count, _)| *count > 0).collect()
}

fn cases(count: usize, one: &str, many: &str) -> String {
    let verb = if count == 1 { one } else { many };
    format!("{} {verb}", plural(count, "case"))
}

/// `1 entry`, `2 entries`.
pub fn entries(count: u32) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{count} entries"),
    }
}

/// `1 case`, `2 cases`.
pub fn plural(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
