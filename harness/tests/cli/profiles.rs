//! `gatebench bench --profile peers`.

use predicates::str::contains;
use serde_json::Value;

use super::gatebench;

#[test]
fn a_heat_that_is_none_is_told_with_those_that_are() {
    gatebench()
        .args(["bench", "--profile", "peers", "--heat", "marathon"])
        .assert()
        .code(2)
        .stderr(contains(
            "the profile has no heat `marathon`; it has wsgi, http",
        ));
}

#[test]
fn what_a_profile_prescribes_cannot_be_chosen() {
    gatebench()
        .args(["bench", "--profile", "peers", "--connections", "64"])
        .assert()
        .code(2)
        .stderr(contains("cannot be used with"));
    gatebench()
        .args(["bench", "--profile", "peers", "--html", "page.html"])
        .assert()
        .code(2)
        .stderr(contains("--json and --markdown"));
}

#[test]
fn a_heat_measures_its_lanes_and_leaves_figures_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let (json, markdown) = (folder.path().join("p.json"), folder.path().join("p.md"));
    let done = gatebench()
        .args(["bench", "--profile", "peers", "--via", "process"])
        .args(["--heat", "gateway", "--rounds", "1", "--duration", "200ms"])
        .arg("--json")
        .arg(&json)
        .arg("--markdown")
        .arg(&markdown)
        .assert();
    let output = done.get_output();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("built-in, FastCGI kept"), "{text}");
    let profile: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let lane = &profile["heats"][0]["lanes"][0];
    assert_eq!(lane["id"], "built-in, FastCGI kept");
    let rate = &lane["rounds"][0]["values"]["requests_per_second"];
    assert!(rate.as_f64().unwrap() > 0.0, "{lane}");
    let page = std::fs::read_to_string(markdown).unwrap();
    assert!(page.starts_with("# gateserve beside its peers"), "{page}");
    // Where there is no nginx, its lanes say so, and the bench could not do all.
    let whole = profile["heats"][0]["rows"].as_array().unwrap().iter();
    let is_whole = whole.clone().all(|row| row["verdict"] != "not_measured");
    assert_eq!(output.status.code(), Some(if is_whole { 0 } else { 2 }));
}
