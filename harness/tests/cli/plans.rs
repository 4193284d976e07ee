//! `gatebench plan`, from a stored run.

use std::path::Path;

use serde_json::Value;

use super::gatebench;

fn plan(more: &[&str]) -> assert_cmd::assert::Assert {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/nginx-1.22");
    gatebench().arg("plan").arg(run).args(more).assert()
}

fn plans(more: &[&str]) -> Value {
    let done = plan(more).success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}

#[test]
fn cgi_needs_more_cores_than_a_pool_for_the_same_rate() {
    let told = plans(&["--rps", "5000", "--p99", "200ms", "--format", "json"]);
    let cores: Vec<_> = told["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| {
            (
                plan["model"].as_str().unwrap(),
                plan["cores"].as_u64().unwrap(),
            )
        })
        .collect();
    let names: Vec<_> = cores.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["cgi", "fastcgi", "uwsgi"]);
    assert!(cores[0].1 > 3 * cores[1].1.max(cores[2].1), "{cores:?}");
    assert_eq!(told["plans"][0]["forks_per_second"], 5000.0);
}

#[test]
fn the_table_tells_what_its_figures_rest_on() {
    let done = plan(&[
        "--rps", "400", "--p99", "200ms", "--wait", "50ms", "--model", "uwsgi",
    ]);
    let text = String::from_utf8(done.success().get_output().stdout.clone()).unwrap();
    for part in [
        "400 requests per second",
        "nginx:documented",
        "waits 50.0 ms",
        "caveat:",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn a_promise_that_no_machine_keeps_is_a_failure_and_says_why() {
    let done = plan(&[
        "--rps", "10", "--p99", "10ms", "--wait", "50ms", "--model", "uwsgi",
    ]);
    done.code(1)
        .stderr(predicates::str::contains("no number of cores"));
}

#[test]
fn a_model_that_was_not_measured_is_told_with_those_that_were() {
    let done = plan(&["--rps", "10", "--p99", "1s", "--model", "uwsgi,scgi"]);
    done.code(2)
        .stderr(predicates::str::contains("scgi was not measured"))
        .stderr(predicates::str::contains("uwsgi (hello)"))
        .stdout(predicates::str::contains("uwsgi "));
}

#[test]
fn without_results_it_says_how_to_get_some() {
    let none = tempfile::tempdir().unwrap();
    gatebench()
        .current_dir(none.path())
        .args(["plan", "--rps", "10", "--p99", "1s"])
        .assert()
        .code(2)
        .stderr(predicates::str::contains("gatebench bench --json"));
}

#[test]
fn the_model_is_held_against_a_sweep_and_told_how_far_it_is_off() {
    let sweep = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sweep.json");
    let plan = || {
        let mut plan = gatebench();
        plan.arg("plan").arg(&sweep).arg("--check");
        plan
    };
    let text = predicates::str::contains("% in the median").count(3);
    plan().assert().success().stdout(text);
    let told = plan().args(["--format", "json"]).assert().success();
    let told: Value = serde_json::from_slice(&told.get_output().stdout).unwrap();
    assert_eq!(told["points"].as_array().unwrap().len(), 18);
}

#[test]
fn a_check_needs_a_sweep() {
    plan(&["--check"])
        .code(2)
        .stderr(predicates::str::contains("bench --sweep"));
}
