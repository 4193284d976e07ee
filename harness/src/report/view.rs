//! Results arranged the way every report shows them: marks, columns, topics.

use std::collections::BTreeMap;

use crate::{
    model::Model,
    outcome::Outcome,
    results::{CaseResult, Results},
};

/// How a case is shown: its outcome, and whether the known list speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Mark {
    Pass,
    Fail,
    Crash,
    Hang,
    /// Listed as known, and passed: the list is out of date.
    Stale,
    /// A violation that the known list explains.
    Known,
    Unsupported,
    Blocked,
    BenchError,
}

impl Mark {
    /// Every mark, in the order that reports count them.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Fail,
        Self::Crash,
        Self::Hang,
        Self::Stale,
        Self::Known,
        Self::Unsupported,
        Self::Blocked,
        Self::BenchError,
    ];

    /// The mark of one case.
    pub fn of(case: &CaseResult) -> Self {
        match case.outcome {
            Outcome::Pass if case.known => Self::Stale,
            outcome if case.known && outcome.is_violation() => Self::Known,
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Crash => Self::Crash,
            Outcome::Hang => Self::Hang,
            Outcome::Unsupported => Self::Unsupported,
            Outcome::Blocked => Self::Blocked,
            Outcome::BenchError => Self::BenchError,
        }
    }

    /// One column wide, and no two alike, so that colour is never needed to tell them apart.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail => "✗",
            Self::Crash => "‡",
            Self::Hang => "∞",
            Self::Stale => "?",
            Self::Known => "~",
            Self::Unsupported => "–",
            Self::Blocked => "·",
            Self::BenchError => "!",
        }
    }

    /// What the symbol means, as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Known => "known",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Unsupported => "unsupported",
            Self::Blocked => "blocked",
            Self::BenchError => "bench error",
        }
    }

    /// Whether a rule was broken and nobody had said so before.
    pub fn is_violation(self) -> bool {
        matches!(self, Self::Fail | Self::Crash | Self::Hang)
    }

    /// Whether the case came to a verdict on the subjects.
    pub fn is_verdict(self) -> bool {
        !matches!(self, Self::Unsupported | Self::Blocked | Self::BenchError)
    }
}

/// Counts of marks, as a cell of the matrix shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Mark, usize>);

impl Tally {
    /// Counts the cases.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseResult>) -> Self {
        let mut tally = Self::default();
        for case in cases {
            tally.add(Mark::of(case));
        }
        tally
    }

    /// Counts one more case.
    pub fn add(&mut self, mark: Mark) {
        *self.0.entry(mark).or_default() += 1;
    }

    /// How many cases have this mark.
    pub fn count(&self, mark: Mark) -> usize {
        self.0.get(&mark).copied().unwrap_or_default()
    }

    /// The marks that occur, with their counts, in the order of [`Mark::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Mark, usize)> {
        self.0.iter().map(|(&mark, &count)| (mark, count))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a case ran: one column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column<'a> {
    /// Subject id of the gateway, or the harness in its seat.
    pub gateway: &'a str,
    /// The way to the application; `None` where the scenario concerns no application.
    pub model: Option<Model>,
    /// Subject id of the backend, or the harness in its seat.
    pub backend: &'a str,
    /// What carried CGI, where the gateway executes nothing itself.
    pub carrier: Option<&'a str>,
}

impl<'a> Column<'a> {
    /// The column that a case belongs to.
    pub fn of(case: &'a CaseResult) -> Self {
        Self {
            gateway: case.gateway.as_deref().unwrap_or("driver"),
            model: case.model,
            backend: case.backend.as_deref().unwrap_or("recorder"),
            carrier: case.carrier.as_deref(),
        }
    }

    /// The word of the model.
    pub fn model_word(&self) -> &'static str {
        self.model.map_or("any", Model::word)
    }

    /// The model and its carrier: `cgi via fastcgi`.
    pub fn way(&self) -> String {
        match self.carrier {
            Some(carrier) => format!("{} via {carrier}", self.model_word()),
            None => self.model_word().to_owned(),
        }
    }

    /// The whole pairing in one line: `nginx · cgi via fastcgi · gateserve:cgi`.
    pub fn label(&self) -> String {
        format!("{} · {} · {}", self.gateway, self.way(), self.backend)
    }
}

/// Columns in few words, those of one gateway together: `nginx (cgi, fastcgi)`.
pub fn gather<'a>(columns: impl IntoIterator<Item = Column<'a>>) -> String {
    let mut gateways = Vec::<(&str, Vec<&str>)>::new();
    for column in columns {
        let model = column.model_word();
        match gateways
            .iter_mut()
            .find(|(name, _)| *name == column.gateway)
        {
            Some((_, models)) if models.contains(&model) => {}
            Some((_, models)) => models.push(model),
            None => gateways.push((column.gateway, vec![model])),
        }
    }
    let words = gateways
        .iter()
        .map(|(name, models)| format!("{name} ({})", models.join(", ")));
    words.collect::<Vec<_>>().join(", ")
}

/// The name part of a subject id, `name[@version][:variant]`.
pub fn plain_name(id: &str) -> &str {
    id.split(['@', ':']).next().unwrap_or(id)
}

/// The matrix: one row per scenario, one column per pairing.
#[derive(Debug)]
pub struct Grid<'a> {
    /// Gateways in order of appearance, models in the order of [`Model::ALL`].
    pub columns: Vec<Column<'a>>,
    /// Sorted by name.
    pub topics: Vec<Topic<'a>>,
}

/// The scenarios of one file.
#[derive(Debug)]
pub struct Topic<'a> {
    /// Folder and file: the scenario's id without its last part.
    pub name: &'a str,
    /// Sorted by id.
    pub rows: Vec<Row<'a>>,
}

/// One scenario in every column.
#[derive(Debug)]
pub struct Row<'a> {
    /// Scenario id.
    pub scenario: &'a str,
    /// One per column; `None` where it did not run.
    pub cells: Vec<Option<&'a CaseResult>>,
}

impl<'a> Grid<'a> {
    /// Arranges the cases.
    pub fn of(results: &'a Results) -> Self {
        let columns = columns(&results.results);
        let mut rows = BTreeMap::<&str, Vec<Option<&CaseResult>>>::new();
        for case in &results.results {
            let cells = rows
                .entry(&case.scenario)
                .or_insert_with(|| vec![None; columns.len()]);
            let here = Column::of(case);
            if let Some(at) = columns.iter().position(|column| *column == here) {
                cells[at] = Some(case);
            }
        }
        Self {
            columns,
            topics: topics(rows),
        }
    }

    /// Runs of columns that share a gateway: the gateway and its range of column numbers.
    pub fn bands(&self) -> Vec<(&'a str, std::ops::Range<usize>)> {
        let mut bands = Vec::<(&str, std::ops::Range<usize>)>::new();
        for (at, column) in self.columns.iter().enumerate() {
            match bands.last_mut() {
                Some((gateway, range)) if *gateway == column.gateway => range.end = at + 1,
                _ => bands.push((column.gateway, at..at + 1)),
            }
        }
        bands
    }

    /// Counts of one column over all topics.
    pub fn total(&self, column: usize) -> Tally {
        let rows = self.topics.iter().flat_map(|topic| &topic.rows);
        Tally::of(rows.filter_map(|row| row.cells[column]))
    }
}

impl Topic<'_> {
    /// Counts of one column over this topic.
    pub fn tally(&self, column: usize) -> Tally {
        Tally::of(self.rows.iter().filter_map(|row| row.cells[column]))
    }
}

impl<'a> Row<'a> {
    /// The cases that ran.
    pub fn cases(&self) -> impl Iterator<Item = &'a CaseResult> {
        self.cells.iter().filter_map(|cell| *cell)
    }
}

fn columns(cases: &[CaseResult]) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    let mut gateways = Vec::new();
    for column in cases.iter().map(Column::of) {
        if !columns.contains(&column) {
            columns.push(column);
        }
        if !gateways.contains(&column.gateway) {
            gateways.push(column.gateway);
        }
    }
    let seat = |column: &Column<'_>| gateways.iter().position(|&name| name == column.gateway);
    columns.sort_by_key(|column| (seat(column), column.model));
    columns
}

fn topics<'a>(rows: BTreeMap<&'a str, Vec<Option<&'a CaseResult>>>) -> Vec<Topic<'a>> {
    let mut topics = BTreeMap::<&str, Vec<Row<'_>>>::new();
    for (scenario, cells) in rows {
        let topic = scenario
            .rsplit_once('/')
            .map_or(scenario, |(topic, _)| topic);
        topics
            .entry(topic)
            .or_default()
            .push(Row { scenario, cells });
    }
    let topics = topics.into_iter();
    topics.map(|(name, rows)| Topic { name, rows }).collect()
}
