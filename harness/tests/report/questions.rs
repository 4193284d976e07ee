//! Questions to stored results: what may be published, what one subject breaks alone, what differs
//! between versions, what was predicted.

use gatebench::{
    outcome::Outcome,
    report::{draft, editions, embargo, html, junit, lone, markdown, predictions},
    results::Results,
};

use crate::sample;

/// What nobody may read before the maintainers have told it themselves.
const SECRET: &str = "hunter2";

/// A run in which every violation is embargoed and every text of it holds the secret.
fn embargoed() -> Results {
    let mut run = sample::results();
    for case in &mut run.results {
        case.embargoed = case.outcome.is_violation();
        if case.embargoed {
            case.expected = Some(SECRET.to_owned());
            case.actual = Some(SECRET.to_owned());
            case.cause = Some(SECRET.to_owned());
            case.reason = Some(SECRET.to_owned());
            case.transcript = Some(format!("{SECRET}.txt"));
            case.observation
                .insert(SECRET.to_owned(), SECRET.to_owned());
            for difference in &mut case.differs {
                difference.here = SECRET.to_owned();
            }
        } else {
            case.differs.clear();
        }
    }
    run
}

/// Every report of a run.
fn reports(run: &Results) -> [String; 4] {
    let transcript = |path: &str| Some(format!("octets of {path}"));
    [
        serde_json::to_string(run).unwrap(),
        html::render(run, &transcript, html::Beside::default()).unwrap(),
        junit::render(run, None).unwrap(),
        markdown::render(run),
    ]
}

#[test]
fn a_published_report_shows_nothing_of_an_embargoed_finding() {
    let run = embargoed();
    assert!(reports(&run).iter().all(|report| report.contains(SECRET)));
    let public = embargo::public(&run);
    for report in reports(&public) {
        assert!(!report.contains(SECRET), "the secret is out");
        assert!(report.contains("withheld"));
    }
    let outcomes =
        |run: &Results| -> Vec<Outcome> { run.results.iter().map(|case| case.outcome).collect() };
    assert_eq!(
        outcomes(&public),
        outcomes(&run),
        "that a rule was broken is told"
    );
}

#[test]
fn what_one_subject_breaks_alone_names_those_who_keep_it() {
    let mut run = sample::results();
    let scenario = "cgi/query/raw";
    for case in &mut run.results {
        let of_nginx = case
            .gateway
            .as_deref()
            .is_some_and(|id| id.starts_with("nginx"));
        case.known = false;
        case.outcome = match case.scenario == scenario && of_nginx {
            true => Outcome::Fail,
            false => Outcome::Pass,
        };
    }
    let found = lone::lone(&run);
    let gateways: Vec<_> = found
        .iter()
        .filter(|one| one.subject.starts_with("nginx"))
        .collect();
    assert_eq!(gateways.len(), 1, "{found:?}");
    assert_eq!(gateways[0].scenario, scenario);
    assert_eq!(gateways[0].kept, ["builtin"]);
    assert!(lone::render(&found).contains("breaks cgi/query/raw"));
}

#[test]
fn two_versions_of_one_peer_are_held_against_each_other() {
    let mut run = sample::results();
    let of_nginx = |id: &Option<String>| id.as_deref().is_some_and(|id| id.starts_with("nginx@"));
    let old: Vec<_> = run
        .results
        .iter()
        .filter(|case| of_nginx(&case.gateway))
        .cloned()
        .collect();
    assert!(!old.is_empty());
    for mut case in old {
        case.gateway = Some("nginx@1.29.1:documented".to_owned());
        if case.scenario == "cgi/query/raw" {
            case.outcome = Outcome::Crash;
        }
        run.results.push(case);
    }
    let mut subject = run.subjects[0].clone();
    assert!(subject.id.starts_with("nginx@"), "{}", subject.id);
    subject.id = "nginx@1.29.1:documented".to_owned();
    run.subjects.push(subject);
    let pairs = editions::pairs(&run);
    assert_eq!(pairs.len(), 1);
    let scenarios: Vec<_> = pairs[0]
        .different
        .iter()
        .map(|one| &one.one.scenario)
        .collect();
    assert!(!scenarios.is_empty() && scenarios.iter().all(|id| *id == "cgi/query/raw"));
    let [_, page, ..] = reports(&run);
    assert!(page.contains("What differs between two versions of one peer"));
}

#[test]
fn a_prediction_is_confirmed_refuted_or_not_run() {
    let run = sample::results();
    let of_nginx = predictions::observed(&run);
    assert!(
        of_nginx
            .iter()
            .all(|one| one.prediction.peer.starts_with("nginx"))
    );
    assert!(of_nginx.iter().any(|one| one.settled.word() == "not run"));
}

/// Another backend may mend what came, and so hide what the gateway does.
#[test]
fn a_prediction_of_a_gateway_is_settled_before_the_native_probe() {
    let predicted = predictions::predictions().iter();
    let predicted = predicted.filter(|one| one.peer == "nginx" && one.outcome.is_some());
    let one = predicted.clone().find(|one| one.model.is_some()).unwrap();
    let mut run = sample::results();
    let backends = ["gateserve:probe", "gateserve:wsgi"];
    let case = run.results[0].clone();
    let usual = "nginx:documented".to_owned();
    run.subjects[0].id.clone_from(&usual);
    run.subjects[0].variant = Some("documented".to_owned());
    run.results = Vec::new();
    for backend in backends {
        let mut case = case.clone();
        case.scenario = one.scenario.clone().unwrap();
        case.model = one.model;
        case.gateway = Some(usual.clone());
        case.backend = Some(backend.to_owned());
        case.outcome = match (backend == backends[0], one.outcome) {
            (true, Some(expected)) => expected,
            (_, Some(Outcome::Pass)) => Outcome::Fail,
            _ => Outcome::Pass,
        };
        case.observation = one.observed.clone();
        run.results.push(case);
    }
    let settled = |run: &Results| {
        let observed = predictions::observed(run);
        let of_it = observed.iter().find(|seen| seen.prediction.id == one.id);
        of_it.unwrap().settled.word()
    };
    assert_eq!(settled(&run), "confirmed");
    run.results.remove(0);
    assert_eq!(settled(&run), "refuted", "where there is no other");
}

#[test]
fn a_draft_of_known_deviations_is_read_back_as_such() {
    let text = draft::draft(&sample::results());
    let table: toml::Table = toml::from_str(&text).unwrap();
    let entries = table["known"].as_array().unwrap();
    assert!(!entries.is_empty());
    assert!(
        entries
            .iter()
            .all(|entry| entry["because"].as_str() == Some("TODO"))
    );
}
