//! What the bench knows, for people and programs.

use std::process::Stdio;

use predicates::str::contains;

use super::gatebench;

#[test]
fn every_list_is_valid_json() {
    let lists = [
        "scenarios",
        "requirements",
        "field-cases",
        "gateways",
        "backends",
    ];
    for what in lists {
        let output = gatebench()
            .args(["list", what, "--format", "json"])
            .assert()
            .success();
        let list: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        assert!(!list.as_array().unwrap().is_empty(), "{what}");
    }
}

#[test]
fn a_list_of_subjects_tells_where_each_is_or_how_to_get_it() {
    for what in ["gateways", "backends"] {
        let output = gatebench()
            .args(["list", what])
            .env("PATH", "/nowhere")
            .assert()
            .success();
        let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len() % 2, 0, "{text}");
        for two in lines.chunks(2) {
            let told = two[1].trim();
            let ways = ["comes with the bench", "here as ", "no program here: "];
            assert!(ways.iter().any(|way| told.starts_with(way)), "{two:?}");
        }
        assert!(!text.contains("variants: \n"), "{text}");
    }
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

#[test]
fn a_reader_that_has_seen_enough_is_left_in_peace() {
    gatebench();
    let lists: [&[&str]; 3] = [
        &["list", "requirements"],
        &["completions", "bash"],
        &["man"],
    ];
    for list in lists {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("gatebench"))
            .args(list)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{list:?}: {output:?}");
        assert_eq!(output.stderr, b"", "{list:?}");
    }
}

#[test]
fn every_command_shows_how_it_is_used() {
    for command in ["run", "check", "bench", "report", "list", "images"] {
        gatebench()
            .args([command, "--help"])
            .assert()
            .success()
            .stdout(contains(format!("Examples:\n  gatebench {command}")));
    }
}
