//! The examples of the documentation, played as they stand there.

use std::{fs, path::Path};

use gatebench::{outcome::Outcome, results::Results};

use super::gatebench;

/// What a fragment leaves out; the rest of its keys stand in the example itself.
const FRAME: &str = "spec = 'FastCGI 1.0'\n[[scenario]]\nname = 'example'\nlevel = 'observed'\n\
                     says = 'It is an example.'\nrequirements = ['FCGI-3.3-APP-ID-NONZERO']\n";

/// The TOML blocks of scenarios/README.md, each as a file of scenarios.
fn examples() -> Vec<String> {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/README.md");
    let manual = fs::read_to_string(manual).unwrap();
    let blocks = manual.split("```toml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| match block {
            whole if whole.contains("\nspec = ") => whole.to_owned(),
            scenario if scenario.starts_with("[[scenario]]") => format!("spec = 's'\n{scenario}"),
            fragment => format!("{FRAME}{fragment}"),
        })
        .collect()
}

#[test]
fn every_example_of_the_scenario_manual_is_read_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cgi")).unwrap();
    let examples = examples();
    assert_eq!(examples.len(), 4);
    for (number, example) in examples.iter().enumerate() {
        fs::write(folder.path().join(format!("cgi/{number}.toml")), example).unwrap();
    }
    let json = folder.path().join("results.json");
    gatebench()
        .args(["check", "--gateway", "builtin", "--backend", "gateserve"])
        .args(["--model", "cgi,fastcgi,uwsgi", "--scenarios"])
        .arg(folder.path())
        .arg("--json")
        .arg(&json)
        .current_dir(folder.path())
        .assert()
        .success();
    let results: Results = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let passed = |id: &str| {
        let of_it = || results.results.iter().filter(|case| case.scenario == id);
        let outcomes: Vec<Outcome> = of_it().map(|case| case.outcome).collect();
        !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Pass)
    };
    for id in ["cgi/0/decoded-once", "cgi/1/example", "cgi/2/example"] {
        assert!(passed(id), "{id}");
    }
}
