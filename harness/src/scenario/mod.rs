//! Scenarios: data that says what is asked, what must come back, and which rule says so.
//!
//! ```text
//! scenarios/**/*.toml ──load──▶ Scenario ──script──▶ what the client does
//!                                  │
//!                       Evidence ──┴──judge──▶ Judgement      faces ──compare──▶ differences
//! ```
//!
//! Everything here is pure: no socket, process or clock. The vocabulary is described in
//! `scenarios/README.md`; it is closed, so an unknown key is an error with its line.

use std::time::Duration;

use crate::{
    model::Model,
    outcome::{AtFault, Level},
};

mod catalogue;
mod check;
mod compare;
mod content;
mod error;
pub mod expect;
pub mod fault;
mod format;
mod judge;
mod known;
mod loose;
pub mod observe;
pub mod probe;
pub mod request;
mod source;
#[cfg(test)]
mod testing;
pub mod text;
mod verdict;

pub use catalogue::{Catalogue, NoSuchScenario, load_dir, load_embedded};
pub use compare::{Face, compare};
pub use content::{counter, digest};
pub use error::{Flaw, ScenarioError};
pub use fault::Fault;
pub use format::{Differential, Repeat};
pub use judge::{JudgeContext, Judgement};
pub use known::{Known, KnownList, Stale};
pub use request::{Action, Script};

use expect::{Choice, Expect};
use observe::Observed;
use probe::Probe;
use request::Request;

/// One case.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Path and name, for example `cgi/path-info/decoded-once`.
    pub id: String,
    /// Specification and section.
    pub spec: String,
    /// Ids of the requirements that it checks.
    pub requirements: Vec<String>,
    /// How binding it is.
    pub level: Level,
    /// What must hold, in one sentence for reports.
    pub says: String,
    /// Misbehaviours of the doubles that must turn it red.
    pub faults: Vec<String>,
    /// Models that can express it; `None` for all.
    pub models: Option<Vec<Model>>,
    /// Scenarios without which this one tells nothing.
    pub needs: Vec<String>,
    /// How often it runs, and how often it must hold.
    pub repeat: Repeat,
    /// Time for the request and its response.
    pub within: Duration,
    /// What the client asks.
    pub request: Request,
    /// What the probe is told.
    pub probe: Probe,
    /// What must hold whatever outcome is chosen.
    pub expect: Expect,
    /// The conforming outcomes, where the specification leaves a choice.
    pub one_of: Vec<Choice>,
    /// Values that are told and not judged.
    pub observe: Vec<Observed>,
    /// How the models are compared.
    pub differential: Differential,
    /// Whom its requirements bind.
    pub binds: AtFault,
}

/// Where a pairing mounts the probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the probe without a trailing slash: `/probe`, `/cgi-bin/probe`, or empty.
    pub app: String,
    /// Address of the gateway as `Host` gives it: `127.0.0.1:8080`.
    pub host: String,
}

impl Place {
    /// The probe at path `app` of a gateway that listens on `host`.
    pub fn new(app: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            host: host.into(),
        }
    }

    /// The port in `host`; 80 where it names none.
    pub fn port(&self) -> &str {
        let port = self.host.rsplit_once(':').map_or("", |(_, port)| port);
        let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        if is_port { port } else { "80" }
    }
}

impl Scenario {
    /// What the client does.
    pub fn script(&self, place: &Place) -> Script {
        self.request.script(&self.probe, place, self.within)
    }

    /// What the client does next, on the same connection or, where that was closed, on a new
    /// one; `None` where nobody asks.
    pub fn next_script(&self, place: &Place) -> Option<Script> {
        let next = self.expect.next_request.as_ref()?;
        let within = next.within.map_or(self.within, |time| time.0);
        Some(next.request.script(&next.probe, place, within))
    }

    /// Whether a model can express it.
    pub fn applies(&self, model: Model) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| models.contains(&model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_host() {
        for (host, port) in [
            ("127.0.0.1:8080", "8080"),
            ("[::1]:81", "81"),
            ("[::1]", "80"),
        ] {
            assert_eq!(Place::new("", host).port(), port, "{host}");
        }
    }
}
