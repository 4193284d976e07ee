//! From what was seen to a verdict.

use std::collections::BTreeMap;

use super::{Place, Scenario, expect::Mismatch, verdict::Unmet};
use crate::{
    model::Model,
    outcome::{AtFault, Level, Witness},
    witness::Evidence,
};

/// Where the evidence was gathered.
#[derive(Clone, Copy, Debug)]
pub struct JudgeContext<'a> {
    /// The way to the application.
    pub model: Model,
    /// Where the probe is mounted.
    pub place: &'a Place,
    /// Whether another server carried CGI for the gateway, so that either may have broken what
    /// binds "the server".
    pub carried: bool,
}

/// What one scenario says about one pairing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whether everything held. Always so at level `observed`, which only tells.
    pub passed: bool,
    /// Why the pairing cannot express the case, in the probe's own words.
    pub unsupported: Option<String>,
    /// What must hold, where it did not.
    pub expected: Option<String>,
    /// What came instead.
    pub actual: Option<String>,
    /// Who saw it.
    pub witness: Option<Witness>,
    /// Whom the broken rule binds.
    pub at_fault: Option<AtFault>,
    /// What was seen: `chosen` is the conforming outcome, `unmet` what an observed case did not
    /// find, everything else an observed value by its name.
    pub observation: BTreeMap<String, String>,
}

impl Scenario {
    /// Whether the application has to reply as only CGI lets it: by its raw output, or by a
    /// `Location` without a status.
    pub fn needs_cgi_output(&self) -> bool {
        self.probe.raw.is_some() || self.probe.location.is_some()
    }

    /// Judges one run.
    pub fn judge(&self, evidence: &Evidence, context: &JudgeContext<'_>) -> Judgement {
        if let Some(reason) = declined(evidence) {
            return Judgement {
                unsupported: Some(reason),
                ..Judgement::default()
            };
        }
        let mut observation = self.observation(evidence);
        match self.verdict(evidence, context) {
            Ok(chosen) => {
                observation.extend(chosen.map(|name| ("chosen".to_owned(), name.to_owned())));
                Judgement {
                    passed: true,
                    observation,
                    ..Judgement::default()
                }
            }
            Err(unmet) if self.level == Level::Observed => {
                let Mismatch { what, actual, .. } = unmet.mismatch;
                observation.insert("unmet".to_owned(), format!("{what}: {actual}"));
                Judgement {
                    passed: true,
                    observation,
                    ..Judgement::default()
                }
            }
            Err(unmet) => self.violation(unmet, observation, context),
        }
    }

    fn observation(&self, evidence: &Evidence) -> BTreeMap<String, String> {
        let values = self.observe.iter();
        values
            .filter_map(|observed| Some((observed.to_string(), observed.value(evidence)?)))
            .collect()
    }

    fn violation(
        &self,
        unmet: Unmet,
        observation: BTreeMap<String, String>,
        context: &JudgeContext<'_>,
    ) -> Judgement {
        let bound = match self.binds {
            AtFault::Gateway if context.carried => AtFault::Either,
            bound => bound,
        };
        let Mismatch {
            witness,
            what,
            expected,
            actual,
        } = unmet.mismatch;
        Judgement {
            passed: false,
            unsupported: None,
            expected: Some(format!("{what}: {expected}")),
            actual: Some(format!("{what}: {actual}")),
            witness: Some(witness),
            at_fault: Some(unmet.at_fault.unwrap_or(bound)),
            observation,
        }
    }
}

/// What the probe says where the interface cannot carry a command.
fn declined(evidence: &Evidence) -> Option<String> {
    if evidence.client.status != Some(501) {
        return None;
    }
    let reply: serde_json::Value = serde_json::from_slice(&evidence.client.body.kept).ok()?;
    reply.get("probe")?;
    let error = reply.get("error")?.as_str()?;
    Some(format!("the probe says: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::testing::{levelled, place, reply, report, scenario},
        witness::{Connection, NextView},
    };

    fn judged(scenario: &Scenario, evidence: &Evidence) -> Judgement {
        let place = place();
        let context = JudgeContext {
            model: Model::FastCgi,
            place: &place,
            carried: false,
        };
        scenario.judge(evidence, &context)
    }

    /// Expected and actual, as reports print them.
    fn told(lines: &str, evidence: &Evidence) -> String {
        let judgement = judged(&scenario(lines), evidence);
        assert!(!judgement.passed);
        let text = |side: Option<String>| side.unwrap();
        let (expected, actual) = (text(judgement.expected), text(judgement.actual));
        format!("{expected}\n{actual}\n{:?}", judgement.witness.unwrap())
    }

    const SERVED_OR_REFUSED: &str = "one_of = [
        { as = 'served', application.path = '{app}/a b' },
        { as = 'refused', client.status = { class = 4 } } ]";

    #[test]
    fn a_status_is_told_with_its_reason() {
        let told = told(
            "expect.client.status = [200, 204]",
            &reply(502, "Bad Gateway", b""),
        );
        insta::assert_snapshot!(told, @r"
        client.status: 200 or 204
        client.status: 502 Bad Gateway
        Client
        ");
    }

    #[test]
    fn a_variable_is_told_quoted() {
        let lines = "expect.application = { QUERY_STRING = '', X = { null = true } }";
        let told = told(lines, &report(&[("X", "1")], b""));
        insta::assert_snapshot!(told, @r#"
        application.QUERY_STRING: ""
        application.QUERY_STRING: absent
        Application
        "#);
    }

    #[test]
    fn a_variable_given_twice_is_told() {
        let told = told(
            "expect.application.A = 'x'",
            &report(&[("A", "x"), ("A", "y")], b""),
        );
        insta::assert_snapshot!(told, @r#"
        application.A: one value
        application.A: "x" and "y"
        Application
        "#);
    }

    #[test]
    fn the_request_body_is_told_by_size_and_digest() {
        let lines = "request.body = 'hello'\nexpect.application.body = { sha256 = 'of-request' }";
        let told = told(lines, &report(&[], b"hell"));
        insta::assert_snapshot!(told, @r"
        application.body: 5 octets, sha256 2cf24dba5fb0a30e…
        application.body: 4 octets, sha256 0ebdc3317b75839f…
        Application
        ");
    }

    #[test]
    fn of_a_choice_every_outcome_is_told() {
        let environ = [("SCRIPT_NAME", "/probe"), ("PATH_INFO", "/a%20b")];
        let told = told(SERVED_OR_REFUSED, &report(&environ, b""));
        insta::assert_snapshot!(told, @r#"
        one of: served (application.path: "/probe/a b"), or refused (client.status: 4xx)
        one of: application.path: "/probe/a%20b"; client.status: 200 OK
        Application
        "#);
    }

    #[test]
    fn where_the_report_is_missing_the_reply_is_told() {
        let told = told(
            "expect.application.A = 'x'",
            &reply(504, "Gateway Time-out", b""),
        );
        insta::assert_snapshot!(told, @r"
        client: the probe's report
        client: 504 Gateway Time-out
        Client
        ");
    }

    #[test]
    fn repeated_fields_must_come_one_by_one() {
        let lines = "expect.client.headers = [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]";
        let mut evidence = reply(200, "OK", b"");
        evidence.client.headers = vec![("set-cookie".to_owned(), "a=1, b=2".to_owned())];
        insta::assert_snapshot!(told(lines, &evidence), @r#"
        client.header.Set-Cookie: "a=1"
        client.header.Set-Cookie: "a=1, b=2"
        Client
        "#);
        evidence.client.headers = ["a=1", "b=2", "c=3"]
            .map(|value| ("set-cookie".to_owned(), value.to_owned()))
            .to_vec();
        insta::assert_snapshot!(told(lines, &evidence), @r#"
        client.header.Set-Cookie: 2 of them
        client.header.Set-Cookie: "a=1", "b=2", "c=3"
        Client
        "#);
    }

    #[test]
    fn a_read_that_failed_is_told_apart_from_one_that_ended() {
        let lines = "expect.application.body_error = { starts_with = 'read failed' }";
        let mut evidence = report(&[], b"");
        insta::assert_snapshot!(told(lines, &evidence), @r#"
        application.body_error: starts with "read failed"
        application.body_error: absent
        Application
        "#);
        let report = evidence.application.as_mut().expect("it is there");
        report.body.error = Some("read failed: reset".to_owned());
        assert!(judged(&scenario(lines), &evidence).passed);
    }

    #[test]
    fn a_reply_that_is_cut_is_incomplete_unless_the_case_says_so() {
        let mut evidence = reply(200, "OK", b"hel");
        evidence.client.connection = Connection::Cut;
        insta::assert_snapshot!(told("expect.client.status = 200", &evidence), @r"
        client.connection: a complete response
        client.connection: cut after 3 octets of body
        Client
        ");
        let allowed = scenario("one_of = [{ as = 'cut', client.connection = 'cut' }]");
        assert!(judged(&allowed, &evidence).passed);
    }

    #[test]
    fn malformed_http_is_the_gateways_fault_whatever_is_cited() {
        let mut evidence = reply(200, "OK", b"");
        evidence.client.malformed = Some("line ends in a bare line feed".to_owned());
        let judgement = judged(&scenario(""), &evidence);
        assert!(!judgement.passed);
        assert_eq!(judgement.at_fault, Some(AtFault::Gateway));
    }

    #[test]
    fn the_next_request_is_a_witness_of_its_own() {
        let lines = "expect.next_request.client = { status = 200, body = 'second' }";
        let mut evidence = reply(200, "OK", b"");
        evidence.next = Some(NextView {
            same_connection: true,
            client: reply(200, "OK", b"first").client,
        });
        insta::assert_snapshot!(told(lines, &evidence), @r#"
        next_request.client.body: "second"
        next_request.client.body: "first"
        NextRequest
        "#);
    }

    #[test]
    fn the_chosen_outcome_is_observed() {
        let refused = judged(&scenario(SERVED_OR_REFUSED), &reply(404, "Not Found", b""));
        assert!(refused.passed);
        assert_eq!(refused.observation["chosen"], "refused");
    }

    #[test]
    fn an_outcome_of_other_models_is_no_choice() {
        let lines = "one_of = [
            { as = 'any', client.status = 200 },
            { as = 'uwsgi', models = ['uwsgi'], client.status = 500 } ]";
        assert!(!judged(&scenario(lines), &reply(500, "Oops", b"")).passed);
    }

    #[test]
    fn an_observed_case_never_fails_but_tells() {
        let lines = "observe = ['client.status']\nexpect.client.body = 'x'";
        let judgement = judged(&levelled("observed", lines), &reply(200, "OK", b"y"));
        assert!(judgement.passed);
        assert_eq!(judgement.observation["client.status"], "200 OK");
        assert_eq!(judgement.observation["unmet"], "client.body: \"y\"");
    }

    #[test]
    fn a_probe_that_declines_makes_the_case_unsupported() {
        let body = br#"{"probe":1,"error":"raw needs a CGI interface"}"#;
        let judgement = judged(&scenario(""), &reply(501, "Not Implemented", body));
        let reason = "the probe says: raw needs a CGI interface";
        assert_eq!(judgement.unsupported.as_deref(), Some(reason));
        assert!(!judgement.passed);
    }

    #[test]
    fn behind_a_carrier_either_may_have_broken_a_rule_for_gateways() {
        let place = place();
        let at_fault = |carried| {
            let context = JudgeContext {
                model: Model::Cgi,
                place: &place,
                carried,
            };
            let scenario = scenario("expect.client.status = 200");
            scenario.judge(&reply(500, "", b""), &context).at_fault
        };
        assert_eq!(at_fault(false), Some(AtFault::Gateway));
        assert_eq!(at_fault(true), Some(AtFault::Either));
    }
}
