//! `gatebench report` on stored measurements: comparisons that gate, and many runs on one page.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::gatebench;

fn sweep() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sweep.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn scaled(rate: &Value, times: f64) -> Value {
    Value::from(rate.as_f64().unwrap() * times)
}

/// The sweep with every rate of a model multiplied.
fn with(model: &str, times: f64) -> Value {
    let mut run = sweep();
    for entry in run["throughput"].as_array_mut().unwrap() {
        if entry["model"] == model || model == "all" {
            entry["rps"] = scaled(&entry["rps"], times);
            let rounds = entry["rounds"].as_array().unwrap().iter();
            entry["rounds"] = rounds.map(|rate| scaled(rate, times)).collect();
        }
    }
    run
}

fn write(folder: &Path, name: &str, run: &Value) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, run.to_string()).unwrap();
    file
}

/// Reports `new` in comparison with the sweep; JUnit goes to a file of that name.
fn compared(new: &Value) -> (assert_cmd::assert::Assert, String) {
    let folder = tempfile::tempdir().unwrap();
    let old = write(folder.path(), "old.json", &sweep());
    let new = write(folder.path(), "new.json", new);
    let junit = folder.path().join("junit.xml");
    let done = gatebench()
        .arg("report")
        .arg(new)
        .arg("--compare")
        .arg(old)
        .arg("--junit")
        .arg(&junit)
        .assert();
    (done, fs::read_to_string(junit).unwrap())
}

#[test]
fn a_multiple_that_fell_fails_the_job_and_its_case_in_junit() {
    let (done, junit) = compared(&with("uwsgi", 0.5));
    done.code(1).stdout(predicates::str::contains("**slower**"));
    let suite = junit
        .split("<testsuite name=\"throughput\"")
        .nth(1)
        .unwrap();
    assert_eq!(suite.matches("<testcase").count(), 18, "{suite}");
    // Of one connection and of two the rounds scatter too much to tell.
    let failed = suite.matches("<failure").count();
    assert!((1..=6).contains(&failed), "{failed} failures in {suite}");
    assert!(
        suite.contains("uwsgi") && suite.contains("fell to"),
        "{suite}"
    );
}

#[test]
fn a_slower_machine_fails_nothing() {
    let (done, junit) = compared(&with("all", 0.5));
    done.success();
    assert!(!junit.contains("<failure"), "{junit}");
}

#[test]
fn many_runs_make_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    fs::create_dir(&runs).unwrap();
    write(&runs, "1.json", &sweep());
    write(&runs, "2.json", &with("uwsgi", 0.5));
    let page = folder.path().join("history.html");
    let history = |results: &Path| {
        let mut command = gatebench();
        command.arg("report").arg("--history").arg(results);
        command.arg("--html").arg(&page);
        command
    };
    history(&runs).assert().success();
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("gatebench history: 2 runs") && text.contains("<svg"));
    let none = folder.path().join("none");
    fs::create_dir(&none).unwrap();
    history(&none)
        .assert()
        .code(2)
        .stderr(predicates::str::contains("gatebench bench"));
}
