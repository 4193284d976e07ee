//! The command line as a user meets it: bad input gets one clear sentence and exit code 2.

mod support;

use assert_cmd::Command;
use predicates::{prelude::*, str::contains};

fn gatebench() -> Command {
    support::build_programs();
    let mut command = Command::cargo_bin("gatebench").unwrap();
    command.env("NO_COLOR", "1").env_remove("RUST_LOG");
    command
}

/// One sentence on standard error that begins with the program's name.
fn one_sentence() -> impl Predicate<str> {
    predicate::function(|text: &str| {
        text.starts_with("gatebench: ") && text.trim_end().lines().count() == 1
    })
}

#[test]
fn an_unknown_option_is_bad_usage() {
    gatebench()
        .args(["check", "--gatway", "nginx"])
        .assert()
        .code(2)
        .stderr(contains("--gateway"));
}

#[test]
fn an_unknown_gateway_lists_the_known_ones() {
    gatebench()
        .args(["check", "--gateway", "ngnix"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains(
            "unknown gateway `ngnix`; the bench knows nginx, builtin",
        )));
}

#[test]
fn an_unknown_model_lists_the_known_ones() {
    gatebench()
        .args(["check", "--model", "fcgi"])
        .assert()
        .code(2)
        .stderr(contains("cgi, fastcgi, uwsgi, scgi, http"));
}

#[test]
fn a_scenario_prefix_that_matches_nothing_is_told() {
    gatebench()
        .args(["check", "--gateway", "builtin", "--scenario", "no/such"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("no scenario begins with `no/such`")));
}

#[test]
fn a_missing_scenario_folder_is_told() {
    gatebench()
        .args(["check", "--scenarios", "/no/such/folder"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("/no/such/folder")));
}

#[test]
fn a_broken_scenario_file_names_file_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("cgi")).unwrap();
    let broken = "spec = \"RFC 3875\"\n\n[[scenario]]\nname = \"x\"\nsayz = \"typo\"\n";
    std::fs::write(folder.path().join("cgi/broken.toml"), broken).unwrap();
    gatebench()
        .args(["list", "scenarios", "--scenarios"])
        .arg(folder.path())
        .assert()
        .code(2)
        .stderr(
            contains("cgi/broken.toml")
                .and(contains("sayz"))
                .and(contains("says")),
        );
}

#[test]
fn an_unreachable_engine_is_told_when_containers_are_asked_for() {
    gatebench()
        .args([
            "check",
            "--gateway",
            "nginx",
            "--via",
            "container",
            "--scenario",
            "cgi/",
        ])
        .env("DOCKER_HOST", "unix:///no/such/engine.sock")
        .assert()
        .code(2)
        .stderr(contains("engine"));
}

#[test]
fn every_list_is_valid_json() {
    for what in ["scenarios", "requirements", "gateways", "backends"] {
        let output = gatebench()
            .args(["list", what, "--format", "json"])
            .assert()
            .success();
        let list: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        assert!(!list.as_array().unwrap().is_empty(), "{what}");
    }
}

#[test]
fn the_same_requests_travel_by_three_models_through_the_builtin_gateway() {
    let folder = tempfile::tempdir().unwrap();
    gatebench()
        .args([
            "run",
            "--gateway",
            "builtin",
            "--scenario",
            "cgi/path-info",
            "--rounds",
            "1",
            "--duration",
            "200ms",
        ])
        .current_dir(folder.path())
        .assert()
        .success()
        .stdout(contains("fastcgi").and(contains("uwsgi")));
    let latest = folder.path().join("reports/latest");
    for file in ["results.json", "junit.xml", "summary.md", "report.html"] {
        assert!(latest.join(file).is_file(), "{file}");
    }
    let results = std::fs::read_to_string(latest.join("results.json")).unwrap();
    let results: gatebench::results::Results = serde_json::from_str(&results).unwrap();
    assert_eq!(results.throughput.len(), 3);
    assert!(results.results.iter().all(|case| case.transcript.is_some()));
}

#[test]
fn completions_and_the_manual_come_from_the_command_line_itself() {
    gatebench()
        .args(["completions", "bash"])
        .assert()
        .success()
        .stdout(contains("--gateway"));
    gatebench()
        .arg("man")
        .assert()
        .success()
        .stdout(contains(".TH gatebench"));
}
