//! Asks a socket, a URL or every upstream of an nginx.conf what is wrong, and which line to change.
//!
//! ```text
//!  nginx.conf ──▶ nginx ──▶ locations ──▶ checks ──────────────┐
//!                              │ params                        ▼
//!  ADDR, URL ──▶ speaks ──▶ Ask ──▶ trials: one thing varied ─▶ Report ──▶ text, JSON
//!                                     call ──▶ tap::Exchange ──▶ tap::diagnose
//! ```
//!
//! What it sends reads only: GET, unless the user asks for `--post`. The reply is understood by the
//! same code that the tap has, so both tell the same problem by the same name.

mod ask;
mod call;
mod files;
pub mod nginx;
mod report;
mod speaks;
mod trials;

use std::time::Duration;

use crate::{address::Endpoint, model::Model, tap::Finding};

pub use ask::Ask;
pub use report::{Advice, Report, Trial, Weight};

/// Who is examined, and how.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// What is asked for.
    pub ask: Ask,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Whether a POST may be sent as well.
    pub post: bool,
}

/// Finds out what speaks at `endpoint`, asks it as a gateway would, and varies one thing at a time.
pub fn examine(endpoint: &Endpoint, wishes: &Wishes) -> Report {
    let mut report = Report::new(endpoint.to_string());
    let spoken = speaks::who(endpoint, wishes.timeout);
    report.clues = spoken.clues;
    match spoken.found {
        Ok(protocol) => {
            report.protocol = Some(protocol);
            if let Some(told) = endpoint.protocol.filter(|told| *told != protocol) {
                report.problem(crate::tap::diagnose::mismatch(told, protocol));
            }
            trials::all(&endpoint.address, protocol, wishes, &mut report);
        }
        Err(finding) => report.problem(finding),
    }
    report
}

/// Asks once, as the gateway of a configuration would that speaks `protocol`.
fn examine_as(
    endpoint: &Endpoint,
    protocol: Model,
    wishes: &Wishes,
) -> (Report, Option<crate::tap::Exchange>) {
    let mut report = Report::new(endpoint.to_string());
    let exchange = trials::once(&endpoint.address, protocol, wishes, &mut report);
    (report, exchange)
}

/// A finding in the doctor's own words.
fn finding(
    problem: &'static str,
    requirement: &'static str,
    cause: impl Into<String>,
    cure: impl Into<String>,
) -> Finding {
    Finding::new(problem, requirement, cause, cure)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    /// Every source file of a folder and those below.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => all.extend(sources(&path)),
                false => all.push(path),
            }
        }
        all
    }

    #[test]
    fn every_rule_that_the_doctor_names_is_in_the_catalogue() {
        let catalogue = crate::scenario::load_embedded().unwrap();
        let rule = r#""((?:CGI|DF|FCGI|HTTP|SCGI|UWSGI|WSGI)-[A-Za-z0-9.-]+)""#;
        let rule = regex::Regex::new(rule).unwrap();
        let mut named = 0;
        for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor")) {
            let source = fs::read_to_string(&file).unwrap();
            for found in rule.captures_iter(&source) {
                let is_known = catalogue.requirements.get(&found[1]).is_some();
                assert!(is_known, "{} in {}", &found[1], file.display());
                named += 1;
            }
        }
        assert!(named > 20, "{named}");
    }
}
