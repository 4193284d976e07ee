//! Misbehaviours of the doubles that must turn scenarios red: `scenarios/faults.toml`.

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
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    pub(super) fault: Vec<toml::Spanned<Fault>>,
}

impl Fault {
    /// Whether it breaks one of these requirements.
    pub fn breaks(&self, requirements: &[String]) -> bool {
        requirements.iter().any(|id| self.violates.contains(id))
    }
}
