//! Whether what was seen is what a scenario asks for.

use super::{
    JudgeContext, Scenario,
    expect::{Choice, Mismatch, Scene, status::connection_word},
};
use crate::{
    dialogue::Driven,
    outcome::{AtFault, Witness},
    witness::{Connection, Evidence},
};

/// What was found wrong, and who must answer for it where the rules cited do not say.
pub(super) struct Unmet {
    pub(super) mismatch: Mismatch,
    pub(super) at_fault: Option<AtFault>,
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
    /// The outcome that was chosen, if there was a choice, or the first thing that is wrong.
    pub(super) fn verdict(
        &self,
        evidence: &Evidence,
        context: &JudgeContext<'_>,
    ) -> Result<Option<&str>, Unmet> {
        let scene = Scene {
            request: &self.request,
            place: context.place,
        };
        if let Some(driven) = &evidence.driven {
            return self.driven(driven, evidence, &scene);
        }
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

    /// What the driver found while it played, then what the subjects logged.
    fn driven<'a>(
        &'a self,
        driven: &Driven,
        evidence: &Evidence,
        scene: &Scene<'_>,
    ) -> Result<Option<&'a str>, Unmet> {
        if let Some(unmet) = driven.unmet.clone() {
            return Err(unmet.into());
        }
        if let Some(mismatch) = self.expect.mismatch(evidence, scene) {
            return Err(mismatch.into());
        }
        let Some(name) = &driven.chosen else {
            return Ok(None);
        };
        let chosen = self.one_of.iter().find(|choice| choice.name == *name);
        match chosen.and_then(|choice| choice.mismatch(evidence, scene)) {
            None => Ok(chosen.map(|choice| choice.name.as_str())),
            Some(mismatch) => Err(mismatch.into()),
        }
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
            let came = evidence.client.body.size;
            let word = connection_word(connection);
            let actual = format!("{word} after {came} octets of body");
            let expected = "a complete response";
            Err(Mismatch::new(Witness::Client, "client.connection", expected, actual).into())
        }
    }
}

/// No outcome fits: tells for each why not.
pub(crate) fn none_of(missed: &[(&Choice, Mismatch)]) -> Mismatch {
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
