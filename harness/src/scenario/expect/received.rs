//! What must have crossed the wire from the gateway to the backend.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Mismatch, Scene, Unmet, value::Value};
use crate::{
    outcome::Witness,
    witness::{Evidence, Received},
};

/// Conditions on what the backend received; not looked at where that wire is not watched, as when
/// the gateway executes the program itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceivedExpect {
    /// How many requests came, follow-ups left out.
    pub requests: Option<usize>,
    /// Params of the first one by name, as on the wire. One that is given several times never fits.
    pub params: BTreeMap<String, Value>,
    /// Octets of body that came with the first one.
    pub body_size: Option<u64>,
}

impl ReceivedExpect {
    /// The first difference.
    pub(super) fn mismatch(&self, evidence: &Evidence, scene: &Scene<'_>) -> Option<Mismatch> {
        let received = evidence.received.as_deref()?;
        let unmet = self
            .unmet_count(received)
            .or_else(|| self.unmet_params(received.first(), scene))
            .or_else(|| self.unmet_body(received.first()))?;
        Some(unmet.seen_by(Witness::Received, "received"))
    }

    fn unmet_count(&self, received: &[Received]) -> Option<Unmet> {
        let expected = self
            .requests
            .filter(|&expected| expected != received.len())?;
        let actual = received.len().to_string();
        Some(Unmet::new("requests", expected.to_string(), actual))
    }

    fn unmet_params(&self, first: Option<&Received>, scene: &Scene<'_>) -> Option<Unmet> {
        self.params.iter().find_map(|(name, value)| {
            let all = first.into_iter().flat_map(|received| &received.params);
            let values: Vec<&str> = all
                .filter(|(other, _)| other == name)
                .map(|(_, value)| value.as_str())
                .collect();
            let unmet = value.unmet(values.first().copied(), scene.place);
            let twice = || (values.len() > 1).then(|| "one value".to_owned());
            let actual = super::application::show(&values);
            Some(Unmet::new(
                format!("params.{name}"),
                unmet.or_else(twice)?,
                actual,
            ))
        })
    }

    fn unmet_body(&self, first: Option<&Received>) -> Option<Unmet> {
        let expected = self.body_size?;
        let actual = first.map_or(0, |received| received.body_size);
        let differs = expected != actual;
        differs.then(|| Unmet::new("body_size", expected.to_string(), actual.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Model,
        scenario::{
            JudgeContext, Judgement,
            testing::{place, report, scenario},
        },
    };

    fn judged(lines: &str, received: Option<Vec<Received>>) -> Judgement {
        let mut evidence = report(&[], b"");
        evidence.received = received;
        let (model, place) = (Model::Uwsgi, place());
        let context = JudgeContext {
            model,
            place: &place,
            carried: false,
        };
        scenario(lines).judge(&evidence, &context)
    }

    fn request(name: &str, body_size: u64) -> Received {
        Received {
            params: vec![(name.to_owned(), "x".to_owned())],
            body_size,
        }
    }

    #[test]
    fn a_second_request_to_the_backend_is_seen() {
        let twice = vec![request("A", 5), request("A", 5)];
        let judgement = judged("expect.received.requests = 1", Some(twice));
        assert_eq!(judgement.witness, Some(Witness::Received));
        assert_eq!(judgement.actual.as_deref(), Some("received.requests: 2"));
    }

    #[test]
    fn params_and_body_are_those_of_the_first_request() {
        let one = || Some(vec![request("A", 5)]);
        assert!(
            judged(
                "expect.received = { params = { A = 'x' }, body_size = 5 }",
                one()
            )
            .passed
        );
        assert!(!judged("expect.received.params.A = 'y'", one()).passed);
        assert!(!judged("expect.received.body_size = 4", one()).passed);
    }

    #[test]
    fn a_wire_that_nobody_watched_proves_nothing() {
        assert!(judged("expect.received.requests = 0", None).passed);
    }
}
