//! The Python probe as a WSGI application: what the bench judges this server by.

mod support;

use std::path::Path;

use support::python::request;
use support::site::Way;
use support::{Responses, counter};

fn ways() -> Vec<Way> {
    let probe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/apps/probe.py");
    Way::all(&[
        "--wsgi-file",
        probe.to_str().expect("paths of the project are text"),
    ])
}

#[test]
fn the_probe_tells_what_it_saw_over_every_protocol() {
    needs_python!();
    for way in ways() {
        let response = way.ask("GET", "/a%20b?c=d", "X-Other: e\r\n");
        let report = response.report();
        assert_eq!(report.var("PATH_INFO"), Some("/a b"), "{}", way.name);
        assert_eq!(report.var("SCRIPT_NAME"), Some(""), "{}", way.name);
        assert_eq!(report.var("QUERY_STRING"), Some("c=d"), "{}", way.name);
        assert_eq!(report.var("HTTP_X_OTHER"), Some("e"), "{}", way.name);
    }
}

#[test]
fn the_probe_replies_as_it_is_told_over_every_protocol() {
    needs_python!();
    for way in ways() {
        let response = way.probe("/", "status=418 Short; header=X-A: 1; body=hi");
        assert_eq!(
            (response.head.status, response.text()),
            (418, "hi"),
            "{}",
            way.name
        );
        assert_eq!(&response.head.reason[..], b"Short", "{}", way.name);
        assert_eq!(response.field("x-a"), Some("1"), "{}", way.name);
        for commands in ["size=300000", "size=300000; length=no; chunks=7"] {
            assert_eq!(
                way.probe("/", commands).body,
                counter(300_000),
                "{}",
                way.name
            );
        }
        let mut responses = Responses::on(way.connect());
        let body = "echo\n".repeat(1000);
        responses
            .peer
            .send(request("POST", "/", "X-Probe: echo\r\n", &body));
        assert_eq!(responses.next("POST").text(), body, "{}", way.name);
    }
}

#[test]
fn the_probe_that_dies_before_its_head_is_a_500() {
    needs_python!();
    for way in ways() {
        assert_eq!(
            way.probe("/", "die=before-head").head.status,
            500,
            "{}",
            way.name
        );
        assert_eq!(way.probe("/", "body=alive").text(), "alive", "{}", way.name);
    }
}
