//! The same request over several models: where the answers differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Place, Scenario,
    expect::{
        application::show,
        client::values,
        status::{connection_word, status_line},
        value::quote,
    },
    text::latin1,
};
use crate::{
    model::Model,
    results::Difference,
    witness::{ClientView, Connection, Evidence, ProbeReport},
};

/// Response fields that the moment or the connection decides, in lower case.
const VOLATILE_FIELDS: [&str; 5] = [
    "date",
    "server",
    "connection",
    "keep-alive",
    "transfer-encoding",
];

/// Meta-variables that every model should agree on: those of RFC 3875 4.1 and those in common use
/// that the client's request alone decides. SCRIPT_NAME depends on where
/// a pairing mounts the probe, so it is compared within `application.path`.
const AGREED: [&str; 15] = [
    "AUTH_TYPE",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "GATEWAY_INTERFACE",
    "HTTPS",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_USER",
    "REQUEST_METHOD",
    "REQUEST_SCHEME",
    "REQUEST_URI",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
];

/// What one model answered, reduced to what the models should agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face(BTreeMap<String, String>);

impl Scenario {
    /// What is compared of one model's answer.
    pub fn face(&self, evidence: &Evidence, place: &Place) -> Face {
        let mut face = Face::default();
        let ignored = |name: &str| {
            self.differential
                .ignore
                .iter()
                .any(|i| i.eq_ignore_ascii_case(name))
        };
        face.add_client(&evidence.client, evidence.application.is_some(), &ignored);
        if let Some(next) = &evidence.next {
            face.add("next_request.status", status_line(&next.client));
        }
        if let Some(report) = &evidence.application {
            face.add_application(report, &ignored, place);
        }
        for value in face.0.values_mut() {
            *value = neutral(value, place);
        }
        face
    }
}

impl Face {
    fn add(&mut self, what: impl Into<String>, value: String) {
        self.0.insert(what.into(), value);
    }

    fn add_client(&mut self, client: &ClientView, is_report: bool, ignored: &dyn Fn(&str) -> bool) {
        self.add("client.status", status_line(client));
        self.add("client.interim", format!("{:?}", client.interim));
        self.add("client.message", message(client).to_owned());
        let names: BTreeSet<String> = client
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        // A report names its process and interface, so its length differs by nature.
        let volatile =
            |name: &str| VOLATILE_FIELDS.contains(&name) || (is_report && name == "content-length");
        for name in names
            .iter()
            .filter(|name| !volatile(name) && !ignored(name))
        {
            self.add(format!("client.header.{name}"), values(client, name));
        }
        if !is_report {
            self.add("client.body", body(client));
        }
    }

    fn add_application(
        &mut self,
        report: &ProbeReport,
        ignored: &dyn Fn(&str) -> bool,
        place: &Place,
    ) {
        let headers = report
            .environ
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| name.starts_with("HTTP_"));
        let names: BTreeSet<&str> = AGREED.into_iter().chain(headers).collect();
        for name in names.into_iter().filter(|name| !ignored(name)) {
            let values: Vec<&str> = super::expect::application::all(report, name).collect();
            self.add(format!("application.{name}"), show(&values));
        }
        // Before it is quoted, which cuts a long one.
        let path = neutral(&super::expect::application::path(report), place);
        self.add("application.path", quote(&path));
        self.add(
            "application.body",
            format!("{} octets, sha256 {}", report.body.size, report.body.sha256),
        );
    }
}

/// Whether the client has the whole message; that a connection stays open or is closed behind it
/// is no difference.
fn message(client: &ClientView) -> &'static str {
    match client.connection {
        _ if client.malformed.is_some() => "malformed",
        Connection::Open | Connection::Closed => "whole",
        Connection::Cut | Connection::Stalled => connection_word(client.connection),
    }
}

fn body(client: &ClientView) -> String {
    let body = &client.body;
    match body.size <= 120 {
        true => quote(&latin1(&body.kept)),
        false => format!("{} octets, sha256 {}", body.size, body.sha256),
    }
}

/// Takes out what only tells where a pairing listens and mounts the probe.
fn neutral(value: &str, place: &Place) -> String {
    let port = format!("\"{}\"", place.port());
    let value = match value == port {
        true => "\"{port}\"".to_owned(),
        false => value.replace(&place.host, "{host}"),
    };
    match place.app.is_empty() {
        true => value,
        false => value.replace(&place.app, "{app}"),
    }
}

/// Where the models differ: for each model the values in which it is not with the majority. Where
/// there is no majority every model is listed.
pub fn compare(faces: &[(Model, Face)]) -> Vec<(Model, Vec<Difference>)> {
    let names: BTreeSet<&String> = faces.iter().flat_map(|(_, face)| face.0.keys()).collect();
    let mut differences: Vec<(Model, Vec<Difference>)> = faces
        .iter()
        .map(|(model, _)| (*model, Vec::new()))
        .collect();
    for name in names {
        let told: Vec<&(Model, Face)> = faces
            .iter()
            .filter(|(_, face)| face.tells_of(name))
            .collect();
        let values: Vec<&str> = told.iter().map(|(_, face)| face.value(name)).collect();
        let majority = majority(&values);
        for (model, list) in &mut differences {
            let here = told.iter().position(|(of, _)| of == model);
            if let Some(here) = here.filter(|&here| majority != Some(values[here])) {
                list.push(difference(name, here, &told, &values));
            }
        }
    }
    differences
}

impl Face {
    /// Whether it has a say on `name`: a model that refused the request has no report to compare.
    fn tells_of(&self, name: &str) -> bool {
        let reports = self.0.keys().any(|key| key.starts_with("application."));
        reports || !name.starts_with("application.")
    }

    fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("absent", String::as_str)
    }
}

/// The value that more than half have; the only one where all agree.
fn majority<'a>(values: &[&'a str]) -> Option<&'a str> {
    let count = |value: &str| values.iter().filter(|other| **other == value).count();
    values
        .iter()
        .copied()
        .find(|value| 2 * count(value) > values.len())
}

fn difference(what: &str, here: usize, faces: &[&(Model, Face)], values: &[&str]) -> Difference {
    let others = faces
        .iter()
        .zip(values)
        .enumerate()
        .filter(|(i, _)| *i != here);
    Difference {
        what: what.to_owned(),
        here: values[here].to_owned(),
        others: others
            .map(|(_, (face, value))| (face.0.word().to_owned(), (*value).to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::testing::{place, reply, report, scenario},
        witness::NextView,
    };

    fn face(lines: &str, evidence: &Evidence) -> Face {
        scenario(lines).face(evidence, &place())
    }

    /// Model and name of each difference.
    fn named(faces: &[(Model, Face)]) -> Vec<(Model, String)> {
        let all = compare(faces).into_iter();
        all.flat_map(|(model, list)| list.into_iter().map(move |one| (model, one.what)))
            .collect()
    }

    #[test]
    fn models_that_agree_have_no_difference() {
        let one = face("", &report(&[("QUERY_STRING", "a")], b"x"));
        let faces = [(Model::Cgi, one.clone()), (Model::Uwsgi, one)];
        assert_eq!(named(&faces), []);
    }

    #[test]
    fn who_is_not_with_the_majority_differs() {
        let (one, other) = (
            face("", &report(&[("CONTENT_LENGTH", "")], b"")),
            face("", &report(&[], b"")),
        );
        let faces = [
            (Model::Cgi, one.clone()),
            (Model::FastCgi, one),
            (Model::Uwsgi, other),
        ];
        let what = "application.CONTENT_LENGTH".to_owned();
        assert_eq!(named(&faces), [(Model::Uwsgi, what)]);
        let difference = &compare(&faces)[2].1[0];
        assert_eq!(difference.here, "absent");
        assert_eq!(difference.others["cgi"], "\"\"");
        assert_eq!(difference.others["fastcgi"], "\"\"");
    }

    #[test]
    fn where_there_is_no_majority_all_differ() {
        let faces = [Model::Cgi, Model::FastCgi].map(|model| {
            let status = if model == Model::Cgi { 200 } else { 500 };
            (model, face("", &reply(status, "", b"")))
        });
        assert_eq!(named(&faces).len(), 2);
    }

    #[test]
    fn a_refusal_is_not_compared_variable_by_variable() {
        let refused = face("", &reply(400, "", b"no"));
        let served = face("", &report(&[("QUERY_STRING", "a")], b""));
        let faces = [
            (Model::Cgi, served.clone()),
            (Model::FastCgi, served),
            (Model::Uwsgi, refused),
        ];
        let named = named(&faces);
        assert!(
            named.iter().all(|(_, what)| what.starts_with("client.")),
            "{named:?}"
        );
        assert!(
            named.contains(&(Model::Uwsgi, "client.status".to_owned())),
            "{named:?}"
        );
    }

    #[test]
    fn where_a_pairing_listens_and_mounts_the_probe_is_no_difference() {
        let at = |app: &str, host: &str| {
            let long = format!("/{}", "a".repeat(500));
            let environ = [
                ("SCRIPT_NAME", app),
                ("PATH_INFO", long.as_str()),
                ("HTTP_HOST", host),
                ("SERVER_PORT", host.split_once(':').unwrap().1),
            ];
            scenario("").face(&report(&environ, b""), &Place::new(app, host))
        };
        let faces = [
            (Model::Cgi, at("/cgi-bin/probe", "127.0.0.1:1111")),
            (Model::Uwsgi, at("/probe", "127.0.0.1:2222")),
        ];
        assert_eq!(named(&faces), []);
    }

    #[test]
    fn a_cut_message_differs_from_a_whole_one_and_a_closed_connection_does_not() {
        let with = |connection: Connection| {
            let mut evidence = reply(200, "OK", b"x");
            evidence.client.connection = connection;
            face("", &evidence)
        };
        let pair = |other| {
            [
                (Model::Cgi, with(Connection::Open)),
                (Model::Uwsgi, with(other)),
            ]
        };
        assert_eq!(named(&pair(Connection::Closed)), []);
        let what = "client.message".to_owned();
        let both = [(Model::Cgi, what.clone()), (Model::Uwsgi, what)];
        assert_eq!(named(&pair(Connection::Cut)), both);
    }

    #[test]
    fn what_becomes_of_the_next_request_is_compared() {
        let with = |status: u16| {
            let mut evidence = reply(200, "OK", b"x");
            evidence.next = Some(NextView {
                same_connection: true,
                client: reply(status, "", b"").client,
            });
            face("", &evidence)
        };
        let faces = [(Model::Cgi, with(200)), (Model::Uwsgi, with(502))];
        assert!(
            named(&faces)
                .iter()
                .all(|(_, what)| what == "next_request.status")
        );
    }

    #[test]
    fn volatile_and_ignored_fields_are_left_out() {
        let with = |date: &str| {
            let mut evidence = reply(200, "OK", b"x");
            let field = |name: &str| (name.to_owned(), date.to_owned());
            evidence.client.headers = vec![field("Date"), field("ETag")];
            face("differential.ignore = ['etag']", &evidence)
        };
        let faces = [(Model::Cgi, with("now")), (Model::Uwsgi, with("later"))];
        assert_eq!(named(&faces), []);
    }

    #[test]
    fn the_length_of_a_report_differs_by_nature_and_of_a_document_does_not() {
        let with = |length: &str, mut evidence: Evidence| {
            evidence.client.headers = vec![("Content-Length".to_owned(), length.to_owned())];
            face("", &evidence)
        };
        let reports = ["10", "11"].map(|length| with(length, report(&[], b"")));
        let documents = ["10", "11"].map(|length| with(length, reply(200, "OK", b"x")));
        let pair = |[a, b]: [Face; 2]| [(Model::Cgi, a), (Model::Uwsgi, b)];
        assert_eq!(named(&pair(reports)), []);
        assert_eq!(named(&pair(documents)).len(), 2);
    }
}
