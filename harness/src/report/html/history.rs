//! The history page: a small plot for each subject, and the figures behind it.

use minijinja::value::Serde;
use serde::Serialize;

use super::{
    RenderError, environment,
    plots::{self, PlotError},
};
use crate::{
    model::Model,
    report::{
        contest,
        findings::plural,
        history::{History, Line, Run, Track},
        text::visible,
    },
};

#[derive(Debug, Serialize)]
struct Page {
    lead: String,
    tracks: Vec<Board>,
    runs: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Board {
    gateway: String,
    conditions: String,
    against: String,
    lines: Vec<Drawn>,
}

#[derive(Debug, Serialize)]
struct Drawn {
    name: String,
    model: &'static str,
    svg: String,
    /// Number of the run, ratio with interval, verdict.
    rows: Vec<(usize, String, String)>,
}

#[derive(Debug, Serialize)]
struct Told {
    number: usize,
    started: String,
    gatebench: String,
    machine: String,
    subjects: String,
}

/// Renders the page; it loads nothing from elsewhere.
///
/// # Errors
/// When a template or a plot is broken, which the tests rule out.
pub fn render(history: &History<'_>) -> Result<String, RenderError> {
    let runs = history.runs.len();
    let boards = history.tracks.iter().map(|track| board(track, runs));
    let page = Page {
        lead: plural(runs, "run"),
        tracks: boards.collect::<Result<_, _>>()?,
        runs: history.runs.iter().enumerate().map(told).collect(),
    };
    let templates = environment()?;
    Ok(templates
        .get_template("history.html")?
        .render(Serde(&page))?)
}

fn board(track: &Track<'_>, runs: usize) -> Result<Board, PlotError> {
    let drawn = track.lines.iter().map(|line| drawn(line, runs));
    Ok(Board {
        gateway: visible(track.gateway).into_owned(),
        conditions: visible(&track.conditions).into_owned(),
        against: visible(&track.against).into_owned(),
        lines: drawn.collect::<Result<_, _>>()?,
    })
}

fn drawn(line: &Line, runs: usize) -> Result<Drawn, PlotError> {
    let rows = line.points.iter().map(|(run, ratio)| {
        let text = contest::ratio_text(ratio);
        (run + 1, text, contest::verdict(ratio))
    });
    Ok(Drawn {
        name: visible(&line.name).into_owned(),
        model: line.model.map_or("http", Model::word),
        svg: plots::of_history(line, runs)?,
        rows: rows.collect(),
    })
}

fn told((at, run): (usize, &Run<'_>)) -> Told {
    let own = |text: &str| visible(text).into_owned();
    Told {
        number: at + 1,
        started: own(run.started),
        gatebench: own(run.gatebench),
        machine: own(&run.machine),
        subjects: own(&run.subjects.join(", ")),
    }
}
