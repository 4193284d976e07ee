//! All scenarios together with what they refer to.

use std::{collections::BTreeSet, path::Path};

use serde::de::DeserializeOwned;

use super::{
    Scenario,
    check::check,
    error::{Flaw, ScenarioError, nearest},
    fault::{Fault, FaultFile},
    format::{Entry, Topic},
    known::{KnownFile, KnownList},
    source::{Source, embedded, folder},
};
use crate::requirement::{RequirementFile, Requirements};

/// Everything that the folder of scenarios holds.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The cases, by file and in the order of their file.
    pub scenarios: Vec<Scenario>,
    /// The misbehaviours that scenarios name.
    pub faults: Vec<Fault>,
    /// The rules that scenarios cite.
    pub requirements: Requirements,
    /// Deviations of named subjects.
    pub known: KnownList,
}

/// A selection that selects nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoSuchScenario {
    /// With a scenario that was probably meant.
    #[error("no scenario begins with `{prefix}`; did you mean `{near}`?")]
    Near {
        /// What was asked for.
        prefix: String,
        /// What there is.
        near: String,
    },
    /// Nothing is like it.
    #[error("no scenario begins with `{0}`; `gatebench list scenarios` shows them all")]
    Unknown(String),
}

/// The scenarios that are part of the program.
pub fn load_embedded() -> Result<Catalogue, ScenarioError> {
    parse(&embedded())
}

/// The scenarios in a folder. Requirements, faults and the known list that it lacks are those of
/// the program.
pub fn load_dir(root: &Path) -> Result<Catalogue, ScenarioError> {
    let mut sources = folder(root)?;
    if !sources.iter().any(Source::is_topic) {
        return Err(ScenarioError::Empty(root.to_owned()));
    }
    let has_rules = sources.iter().any(|own| own.is_in("requirements"));
    let lacks = |theirs: &Source| match theirs.is_in("requirements") {
        true => !has_rules,
        false => !theirs.is_topic() && !sources.iter().any(|own| own.path == theirs.path),
    };
    let lent: Vec<Source> = embedded().into_iter().filter(lacks).collect();
    sources.extend(lent);
    parse(&sources)
}

/// Reads everything and names every mistake at once.
pub(super) fn parse(sources: &[Source]) -> Result<Catalogue, ScenarioError> {
    let mut flaws = Vec::new();
    let requirements = requirements(sources, &mut flaws);
    let mut catalogue = Catalogue {
        scenarios: Vec::new(),
        faults: Vec::new(),
        requirements,
        known: KnownList::default(),
    };
    for source in sources {
        if source.path == "faults.toml" {
            let file: Option<FaultFile> = read(source, &mut flaws);
            let faults = file.into_iter().flat_map(|file| file.fault);
            catalogue
                .faults
                .extend(faults.map(toml::Spanned::into_inner));
        }
        if source.path == "known.toml" {
            let file: Option<KnownFile> = read(source, &mut flaws);
            catalogue.known = file.map(KnownList::from).unwrap_or_default();
        }
    }
    let mut lines = Vec::new();
    for source in sources.iter().filter(|source| source.is_topic()) {
        if let Some(topic) = read::<Topic>(source, &mut flaws) {
            for entry in topic.scenario {
                lines.push((source, entry.name.span().start));
                let scenario = resolve(entry, source, &topic.spec, &catalogue.requirements);
                catalogue.scenarios.push(scenario);
            }
        }
    }
    check(&catalogue, &lines, &mut flaws);
    match flaws.is_empty() {
        true => Ok(catalogue),
        false => Err(ScenarioError::Broken(flaws)),
    }
}

fn resolve(entry: Entry, source: &Source, spec: &str, requirements: &Requirements) -> Scenario {
    let binds = requirements.binds(entry.requirements());
    entry.resolve(source.topic(), spec, binds)
}

fn read<T: DeserializeOwned>(source: &Source, flaws: &mut Vec<Flaw>) -> Option<T> {
    match toml::from_str(&source.text) {
        Ok(file) => Some(file),
        Err(error) => {
            flaws.push(Flaw::of(&source.path, &source.text, &error));
            None
        }
    }
}

fn requirements(sources: &[Source], flaws: &mut Vec<Flaw>) -> Requirements {
    let mut requirements = Requirements::default();
    for source in sources.iter().filter(|source| source.is_in("requirements")) {
        let file: Option<RequirementFile> = read(source, flaws);
        for requirement in file.into_iter().flat_map(|file| file.requirement) {
            let at = requirement.span().start;
            let id = requirement.get_ref().id.clone();
            if !requirements.add(requirement.into_inner()) {
                let message = format!("requirement `{id}` is there twice");
                flaws.push(Flaw::at(&source.path, &source.text, at, message));
            }
        }
    }
    requirements
}

impl Catalogue {
    /// The scenario with this id.
    pub fn get(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == id)
    }

    /// The scenarios whose ids begin with one of `prefixes`, in the order of the catalogue; all
    /// where there is no prefix.
    pub fn select(&self, prefixes: &[String]) -> Result<Vec<&Scenario>, NoSuchScenario> {
        for prefix in prefixes {
            if !self.scenarios.iter().any(|s| s.id.starts_with(prefix)) {
                return Err(self.unknown(prefix));
            }
        }
        let chosen = |scenario: &&Scenario| {
            prefixes.is_empty()
                || prefixes
                    .iter()
                    .any(|prefix| scenario.id.starts_with(prefix))
        };
        Ok(self.scenarios.iter().filter(chosen).collect())
    }

    fn unknown(&self, prefix: &str) -> NoSuchScenario {
        let parts: BTreeSet<&str> = self.scenarios.iter().flat_map(|s| heads(&s.id)).collect();
        match nearest(prefix, parts) {
            Some(near) => NoSuchScenario::Near {
                prefix: prefix.to_owned(),
                near: near.to_owned(),
            },
            None => NoSuchScenario::Unknown(prefix.to_owned()),
        }
    }
}

/// An id and the folders it is in: `a/b/c`, `a/b`, `a`.
fn heads(id: &str) -> impl Iterator<Item = &str> {
    let cuts = id.match_indices('/').map(|(at, _)| &id[..at]);
    cuts.chain([id])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_is_whole() {
        let catalogue = load_embedded().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(catalogue.requirements.len(), 563);
        assert!(!catalogue.scenarios.is_empty());
    }
}
