//! The scenarios that come with the program: whole, consistent, and within what the probe knows.

use std::{fs, path::Path};

use gatebench::scenario::steps::{Act, Step};
use gatebench::{
    outcome::Level,
    requirement::Reach,
    scenario::{Catalogue, Place, Scenario, field::FieldCase, load_dir, load_embedded},
};
use probe::Plan;

fn embedded() -> Catalogue {
    load_embedded().unwrap_or_else(|error| panic!("{error}"))
}

fn ids(catalogue: &Catalogue) -> Vec<&str> {
    let scenarios = catalogue.scenarios.iter();
    scenarios.map(|scenario| scenario.id.as_str()).collect()
}

/// The commands that a scenario gives, for its request and the next one.
fn commands(scenario: &Scenario) -> Vec<String> {
    let place = Place::new("/cgi-bin/probe", "127.0.0.1:65535");
    let next = scenario.expect.next_request.as_ref();
    let probes = [Some(&scenario.probe), next.map(|next| &next.probe)];
    let told = probes.into_iter().flatten();
    told.filter_map(|probe| probe.header(&place)).collect()
}

/// Rules of the CGI family, and those of HTTP beside them.
const RULES: usize = 563 + 49;

#[test]
fn every_requirement_of_every_specification_is_in_the_catalogue() {
    let catalogue = embedded();
    assert_eq!(catalogue.requirements.len(), RULES);
    for (prefixes, count) in [
        (&["CGI-"][..], 130),
        (&["FCGI-"], 99),
        (&["UWSGI-"], 78),
        (&["SCGI-"], 37),
        (&["WSGI-"], 129),
        (&["DF-"], 90),
        (&["RFC9110-", "RFC9112-"], 49),
    ] {
        let is_of = |id: &str| prefixes.iter().any(|prefix| id.starts_with(prefix));
        let ids = catalogue.requirements.iter().filter(|r| is_of(&r.id));
        assert_eq!(ids.count(), count, "{prefixes:?}");
    }
}

fn waits_for_something(step: &Step) -> bool {
    matches!(step.act, Act::Expect { .. })
}

#[test]
fn every_fault_breaks_a_scenario() {
    let catalogue = embedded();
    for fault in &catalogue.faults {
        let cites = |scenario: &&Scenario| scenario.faults.contains(&fault.id);
        let citing: Vec<&Scenario> = catalogue.scenarios.iter().filter(cites).collect();
        assert!(!citing.is_empty(), "no scenario names {}", fault.id);
    }
}

#[test]
fn faults_are_there_once_and_break_what_is_in_the_catalogue() {
    let catalogue = embedded();
    let mut seen = Vec::new();
    for fault in &catalogue.faults {
        assert!(!seen.contains(&&fault.id), "{} is there twice", fault.id);
        seen.push(&fault.id);
        for id in &fault.violates {
            assert!(
                catalogue.requirements.get(id).is_some(),
                "{}: {id}",
                fault.id
            );
        }
    }
}

#[test]
fn the_probe_knows_every_command_that_a_scenario_gives() {
    for scenario in &embedded().scenarios {
        for header in commands(scenario) {
            let plan = Plan::parse(header.as_bytes());
            assert!(plan.is_ok(), "{}: {header}: {plan:?}", scenario.id);
        }
    }
}

#[test]
fn commands_fit_into_a_header_line_of_eight_kib() {
    for scenario in &embedded().scenarios {
        for header in commands(scenario) {
            assert!(
                header.len() < 8000,
                "{}: {} octets",
                scenario.id,
                header.len()
            );
        }
    }
}

#[test]
fn a_scenario_that_is_judged_expects_something() {
    for scenario in &embedded().scenarios {
        let expect = &scenario.expect;
        let judged = expect.client.is_some()
            || expect.application.is_some()
            || expect.next_request.is_some()
            || expect.received.is_some()
            || scenario.steps.iter().any(waits_for_something)
            || !scenario.one_of.is_empty();
        let observed = scenario.level == Level::Observed && !scenario.observe.is_empty();
        assert!(judged || observed, "{}", scenario.id);
    }
}

#[test]
fn covered_requirements_name_their_scenarios() {
    let catalogue = embedded();
    let coverage = catalogue
        .requirements
        .coverage(&catalogue.scenarios, &catalogue.faults);
    assert_eq!(coverage.len(), RULES);
    let of = |id: &str| {
        coverage
            .iter()
            .find(|cover| cover.requirement.id == id)
            .unwrap()
    };
    let decoded = &of("CGI-4.1.5-PI-DECODED").scenarios;
    assert!(
        decoded.contains(&"cgi/path-info/decoded-once"),
        "{decoded:?}"
    );
}

/// Of the rules that can be seen and that bind somebody whom the bench judges.
#[test]
fn nine_in_ten_of_the_observable_rules_are_covered() {
    let catalogue = embedded();
    let coverage = catalogue
        .requirements
        .coverage(&catalogue.scenarios, &catalogue.faults);
    let (covered, left): (Vec<_>, Vec<_>) = coverage
        .iter()
        .filter(|cover| !matches!(cover.reach(), Reach::NoSubject | Reach::Unobservable))
        .partition(|cover| cover.reach() == Reach::Covered);
    let ids: Vec<_> = left.iter().map(|cover| &cover.requirement.id).collect();
    let observable = covered.len() + left.len();
    assert!(
        covered.len() * 10 >= observable * 9,
        "{} of {observable}, without {ids:?}",
        covered.len()
    );
}

/// So that a rule does not leave the count above by being explained away in silence.
#[test]
fn few_rules_are_explained_instead_of_covered() {
    let catalogue = embedded();
    let explained = catalogue
        .requirements
        .iter()
        .filter(|rule| rule.unobservable.is_some() || rule.no_subject.is_some());
    let count = explained.count();
    assert!(count <= 92, "{count} of {RULES} are explained");
}

/// What is still open is no MUST: those are covered, or the catalogue says why not.
#[test]
fn every_rule_that_must_hold_is_covered_or_explained() {
    let catalogue = embedded();
    let coverage = catalogue
        .requirements
        .coverage(&catalogue.scenarios, &catalogue.faults);
    let binding = coverage
        .iter()
        .filter(|cover| cover.requirement.level.allows() == Level::Required);
    for cover in binding {
        let reach = cover.reach();
        let is_open = matches!(reach, Reach::Open | Reach::Cited);
        assert!(!is_open, "{}: {}", cover.requirement.id, reach.word());
    }
}

#[test]
fn what_no_scenario_can_see_or_judge_is_cited_by_none() {
    let catalogue = embedded();
    let coverage = catalogue
        .requirements
        .coverage(&catalogue.scenarios, &catalogue.faults);
    for cover in coverage.iter().filter(|cover| !cover.scenarios.is_empty()) {
        let requirement = cover.requirement;
        let explained = requirement
            .unobservable
            .as_ref()
            .or(requirement.no_subject.as_ref());
        assert_eq!(explained, None, "{}", requirement.id);
    }
}

#[test]
fn the_folder_and_the_program_hold_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let folder = load_dir(&folder).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ids(&folder), ids(&embedded()));
}

#[test]
fn a_folder_of_ones_own_needs_scenarios_only() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    let text = "spec = 'RFC 3875'\n[[scenario]]\nname = 'one'\nlevel = 'observed'\nsays = 'Mine.'\n\
                requirements = ['CGI-4.1.12-METHOD']\n";
    fs::write(folder.path().join("mine/topic.toml"), text).unwrap();
    let catalogue = load_dir(folder.path()).unwrap();
    assert_eq!(ids(&catalogue), ["mine/topic/one"]);
    assert_eq!(catalogue.requirements.len(), RULES);
}

#[test]
fn a_folder_without_scenarios_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = load_dir(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("no scenario in "), "{error}");
    let error = load_dir(&folder.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot read scenarios from "), "{error}");
}

#[test]
fn the_mistakes_of_all_files_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    for name in ["a.toml", "b.toml"] {
        fs::write(folder.path().join("mine").join(name), "sepc = 'x'\n").unwrap();
    }
    let error = load_dir(folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r"
    mine/a.toml:1: unknown key `sepc`; did you mean `spec`? (known: spec, scenario)
    mine/b.toml:1: unknown key `sepc`; did you mean `spec`? (known: spec, scenario)
    ");
}

/// The rows of the collection that the table was made from: none may get lost.
#[test]
fn every_known_case_of_the_field_is_in_the_table() {
    let field = embedded().field;
    let rows = |cases: &[FieldCase]| cases.iter().map(|case| case.row).collect::<Vec<_>>();
    assert_eq!(field.cases.len(), 63);
    assert_eq!(rows(&field.problems), (1..=20).collect::<Vec<_>>());
    assert!(rows(&field.cases).is_sorted());
    let told = field.cases.iter().filter(|case| case.source.is_some());
    assert_eq!(told.count(), 63);
}

#[test]
fn most_known_cases_of_the_field_are_shown() {
    let field = embedded().field;
    let shown = field.cases.iter().filter(|case| case.not_shown.is_none());
    let shown = shown.count();
    assert!(shown >= 58, "only {shown} of {} are", field.cases.len());
}

/// SECURITY.md: what is not public yet is listed without detail, in a file that everybody reads.
#[test]
fn what_is_embargoed_is_listed_without_a_word_on_how_it_works() {
    let known = load_embedded().unwrap().known;
    let embargoed: Vec<_> = known.iter().filter(|one| one.embargoed).collect();
    assert!(!embargoed.is_empty());
    for one in embargoed {
        let told = (one.because.as_str(), &one.link);
        let plain = "it touches security, and its maintainers have not made it public yet";
        assert_eq!(told, (plain, &None), "{} {}", one.subject, one.scenario);
    }
}
