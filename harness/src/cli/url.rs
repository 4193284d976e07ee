//! `gatebench bench --url`: loads anything that already runs, as wrk does.

use std::{sync::atomic::AtomicBool, time::SystemTime};

use super::{
    Verdict,
    args::BenchArgs,
    machine,
    outputs::{self, Desk},
    partial::{Partial, Under},
};
use crate::{
    event::{Event, Observer},
    load::{self, Cost, Labels, LoadSpec, url},
    outcome::Level,
    report::terminal::Progress,
    results::{FORMAT, Results, Summary, Throughput},
    run::SoFar,
};

/// Loads the URL and writes what was asked for.
pub(super) fn bench(args: &BenchArgs, at: &str) -> anyhow::Result<Verdict> {
    let files = outputs::named(&args.outputs);
    let desk = Desk::open(&args.outputs, files, Level::Required)?;
    let started = machine::now();
    let spec = url::spec(at, args.measure.closes())?;
    let steps = args.measure.steps();
    let mut progress = Progress::on_stderr();
    progress.event(&Event::Planned {
        cases: 0,
        measurements: steps.len(),
    });
    let so_far = SoFar::default();
    let under = Under {
        so_far: so_far.clone(),
        bench: None,
    };
    let partial = Partial {
        files: outputs::named(&args.outputs),
        folder: desk.folder(),
        environment: machine::plain(started.clone()),
        subjects: Vec::new(),
        requirements: Default::default(),
        journal: None,
        cases: 0,
        measured: vec![under],
        measurements: steps.len(),
    };
    let partial = partial.keep();
    let mut figures = Vec::new();
    for connections in steps {
        progress.event(&Event::Busy(at));
        let spec = args.measure.load(spec.clone(), connections)?;
        let figure = rounds(&spec, args.measure.repeats(), at, &so_far)?;
        progress.event(&Event::Measured(&figure));
        figures.push(figure);
    }
    drop(partial);
    progress.event(&Event::Finished);
    // No reply at all is no measurement.
    let verdict = match figures.iter().any(|figure| figure.requests == 0) {
        true => Verdict::Incomplete,
        false => Verdict::Passed,
    };
    let compared = desk.hand_out(&Results {
        format: FORMAT,
        environment: machine::plain(started),
        subjects: Vec::new(),
        requirements: Default::default(),
        results: Vec::new(),
        throughput: figures,
        idle: Vec::new(),
        summary: Summary::default(),
    })?;
    Ok(verdict.worse(compared))
}

/// The median of so many rounds.
fn rounds(spec: &LoadSpec, rounds: u32, at: &str, so_far: &SoFar) -> anyhow::Result<Throughput> {
    let labels = Labels {
        app: at.to_owned(),
        workload: "url".to_owned(),
        ..Labels::default()
    };
    let turns = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    so_far.begin(&turns, rounds, 1);
    for _ in 0..rounds {
        let report = load::run(spec, &AtomicBool::new(false), &mut |_, _| {})?;
        let figure = load::throughput(&report, &Cost::default(), labels.clone());
        so_far.round(0, figure);
    }
    let figure = so_far.end().into_iter().flatten().next();
    Ok(figure.expect("there is at least one round"))
}
