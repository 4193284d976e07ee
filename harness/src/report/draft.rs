//! Entries for `scenarios/known/`, drafted from what a run found.

use std::fmt::Write as _;

use super::{
    findings::{self, Finding},
    text::visible,
    view::Mark,
};
use crate::{
    outcome::{AtFault, Outcome},
    results::{CaseResult, Results, Subject},
};

/// A TOML file with one entry for each violation that is not known yet. It asks for a reason in
/// place of one: a person has to look at the transcript and to read the rule before it is listed.
pub fn draft(results: &Results) -> String {
    let mut out = "# Drafted by `gatebench report --known-draft`: look at each transcript, write the reason in\n\
                   # one line, widen or narrow the versions, and move the entry to scenarios/known/.\n"
        .to_owned();
    let mut seen = Vec::new();
    for finding in findings::findings(results, Mark::is_violation) {
        for case in &finding.cases {
            let entry = entry(case, &finding, results);
            if let Some(entry) = entry.filter(|entry| !seen.contains(entry)) {
                out.push_str(&entry);
                seen.push(entry);
            }
        }
    }
    out
}

fn entry(case: &CaseResult, finding: &Finding<'_>, results: &Results) -> Option<String> {
    let subject = to_blame(case, results)?;
    let name = match &subject.variant {
        Some(variant) => format!("{}:{variant}", subject.name),
        None => subject.name.clone(),
    };
    let version = subject.version.as_ref();
    let version = version.map_or_else(|| "any".to_owned(), |version| format!("<={version}"));
    let mut out = String::new();
    let told = case.actual.as_deref().unwrap_or("no word of what came");
    _ = writeln!(out, "\n# {}", visible(told));
    _ = writeln!(out, "[[known]]\nsubject = {}", quoted(&name));
    _ = writeln!(out, "version = {}", quoted(&version));
    let model = case.model.map_or("any", |model| model.word());
    _ = writeln!(out, "model = {}", quoted(model));
    _ = writeln!(out, "scenario = {}", quoted(&case.scenario));
    if finding.first().outcome != Outcome::Fail {
        _ = writeln!(out, "outcome = {}", quoted(case.outcome.word()));
    }
    if case.embargoed {
        out.push_str("embargoed = true\n");
    }
    out.push_str("because = \"TODO\"\n");
    Some(out)
}

/// The subject that broke the rule; where the evidence does not tell, the gateway.
fn to_blame<'a>(case: &CaseResult, results: &'a Results) -> Option<&'a Subject> {
    let id = match case.at_fault {
        Some(AtFault::Backend) => case.backend.as_ref(),
        _ => case.gateway.as_ref().or(case.backend.as_ref()),
    };
    results
        .subjects
        .iter()
        .find(|subject| Some(&subject.id) == id)
}

/// A string as TOML spells it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
