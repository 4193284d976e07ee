//! Deviations of named subjects and versions: `scenarios/known/`.

use serde::Deserialize;

use super::versions::Versions;
use crate::{
    model::{Model, UnknownModel},
    outcome::{Outcome, Witness},
    results::{CaseResult, Subject},
};

/// One deviation that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Plain name of the subject, or `name:variant`.
    pub subject: String,
    /// Versions that deviate: `any`, `1.22.1`, or bounds such as `>=1.18, <1.23`.
    pub version: Versions,
    /// Behind or before which other subject it shows, where that matters: plain name, or
    /// `name:variant`. A backend that mends what the gateway broke hides the deviation.
    pub with: Option<String>,
    /// In which models it shows: one, or `any`.
    pub model: Models,
    /// Id of the scenario.
    pub scenario: String,
    /// How it ends: a crash or a hang is excused only where the entry says so.
    pub outcome: Outcome,
    /// It does not show each time, as a race does not: that it passes makes the entry not stale.
    pub sometimes: bool,
    /// Why it is so.
    pub because: String,
    /// Where to read more.
    pub link: Option<String>,
    /// It touches security, and its maintainers have not made it public yet.
    pub embargoed: bool,
}

/// One model, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Models {
    /// All of them.
    Any,
    /// This one.
    One(Model),
}

impl Models {
    fn include(self, model: Model) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => model.is_among(&[one]),
        }
    }
}

impl TryFrom<String> for Models {
    type Error = UnknownModel;

    fn try_from(word: String) -> Result<Self, UnknownModel> {
        match word.as_str() {
            "any" => Ok(Self::Any),
            word => word.parse().map(Self::One),
        }
    }
}

/// All known deviations.
#[derive(Clone, Debug, Default)]
pub struct KnownList(Vec<Known>, Vec<String>);

/// An entry that took part in a run and did not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale<'a> {
    /// The entry.
    pub known: &'a Known,
    /// What came instead.
    pub why: String,
}

impl KnownList {
    /// These deviations, and the beginnings of the ids of scenarios that touch security.
    pub(super) fn new(known: Vec<Known>, sensitive: Vec<String>) -> Self {
        Self(known, sensitive)
    }

    /// Takes in another list.
    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
        self.1.extend(more.1);
    }

    /// Every entry, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }

    /// The entry that speaks of this case and of how it ended, if one does.
    pub fn matching(&self, case: &CaseResult, subjects: &[Subject]) -> Option<&Known> {
        let speaks =
            |known: &&Known| known.outcome == case.outcome && known.speaks_of(case, subjects);
        self.0.iter().find(speaks)
    }

    /// How many deviations are listed for these subjects, by their ids, over this model: those of one
    /// that need another count only where it is among them. Versions are left aside.
    pub fn count_for(&self, ids: &[&str], model: Model) -> usize {
        let among = |named: &str| {
            let is = |id: &&str| *id == named || id.split(':').next() == Some(named);
            ids.iter().any(is)
        };
        let concerns = |known: &&Known| {
            known.model.include(model)
                && among(&known.subject)
                && known.with.as_deref().is_none_or(among)
        };
        self.0.iter().filter(concerns).count()
    }

    /// Marks a violation that an entry speaks of, and what is not public yet.
    pub fn mark(&self, case: &mut CaseResult, subjects: &[Subject]) {
        let known = self.matching(case, subjects);
        case.embargoed = self.embargoes(case, known);
        if let Some(known) = known {
            case.known = true;
            case.reason = Some(known.because.clone());
        }
    }

    /// Whether a case touches security and has no public report: a process that dies, a connection
    /// that falls out of step, or a scenario that is listed as sensitive. An entry that speaks of
    /// it decides by what it says.
    pub fn embargoes(&self, case: &CaseResult, entry: Option<&Known>) -> bool {
        if let Some(known) = entry {
            return known.embargoed;
        }
        let mut sensitive = self.1.iter();
        case.outcome.is_violation()
            && (case.outcome == Outcome::Crash
                || case.witness == Some(Witness::NextRequest)
                || sensitive.any(|prefix| case.scenario.starts_with(prefix.as_str())))
    }

    /// Entries whose case ran and never broke its rule, so that they should be removed.
    pub fn stale(&self, cases: &[CaseResult], subjects: &[Subject]) -> Vec<Stale<'_>> {
        self.0
            .iter()
            .filter_map(|known| known.stale(cases, subjects))
            .collect()
    }

    /// Marks the cases that passed although an entry lists them, so that reports name them; an
    /// entry that holds elsewhere in the run marks none.
    pub fn mark_stale(&self, cases: &mut [CaseResult], subjects: &[Subject]) {
        let stale: Vec<&Known> = self
            .stale(cases, subjects)
            .into_iter()
            .map(|entry| entry.known)
            .collect();
        for case in cases
            .iter_mut()
            .filter(|case| case.outcome == Outcome::Pass)
        {
            if let Some(known) = stale.iter().find(|known| known.speaks_of(case, subjects)) {
                case.known = true;
                case.embargoed |= known.embargoed;
                case.reason = Some(known.because.clone());
            }
        }
    }
}

impl Known {
    fn speaks_of(&self, case: &CaseResult, subjects: &[Subject]) -> bool {
        let model = match case.model {
            Some(model) => self.model.include(model),
            None => self.model == Models::Any,
        };
        let sides = [case.gateway.as_deref(), case.backend.as_deref()];
        let is_side = |subject: &&Subject| sides.contains(&Some(subject.id.as_str()));
        let any = |names: &dyn Fn(&Subject) -> bool| subjects.iter().filter(is_side).any(names);
        self.scenario == case.scenario
            && model
            && any(&|subject| {
                is_named(&self.subject, subject) && self.version.hold(subject.version.as_deref())
            })
            && self
                .with
                .as_ref()
                .is_none_or(|with| any(&|subject| is_named(with, subject)))
    }

    fn stale<'a>(&'a self, cases: &[CaseResult], subjects: &[Subject]) -> Option<Stale<'a>> {
        if self.sometimes {
            return None;
        }
        let is_verdict = |outcome: &Outcome| *outcome == Outcome::Pass || outcome.is_violation();
        let mut outcomes = cases
            .iter()
            .filter(|case| self.speaks_of(case, subjects))
            .map(|case| case.outcome)
            // A pairing that cannot express the case says nothing of it.
            .filter(is_verdict)
            .peekable();
        let first = *outcomes.peek()?;
        let never = !outcomes.any(|outcome| outcome.is_violation());
        never.then(|| Stale {
            known: self,
            why: format!("`{}` ended with {}", self.scenario, first.word()),
        })
    }
}

/// Whether `id`, a plain name or `name:variant`, is the subject's.
fn is_named(id: &str, subject: &Subject) -> bool {
    let (name, variant) = match id.split_once(':') {
        Some((name, variant)) => (name, Some(variant)),
        None => (id, None),
    };
    name == subject.name && (variant.is_none() || variant == subject.variant.as_deref())
}

#[cfg(test)]
mod tests {
    use super::{super::known_file::KnownFile, *};
    use crate::{
        model::Model,
        outcome::{Level, Outcome},
        results::Role,
    };

    fn list(version: &str, model: &str) -> KnownList {
        let text = format!(
            "[[known]]\nsubject = 'nginx'\nversion = '{version}'\nmodel = '{model}'\n\
             scenario = 'cgi/a'\nbecause = 'it is so'"
        );
        let file: KnownFile = toml::from_str(&text).unwrap();
        file.into()
    }

    fn nginx(version: &str) -> [Subject; 1] {
        [Subject {
            id: "nginx:stock".to_owned(),
            name: "nginx".to_owned(),
            variant: Some("stock".to_owned()),
            role: Role::Gateway,
            version: Some(version.to_owned()),
            via: "process".to_owned(),
            image: None,
            options: Vec::new(),
        }]
    }

    fn case(outcome: Outcome) -> CaseResult {
        CaseResult {
            scenario: "cgi/a".to_owned(),
            level: Level::Required,
            requirements: Vec::new(),
            says: String::new(),
            gateway: Some("nginx:stock".to_owned()),
            model: Some(Model::FastCgi),
            carrier: None,
            backend: Some("gateserve".to_owned()),
            at_fault: None,
            outcome,
            expected: None,
            actual: None,
            cause: None,
            observation: std::collections::BTreeMap::new(),
            differs: Vec::new(),
            known: false,
            embargoed: false,
            reason: None,
            witness: None,
            duration_us: 0,
            repeats: 1,
            transcript: None,
        }
    }

    #[test]
    fn a_case_is_matched_by_subject_version_model_and_scenario() {
        let matches = |list: KnownList| {
            list.matching(&case(Outcome::Fail), &nginx("1.22.1"))
                .is_some()
        };
        assert!(matches(list("<1.23", "fastcgi")));
        assert!(matches(list("any", "any")));
        assert!(!matches(list("<1.22", "any")));
        assert!(!matches(list("any", "uwsgi")));
    }

    #[test]
    fn what_is_listed_for_a_pairing_is_counted_by_its_ids_and_model() {
        let mut list = list("any", "fastcgi");
        let count = |list: &KnownList, ids: &[&str], model| list.count_for(ids, model);
        let nginx = ["nginx:stock", "gateserve"];
        assert_eq!(count(&list, &nginx, Model::FastCgi), 1);
        assert_eq!(count(&list, &nginx, Model::Uwsgi), 0);
        assert_eq!(
            count(&list, &["apache:stock", "gateserve"], Model::FastCgi),
            0
        );
        list.0[0].with = Some("flup".to_owned());
        assert_eq!(count(&list, &nginx, Model::FastCgi), 0);
        assert_eq!(count(&list, &["nginx:stock", "flup"], Model::FastCgi), 1);
    }

    #[test]
    fn one_entry_may_name_several_scenarios_and_models() {
        let text = "[[known]]\nsubject = 'nginx'\nversion = 'any'\nmodel = ['uwsgi', 'scgi']\n\
                    scenario = ['cgi/a', 'cgi/b']\nbecause = 'it is so'";
        let file: KnownFile = toml::from_str(text).unwrap();
        let list = KnownList::from(file);
        let told = list
            .iter()
            .map(|known| (known.scenario.as_str(), known.model));
        let models = [Model::Uwsgi, Model::Scgi].map(Models::One);
        assert_eq!(
            told.collect::<Vec<_>>(),
            ["cgi/a", "cgi/b"]
                .iter()
                .flat_map(|scenario| models.map(|model| (*scenario, model)))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_crash_is_excused_only_where_the_entry_says_so() {
        let mut list = list("any", "any");
        let excuses = |list: &KnownList| {
            list.matching(&case(Outcome::Crash), &nginx("1.22.1"))
                .is_some()
        };
        assert!(!excuses(&list));
        list.0[0].outcome = Outcome::Crash;
        assert!(excuses(&list));
    }

    #[test]
    fn an_entry_whose_case_passes_is_stale() {
        let list = list("any", "any");
        let stale = |outcome| list.stale(&[case(outcome)], &nginx("1.22.1")).len();
        assert_eq!(stale(Outcome::Pass), 1);
        assert_eq!(stale(Outcome::Fail), 0);
    }

    #[test]
    fn an_entry_that_shows_only_sometimes_is_never_stale() {
        let mut list = list("any", "any");
        list.0[0].sometimes = true;
        assert_eq!(list.stale(&[case(Outcome::Pass)], &nginx("1.22.1")), []);
        let failed = list.matching(&case(Outcome::Fail), &nginx("1.22.1"));
        assert!(failed.is_some(), "and excuses all the same");
    }

    #[test]
    fn the_case_of_a_stale_entry_is_marked_with_its_reason() {
        let list = list("any", "any");
        let marked = |outcomes: &[Outcome]| {
            let mut cases: Vec<_> = outcomes.iter().copied().map(case).collect();
            list.mark_stale(&mut cases, &nginx("1.22.1"));
            let reasons = cases.iter().map(|case| case.reason.clone());
            reasons.collect::<Vec<_>>()
        };
        assert_eq!(
            marked(&[Outcome::Pass, Outcome::Unsupported]),
            [Some(list.0[0].because.clone()), None]
        );
        assert_eq!(marked(&[Outcome::Pass, Outcome::Fail]), [None, None]);
    }

    #[test]
    fn an_entry_may_hold_with_one_other_subject_only() {
        let mut list = list("any", "any");
        let excuses = |list: &KnownList| {
            list.matching(&case(Outcome::Fail), &nginx("1.22.1"))
                .is_some()
        };
        list.0[0].with = Some("nginx:stock".to_owned());
        assert!(excuses(&list));
        list.0[0].with = Some("gateserve:wsgi".to_owned());
        assert!(!excuses(&list));
    }

    #[test]
    fn a_case_that_could_not_be_expressed_makes_no_entry_stale() {
        let list = list("any", "any");
        let stale = |outcome| list.stale(&[case(outcome)], &nginx("1.22.1")).len();
        assert_eq!(stale(Outcome::Unsupported), 0);
        assert_eq!(stale(Outcome::BenchError), 0);
    }

    #[test]
    fn an_entry_that_took_no_part_is_not_stale() {
        let list = list("<1.0", "any");
        assert!(
            list.stale(&[case(Outcome::Pass)], &nginx("1.22.1"))
                .is_empty()
        );
    }
}
