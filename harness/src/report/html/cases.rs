//! The matrix and the findings as the templates print them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::page::owned;
use crate::{
    report::{
        findings,
        text::{visible, visible_lines},
        units,
        view::{Column, Grid, Mark, Row, Tally, Topic},
    },
    results::{CaseResult, Results},
};

/// The CSS class of a mark.
pub(super) fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::BenchError => "bench-error",
        other => other.word(),
    }
}

/// The id of the element that tells of a case: the same in every report of this pairing.
fn anchor(case: &CaseResult) -> String {
    let column = Column::of(case);
    let (gateway, model, backend) = (column.gateway, column.model_word(), column.backend);
    let name = format!("{}--{gateway}--{model}--{backend}", case.scenario);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    bands: Vec<Band>,
    columns: Vec<Head>,
    topics: Vec<Section>,
    totals: Vec<Vec<Part>>,
    /// Marks that occur, for the filter and the legend.
    marks: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Band {
    gateway: String,
    columns: usize,
}

#[derive(Debug, Serialize)]
struct Head {
    model: &'static str,
    carrier: Option<String>,
    backend: String,
    /// Whether a gateway's columns begin here.
    first: bool,
}

#[derive(Debug, Serialize)]
struct Section {
    name: String,
    tallies: Vec<Vec<Part>>,
    rows: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Part {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    scenario: String,
    name: String,
    says: String,
    level: &'static str,
    requirements: Vec<String>,
    /// Classes of the marks in this row, and `differs`: what the filter looks at.
    marks: Vec<&'static str>,
    cells: Vec<Option<Cell>>,
    /// What was observed, a line per column that has something to tell.
    observed: Vec<(String, Vec<(String, String)>)>,
}

#[derive(Debug, Serialize)]
struct Cell {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    tip: String,
    link: Option<String>,
    differs: bool,
}

impl Matrix {
    pub(super) fn of(results: &Results) -> Self {
        let grid = Grid::of(results);
        let bands = grid.bands();
        let everywhere = findings::everywhere(results);
        let starts: Vec<_> = bands.iter().map(|(_, range)| range.start).collect();
        let columns = grid.columns.iter().enumerate();
        Self {
            bands: bands
                .iter()
                .map(|(gateway, range)| Band {
                    gateway: visible(gateway).into_owned(),
                    columns: range.len(),
                })
                .collect(),
            columns: columns
                .map(|(at, column)| head(column, starts.contains(&at)))
                .collect(),
            topics: grid
                .topics
                .iter()
                .map(|topic| section(topic, &grid, &everywhere))
                .collect(),
            totals: (0..grid.columns.len())
                .map(|at| parts(&grid.total(at)))
                .collect(),
            marks: parts(&Tally::of(&results.results)),
        }
    }
}

fn head(column: &Column<'_>, first: bool) -> Head {
    Head {
        model: column.model_word(),
        carrier: column.carrier.map(str::to_owned),
        backend: visible(column.backend).into_owned(),
        first,
    }
}

fn section(topic: &Topic<'_>, grid: &Grid<'_>, everywhere: &BTreeSet<&str>) -> Section {
    Section {
        name: topic.name.to_owned(),
        tallies: (0..grid.columns.len())
            .map(|at| parts(&topic.tally(at)))
            .collect(),
        rows: topic
            .rows
            .iter()
            .filter_map(|row| line(row, topic.name, everywhere))
            .collect(),
    }
}

fn parts(tally: &Tally) -> Vec<Part> {
    let parts = tally.iter().map(|(mark, count)| Part {
        class: mark_class(mark),
        symbol: mark.symbol(),
        word: mark.word(),
        count,
    });
    parts.collect()
}

fn line(row: &Row<'_>, topic: &str, everywhere: &BTreeSet<&str>) -> Option<Line> {
    let first = row.cases().next()?;
    let name = row.scenario.strip_prefix(topic).unwrap_or(row.scenario);
    let mut marks: Vec<_> = row.cases().map(|case| mark_class(Mark::of(case))).collect();
    marks.sort_unstable();
    marks.dedup();
    if row.cases().any(|case| stands_out(case, everywhere)) {
        marks.push("differs");
    }
    Some(Line {
        scenario: row.scenario.to_owned(),
        name: name.trim_start_matches('/').to_owned(),
        says: visible(&first.says).into_owned(),
        level: first.level.word(),
        requirements: owned(&first.requirements),
        marks,
        cells: row
            .cells
            .iter()
            .map(|case| case.map(|case| cell(case, everywhere)))
            .collect(),
        observed: row.cases().filter_map(observed).collect(),
    })
}

/// Whether this model's answer differs in something that does not differ everywhere.
fn stands_out(case: &CaseResult, everywhere: &BTreeSet<&str>) -> bool {
    case.differs
        .iter()
        .any(|difference| !everywhere.contains(difference.what.as_str()))
}

fn cell(case: &CaseResult, everywhere: &BTreeSet<&str>) -> Cell {
    let mark = Mark::of(case);
    let told = mark.is_violation() || matches!(mark, Mark::Known | Mark::Stale | Mark::BenchError);
    let told = told.then(|| anchor(case));
    let why = case.reason.as_deref().or(case.actual.as_deref());
    let why = why
        .map(|why| format!(": {}", visible(why)))
        .unwrap_or_default();
    Cell {
        class: mark_class(mark),
        symbol: mark.symbol(),
        word: mark.word(),
        tip: format!("{}{why} ({})", mark.word(), units::micros(case.duration_us)),
        link: told,
        differs: stands_out(case, everywhere),
    }
}

fn observed(case: &CaseResult) -> Option<(String, Vec<(String, String)>)> {
    let values = case.observation.iter();
    let values: Vec<_> = values
        .map(|(name, value)| (visible(name).into_owned(), visible(value).into_owned()))
        .collect();
    (!values.is_empty()).then(|| (Column::of(case).label(), values))
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    scenario: String,
    says: String,
    level: &'static str,
    facts: Vec<(&'static str, String)>,
    rules: Vec<String>,
    places: Vec<Place>,
}

#[derive(Debug, Serialize)]
struct Place {
    anchor: String,
    label: String,
    path: Option<String>,
    wire: Option<String>,
    replay: String,
}

impl Finding {
    pub(super) fn of(
        found: &findings::Finding<'_>,
        results: &Results,
        transcripts: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let case = found.first();
        Self {
            class: mark_class(found.mark),
            symbol: found.mark.symbol(),
            word: found.mark.word(),
            scenario: case.scenario.clone(),
            says: visible(&case.says).into_owned(),
            level: case.level.word(),
            facts: facts(found),
            rules: owned(&findings::quoted(case, results)),
            places: found
                .cases
                .iter()
                .map(|case| place(case, results, transcripts))
                .collect(),
        }
    }
}

fn facts(found: &findings::Finding<'_>) -> Vec<(&'static str, String)> {
    let case = found.first();
    let facts = [
        ("expected", case.expected.clone()),
        ("actual", case.actual.clone()),
        ("reason", case.reason.clone()),
        ("at fault", found.blame()),
        ("likely cause", case.cause.clone()),
    ];
    let told = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    told.map(|(name, value)| (name, visible(&value).into_owned()))
        .collect()
}

fn place(
    case: &CaseResult,
    results: &Results,
    transcripts: &dyn Fn(&str) -> Option<String>,
) -> Place {
    let text = case.transcript.as_deref().and_then(transcripts);
    Place {
        anchor: anchor(case),
        label: Column::of(case).label(),
        path: case
            .transcript
            .as_deref()
            .map(|path| visible(path).into_owned()),
        wire: text.map(|text| visible_lines(&text)),
        replay: visible(&findings::replay(case, results)).into_owned(),
    }
}
