//! What must have crossed the wire from the gateway to the backend.
//!
//! `requests`, `params` and `body_size` can be seen by the relay before a real backend; everything
//! else by the recorder alone, in a scenario with a `reply`.

mod observe;
mod params;
mod program;
mod records;
mod wire;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use {
    observe::ObservedOfWire,
    params::ParamExpect,
    program::ProgramExpect,
    records::{IdExpect, RecordExpect},
    wire::{EndWord, NetstringExpect, PacketExpect},
};

use super::{Mismatch, Scene, Unmet, body::Body, value::Value};
use crate::{
    outcome::Witness,
    scenario::text::Time,
    witness::{
        Evidence, Received,
        recorded::{Asked, Line, Recorded},
    },
};

/// Conditions on what the backend received; not looked at where that wire is not watched, as when
/// the gateway executes the program itself and a real one stands there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceivedExpect {
    /// How many requests came, follow-ups left out.
    pub requests: Option<usize>,
    /// Params of the first one by name, as on the wire. One that is given several times never fits,
    /// unless `count` says so.
    pub params: BTreeMap<String, ParamExpect>,
    /// Octets of body that came with the first one.
    pub body_size: Option<u64>,

    /// The body of the first one.
    pub body: Option<Body>,
    /// Whether the first one came whole: its body was ended as the protocol has it.
    pub whole: Option<bool>,
    /// Whether the gateway gave the first one up.
    pub aborted: Option<bool>,
    /// Names of the first params, in order.
    pub first: Vec<String>,
    /// FastCGI: all records of the first request, in order.
    pub records: Option<Vec<RecordExpect>>,
    /// FastCGI: the id of the first request.
    pub id: Option<IdExpect>,
    /// FastCGI: all records on its connection that belong to no request, in order.
    pub strays: Option<Vec<RecordExpect>>,
    /// FastCGI: whether no pair is cut that a record could hold.
    pub whole_pairs: Option<bool>,
    /// FastCGI: whether a request began with the id of one that was not over.
    pub overlap: Option<bool>,
    /// uwsgi: the header of the packet.
    pub packet: Option<PacketExpect>,
    /// SCGI: the netstring.
    pub netstring: Option<NetstringExpect>,
    /// HTTP: the request line.
    pub line: Option<Value>,
    /// CGI: the process as the program found it.
    pub program: Option<ProgramExpect>,
    /// How many connections were used for the case's own requests.
    pub connections: Option<usize>,
    /// What became of the connection of the first request by the end of the case.
    pub connection: Option<EndWord>,
    /// Whether a follow-up came over the connection of the first request.
    pub reused: Option<bool>,
    /// Whether all could be decoded to its end.
    pub well_formed: Option<bool>,
    /// Time for all this to come about, after the client has its reply: 1 s unless told.
    pub within: Option<Time>,
}

impl ReceivedExpect {
    /// The first difference.
    pub(in crate::scenario) fn mismatch(
        &self,
        evidence: &Evidence,
        scene: &Scene<'_>,
    ) -> Option<Mismatch> {
        let unmet = match (&evidence.recorded, &evidence.received) {
            (Some(recorded), _) => self.unmet_recorded(recorded, scene),
            (None, Some(received)) => self.unmet_watched(received, scene),
            (None, None) => None,
        };
        Some(unmet?.seen_by(Witness::Received, "received"))
    }

    /// Whether a relay could not see it.
    pub(in crate::scenario) fn needs_recorder(&self) -> bool {
        let parts = [
            self.body.is_some(),
            self.whole.is_some(),
            self.aborted.is_some(),
            !self.first.is_empty(),
            self.records.is_some(),
            self.id.is_some(),
            self.strays.is_some(),
            self.whole_pairs.is_some(),
            self.overlap.is_some(),
            self.packet.is_some(),
            self.netstring.is_some(),
            self.line.is_some(),
            self.program.is_some(),
            self.connections.is_some(),
            self.connection.is_some(),
            self.reused.is_some(),
            self.well_formed.is_some(),
            self.params.values().any(ParamExpect::needs_recorder),
        ];
        parts.contains(&true)
    }

    fn unmet_watched(&self, received: &[Received], scene: &Scene<'_>) -> Option<Unmet> {
        let first = received.first();
        let params = |name: &str| -> Vec<params::Given> {
            let all = first.into_iter().flat_map(|received| &received.params);
            let named = all.filter(|(other, _)| other == name);
            named.map(|(_, value)| (value.clone(), None)).collect()
        };
        differs("requests", self.requests, received.len())
            .or_else(|| self.unmet_params(&params, scene))
            .or_else(|| {
                let size = first.map_or(0, |received| received.body_size);
                differs("body_size", self.body_size, size)
            })
    }

    fn unmet_recorded(&self, recorded: &Recorded, scene: &Scene<'_>) -> Option<Unmet> {
        let requests = own(recorded).count();
        let (line, first) = own(recorded).next().unzip();
        let params = |name: &str| -> Vec<params::Given> {
            let all = first.into_iter().flat_map(|first: &Asked| first.all(name));
            all.map(|param| (param.value.clone(), param.forms))
                .collect()
        };
        let connections = recorded.lines.iter().filter(|line| is_own(line)).count();
        differs("requests", self.requests, requests)
            .or_else(|| differs("connections", self.connections, connections))
            .or_else(|| self.unmet_params(&params, scene))
            .or_else(|| self.unmet_asked(first, scene))
            .or_else(|| self.unmet_line(line.or_else(|| recorded.lines.first())))
            .or_else(|| differs("reused", self.reused, is_reused(recorded)))
    }

    fn unmet_params(
        &self,
        given: &dyn Fn(&str) -> Vec<params::Given>,
        scene: &Scene<'_>,
    ) -> Option<Unmet> {
        let mut params = self.params.iter();
        params.find_map(|(name, expect)| expect.unmet(name, &given(name), scene))
    }

    /// Conditions on the first request itself.
    fn unmet_asked(&self, first: Option<&Asked>, scene: &Scene<'_>) -> Option<Unmet> {
        let asked = &first.cloned().unwrap_or_default();
        differs("body_size", self.body_size, asked.body.size)
            .or_else(|| {
                let of_request = || scene.request.content(scene.place);
                let body = self.body.as_ref()?;
                body.unmet((&asked.body).into(), &of_request, scene.place)
            })
            .or_else(|| differs("whole", self.whole, asked.is_whole))
            .or_else(|| differs("aborted", self.aborted, asked.aborted))
            .or_else(|| self.unmet_first(asked))
            .or_else(|| self.id?.unmet(asked.id))
            .or_else(|| records::unmet("records", self.records.as_deref()?, &asked.records))
            .or_else(|| differs("whole_pairs", self.whole_pairs, !asked.cuts_pairs))
            .or_else(|| self.packet.as_ref()?.unmet(asked.packet.as_ref()))
            .or_else(|| {
                let netstring = self.netstring.as_ref()?;
                netstring.unmet(asked.netstring.as_ref(), scene)
            })
            .or_else(|| {
                let unmet = self
                    .line
                    .as_ref()?
                    .unmet(asked.line.as_deref(), scene.place)?;
                let actual = super::value::quote_or_absent(asked.line.as_deref());
                Some(Unmet::new("line", unmet, actual))
            })
            .or_else(|| self.program.as_ref()?.unmet(asked.program.as_ref(), scene))
    }

    fn unmet_first(&self, asked: &Asked) -> Option<Unmet> {
        let names = asked.params.iter().map(|param| &param.name);
        let came: Vec<&String> = names.take(self.first.len()).collect();
        let is_same = came.iter().copied().eq(&self.first);
        (!is_same).then(|| {
            let expected = format!("{:?}", self.first);
            Unmet::new("first", expected, format!("{came:?}"))
        })
    }

    fn unmet_line(&self, line: Option<&Line>) -> Option<Unmet> {
        let flaw = line.and_then(|line| line.malformed.as_deref());
        let well_formed = self.well_formed.filter(|&wanted| wanted != flaw.is_none());
        if let Some(wanted) = well_formed {
            let expected = if wanted { "well-formed" } else { "malformed" };
            return Some(Unmet::new(
                "octets",
                expected,
                flaw.unwrap_or("well-formed"),
            ));
        }
        let strays = line.map_or(&[][..], |line| &line.strays);
        let overlap = line.is_some_and(|line| line.overlaps);
        let strays = self
            .strays
            .as_deref()
            .and_then(|expects| records::unmet("strays", expects, strays));
        strays
            .or_else(|| differs("overlap", self.overlap, overlap))
            .or_else(|| self.connection?.unmet(line))
    }
}

/// The requests of the case itself, each with its connection.
fn own(recorded: &Recorded) -> impl Iterator<Item = (&Line, &Asked)> {
    let all = recorded.lines.iter();
    all.flat_map(|line| line.requests.iter().map(move |asked| (line, asked)))
        .filter(|(_, asked)| !asked.follows)
}

/// Whether a request of the case itself came over it, or nothing at all.
fn is_own(line: &Line) -> bool {
    line.requests.is_empty() || line.requests.iter().any(|asked| !asked.follows)
}

/// Whether a follow-up came over the connection of the first request.
fn is_reused(recorded: &Recorded) -> bool {
    let first = own(recorded).next();
    first.is_some_and(|(line, _)| line.requests.iter().any(|asked| asked.follows))
}

fn differs<T: PartialEq + ToString>(what: &str, expected: Option<T>, actual: T) -> Option<Unmet> {
    let expected = expected.filter(|expected| *expected != actual)?;
    Some(Unmet::new(what, expected.to_string(), actual.to_string()))
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
