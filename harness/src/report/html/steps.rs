//! CGI, step by step, as the templates print it: a bar in as many parts as there are steps.

use serde::Serialize;

use crate::{
    cgi_steps::CgiStep,
    report::{
        steps::{self, ABOUT, Board, Column, FAIR},
        text::visible,
        units,
    },
    results::Results,
};

/// The section; without a board there is none.
#[derive(Debug, Serialize)]
pub(super) struct Steps {
    about: &'static str,
    fair: Option<&'static str>,
    boards: Vec<Chart>,
}

#[derive(Debug, Serialize)]
struct Chart {
    gateway: String,
    /// What the colours mean: class and name.
    key: Vec<(&'static str, &'static str)>,
    bars: Vec<Bar>,
    /// A name and a cell for each bar.
    rows: Vec<(&'static str, Vec<String>)>,
}

#[derive(Debug, Serialize)]
struct Bar {
    model: &'static str,
    backend: String,
    total: String,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    class: &'static str,
    /// For who points at it: `exec'ed: 1,200 µs`.
    title: String,
    /// Of the whole request, in per cent.
    width: String,
}

pub(super) fn of(results: &Results) -> Steps {
    let boards = steps::boards(results);
    let has_warm = boards.iter().any(Board::has_warm);
    Steps {
        about: ABOUT,
        fair: has_warm.then_some(FAIR),
        boards: boards.iter().map(chart).collect(),
    }
}

fn chart(board: &Board<'_>) -> Chart {
    let taken = |step: &CgiStep| board.columns.iter().any(|c| c.time(*step).is_some());
    let key = CgiStep::ALL.into_iter().filter(taken);
    Chart {
        gateway: visible(board.gateway).into_owned(),
        key: key.map(|step| (class(step), step.name())).collect(),
        bars: board.columns.iter().map(bar).collect(),
        rows: board.rows(),
    }
}

fn bar(column: &Column<'_>) -> Bar {
    let whole = column.steps.total_us().max(1);
    let parts = CgiStep::ALL.into_iter().filter_map(|step| {
        let (us, _) = column.time(step)?;
        Some(Part {
            class: class(step),
            title: format!("{}: {} µs", step.name(), units::count(us)),
            width: format!("{:.2}", us as f64 * 100.0 / whole as f64),
        })
    });
    Bar {
        model: column.model,
        backend: visible(column.backend).into_owned(),
        total: units::micros(column.steps.total_us()),
        parts: parts.collect(),
    }
}

/// The style of a step's part.
fn class(step: CgiStep) -> &'static str {
    match step {
        CgiStep::Parsed => "step-1",
        CgiStep::Started => "step-2",
        CgiStep::Spawned => "step-3",
        CgiStep::Executed => "step-4",
        CgiStep::FirstByte => "step-5",
        CgiStep::LastByte => "step-6",
        CgiStep::Exited => "step-7",
        CgiStep::Reaped => "step-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgi_steps::{CgiSteps, StepTime};

    #[test]
    fn the_parts_of_a_bar_are_shares_of_the_request() {
        let time = |step, p50_us| StepTime {
            step,
            p50_us,
            p99_us: p50_us,
        };
        let steps = CgiSteps {
            requests: 1,
            steps: vec![time(CgiStep::Spawned, 50), time(CgiStep::FirstByte, 150)],
        };
        let column = Column {
            model: "cgi-warm",
            backend: "gateserve:cgi-warm",
            steps: &steps,
        };
        let bar = bar(&column);
        let parts: Vec<_> = bar
            .parts
            .iter()
            .map(|p| (p.class, p.width.as_str()))
            .collect();
        assert_eq!(parts, [("step-3", "25.00"), ("step-5", "75.00")]);
        assert_eq!(bar.total, "200 µs");
    }
}
