//! Misbehaviours of the doubles that must turn scenarios red: `scenarios/faults/*.toml`, a file
//! for each double.

use serde::Deserialize;

/// One thing that a double does wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Seat and slug: `gateway/path-info-raw`.
    pub id: String,
    /// What the double does, in one sentence.
    pub says: String,
    /// Ids of the requirements that this breaks.
    pub violates: Vec<String>,
    /// Whether nothing works with it any more, so that no scenario can be spared by it.
    #[serde(default)]
    pub spoils_all: bool,
    /// Which double does it: the name of the file without its ending.
    #[serde(skip)]
    pub double: String,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    pub(super) fault: Vec<Fault>,
}

impl FaultFile {
    /// The faults of the double that the file is named after.
    pub(super) fn of(self, double: &str) -> impl Iterator<Item = Fault> {
        let named = move |fault| Fault {
            double: double.to_owned(),
            ..fault
        };
        self.fault.into_iter().map(named)
    }
}

impl Fault {
    /// Whether it breaks one of these requirements.
    pub fn breaks(&self, requirements: &[String]) -> bool {
        requirements.iter().any(|id| self.violates.contains(id))
    }
}
