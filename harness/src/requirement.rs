//! The catalogue of requirements, as data, and which scenarios cover it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{AtFault, Level},
    scenario::Scenario,
};

/// One testable rule of one specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable id, such as `CGI-4.1.5-PI-DECODED`.
    pub id: String,
    /// How the specification words it.
    pub level: Word,
    /// Whom it binds.
    pub side: Side,
    /// Section, or who relies on it.
    pub section: String,
    /// A few words.
    pub title: String,
    /// The rule in one sentence or two.
    pub statement: String,
    /// Why no scenario can ever see it, where none can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unobservable: Option<String>,
}

/// The key word of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// It must hold.
    #[serde(rename = "MUST")]
    Must,
    /// It must not happen.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// It should hold.
    #[serde(rename = "SHOULD")]
    Should,
    /// It should not happen.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// It is allowed.
    #[serde(rename = "MAY")]
    May,
    /// No specification says it, deployments rely on it.
    #[serde(rename = "de-facto")]
    DeFacto,
}

/// Whom a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The web server in front.
    Gateway,
    /// The application or its server.
    App,
    /// The application server (WSGI tells it from the application).
    Server,
    /// Code between the application server and the application.
    Middleware,
    /// Both ends.
    Both,
}

impl Word {
    /// The highest level that a scenario which cites it may claim.
    pub fn allows(self) -> Level {
        match self {
            Self::Must | Self::MustNot => Level::Required,
            Self::Should | Self::ShouldNot | Self::DeFacto => Level::Recommended,
            Self::May => Level::Observed,
        }
    }
}

impl Side {
    /// Who is to blame when it is broken.
    pub fn at_fault(self) -> AtFault {
        match self {
            Self::Gateway => AtFault::Gateway,
            Self::App | Self::Server | Self::Middleware => AtFault::Backend,
            Self::Both => AtFault::Either,
        }
    }
}

/// One file of the catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequirementFile {
    pub(crate) requirement: Vec<toml::Spanned<Requirement>>,
}

/// All requirements, by id.
#[derive(Clone, Debug, Default)]
pub struct Requirements(BTreeMap<String, Requirement>);

impl Requirements {
    /// Adds one, unless its id is taken: then tells `false`.
    pub(crate) fn add(&mut self, requirement: Requirement) -> bool {
        let is_new = !self.0.contains_key(&requirement.id);
        if is_new {
            self.0.insert(requirement.id.clone(), requirement);
        }
        is_new
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.0.get(id)
    }

    /// Every requirement, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whom these requirements bind together.
    pub fn binds(&self, ids: &[String]) -> AtFault {
        let mut sides = ids
            .iter()
            .filter_map(|id| self.get(id))
            .map(|r| r.side.at_fault());
        match sides.next() {
            Some(first) if sides.all(|side| side == first) => first,
            _ => AtFault::Either,
        }
    }

    /// The highest level that these requirements allow.
    pub fn allow(&self, ids: &[String]) -> Level {
        let words = ids
            .iter()
            .filter_map(|id| self.get(id))
            .map(|r| r.level.allows());
        words.min().unwrap_or(Level::Observed)
    }

    /// Every requirement with the ids of the scenarios that cite it.
    pub fn coverage<'a>(&'a self, scenarios: &'a [Scenario]) -> Vec<Coverage<'a>> {
        let cover = |requirement: &'a Requirement| {
            let cite = |scenario: &&Scenario| scenario.requirements.contains(&requirement.id);
            let ids = scenarios
                .iter()
                .filter(cite)
                .map(|scenario| scenario.id.as_str());
            Coverage {
                requirement,
                scenarios: ids.collect(),
            }
        };
        self.iter().map(cover).collect()
    }
}

/// One requirement and who checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage<'a> {
    /// The rule.
    pub requirement: &'a Requirement,
    /// Ids of the scenarios that cite it.
    pub scenarios: Vec<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Requirements {
        let text = "
            [[requirement]]
            id = 'A'
            level = 'MUST'
            side = 'gateway'
            section = '1'
            title = 't'
            statement = 's'

            [[requirement]]
            id = 'B'
            level = 'de-facto'
            side = 'server'
            section = '2'
            title = 't'
            statement = 's'
            unobservable = 'only the application sees it'";
        let file: RequirementFile = toml::from_str(text).unwrap();
        let mut catalogue = Requirements::default();
        for requirement in file.requirement {
            assert!(catalogue.add(requirement.into_inner()));
        }
        catalogue
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_id_is_taken_once() {
        let mut catalogue = catalogue();
        let again = catalogue.get("A").unwrap().clone();
        assert!(!catalogue.add(again));
        assert_eq!(catalogue.len(), 2);
    }

    #[test]
    fn the_most_binding_rule_tells_the_highest_level() {
        let catalogue = catalogue();
        assert_eq!(catalogue.allow(&ids(&["A", "B"])), Level::Required);
        assert_eq!(catalogue.allow(&ids(&["B"])), Level::Recommended);
        assert_eq!(catalogue.allow(&ids(&["none"])), Level::Observed);
    }

    #[test]
    fn rules_for_both_sides_blame_either() {
        let catalogue = catalogue();
        assert_eq!(catalogue.binds(&ids(&["A"])), AtFault::Gateway);
        assert_eq!(catalogue.binds(&ids(&["B"])), AtFault::Backend);
        assert_eq!(catalogue.binds(&ids(&["A", "B"])), AtFault::Either);
    }
}
