//! Ratios from run to run.

use std::fs;

use gatebench::{
    report::{
        history::{HistoryError, history, load},
        html,
    },
    results::Results,
};

use crate::sample;

/// The sample run on three days; fastcgi slows down, and the last day had one round alone.
fn runs() -> Vec<Results> {
    let day = |day: u32| {
        let mut run = sample::results();
        run.results.clear();
        run.environment.started = format!("2026-01-0{day}T10:00:00Z");
        for entry in &mut run.throughput {
            if entry.model == Some(gatebench::model::Model::FastCgi) {
                let slower = 1.0 - f64::from(day) / 10.0;
                entry.rps *= slower;
                entry.rounds.iter_mut().for_each(|rps| *rps *= slower);
            }
            if day == 3 {
                entry.rounds.truncate(1);
            }
        }
        run
    };
    [1, 2, 3].map(day).to_vec()
}

#[test]
fn the_history_looks_like_this() {
    let runs = runs();
    let page = html::history::render(&history(&runs).unwrap()).unwrap();
    fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/history.html"), &page).unwrap();
    assert!(!page.contains(" src=") && !page.contains("url(") && !page.contains("@import"));
    insta::with_settings!({filters => vec![
        (r"(?s)<style>.*?</style>", "<style>…</style>"),
        (r"(?s)(<svg [^>]*>).*?</svg>", "$1…</svg>"),
    ]}, {
        insta::assert_snapshot!(page);
    });
}

#[test]
fn each_way_is_a_line_with_a_point_per_run_and_an_interval_where_rounds_allow_one() {
    let runs = runs();
    let history = history(&runs).unwrap();
    assert_eq!(history.runs.len(), 3);
    let line = &history.tracks[0].lines[0];
    assert_eq!(line.name, "fastcgi gateserve:probe");
    let points: Vec<_> = line
        .points
        .iter()
        .map(|(run, ratio)| (*run, ratio.interval.is_some()))
        .collect();
    assert_eq!(points, [(0, true), (1, true), (2, false)]);
    assert!(
        line.points
            .windows(2)
            .all(|two| two[0].1.value > two[1].1.value)
    );
}

#[test]
fn a_folder_of_runs_is_read_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs();
    let write = |name: &str, run: &Results| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string(run).unwrap()).unwrap();
    };
    write("a.json", &runs[2]);
    write("b/results.json", &runs[0]);
    write("c.json", &runs[1]);
    fs::write(folder.path().join("notes.txt"), "no run").unwrap();
    let loaded = load(&[folder.path().to_owned()]).unwrap();
    let started: Vec<_> = loaded.iter().map(|run| &*run.environment.started).collect();
    let expected: Vec<_> = runs.iter().map(|run| &*run.environment.started).collect();
    assert_eq!(started, expected);
}

#[test]
fn runs_without_ratios_are_no_history() {
    let mut runs = runs();
    runs.iter_mut().for_each(|run| run.throughput.truncate(1));
    assert!(matches!(history(&runs), Err(HistoryError::NoRatios(3))));
}
