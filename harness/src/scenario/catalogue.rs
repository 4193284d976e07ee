//! All scenarios together with what they refer to.

use std::{collections::BTreeSet, path::Path};

use serde::de::DeserializeOwned;

use super::{
    Scenario,
    app::AppFile,
    check::{Trust, check, missing},
    error::{Flaw, ScenarioError, nearest},
    fault::{Fault, FaultFile},
    field::Field,
    format::{Entry, Topic},
    known::{Known, KnownList, Models},
    known_file::KnownFile,
    source::{Source, embedded, folder},
};
use crate::requirement::{RequirementFile, Requirements};

/// The folder of faults: a file for each double.
pub(super) const FAULTS: &str = "faults";

/// The file of what is known of the field.
const FIELD: &str = "field-cases.toml";

/// The file of known deviations.
const KNOWN: &str = "known.toml";

/// The folder of more of them, a file for each subject.
pub(super) const KNOWN_FOLDER: &str = "known";

/// Everything that the folder of scenarios holds.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The cases, by file and in the order of their file.
    pub scenarios: Vec<Scenario>,
    /// The misbehaviours that scenarios name.
    pub faults: Vec<Fault>,
    /// The rules that scenarios cite.
    pub requirements: Requirements,
    /// The WSGI applications that scenarios run.
    pub apps: Vec<AppFile>,
    /// Deviations of named subjects.
    pub known: KnownList,
    /// What is publicly known of gateways and application servers, and what shows it.
    pub field: Field,
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

/// The scenarios in a folder. Requirements, faults and applications that it lacks are those of the program; the
/// known list speaks of the scenarios of its own folder only. A folder without faults of its own has no
/// doubles either, so that its scenarios need not name any.
pub fn load_dir(root: &Path) -> Result<Catalogue, ScenarioError> {
    let mut sources = folder(root)?;
    if !sources.iter().any(Source::is_topic) {
        return Err(ScenarioError::Empty(root.to_owned()));
    }
    let lent = ["requirements", FAULTS].map(|folder| {
        let is_own = sources.iter().any(|own| own.is_in(folder));
        Some(folder).filter(|_| !is_own)
    });
    let has_apps = sources.iter().any(Source::is_apps);
    let lacks = |theirs: &Source| match theirs.is_apps() {
        true => !has_apps,
        false => lent.iter().flatten().any(|folder| theirs.is_in(folder)),
    };
    let lent: Vec<Source> = embedded().into_iter().filter(lacks).collect();
    let has_faults = sources.iter().any(|own| own.is_in(FAULTS));
    sources.extend(lent);
    read_all(
        &sources,
        if has_faults {
            Trust::Shown
        } else {
            Trust::Given
        },
    )
}

/// Reads everything and names every mistake at once.
pub(super) fn parse(sources: &[Source]) -> Result<Catalogue, ScenarioError> {
    read_all(sources, Trust::Shown)
}

fn read_all(sources: &[Source], trust: Trust) -> Result<Catalogue, ScenarioError> {
    let mut flaws = Vec::new();
    let mut catalogue = Catalogue {
        scenarios: Vec::new(),
        faults: faults(sources, &mut flaws),
        requirements: requirements(sources, &mut flaws),
        apps: apps(sources),
        known: KnownList::default(),
        field: Field::default(),
    };
    let mut places = Vec::new();
    for source in sources.iter().filter(|source| source.is_topic()) {
        if let Some(topic) = read::<Topic>(source, &mut flaws) {
            for entry in topic.scenario {
                places.push((source, entry.name.span().start));
                let scenario = resolve(entry, source, &topic.spec, &catalogue.requirements);
                catalogue.scenarios.push(scenario);
            }
        }
    }
    check(&catalogue, &places, trust, &mut flaws);
    catalogue.known = known(sources, &catalogue, &mut flaws);
    catalogue.field = field(sources, &catalogue, &mut flaws);
    match flaws.is_empty() {
        true => Ok(catalogue),
        false => Err(ScenarioError::Broken(flaws)),
    }
}

fn apps(sources: &[Source]) -> Vec<AppFile> {
    let files = sources.iter();
    files
        .filter_map(|source| AppFile::of(&source.path, &source.text))
        .collect()
}

/// The WSGI applications that are part of the program.
pub fn embedded_apps() -> Vec<AppFile> {
    apps(&embedded())
}

fn faults(sources: &[Source], flaws: &mut Vec<Flaw>) -> Vec<Fault> {
    let sources = sources.iter().filter(|source| source.is_in(FAULTS));
    let mut faults = Vec::new();
    for source in sources {
        if let Some(file) = read::<FaultFile>(source, flaws) {
            faults.extend(file.of(source.name()));
        }
    }
    faults
}

fn field(sources: &[Source], catalogue: &Catalogue, flaws: &mut Vec<Flaw>) -> Field {
    let Some(source) = sources.iter().find(|source| source.path == FIELD) else {
        return Field::default();
    };
    let ids = catalogue.scenarios.iter().map(|one| one.id.as_str());
    Field::read(source, &ids.collect::<Vec<_>>(), flaws)
}

fn known(sources: &[Source], catalogue: &Catalogue, flaws: &mut Vec<Flaw>) -> KnownList {
    let is_known = |source: &&Source| source.path == KNOWN || source.is_in(KNOWN_FOLDER);
    let mut list = KnownList::default();
    for source in sources.iter().filter(is_known) {
        let file: Option<KnownFile> = read(source, flaws);
        for entry in file.iter().flat_map(|file| &file.known) {
            let at = entry.span().start;
            for known in entry.get_ref().deviations() {
                if let Some(message) = unmatched(&known, catalogue) {
                    flaws.push(Flaw::at(&source.path, &source.text, at, message));
                }
            }
        }
        list.extend(file.map(KnownList::from).unwrap_or_default());
    }
    list
}

/// Why no run can ever match this entry.
fn unmatched(known: &Known, catalogue: &Catalogue) -> Option<String> {
    let ids = || {
        catalogue
            .scenarios
            .iter()
            .map(|scenario| scenario.id.as_str())
    };
    match (catalogue.get(&known.scenario), known.model) {
        (None, _) => Some(missing("scenario", &known.scenario, ids())),
        (Some(scenario), Models::One(model)) if !scenario.applies(model) => {
            Some(format!("`{}` does not run over {model}", scenario.id))
        }
        (Some(_), _) => None,
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
    use crate::scenario::testing::catalogue;

    const GOOD: &str = r#"spec = "s"

[[scenario]]
name = "n"
requirements = ["CGI-DF-HTTPOXY"]
level = "recommended"
says = "It holds."
faults = ["gateway/httpoxy"]
"#;

    /// What is said of the good file in which `from` is replaced.
    fn flaws(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        catalogue("cgi/t.toml", &text).unwrap_err().to_string()
    }

    #[test]
    fn the_good_file_is_good() {
        let catalogue = catalogue("cgi/t.toml", GOOD).unwrap();
        assert_eq!(catalogue.scenarios[0].id, "cgi/t/n");
        assert_eq!(catalogue.scenarios[0].spec, "s");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let said = flaws("requirements", "requirement");
        insta::assert_snapshot!(said, @"cgi/t.toml:5: unknown key `requirement`; did you mean `requirements`?");
        let said = flaws("says", "expect.client = { staus = 200 }\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown key `staus`; did you mean `status`?");
        let said = flaws("says", "expect.application = { pth = '/a' }\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown key `pth`; did you mean `path`? (known: path, body, body_error, argv, cwd, seen)");
        let said = flaws("says", "probe = { stderr-size = 5 }\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown key `stderr-size`; did you mean `stderr_size`?");
    }

    #[test]
    fn an_unknown_word_is_named_with_the_nearest() {
        let said = flaws("\"recommended\"", "\"recomended\"");
        insta::assert_snapshot!(said, @"cgi/t.toml:6: unknown word `recomended`; did you mean `recommended`? (known: required, recommended, observed)");
        let said = flaws("says", "models = [\"fcgi\"]\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown word `fcgi`; did you mean `cgi`? (known: cgi, cgi-warm, fastcgi, uwsgi, scgi, http)");
        let said = flaws("says", "request.parts = [\"last-chunk\"]\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown word `last-chunk`; did you mean `last_chunk`?");
        let said = flaws("says", "observe = [\"client.satus\"]\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown value `client.satus`; did you mean `client.status`?");
        let said = flaws("says", "request.target = \"{ap}/\"\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: unknown placeholder `{ap}`; did you mean `{app}`? (known: {app}, {nph}, {auth}, {host}, {port})");
    }

    #[test]
    fn what_the_probe_does_not_tell_cannot_be_expected() {
        let said = flaws("says", "expect.application.body = { contains = 'x' }\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: the probe tells only size and digest of what it read; expect `equals`, `size` or `sha256`");
    }

    #[test]
    fn a_missing_key_and_a_wrong_type_are_told() {
        let said = flaws("says = \"It holds.\"\n", "");
        insta::assert_snapshot!(said, @"cgi/t.toml:3: missing field `says`");
        let said = flaws("says", "within = 3\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: invalid type: integer `3`, expected a string");
        let said = flaws("says", "expect.client.status = 42\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: 42 is out of range 100-999");
    }

    #[test]
    fn references_that_lead_nowhere_are_told_where_the_scenario_begins() {
        let said = flaws("CGI-DF-HTTPOXY", "CGI-DF-HTTPROXY");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: unknown requirement `CGI-DF-HTTPROXY`; did you mean `CGI-DF-HTTPOXY`?");
        let said = flaws("gateway/httpoxy", "gateway/http-poxy");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: unknown fault `gateway/http-poxy`; did you mean `gateway/httpoxy`?");
        let said = flaws("gateway/httpoxy", "gateway/no-date");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: fault `gateway/no-date` breaks no requirement that `cgi/t/n` cites");
        let said = flaws("says", "needs = [\"cgi/t/m\"]\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: unknown scenario `cgi/t/m`");
    }

    #[test]
    fn claims_that_nothing_bears_are_told() {
        let said = flaws("\"recommended\"", "\"required\"");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: `cgi/t/n` claims level `required`, but what it cites allows at most `recommended`");
        let said = flaws("[\"gateway/httpoxy\"]", "[]");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: `cgi/t/n` names no fault that breaks it");
        let said = flaws("\"n\"", "\"No Slug\"");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: `cgi/t/No Slug` is no slug; use small letters, digits and hyphens");
        let said = flaws("says", "repeat = { times = 2, quorum = 3 }\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: a quorum of 3 out of 2 runs cannot be told");
        let said = flaws(
            "says",
            "request = { body = \"x\", parts = [{ body = \"y\" }] }\nsays",
        );
        insta::assert_snapshot!(said, @"cgi/t.toml:4: a request has either `body` or `parts`");
    }

    #[test]
    fn an_application_that_nobody_wrote_is_told() {
        let said = flaws("says", "probe.app = 'wsgi/call:plane'\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: unknown application `wsgi/call:plane`; did you mean `wsgi/call:plain`?");
        let said = flaws("says", "probe.app = 'call.py'\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:7: `call.py` is no application; expected `wsgi/FILE:CALLABLE`");
        let said = flaws("says", "expect.application.seen.close = '1'\nsays");
        insta::assert_snapshot!(said, @"cgi/t.toml:4: `cgi/t/n` expects notes, but names no `probe.app` that leaves any");
    }

    #[test]
    fn a_known_deviation_of_no_scenario_is_told() {
        let entry = "[[known]]\nsubject = 'nginx'\nversion = 'any'\nmodel = 'any'\n\
                     scenario = 'cgi/none'\nbecause = 'x'\n";
        let said = catalogue("known.toml", entry).unwrap_err().to_string();
        insta::assert_snapshot!(said, @"known.toml:1: unknown scenario `cgi/none`");
        let said = catalogue("known.toml", &entry.replace("'cgi/none'", "['cgi/none']"));
        insta::assert_snapshot!(said.unwrap_err(), @"known.toml:1: unknown scenario `cgi/none`");
        let said = catalogue(
            "known.toml",
            &entry.replace("model = 'any'", "model = 'fcgi'"),
        );
        insta::assert_snapshot!(said.unwrap_err(), @"known.toml:4: unknown model `fcgi`; the models are cgi, cgi-warm, fastcgi, uwsgi, scgi, http");
    }

    #[test]
    fn a_name_is_there_once() {
        let twice = format!("{GOOD}{}", GOOD.replacen("spec = \"s\"", "", 1));
        let said = catalogue("cgi/t.toml", &twice).unwrap_err().to_string();
        insta::assert_snapshot!(said, @"cgi/t.toml:12: scenario `cgi/t/n` is there twice");
    }

    #[test]
    fn scenarios_are_selected_by_the_beginning_of_their_ids() {
        let catalogue = load_embedded().unwrap();
        let ids = |prefixes: &[&str]| {
            let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
            let chosen = catalogue.select(&prefixes);
            chosen.map(|list| list.iter().map(|s| s.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(ids(&[]).unwrap().len(), catalogue.scenarios.len());
        let one = ids(&["cgi/path-info/decoded-once"]).unwrap();
        assert_eq!(one, ["cgi/path-info/decoded-once"]);
        assert!(ids(&["cgi/query", "scgi"]).unwrap().len() > 2);
        let said = ids(&["cgi/pathinfo"]).unwrap_err().to_string();
        insta::assert_snapshot!(said, @"no scenario begins with `cgi/pathinfo`; did you mean `cgi/path-info`?");
        let said = ids(&["zzz"]).unwrap_err().to_string();
        insta::assert_snapshot!(said, @"no scenario begins with `zzz`; `gatebench list scenarios` shows them all");
    }
}
