//! What the page's script draws from: every case once, as small as it goes.
//!
//! A run of everything has tens of thousands of cases, most of them passes; a mark of one letter
//! tells those. What there is to say of the others is drawn when somebody looks at it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::page::owned;
use crate::{
    report::{
        change::Changes,
        findings, lone,
        text::{visible, visible_lines},
        units,
        view::{Column, Grid, Mark, Row, Tally},
    },
    results::{CaseResult, Results},
};

/// Octets of transcripts on one page, all together.
const WIRES: usize = 4 << 20;
/// Octets of one transcript, where few share the page.
const LONGEST_WIRE: usize = 64 << 10;
/// Octets of one transcript, where many do.
const SHORTEST_WIRE: usize = 1500;
/// Octets of a value that came from the wire.
const LONGEST_VALUE: usize = 1200;

/// The CSS class of a mark.
pub(super) fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::BenchError => "bench-error",
        other => other.word(),
    }
}

/// The letter by which the script knows a mark.
fn letter(mark: Mark) -> char {
    match mark {
        Mark::Pass => 'p',
        Mark::Fail => 'f',
        Mark::Crash => 'c',
        Mark::Hang => 'h',
        Mark::Stale => 's',
        Mark::Known => 'k',
        Mark::Unsupported => 'u',
        Mark::Blocked => 'b',
        Mark::BenchError => 'e',
    }
}

/// The name under which a case is linked to: the same in every report of this pairing.
pub(super) fn anchor(case: &CaseResult) -> String {
    let column = Column::of(case);
    let (gateway, model, backend) = (column.gateway, column.model_word(), column.backend);
    let name = format!("{}--{gateway}--{model}--{backend}", case.scenario);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

/// All that the script draws.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    marks: BTreeMap<char, Sign>,
    columns: Vec<Head>,
    topics: Vec<Section>,
    /// The rules that are cited, quoted.
    rules: BTreeMap<String, String>,
    wires: Vec<String>,
    /// Scenarios that one subject alone breaks.
    lone: Vec<String>,
    /// Scenarios that changed since the last run.
    changed: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Sign {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Head {
    gateway: String,
    model: &'static str,
    carrier: Option<String>,
    backend: String,
    label: String,
}

#[derive(Debug, Serialize)]
struct Section {
    name: String,
    rows: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    says: String,
    level: &'static str,
    rules: Vec<String>,
    /// A letter per column, a space where it was not played.
    cells: String,
    /// What there is to tell, by column.
    told: BTreeMap<usize, Case>,
}

/// One case that has more to tell than its mark.
#[derive(Debug, Serialize)]
struct Case {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observed: Vec<(String, String)>,
    /// Whether the models differ in more than they do everywhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    differs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Number of its transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    wire: Option<usize>,
}

/// The transcripts of the page, equal ones once.
struct Wires<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    longest: usize,
    texts: Vec<String>,
    known: HashMap<String, usize>,
}

impl Data {
    pub(super) fn of(
        results: &Results,
        read: &dyn Fn(&str) -> Option<String>,
        changes: Option<&Changes<'_>>,
    ) -> Self {
        let grid = Grid::of(results);
        let everywhere = findings::everywhere(results);
        let shown = results.results.iter().filter(|case| is_told(case)).count();
        let mut wires = Wires {
            read,
            longest: (WIRES / shown.max(1)).clamp(SHORTEST_WIRE, LONGEST_WIRE),
            texts: Vec::new(),
            known: HashMap::new(),
        };
        let topics = grid.topics.iter().map(|topic| Section {
            name: topic.name.to_owned(),
            rows: topic
                .rows
                .iter()
                .filter_map(|row| line(row, results, &everywhere, &mut wires))
                .collect(),
        });
        let topics = topics.collect();
        Self {
            marks: marks(results),
            columns: grid.columns.iter().map(head).collect(),
            topics,
            rules: rules(results),
            wires: wires.texts,
            lone: lone::lone(results)
                .iter()
                .map(|one| one.scenario.to_owned())
                .collect(),
            changed: changes.map(changed).unwrap_or_default(),
        }
    }

    /// As JSON that can stand within a script element: no `<` is left in it.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

fn changed(changes: &Changes<'_>) -> Vec<String> {
    let all = [&changes.worse, &changes.better, &changes.other];
    let names = all
        .into_iter()
        .flatten()
        .map(|one| one.case.scenario.clone());
    names.collect()
}

fn marks(results: &Results) -> BTreeMap<char, Sign> {
    let tally = Tally::of(&results.results);
    let sign = |(mark, count): (Mark, usize)| {
        let sign = Sign {
            class: mark_class(mark),
            symbol: mark.symbol(),
            word: mark.word(),
            count,
        };
        (letter(mark), sign)
    };
    tally.iter().map(sign).collect()
}

fn rules(results: &Results) -> BTreeMap<String, String> {
    let rules = results.requirements.iter();
    let quoted = rules.map(|(id, rule)| {
        let text = format!("{}, {}: {}", rule.source, rule.level, rule.statement);
        (id.clone(), visible(&text).into_owned())
    });
    quoted.collect()
}

fn head(column: &Column<'_>) -> Head {
    Head {
        gateway: visible(column.gateway).into_owned(),
        model: column.model_word(),
        carrier: column.carrier.map(str::to_owned),
        backend: visible(column.backend).into_owned(),
        label: visible(&column.label()).into_owned(),
    }
}

fn line(
    row: &Row<'_>,
    results: &Results,
    everywhere: &BTreeSet<&str>,
    wires: &mut Wires<'_>,
) -> Option<Line> {
    let first = row.cases().next()?;
    let cells = row.cells.iter();
    let cells = cells.map(|case| case.map_or(' ', |case| letter(Mark::of(case))));
    let cells = cells.collect();
    let told = row.cells.iter().enumerate();
    let told =
        told.filter_map(|(at, case)| Some((at, case_of((*case)?, results, everywhere, wires)?)));
    Some(Line {
        id: row.scenario.to_owned(),
        says: visible(&first.says).into_owned(),
        level: first.level.word(),
        rules: owned(&first.requirements),
        cells,
        told: told.collect(),
    })
}

/// Whether the bytes of a case are shown: those of a pass are in its file.
fn is_told(case: &CaseResult) -> bool {
    let mark = Mark::of(case);
    mark.is_violation() || matches!(mark, Mark::Known | Mark::Stale | Mark::BenchError)
}

/// Whether this model's answer differs in something that does not differ everywhere.
fn stands_out(case: &CaseResult, everywhere: &BTreeSet<&str>) -> bool {
    let mut differences = case.differs.iter();
    differences.any(|difference| !everywhere.contains(difference.what.as_str()))
}

fn case_of(
    case: &CaseResult,
    results: &Results,
    everywhere: &BTreeSet<&str>,
    wires: &mut Wires<'_>,
) -> Option<Case> {
    let is_told = is_told(case);
    let observed = case.observation.iter();
    let told = Case {
        facts: facts(case, is_told),
        observed: observed
            .map(|(name, value)| (shown(name), shown(value)))
            .collect(),
        differs: stands_out(case, everywhere),
        replay: is_told.then(|| visible(&findings::replay(case, results)).into_owned()),
        path: case
            .transcript
            .as_deref()
            .filter(|_| is_told)
            .map(|path| visible(path).into_owned()),
        wire: case
            .transcript
            .as_deref()
            .filter(|_| is_told)
            .and_then(|path| wires.number(path)),
    };
    let is_plain = told.facts.is_empty() && told.observed.is_empty() && !told.differs;
    (!is_plain).then_some(told)
}

fn facts(case: &CaseResult, is_told: bool) -> Vec<(&'static str, String)> {
    let only = |value: Option<String>| value.filter(|_| is_told);
    let differs = case.differs.iter().map(|one| {
        let others = one
            .others
            .iter()
            .map(|(model, value)| format!("{model} {value}"));
        let others = others.collect::<Vec<_>>().join(", ");
        (
            "differs",
            Some(format!("{}: {} here; {others}", one.what, one.here)),
        )
    });
    let facts = [
        ("expected", case.expected.clone()),
        ("actual", case.actual.clone()),
        ("reason", case.reason.clone()),
        ("at fault", findings::blame(case)),
        ("likely cause", case.cause.clone()),
        ("took", only(Some(units::micros(case.duration_us)))),
    ];
    let told = facts.into_iter().chain(differs);
    let told = told.filter_map(|(name, value)| Some((name, value?)));
    told.map(|(name, value)| (name, shown(&value))).collect()
}

/// A value made visible, and cut where it is long.
fn shown(value: &str) -> String {
    let text = visible(value);
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}… ({} octets)", &text[..end], value.len()),
        None => text.into_owned(),
    }
}

impl Wires<'_> {
    /// The number of a transcript, which is cut where many share the page.
    fn number(&mut self, path: &str) -> Option<usize> {
        let text = visible_lines(&(self.read)(path)?);
        let text = match text.char_indices().nth(self.longest) {
            Some((end, _)) => format!(
                "{}\n… {} more octets in {path}",
                &text[..end],
                text.len() - end
            ),
            None => text,
        };
        if let Some(number) = self.known.get(&text) {
            return Some(*number);
        }
        let number = self.texts.len();
        self.known.insert(text.clone(), number);
        self.texts.push(text);
        Some(number)
    }
}
