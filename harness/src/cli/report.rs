//! `gatebench report`: pages from stored results, without running anything.

use std::path::Path;

use super::{Verdict, args::ReportArgs, outputs};
use crate::{
    outcome::Level,
    report::{findings, stored},
};

/// Loads, merges, renders and compares.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Verdict> {
    let merged = stored::read(&args.results)?;
    outputs::print(&merged, Level::Required)?;
    outputs::compare(&args.outputs, &merged)?;
    if !args.outputs.names_none() {
        outputs::write(&outputs::wanted(&args.outputs), &merged, Path::new("."))?;
    }
    Ok(findings::Verdict::of(&merged, Level::Required).into())
}
