//! `gatebench bench --url`: loads anything that already runs, as wrk does.

use std::sync::atomic::AtomicBool;

use super::{Verdict, args::BenchArgs, machine, outputs};
use crate::{
    event::{Event, Observer},
    load::{self, Cost, Labels, url},
    outcome::Level,
    report::terminal::Progress,
    results::{FORMAT, Results, Summary},
};

/// Loads the URL and writes what was asked for.
pub(super) fn bench(args: &BenchArgs, at: &str) -> anyhow::Result<Verdict> {
    let started = machine::now();
    let spec = url::spec(
        at,
        args.measure.connections,
        args.measure.duration,
        args.measure.rate,
    )?;
    let mut progress = Progress::on_stderr();
    progress.event(&Event::Planned {
        cases: 0,
        measurements: 1,
    });
    progress.event(&Event::Busy(at));
    let report = load::run(&spec, &AtomicBool::new(false), &mut |_, _| {})?;
    let labels = Labels {
        app: at.to_owned(),
        workload: "url".to_owned(),
        ..Labels::default()
    };
    let figure = load::throughput(&report, &Cost::default(), labels);
    progress.event(&Event::Measured(&figure));
    progress.event(&Event::Finished);
    let results = Results {
        format: FORMAT,
        environment: machine::plain(started),
        subjects: Vec::new(),
        results: Vec::new(),
        throughput: vec![figure],
        summary: Summary::default(),
    };
    outputs::print(&results, Level::Required)?;
    if !args.outputs.names_none() {
        outputs::write(
            &outputs::wanted(&args.outputs),
            &results,
            &outputs::folder(&args.outputs),
        )?;
    }
    // No reply at all is no measurement.
    let nothing = results.throughput.iter().all(|figure| figure.requests == 0);
    Ok(if nothing {
        Verdict::Incomplete
    } else {
        Verdict::Passed
    })
}
