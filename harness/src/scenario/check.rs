//! What a file alone cannot tell: whether everything that scenarios refer to is there.

use std::collections::BTreeMap;

use super::{
    Catalogue, Scenario,
    app::AppFile,
    error::{Flaw, nearest},
    fault::Fault,
    source::Source,
};

/// Whether scenarios have to show by a fault that they can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Each names one, and tests play it.
    Shown,
    /// Who has no doubles need not.
    Given,
}

/// Adds a flaw for each reference that leads nowhere and each claim that its rules do not bear.
/// `lines` tells for each scenario where it stands.
pub(super) fn check(
    catalogue: &Catalogue,
    lines: &[(&Source, usize)],
    trust: Trust,
    flaws: &mut Vec<Flaw>,
) {
    let mut ids = BTreeMap::new();
    for (scenario, (source, at)) in catalogue.scenarios.iter().zip(lines) {
        let mut flaw = |message: String| {
            flaws.push(Flaw::at(&source.path, &source.text, *at, message));
        };
        if ids.insert(scenario.id.as_str(), ()).is_some() {
            flaw(format!("scenario `{}` is there twice", scenario.id));
        }
        if trust == Trust::Shown && scenario.faults.is_empty() {
            flaw(format!("`{}` names no fault that breaks it", scenario.id));
        }
        let checks = [
            slug, citations, level, faults, needs, repeat, framing, reply, apps, notes, steps,
        ];
        for message in checks.iter().flat_map(|check| check(scenario, catalogue)) {
            flaw(message);
        }
    }
}

fn slug(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-".contains(c);
    match scenario.id.chars().all(is_slug) {
        true => Vec::new(),
        false => vec![format!(
            "`{}` is no slug; use small letters, digits and hyphens",
            scenario.id
        )],
    }
}

fn citations(scenario: &Scenario, catalogue: &Catalogue) -> Vec<String> {
    if scenario.requirements.is_empty() {
        return vec![format!("`{}` cites no requirement", scenario.id)];
    }
    let known = || catalogue.requirements.iter().map(|known| known.id.as_str());
    let unknown = |id: &&String| catalogue.requirements.get(id).is_none();
    let cited = scenario.requirements.iter().filter(unknown);
    cited
        .map(|id| missing("requirement", id, known()))
        .collect()
}

/// Whether there is nothing wrong with what it cites, so that more can be told.
fn cites_known(scenario: &Scenario, catalogue: &Catalogue) -> bool {
    let is_known = |id: &String| catalogue.requirements.get(id).is_some();
    scenario.requirements.iter().all(is_known)
}

fn level(scenario: &Scenario, catalogue: &Catalogue) -> Vec<String> {
    let allowed = catalogue.requirements.allow(&scenario.requirements);
    if scenario.level >= allowed || !cites_known(scenario, catalogue) {
        return Vec::new();
    }
    let (claims, allows) = (scenario.level.word(), allowed.word());
    vec![format!(
        "`{}` claims level `{claims}`, but what it cites allows at most `{allows}`",
        scenario.id
    )]
}

fn faults(scenario: &Scenario, catalogue: &Catalogue) -> Vec<String> {
    let ids = || catalogue.faults.iter().map(|fault| fault.id.as_str());
    let judge = |id: &String| match catalogue.faults.iter().find(|fault| fault.id == *id) {
        None => Some(missing("fault", id, ids())),
        Some(_) if !cites_known(scenario, catalogue) => None,
        Some(fault) => unrelated(fault, scenario),
    };
    scenario.faults.iter().filter_map(judge).collect()
}

fn unrelated(fault: &Fault, scenario: &Scenario) -> Option<String> {
    (!fault.breaks(&scenario.requirements)).then(|| {
        format!(
            "fault `{}` breaks no requirement that `{}` cites",
            fault.id, scenario.id
        )
    })
}

fn needs(scenario: &Scenario, catalogue: &Catalogue) -> Vec<String> {
    let others = || {
        catalogue
            .scenarios
            .iter()
            .filter(|other| other.id != scenario.id)
    };
    let ids = || others().map(|other| other.id.as_str());
    let unknown = |id: &&String| !ids().any(|other| other == *id);
    let needed = scenario.needs.iter().filter(unknown);
    needed.map(|id| missing("scenario", id, ids())).collect()
}

fn repeat(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    let repeat = scenario.repeat;
    match (1..=repeat.times).contains(&repeat.quorum) {
        true => Vec::new(),
        false => vec![format!(
            "a quorum of {} out of {} runs cannot be told",
            repeat.quorum, repeat.times
        )],
    }
}

fn framing(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    let request = &scenario.request;
    match request.body.is_some() && !request.parts.is_empty() {
        true => vec!["a request has either `body` or `parts`".to_owned()],
        false => Vec::new(),
    }
}

fn reply(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    super::reply::flaws(scenario)
}

fn apps(scenario: &Scenario, catalogue: &Catalogue) -> Vec<String> {
    let known: Vec<String> = catalogue.apps.iter().flat_map(AppFile::apps).collect();
    let named = scenario.probes().filter_map(|probe| probe.app.as_ref());
    let named = named.map(ToString::to_string);
    let unknown = named.filter(|app| !known.contains(app));
    unknown
        .map(|app| missing("application", &app, known.iter().map(String::as_str)))
        .collect()
}

fn notes(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    match scenario.speaks_of_notes() && !scenario.needs_wsgi() {
        true => vec![format!(
            "`{}` expects notes, but names no `probe.app` that leaves any",
            scenario.id
        )],
        false => Vec::new(),
    }
}

fn steps(scenario: &Scenario, _: &Catalogue) -> Vec<String> {
    super::steps::flaws(scenario)
}

/// An id that leads nowhere, and the one that was probably meant.
pub(super) fn missing<'a>(what: &str, id: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(id, known) {
        Some(near) => format!("unknown {what} `{id}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{id}`"),
    }
}
