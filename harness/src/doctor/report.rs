//! What the doctor found, as text and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::speaks::Clue;
use crate::{model::Model, report::text::visible, tap::Finding};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It works, but may surprise.
    Note,
    /// It does not work, or will not for somebody.
    Problem,
}

/// A finding, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// How much it weighs.
    pub weight: Weight,
    /// File and line, where a configuration is examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong, and what to change.
    #[serde(flatten)]
    pub finding: Finding,
}

/// One request in which one thing was varied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// What was sent, or what was different in it.
    pub sent: String,
    /// What came.
    pub came: String,
    /// Whether that is something else than what came at first.
    pub differs: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Who was examined.
    pub target: String,
    /// What is spoken there.
    pub protocol: Option<Model>,
    /// What was asked to find that out.
    pub clues: Vec<Clue>,
    /// Requests, the plain one first.
    pub trials: Vec<Trial>,
    /// What is to be told.
    pub findings: Vec<Advice>,
    /// What a configuration names, each examined by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

impl Report {
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            ..Self::default()
        }
    }

    pub(super) fn problem(&mut self, finding: Finding) {
        self.add(Weight::Problem, None, finding);
    }

    pub(super) fn note(&mut self, finding: Finding) {
        self.add(Weight::Note, None, finding);
    }

    /// Adds a finding, once.
    pub(super) fn add(&mut self, weight: Weight, place: Option<String>, finding: Finding) {
        let known = |one: &Advice| {
            let rule = one.finding.requirement == finding.requirement;
            rule && one.finding.problem == finding.problem && one.place == place
        };
        if !self.findings.iter().any(known) {
            self.findings.push(Advice {
                weight,
                place,
                finding,
            });
        }
    }

    pub(super) fn trial(
        &mut self,
        sent: impl Into<String>,
        came: impl Into<String>,
        differs: bool,
    ) {
        self.trials.push(Trial {
            sent: sent.into(),
            came: came.into(),
            differs,
        });
    }

    /// Whether anything does not work.
    pub fn is_well(&self) -> bool {
        let problem = |one: &Advice| one.weight == Weight::Problem;
        !self.findings.iter().any(problem) && self.parts.iter().all(Self::is_well)
    }

    /// Everything, for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        let (problems, notes) = self.tally();
        let verdict = match (problems, notes) {
            (0, 0) => "nothing is wrong as far as this can see".to_owned(),
            (0, notes) => format!("nothing is wrong, {} to know", things(notes)),
            (problems, _) => format!("{} wrong", things(problems)),
        };
        let _ = writeln!(text, "{verdict}");
        text
    }

    fn tally(&self) -> (usize, usize) {
        let of = |weight| {
            self.findings
                .iter()
                .filter(|one| one.weight == weight)
                .count()
        };
        let parts = self.parts.iter().map(Self::tally);
        parts.fold((of(Weight::Problem), of(Weight::Note)), |all, part| {
            (all.0 + part.0, all.1 + part.1)
        })
    }

    fn write(&self, text: &mut String) {
        let spoken = match self.protocol {
            Some(protocol) => format!(" speaks {protocol}"),
            None => String::new(),
        };
        let _ = writeln!(text, "{}{spoken}", plain(&self.target));
        for clue in &self.clues {
            let _ = writeln!(text, "  asked   {:<34} {}", clue.sent, plain(&clue.came));
        }
        for trial in &self.trials {
            let sign = if trial.differs { "≠" } else { " " };
            let _ = writeln!(
                text,
                "  sent  {sign} {:<34} {}",
                plain(&trial.sent),
                plain(&trial.came)
            );
        }
        for advice in &self.findings {
            let sign = match advice.weight {
                Weight::Problem => "!!",
                Weight::Note => "- ",
            };
            let place = advice
                .place
                .as_deref()
                .map_or(String::new(), |it| format!("{it}: "));
            let Finding {
                problem,
                requirement,
                cause,
                cure,
            } = &advice.finding;
            let rule = match *requirement {
                "" => String::new(),
                rule => format!(" [{rule}]"),
            };
            let _ = writeln!(
                text,
                "  {sign} {}{problem}{rule}: {}\n     → {}",
                plain(&place),
                plain(cause),
                plain(cure)
            );
        }
        let _ = writeln!(text);
        for part in &self.parts {
            part.write(text);
        }
    }
}

/// What came from a wire may hold what a terminal obeys.
fn plain(text: &str) -> String {
    visible(text).into_owned()
}

fn things(number: usize) -> String {
    match number {
        1 => "1 thing".to_owned(),
        number => format!("{number} things"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_from_what_was_asked_to_what_to_change() {
        let mut report = Report::new("/run/app.sock".to_owned());
        report.protocol = Some(Model::Uwsgi);
        report.clues.push(Clue {
            sent: "HTTP/1.1 HEAD /".to_owned(),
            came: "closed without a word".to_owned(),
        });
        report.trial("GET /", "200, 5 octets of body", false);
        report.trial("without HTTP_HOST", "400\x1b[0m", true);
        let finding = Finding::new(
            "block-too-large",
            "UWSGI-HDR-APP-LIMIT",
            "Too large.",
            "buffer-size = 8192",
        );
        report.note(finding.clone());
        report.note(finding);
        insta::assert_snapshot!(report.text(), @r"
        /run/app.sock speaks uwsgi
          asked   HTTP/1.1 HEAD /                    closed without a word
          sent    GET /                              200, 5 octets of body
          sent  ≠ without HTTP_HOST                  400\x1b[0m
          -  block-too-large [UWSGI-HDR-APP-LIMIT]: Too large.
             → buffer-size = 8192

        nothing is wrong, 1 thing to know
        ");
        assert!(report.is_well());
        let inner = report.clone();
        report.parts.push(inner);
        report.parts[0].problem(Finding::new("closed-early", "", "", ""));
        assert!(!report.is_well());
        assert!(report.text().ends_with("1 thing wrong\n"));
    }
}
