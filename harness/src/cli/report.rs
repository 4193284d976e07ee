//! `gatebench report`: pages from stored results, without running anything.

use super::{
    Verdict,
    args::ReportArgs,
    outputs::{self, Desk},
};
use crate::{
    outcome::Level,
    report::{findings, stored},
};

/// Loads, merges, renders and compares.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Verdict> {
    let merged = stored::read(&args.results)?;
    let files = outputs::named(&args.outputs);
    Desk::open(&args.outputs, files, Level::Required)?.hand_out(&merged)?;
    Ok(findings::Verdict::of(&merged, Level::Required).into())
}
