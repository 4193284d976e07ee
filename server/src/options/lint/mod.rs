//! What becomes of a uWSGI configuration: `--check-config`.
//!
//! ```text
//! Gathered ──values──▶ findings (told on every start if they matter)
//!     └─────check────▶ findings + files + what each option is ──render──▶ a report
//! ```

mod files;
mod module;
mod render;
mod repeated;
mod values;

use super::Wanted;
use super::finding::Finding;
use super::given::Gathered;
use super::resolve::resolve;

/// Values that uWSGI, and so this server, reads otherwise than was surely meant, and what else is
/// worth knowing.
pub(super) fn values(gathered: &Gathered) -> Vec<Finding> {
    let mut findings = values::look(gathered);
    findings.extend(repeated::look(gathered));
    findings.extend(module::look(gathered));
    findings
}

/// The report, and whether the server would start.
pub(super) fn check(gathered: &Gathered) -> Wanted {
    let settings = resolve(gathered);
    let missing = files::look(gathered);
    let trouble: Vec<String> = settings
        .as_ref()
        .err()
        .map(ToString::to_string)
        .into_iter()
        .chain(missing.iter().map(Finding::sentence))
        .collect();
    let warnings = settings.map(|_| gathered.notes()).unwrap_or_default();
    Wanted::Checked {
        report: render::report(gathered, &warnings, &trouble),
        starts: trouble.is_empty(),
    }
}
