//! Page faults of a set of processes, with the children that they waited for.

use super::proc::{Proc, Process};
use crate::results::PageFaults;

/// What all of them had together at the beginning of a span.
#[derive(Debug, Default)]
pub(super) struct Faults(Option<PageFaults>);

impl Faults {
    pub(super) fn open(proc: &Proc, processes: &[Process]) -> Self {
        Self(together(proc, processes))
    }

    /// Faults since then. A process that ended meanwhile has its own in its parent; where that is no
    /// member of the set, CPU time is lost as well, and the caller tells neither.
    pub(super) fn since(&self, proc: &Proc, processes: &[Process]) -> Option<PageFaults> {
        let (then, now) = (self.0?, together(proc, processes)?);
        Some(PageFaults {
            minor: now.minor.checked_sub(then.minor)?,
            major: now.major.checked_sub(then.major)?,
        })
    }
}

/// `None` without processes, or where one cannot be read.
fn together(proc: &Proc, processes: &[Process]) -> Option<PageFaults> {
    let faults = processes.iter().map(|process| proc.faults(process.pid));
    faults.reduce(|sum, one| {
        let (sum, one) = (sum?, one?);
        Some(PageFaults {
            minor: sum.minor + one.minor,
            major: sum.major + one.major,
        })
    })?
}
