//! One scenario file as it is written.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Scenario,
    expect::{Choice, Expect},
    observe::Observed,
    probe::Probe,
    reply::Item,
    request::Request,
    steps::Step,
    text::Time,
};
use crate::{
    model::Model,
    outcome::{AtFault, Level},
};

/// Time for a case that names none.
const WITHIN: Duration = Duration::from_secs(10);

/// Time for each step of a case that names none.
const STEP_WITHIN: Duration = Duration::from_secs(5);

/// A file: one topic of one specification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topic {
    pub(super) spec: String,
    pub(super) scenario: Vec<Entry>,
}

/// A scenario as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    /// Instead of the file's.
    spec: Option<String>,
    requirements: Vec<String>,
    level: Level,
    says: String,
    #[serde(default)]
    faults: Vec<String>,
    models: Option<Vec<Model>>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    repeat: Repeat,
    within: Option<Time>,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    request: Request,
    #[serde(default)]
    probe: Probe,
    reply: Option<Vec<Item>>,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    one_of: Vec<Choice>,
    #[serde(default)]
    observe: Vec<Observed>,
    #[serde(default)]
    differential: Differential,
}

/// How often a racy case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Runs in all.
    pub times: u32,
    /// Runs that must hold.
    pub quorum: u32,
}

impl Default for Repeat {
    fn default() -> Self {
        Self {
            times: 1,
            quorum: 1,
        }
    }
}

/// How the models' answers are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Differential {
    /// Fields of the response and meta-variables that may differ.
    pub ignore: Vec<String>,
}

impl Entry {
    /// The scenario in the file `topic` (`cgi/path-info`) under the specification `spec`.
    pub(super) fn resolve(self, topic: &str, spec: &str, binds: AtFault) -> Scenario {
        let default = match self.steps.is_empty() {
            true => WITHIN,
            false => STEP_WITHIN,
        };
        Scenario {
            id: format!("{topic}/{}", self.name.get_ref()),
            spec: self.spec.unwrap_or_else(|| spec.to_owned()),
            requirements: self.requirements,
            level: self.level,
            says: self.says,
            faults: self.faults,
            models: self.models,
            needs: self.needs,
            repeat: self.repeat,
            within: self.within.map_or(default, |time| time.0),
            steps: self.steps,
            request: self.request,
            probe: self.probe,
            reply: self.reply,
            expect: self.expect,
            one_of: self.one_of,
            observe: self.observe,
            differential: self.differential,
            binds,
        }
    }

    pub(super) fn requirements(&self) -> &[String] {
        &self.requirements
    }
}
