//! The known list of today held against a run of another day.

use crate::{
    results::{CaseResult, Results, Summary},
    scenario::KnownList,
};

/// What notes on entries that no longer show begin with.
pub const OUT_OF_DATE: &str = "the known list is out of date for ";

/// Marks every case as the list has it now, in place of how it was marked when it ran.
pub fn relist(results: &mut Results, known: &KnownList) {
    let Results {
        results: cases,
        subjects,
        ..
    } = results;
    for case in cases.iter_mut() {
        forget(case);
        known.mark(case, subjects);
    }
    let stale = known.stale(cases, subjects);
    let told = stale.iter().map(|entry| {
        let subject = &entry.known.subject;
        format!("{OUT_OF_DATE}{subject}: {}", entry.why)
    });
    let notes = &mut results.environment.notes;
    notes.retain(|note| !note.starts_with(OUT_OF_DATE));
    notes.extend(told);
    let count = u32::try_from(stale.len()).unwrap_or(u32::MAX);
    known.mark_stale(cases, subjects);
    let missing = results.missing_figures();
    results.summary = Summary::of(&results.results, count).with_missing(missing);
}

/// Takes back what an earlier list said; the reason why a case was not played stays.
fn forget(case: &mut CaseResult) {
    if std::mem::take(&mut case.known) {
        case.reason = None;
    }
    case.embargoed = false;
}
