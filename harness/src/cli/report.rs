//! `gatebench report`: pages from stored results, without running anything.

use std::path::Path;

use super::{Verdict, args::ReportArgs, outputs};
use crate::{
    outcome::Level,
    report::{self, findings},
};

/// Loads, merges, renders and compares.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Verdict> {
    let mut results = Vec::new();
    for path in &args.results {
        results.push(report::load(path)?);
    }
    let merged = report::merge(results)?;
    let folder = args.results[0].parent().unwrap_or(Path::new("."));
    if args.outputs.names_none() {
        outputs::print(&merged, Level::Required)?;
        outputs::compare(&args.outputs, &merged)?;
    } else {
        outputs::write(&args.outputs, folder, &merged, Level::Required)?;
    }
    Ok(findings::Verdict::of(&merged, Level::Required).into())
}
