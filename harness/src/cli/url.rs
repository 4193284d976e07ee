//! `gatebench bench --url`: loads anything that already runs, as wrk does.

use std::sync::atomic::AtomicBool;

use super::{
    Verdict,
    args::BenchArgs,
    machine,
    outputs::{self, Desk},
};
use crate::{
    event::{Event, Observer},
    load::{self, Cost, Labels, caveat, url},
    outcome::Level,
    report::terminal::Progress,
    results::{FORMAT, Results, Summary},
};

/// Loads the URL and writes what was asked for.
pub(super) fn bench(args: &BenchArgs, at: &str) -> anyhow::Result<Verdict> {
    let files = outputs::named(&args.outputs);
    let desk = Desk::open(&args.outputs, files, Level::Required)?;
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
    let mut figure = load::throughput(&report, &Cost::default(), labels);
    let doubt = caveat::of_runs(&[figure.rps], report.window);
    figure.caveats.extend(doubt.map(|doubt| doubt.to_string()));
    progress.event(&Event::Measured(&figure));
    progress.event(&Event::Finished);
    // No reply at all is no measurement.
    let verdict = match figure.requests {
        0 => Verdict::Incomplete,
        _ => Verdict::Passed,
    };
    desk.hand_out(&Results {
        format: FORMAT,
        environment: machine::plain(started),
        subjects: Vec::new(),
        requirements: Default::default(),
        results: Vec::new(),
        throughput: vec![figure],
        summary: Summary::default(),
    })?;
    Ok(verdict)
}
