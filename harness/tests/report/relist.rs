//! The known list of today held against a run of another day.

use gatebench::{
    outcome::Outcome,
    report::relist::relist,
    results::Results,
    scenario::{KnownList, load_embedded},
};

use crate::sample;

/// Why cases were not played.
fn unplayed(results: &Results) -> Vec<Option<String>> {
    let cases = results.results.iter();
    let unplayed = cases.filter(|case| case.outcome == Outcome::Unsupported);
    unplayed.map(|case| case.reason.clone()).collect()
}

#[test]
fn what_was_known_then_and_is_not_now_counts_again() {
    let mut results = sample::results();
    let is_known = |case: &gatebench::results::CaseResult| case.known;
    assert!(results.results.iter().any(is_known) && results.summary.known > 0);
    relist(&mut results, &KnownList::default());
    assert!(!results.results.iter().any(is_known));
    assert_eq!((results.summary.known, results.summary.stale), (0, 0));
}

#[test]
fn what_is_known_now_is_marked_with_its_reason() {
    let list = load_embedded().unwrap().known;
    let entry = list.iter().find(|known| known.subject == "nginx").unwrap();
    let mut results = sample::results();
    let of_nginx = |subject: &&mut gatebench::results::Subject| subject.name == "nginx";
    let subject = results.subjects.iter_mut().find(of_nginx).unwrap();
    subject.version = Some("1.22.1".to_owned());
    let id = subject.id.clone();
    let violations = results.results.iter_mut();
    let case = violations.filter(|case| case.outcome == Outcome::Fail);
    let case = case.last().unwrap();
    case.scenario.clone_from(&entry.scenario);
    case.gateway = Some(id);
    case.backend = Some("gateserve:probe".to_owned());
    case.model = Some(gatebench::model::Model::FastCgi);
    relist(&mut results, &list);
    let marked = results
        .results
        .iter()
        .find(|case| case.scenario == entry.scenario);
    let marked = marked.unwrap();
    assert!(marked.known, "{marked:?}");
    assert_eq!(marked.reason.as_ref(), Some(&entry.because));
}

#[test]
fn why_a_case_was_not_played_stays() {
    let mut results = sample::results();
    let before = unplayed(&results);
    relist(&mut results, &load_embedded().unwrap().known);
    assert!(!before.is_empty());
    assert_eq!(unplayed(&results), before);
}
