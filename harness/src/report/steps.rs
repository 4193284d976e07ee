//! Where the time of CGI requests went, arranged to be compared: one column per pairing.

use std::fmt::Write;

use super::{markup::plain, units};
use crate::{
    cgi_steps::{CgiStep, CgiSteps},
    model::Model,
    results::{Results, Throughput},
};

/// What a reader has to know of every number.
pub const ABOUT: &str = "one request at a time, traced in a round of its own after the measured ones; \
                         median (99th percentile) of each step in µs, from the step before";

/// Which columns differ in nothing but the start of the program.
pub const FAIR: &str = "gateserve:cgi-warm forks the very script that gateserve:cgi-python executes: \
                        compare these two; gateserve:cgi and script are the probe in Rust";

/// The CGI pairings of one gateway.
#[derive(Debug)]
pub struct Board<'a> {
    /// Subject id of the gateway.
    pub gateway: &'a str,
    /// In the order of the figures.
    pub columns: Vec<Column<'a>>,
}

/// One pairing.
#[derive(Debug)]
pub struct Column<'a> {
    /// `cgi` or `cgi-warm`.
    pub model: &'static str,
    /// Subject id of the backend.
    pub backend: &'a str,
    /// Its steps.
    pub steps: &'a CgiSteps,
}

impl Board<'_> {
    /// Every step that somebody took: its name, and what each column says; their sum, and how many
    /// requests they are of.
    pub fn rows(&self) -> Vec<(&'static str, Vec<String>)> {
        let steps = CgiStep::ALL.into_iter();
        let steps = steps.filter(|step| self.columns.iter().any(|c| c.time(*step).is_some()));
        let mut rows: Vec<_> = steps.map(|step| (step.name(), self.cells(step))).collect();
        let sums = self.columns.iter().map(|c| c.steps.total_us());
        rows.push(("together", sums.map(units::count).collect()));
        let counts = self.columns.iter().map(|c| c.steps.requests);
        rows.push(("requests", counts.map(units::count).collect()));
        rows
    }

    fn cells(&self, step: CgiStep) -> Vec<String> {
        let cell = |column: &Column<'_>| match column.time(step) {
            None => "–".to_owned(),
            Some((p50, p99)) => format!("{} ({})", units::count(p50), units::count(p99)),
        };
        self.columns.iter().map(cell).collect()
    }

    /// Whether it holds a forked program, which is compared with the same one executed.
    pub fn has_warm(&self) -> bool {
        let warm = Model::CgiWarm.word();
        self.columns.iter().any(|column| column.model == warm)
    }
}

impl Column<'_> {
    /// Median and 99th percentile of a step, in microseconds.
    pub fn time(&self, step: CgiStep) -> Option<(u64, u64)> {
        let found = self.steps.steps.iter().find(|time| time.step == step);
        found.map(|time| (time.p50_us, time.p99_us))
    }
}

/// What was traced in a run; figures of one pairing share their steps.
pub fn boards(results: &Results) -> Vec<Board<'_>> {
    let mut boards = Vec::<Board<'_>>::new();
    for figure in &results.throughput {
        let (Some(gateway), Some(column)) = (figure.gateway.as_deref(), column(figure)) else {
            continue;
        };
        let at = boards.iter().position(|board| board.gateway == gateway);
        let board = match at {
            Some(at) => &mut boards[at],
            None => {
                let columns = Vec::new();
                boards.push(Board { gateway, columns });
                boards.last_mut().expect("it was pushed")
            }
        };
        let is_there =
            |known: &Column<'_>| (known.model, known.backend) == (column.model, column.backend);
        if !board.columns.iter().any(is_there) {
            board.columns.push(column);
        }
    }
    boards
}

fn column(figure: &Throughput) -> Option<Column<'_>> {
    Some(Column {
        model: figure.model?.word(),
        backend: figure.backend.as_deref()?,
        steps: figure.cgi_steps.as_ref()?,
    })
}

/// As a part of the Markdown summary; empty where nothing was traced.
pub fn markdown(results: &Results) -> String {
    let boards = boards(results);
    if boards.is_empty() {
        return String::new();
    }
    let mut out = format!("### CGI, step by step\n\n{ABOUT}.\n");
    for board in &boards {
        _ = writeln!(out, "\n**{}**\n", plain(board.gateway));
        let heads = board.columns.iter();
        let heads: Vec<_> = heads
            .map(|column| format!("{}<br>{}", column.model, plain(column.backend)))
            .collect();
        _ = writeln!(out, "| step | {} |", heads.join(" | "));
        _ = writeln!(out, "|---|{}", "---:|".repeat(heads.len()));
        for (name, cells) in board.rows() {
            _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
    }
    if boards.iter().any(Board::has_warm) {
        _ = writeln!(out, "\n{FAIR}.");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgi_steps::StepTime;

    fn steps(all: &[(CgiStep, u64)]) -> CgiSteps {
        let time = |&(step, p50_us): &(CgiStep, u64)| StepTime {
            step,
            p50_us,
            p99_us: 2 * p50_us,
        };
        CgiSteps {
            requests: 100,
            steps: all.iter().map(time).collect(),
        }
    }

    #[test]
    fn a_step_that_only_one_pairing_takes_is_left_open_for_the_others() {
        let exec = steps(&[(CgiStep::Spawned, 90), (CgiStep::Executed, 1_200)]);
        let fork = steps(&[(CgiStep::Spawned, 700), (CgiStep::FirstByte, 40)]);
        let column = |model, backend, steps| Column {
            model,
            backend,
            steps,
        };
        let board = Board {
            gateway: "nginx",
            columns: vec![
                column("cgi", "gateserve:cgi-python", &exec),
                column("cgi-warm", "gateserve:cgi-warm", &fork),
            ],
        };
        let rows = board.rows().into_iter();
        let lines: Vec<_> = rows
            .map(|(n, c)| format!("{n}: {}", c.join(" | ")))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        spawned: 90 (180) | 700 (1,400)
        exec'ed: 1,200 (2,400) | –
        first byte: – | 40 (80)
        together: 1,290 | 740
        requests: 100 | 100
        ");
        assert!(board.has_warm());
    }
}
