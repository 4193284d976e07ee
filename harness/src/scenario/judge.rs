//! From what was seen to a verdict.

use std::collections::BTreeMap;

use super::{
    Place, Scenario,
    expect::{Choice, Mismatch, Scene, client::connection_word},
    text::latin1,
};
use crate::{
    model::Model,
    outcome::{AtFault, Level, Witness},
    witness::{Connection, Evidence},
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

/// What was found wrong, and who must answer for it where the rules cited do not say.
struct Unmet {
    mismatch: Mismatch,
    at_fault: Option<AtFault>,
}

impl From<Mismatch> for Unmet {
    fn from(mismatch: Mismatch) -> Self {
        Self {
            mismatch,
            at_fault: None,
        }
    }
}

impl Scenario {
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

    /// The outcome that was chosen, if there was a choice, or the first thing that is wrong.
    fn verdict(
        &self,
        evidence: &Evidence,
        context: &JudgeContext<'_>,
    ) -> Result<Option<&str>, Unmet> {
        let scene = Scene {
            request: &self.request,
            place: context.place,
        };
        well_formed(evidence)?;
        if let Some(mismatch) = self.expect.mismatch(evidence, &scene) {
            return Err(mismatch.into());
        }
        let chosen = self.choose(evidence, context, &scene)?;
        let names_connection =
            self.names_connection() || chosen.is_some_and(Choice::names_connection);
        if !names_connection {
            complete(evidence)?;
        }
        Ok(chosen.map(|choice| choice.name.as_str()))
    }

    fn names_connection(&self) -> bool {
        let client = self.expect.client.as_ref();
        client.is_some_and(|client| client.connection.is_some())
    }

    fn choose(
        &self,
        evidence: &Evidence,
        context: &JudgeContext<'_>,
        scene: &Scene<'_>,
    ) -> Result<Option<&Choice>, Unmet> {
        let mut missed: Vec<(&Choice, Mismatch)> = Vec::new();
        for choice in self
            .one_of
            .iter()
            .filter(|choice| choice.applies(context.model))
        {
            match choice.mismatch(evidence, scene) {
                None => return Ok(Some(choice)),
                Some(mismatch) => missed.push((choice, mismatch)),
            }
        }
        match missed.is_empty() {
            true => Ok(None),
            false => Err(none_of(&missed).into()),
        }
    }
}

impl Choice {
    fn names_connection(&self) -> bool {
        let client = self.client.as_ref();
        client.is_some_and(|client| client.connection.is_some())
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

/// CGI-3.1-HTTP-CONFORM: whatever the backend does, the client gets well-formed HTTP.
fn well_formed(evidence: &Evidence) -> Result<(), Unmet> {
    let Some(flaw) = &evidence.client.malformed else {
        return Ok(());
    };
    let mismatch = Mismatch::new(Witness::Client, "client", "well-formed HTTP/1.1", flaw);
    Err(Unmet {
        mismatch,
        at_fault: Some(AtFault::Gateway),
    })
}

/// A case that does not speak of the connection wants a whole response.
fn complete(evidence: &Evidence) -> Result<(), Unmet> {
    let connection = evidence.client.connection;
    match connection {
        Connection::Open | Connection::Closed => Ok(()),
        Connection::Cut | Connection::Stalled => {
            let came = latin1(&evidence.client.body.kept).len();
            let word = connection_word(connection);
            let actual = format!("{word} after {came} octets of body");
            let expected = "a complete response";
            Err(Mismatch::new(Witness::Client, "client.connection", expected, actual).into())
        }
    }
}

/// No outcome fits: tells for each why not.
fn none_of(missed: &[(&Choice, Mismatch)]) -> Mismatch {
    let line = |(choice, mismatch): &(&Choice, Mismatch), value: &str| {
        format!("{} ({}: {value})", choice.name, mismatch.what)
    };
    let expected: Vec<String> = missed
        .iter()
        .map(|miss| line(miss, &miss.1.expected))
        .collect();
    let mut actual: Vec<String> = Vec::new();
    for (
        _,
        Mismatch {
            what,
            actual: value,
            ..
        },
    ) in missed
    {
        let told = format!("{what}: {value}");
        if !actual.contains(&told) {
            actual.push(told);
        }
    }
    let witness = missed
        .first()
        .map_or(Witness::Client, |(_, mismatch)| mismatch.witness);
    Mismatch::new(witness, "one of", expected.join(", or "), actual.join("; "))
}
