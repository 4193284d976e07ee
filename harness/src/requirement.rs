//! The catalogue of requirements, as data, and which scenarios cover it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{AtFault, Level},
    results::{CaseResult, Rule},
    scenario::{Fault, Scenario},
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
    /// Why no subject of the bench can be judged by it, where it binds only applications or
    /// middleware, or a role that none of them plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_subject: Option<String>,
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
    /// The key word as the specification writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
            Self::DeFacto => "de-facto",
        }
    }

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

impl Requirement {
    /// Specification and section: `RFC 3875 §4.1.5`.
    pub fn source(&self) -> String {
        let (prefix, _) = self.id.split_once('-').unwrap_or((&self.id, ""));
        let specification = match prefix {
            "CGI" => "RFC 3875",
            "FCGI" => "FastCGI 1.0",
            "UWSGI" => "uwsgi protocol",
            "SCGI" => "SCGI",
            "WSGI" => "PEP 3333",
            "RFC9110" => "RFC 9110",
            "RFC9112" => "RFC 9112",
            _ => return format!("de facto, {}", self.section),
        };
        let is_numbered = self.section.starts_with(|c: char| c.is_ascii_digit());
        let mark = if is_numbered { "§" } else { "" };
        format!("{specification} {mark}{}", self.section)
    }

    /// As reports quote it.
    pub fn rule(&self) -> Rule {
        Rule {
            source: self.source(),
            level: self.level.word().to_owned(),
            statement: self.statement.clone(),
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

    /// The rules that these cases cite, for reports.
    pub fn cited(&self, cases: &[CaseResult]) -> BTreeMap<String, Rule> {
        let ids = cases.iter().flat_map(|case| &case.requirements);
        let found = ids.filter_map(|id| Some((id.clone(), self.get(id)?.rule())));
        found.collect()
    }

    /// Every requirement with the scenarios that cite it and the faults that they catch.
    pub fn coverage<'a>(
        &'a self,
        scenarios: &'a [Scenario],
        faults: &'a [Fault],
    ) -> Vec<Coverage<'a>> {
        let each = self.iter();
        each.map(|requirement| Coverage::of(requirement, scenarios, faults))
            .collect()
    }
}

/// One requirement and who checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage<'a> {
    /// The rule.
    pub requirement: &'a Requirement,
    /// Ids of the scenarios that cite it.
    pub scenarios: Vec<&'a str>,
    /// Ids of the faults that break it and that at least one of those scenarios names: the tests
    /// show that each turns the scenario red.
    pub faults: Vec<&'a str>,
}

/// How far a requirement is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// A scenario cites it and catches a fault that breaks it.
    Covered,
    /// A scenario cites it, but no fault shows that the scenario would see it broken.
    Cited,
    /// It binds nobody whom the bench judges.
    NoSubject,
    /// No bench can see it from outside.
    Unobservable,
    /// No scenario cites it.
    Open,
}

impl Reach {
    /// The word that lists use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Cited => "cited",
            Self::NoSubject => "no subject",
            Self::Unobservable => "not observable",
            Self::Open => "open",
        }
    }
}

impl<'a> Coverage<'a> {
    fn of(requirement: &'a Requirement, scenarios: &'a [Scenario], faults: &'a [Fault]) -> Self {
        let id = &requirement.id;
        let citing = scenarios.iter().filter(|one| one.requirements.contains(id));
        let citing: Vec<&Scenario> = citing.collect();
        let caught = |fault: &&Fault| {
            fault.violates.contains(id) && citing.iter().any(|one| one.faults.contains(&fault.id))
        };
        let caught = faults.iter().filter(caught);
        Self {
            requirement,
            faults: caught.map(|fault| fault.id.as_str()).collect(),
            scenarios: citing.iter().map(|one| one.id.as_str()).collect(),
        }
    }

    /// How far it is checked.
    pub fn reach(&self) -> Reach {
        let Requirement {
            unobservable,
            no_subject,
            ..
        } = self.requirement;
        match () {
            () if !self.faults.is_empty() => Reach::Covered,
            () if !self.scenarios.is_empty() => Reach::Cited,
            () if no_subject.is_some() => Reach::NoSubject,
            () if unobservable.is_some() => Reach::Unobservable,
            () => Reach::Open,
        }
    }
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

    #[test]
    fn a_rule_is_covered_only_where_a_fault_that_breaks_it_is_caught() {
        let catalogue = catalogue();
        let mut scenario = crate::scenario::testing::scenario("");
        scenario.requirements = ids(&["A"]);
        scenario.faults = ids(&["f"]);
        let fault = |violates: &[&str]| Fault {
            id: "f".to_owned(),
            says: String::new(),
            violates: ids(violates),
            spoils_all: false,
            double: "pair".to_owned(),
        };
        let reach = |faults: &[Fault], scenarios: &[Scenario]| {
            let coverage = catalogue.coverage(scenarios, faults);
            coverage.iter().map(Coverage::reach).collect::<Vec<_>>()
        };
        let scenarios = [scenario];
        let [a, b] = [Reach::Covered, Reach::Unobservable];
        assert_eq!(reach(&[fault(&["A"])], &scenarios), [a, b]);
        assert_eq!(reach(&[fault(&["B"])], &scenarios), [Reach::Cited, b]);
        assert_eq!(reach(&[fault(&["A"])], &[]), [Reach::Open, b]);
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
    fn a_rule_is_quoted_with_its_specification_and_section() {
        let catalogue = crate::scenario::load_embedded().unwrap().requirements;
        let source = |id: &str| catalogue.get(id).unwrap().source();
        assert_eq!(source("CGI-4.1.5-PI-DECODED"), "RFC 3875 §4.1.5");
        assert!(source("DF-PATH-PLUS").starts_with("de facto, "));
    }

    #[test]
    fn rules_for_both_sides_blame_either() {
        let catalogue = catalogue();
        assert_eq!(catalogue.binds(&ids(&["A"])), AtFault::Gateway);
        assert_eq!(catalogue.binds(&ids(&["B"])), AtFault::Backend);
        assert_eq!(catalogue.binds(&ids(&["A", "B"])), AtFault::Either);
    }
}
