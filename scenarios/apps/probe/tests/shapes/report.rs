//! The report against its schema, and what only a CGI program reports.

use crate::support::{self, Case, Shape};

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../../report.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

#[track_caller]
fn assert_valid(shape: &Shape<'_>, commands: &str) {
    let output = support::output(shape, &Case::new("POST", commands));
    let text = String::from_utf8(output.stdout)
        .unwrap()
        .replace("\r\n", "\n");
    let (_, json) = text.split_once("\n\n").expect("a head, then a body");
    let json = serde_json::from_str(json).unwrap();
    if let Err(error) = schema().validate(&json) {
        panic!("{error} in {json}");
    }
}

#[test]
fn replies_keep_to_the_schema() {
    let python = support::python("replies_keep_to_the_schema");
    let python = python
        .into_iter()
        .flat_map(|path| [Shape::PythonCgi(path), Shape::PythonWsgi(path)]);
    for shape in python.chain([Shape::RustCgi]) {
        for commands in ["", "colour=red"] {
            assert_valid(&shape, commands);
        }
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    for json in [
        r#"{"probe":1}"#,
        r#"{"probe":2,"error":"x"}"#,
        r#"{"probe":1,"error":"x","extra":1}"#,
        r#"{"probe":1,"language":"rust","interface":"ajp","pid":1,"environ":[],"body":{"size":0,"sha256":"","error":null},"argv":null,"cwd":null}"#,
    ] {
        assert!(
            !schema().is_valid(&serde_json::from_str(json).unwrap()),
            "{json}"
        );
    }
}

#[test]
fn a_cgi_program_reports_argv_and_cwd() {
    let python = support::python("a_cgi_program_reports_argv_and_cwd");
    let python = python.into_iter().map(Shape::PythonCgi);
    for shape in python.chain([Shape::RustCgi]) {
        let output = support::output(&shape, &Case::new("GET", ""));
        let start = output
            .stdout
            .windows(2)
            .position(|at| at == b"\n\n")
            .unwrap();
        let report: probe::Report = serde_json::from_slice(&output.stdout[start..]).unwrap();
        let cwd = std::env::current_dir().unwrap();
        assert_eq!(report.cwd.as_deref(), cwd.to_str());
        assert_eq!(report.argv.map(|argv| argv.len()), Some(1));
    }
}
