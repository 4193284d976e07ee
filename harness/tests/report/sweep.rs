//! A sweep over concurrency: as the page draws it, and as the capacity model predicts it.

use std::path::Path;

use gatebench::{
    model::Model,
    plan::{Held, Want, hold, told},
    report::{html, stored, sweep::sweeps},
    results::Results,
};

/// nginx before gateserve on two processors, 1 to 32 connections, five rounds of each.
fn measured() -> Results {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sweep.json");
    stored::load(&file).unwrap()
}

#[test]
fn a_sweep_is_one_line_per_model() {
    let results = measured();
    let sweeps = sweeps(&results);
    let [sweep] = sweeps.as_slice() else {
        panic!("{} sweeps", sweeps.len());
    };
    let lines = sweep.lines.iter();
    let lines: Vec<_> = lines
        .map(|line| (&*line.label, line.points.len()))
        .collect();
    assert_eq!(
        lines,
        [("cgi via fastcgi", 6), ("fastcgi", 6), ("uwsgi", 6)]
    );
    let rising =
        |pair: &[&gatebench::results::Throughput]| pair[0].connections < pair[1].connections;
    assert!(
        sweep
            .lines
            .iter()
            .all(|line| line.points.windows(2).all(rising))
    );
}

#[test]
fn measurements_with_one_number_of_connections_are_no_sweep() {
    let mut results = measured();
    results.throughput.retain(|one| one.connections == 8);
    assert!(sweeps(&results).is_empty());
}

#[test]
fn backends_of_one_model_are_told_apart() {
    let mut results = measured();
    results
        .throughput
        .retain(|one| one.model == Some(Model::Uwsgi));
    let mut others = results.throughput.clone();
    others
        .iter_mut()
        .for_each(|one| one.backend = Some("uwsgi".to_owned()));
    results.throughput.extend(others);
    let sweeps = sweeps(&results);
    let labels: Vec<_> = sweeps[0].lines.iter().map(|line| &*line.label).collect();
    assert_eq!(labels, ["uwsgi gateserve:probe", "uwsgi uwsgi"]);
}

#[test]
fn the_page_draws_a_mark_for_each_measurement_of_a_sweep() {
    let results = measured();
    let page = html::render(&results, &|_| None, html::Beside::default()).unwrap();
    let plots = page.split("<b>Requests per second over connections</b>");
    let plot = plots.last().unwrap().split("</svg>").next().unwrap();
    assert_eq!(plot.matches("<circle").count(), 18);
    let is_line = |tag: &&str| tag.starts_with("polyline") && tag.contains("var(--series-");
    assert_eq!(plot.split('<').filter(is_line).count(), 3);
}

/// The points of all models, predicted from one connection and the best rate.
fn held() -> Vec<Held> {
    let results = measured();
    let want = Want {
        workload: "hello".to_owned(),
        ..Want::default()
    };
    let models = Model::DEFAULT.iter();
    models
        .flat_map(|&model| hold(&results, model, &want))
        .collect()
}

/// A better or worse model has to be told there.
#[test]
fn the_model_is_off_by_as_much_as_the_manual_says() {
    let held = held();
    assert_eq!(held.len(), 18);
    assert_eq!(held.iter().filter(|one| one.is_source).count(), 6);
    let text = told(&held);
    let errors: Vec<_> = text
        .lines()
        .filter(|line| line.contains("off by"))
        .collect();
    assert_eq!(errors.len(), 3, "{text}");
    let manual = include_str!("../../../docs/gatebench.md");
    for line in errors {
        assert!(manual.contains(line), "docs/gatebench.md lacks {line:?}");
    }
}

#[test]
fn the_model_is_right_where_its_costs_come_from() {
    let sources = held().into_iter().filter(|one| one.is_source);
    for one in sources {
        let off = one.rps.error().abs();
        assert!(off < 0.15, "{} on {}: {off}", one.model, one.connections);
    }
}
