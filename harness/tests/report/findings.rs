//! How results are arranged before any report words them.

use gatebench::{
    model::Model,
    outcome::Outcome,
    report::{
        contest::{self, Footnotes},
        findings, observed,
        view::{Grid, Mark, gather},
    },
    results::Difference,
};

use crate::sample;

#[test]
fn models_keep_their_order_whatever_order_they_ran_in() {
    let mut run = sample::results();
    run.results.reverse();
    let grid = Grid::of(&run);
    let heads: Vec<_> = grid.columns.iter().map(|c| (c.gateway, c.model)).collect();
    let expected = ["builtin", "nginx@1.22:documented"]
        .into_iter()
        .flat_map(|gateway| Model::DEFAULT.map(|model| (gateway, Some(model))));
    assert_eq!(heads, expected.collect::<Vec<_>>());
}

#[test]
fn a_pairing_without_a_scenario_has_an_empty_cell() {
    let mut run = sample::results();
    let gone = run.results.remove(0);
    let grid = Grid::of(&run);
    let row = grid.topics[0]
        .rows
        .iter()
        .find(|row| row.scenario == gone.scenario);
    let cells = &row.unwrap().cells;
    assert!(cells[0].is_none() && cells[1..].iter().all(Option::is_some));
}

#[test]
fn one_finding_on_three_pairings_is_told_once() {
    let run = sample::results();
    let found = findings::findings(&run, Mark::is_violation);
    let named = |name: &str| {
        let named = found.iter().filter(move |one| one.first().scenario == name);
        named.collect::<Vec<_>>()
    };
    let [proxy] = named("cgi/meta-variables/proxy-dropped")[..] else {
        panic!("told more than once");
    };
    assert_eq!(proxy.cases.len(), 3);
}

#[test]
fn the_same_scenario_broken_in_two_ways_is_two_findings() {
    let mut run = sample::results();
    run.results
        .retain(|case| case.outcome == Outcome::Fail && case.model == Some(Model::Uwsgi));
    let mut other = run.results[0].clone();
    other.gateway = Some("apache".to_owned());
    other.actual = Some("something else".to_owned());
    let before = findings::findings(&run, Mark::is_violation).len();
    run.results.push(other);
    assert_eq!(
        findings::findings(&run, Mark::is_violation).len(),
        before + 1
    );
}

#[test]
fn what_binds_most_is_told_first() {
    let run = sample::results();
    let found = findings::findings(&run, Mark::is_violation);
    assert!(found.is_sorted_by_key(|one| one.first().level));
}

#[test]
fn a_difference_seen_from_both_sides_is_one() {
    let run = sample::results();
    let found = findings::disagreements(&run);
    let [path] = found
        .iter()
        .filter(|one| one.what == "application.PATH_INFO")
        .collect::<Vec<_>>()[..]
    else {
        panic!("told more than once: {found:?}");
    };
    assert_eq!(
        path.values,
        [("/a%2Fb", vec!["fastcgi", "uwsgi"]), ("/a/b", vec!["cgi"])]
    );
}

#[test]
fn a_value_that_differs_in_every_scenario_is_told_apart_from_one_that_stands_out() {
    let mut run = sample::results();
    assert!(findings::everywhere(&run).is_empty());
    for case in &mut run.results {
        case.differs.push(Difference {
            what: "application.SERVER_SOFTWARE".to_owned(),
            here: "absent".to_owned(),
            others: Default::default(),
        });
    }
    let everywhere = findings::everywhere(&run);
    assert_eq!(
        everywhere.into_iter().collect::<Vec<_>>(),
        ["application.SERVER_SOFTWARE"]
    );
}

#[test]
fn a_choice_that_all_make_alike_is_none() {
    let mut run = sample::results();
    let choices = observed::choices(&run);
    assert_eq!(choices.len(), 1);
    assert_eq!(
        gather(choices[0].values[1].1.iter().copied()),
        "builtin (cgi, fastcgi, uwsgi)"
    );
    for case in &mut run.results {
        case.observation
            .values_mut()
            .for_each(|value| *value = "buffered".to_owned());
    }
    assert_eq!(observed::choices(&run), []);
}

#[test]
fn measurements_under_other_conditions_do_not_compete() {
    let mut run = sample::results();
    assert_eq!(contest::contests(&run).len(), 2);
    run.throughput[1].connections = 1;
    let contests = contest::contests(&run);
    let sizes: Vec<_> = contests
        .iter()
        .map(|contest| contest.entries.len())
        .collect();
    assert_eq!(sizes, [2, 1, 3]);
}

#[test]
fn a_caveat_of_every_figure_has_no_number() {
    let run = sample::results();
    let mut notes = Footnotes::of(&run);
    let numbers = run
        .throughput
        .iter()
        .map(|entry| notes.refer(&entry.caveats));
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(
        numbers,
        [vec![], vec![], vec![], vec![], vec![1], vec![1, 2]]
    );
    assert_eq!(
        notes.common(),
        ["a single run of 10 s: how much runs vary is unknown"]
    );
}

#[test]
fn every_case_tells_the_command_that_plays_it_again() {
    let run = sample::results();
    let mut case = run.results[0].clone();
    case.backend = Some("script".to_owned());
    assert_eq!(
        findings::replay(&case, &run),
        "gatebench replay cgi/body/chunked-upload --gateway nginx@1.22:documented --model cgi"
    );
    (case.gateway, case.backend) = (None, Some("gateserve:probe".to_owned()));
    assert_eq!(
        findings::replay(&case, &run),
        "gatebench replay cgi/body/chunked-upload --backend gateserve:probe --model cgi"
    );
}

#[test]
fn a_case_on_a_server_that_runs_tells_all_that_was_said_of_it() {
    let mut run = sample::results();
    let mut case = run.results[0].clone();
    let id = "fastcgi:///run/my app.sock";
    (case.gateway, case.backend) = (None, Some(id.to_owned()));
    run.subjects[0].id = id.to_owned();
    run.subjects[0].via = "running".to_owned();
    run.subjects[0].options = ["--param", "SCRIPT_FILENAME=/srv/probe.php"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(
        findings::replay(&case, &run),
        "gatebench replay cgi/body/chunked-upload --backend-at 'fastcgi:///run/my app.sock' \
         --param SCRIPT_FILENAME=/srv/probe.php"
    );
}
