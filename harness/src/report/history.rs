//! Many runs in the order of their time: how ratios moved from one to the next. Rates themselves
//! are no part of it, for another day is another machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    contest,
    stored::{self, LoadError},
};
use crate::{model::Model, results::Results, stats::Ratio};

/// No history can be made of what was named.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// One of the files holds no results.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A folder cannot be listed.
    #[error("cannot list {}: {source}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing in the files can be compared.
    #[error(
        "none of the {0} results has two measurements that can be compared; `gatebench bench` makes such"
    )]
    NoRatios(usize),
}

/// What is shown.
#[derive(Debug)]
pub struct History<'a> {
    /// In the order of their time.
    pub runs: Vec<Run<'a>>,
    /// One for each gateway, workload and load.
    pub tracks: Vec<Track<'a>>,
}

/// One run.
#[derive(Debug)]
pub struct Run<'a> {
    /// When it started, RFC 3339.
    pub started: &'a str,
    /// Version of gatebench.
    pub gatebench: &'a str,
    /// Kernel and processors.
    pub machine: String,
    /// Subjects with their versions, sorted.
    pub subjects: Vec<String>,
}

/// Measurements under the same conditions, each held against the same one of its own run.
#[derive(Debug)]
pub struct Track<'a> {
    /// Subject id of the gateway, or `url`.
    pub gateway: &'a str,
    /// The conditions: `hello, 32 connections, closed loop`.
    pub conditions: String,
    /// What the others are compared to.
    pub against: String,
    /// One per way and backend.
    pub lines: Vec<Line>,
}

/// One way to one backend through time.
#[derive(Debug)]
pub struct Line {
    /// Way and backend.
    pub name: String,
    /// The model.
    pub model: Option<Model>,
    /// Number of the run and the ratio in it; a run without it is left out.
    pub points: Vec<(usize, Ratio)>,
}

/// Loads what is named: files, folders with a `results.json`, and folders of those; the oldest
/// first.
///
/// # Errors
/// A folder cannot be listed, or a file holds no results.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Results>, HistoryError> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    let runs = files.iter().map(|file| stored::load(file));
    let mut runs = runs.collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|one, other| one.environment.started.cmp(&other.environment.started));
    Ok(runs)
}

/// A folder that is no run itself: the runs and the JSON files in it.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), HistoryError> {
    if !path.is_dir() || path.join("results.json").is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let failed = |source| {
        let path = path.to_owned();
        HistoryError::List { path, source }
    };
    let inside = fs::read_dir(path).map_err(failed)?;
    let inside = inside.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut inside: Vec<_> = inside.into_iter().map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        let is_json = path.extension().is_some_and(|kind| kind == "json");
        if path.join("results.json").is_file() || (is_json && path.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// Arranges runs, which are in the order of their time.
///
/// # Errors
/// No run has two measurements that can be compared.
pub fn history(runs: &[Results]) -> Result<History<'_>, HistoryError> {
    let mut tracks = Vec::<Track<'_>>::new();
    for (number, run) in runs.iter().enumerate() {
        for contest in contest::contests(run) {
            let against = name(contest.first());
            let conditions = contest.conditions();
            for &entry in &contest.entries[1..] {
                let ratio = contest.ratio(entry);
                if !(ratio.value.is_finite() && ratio.value > 0.0) {
                    continue;
                }
                let place = (contest.gateway, conditions.as_str(), against.as_str());
                let track = track(&mut tracks, place);
                line(track, name(entry), entry.model)
                    .points
                    .push((number, ratio));
            }
        }
    }
    if tracks.is_empty() {
        return Err(HistoryError::NoRatios(runs.len()));
    }
    let runs = runs.iter().map(describe).collect();
    Ok(History { runs, tracks })
}

fn name(entry: &crate::results::Throughput) -> String {
    let way = contest::way(entry);
    match &entry.backend {
        Some(backend) => format!("{way} {backend}"),
        None => way,
    }
}

fn track<'t, 'a>(
    tracks: &'t mut Vec<Track<'a>>,
    (gateway, conditions, against): (&'a str, &str, &str),
) -> &'t mut Track<'a> {
    let same = |track: &Track<'_>| {
        (track.gateway, &*track.conditions, &*track.against) == (gateway, conditions, against)
    };
    let at = tracks.iter().position(same).unwrap_or_else(|| {
        tracks.push(Track {
            gateway,
            conditions: conditions.to_owned(),
            against: against.to_owned(),
            lines: Vec::new(),
        });
        tracks.len() - 1
    });
    &mut tracks[at]
}

fn line<'t>(track: &'t mut Track<'_>, name: String, model: Option<Model>) -> &'t mut Line {
    let known = track.lines.iter().position(|line| line.name == name);
    let at = known.unwrap_or_else(|| {
        let points = Vec::new();
        track.lines.push(Line {
            name,
            model,
            points,
        });
        track.lines.len() - 1
    });
    &mut track.lines[at]
}

fn describe(run: &Results) -> Run<'_> {
    let environment = &run.environment;
    let subject = |one: &crate::results::Subject| {
        let version = one.version.as_deref().unwrap_or("of unknown version");
        format!("{} {version}", one.name)
    };
    let mut subjects: Vec<_> = run.subjects.iter().map(subject).collect();
    subjects.sort();
    subjects.dedup();
    Run {
        started: &environment.started,
        gatebench: &environment.gatebench,
        machine: format!("{}, {} CPUs", environment.kernel, environment.cpus),
        subjects,
    }
}
