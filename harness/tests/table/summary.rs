//! How many faults were caught.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// What came of each fault that was looked for.
pub(super) struct Summary(Mutex<BTreeMap<String, Vec<Missed>>>);

/// A scenario that did not see a fault.
type Missed = String;

impl Summary {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Notes whether a scenario saw a fault.
    pub(super) fn note(&self, fault: &str, scenario: &str, is_seen: bool) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = faults.entry(fault.to_owned()).or_default();
        if !is_seen {
            missed.push(scenario.to_owned());
        }
    }

    /// Tells how many faults were looked for, and which went unseen where; nothing where none was
    /// looked for.
    pub(super) fn print(&self) {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.is_empty() {
            return;
        }
        let missed = || faults.iter().filter(|(_, by)| !by.is_empty());
        let caught = faults.len() - missed().count();
        println!(
            "{} faults: {caught} caught, {} missed",
            faults.len(),
            missed().count()
        );
        for (fault, by) in missed() {
            println!("    {fault}: unseen by {}", by.join(", "));
        }
    }
}
