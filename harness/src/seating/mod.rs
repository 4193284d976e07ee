//! What cases are played on: who sits in front, who behind, and by which model they talk.
//!
//! ```text
//! Pairing    client ──▶ gateway ──▶ backend ──▶ probe
//! Driver     harness ─────────────▶ backend ──▶ probe
//! Recorder   client ──▶ gateway ──▶ harness
//! ```

mod arrival;
mod driver;
mod live;
mod recorded;
mod recorder;

pub use driver::{Driver, Judged, Serving};
pub use live::Live;
pub use recorded::{Recorded, gateway_at};
pub use recorder::{Fronted, Recorder};

use crate::{
    backends::Backend,
    bench::Bench,
    gateways::Gateway,
    model::Model,
    pairing::{Pairing, StartError},
    results::Subject,
    scenario::{Kind, Scenario},
};

/// What cases are played on, before it runs.
#[derive(Clone)]
pub enum Seating {
    /// End to end.
    Pairing(Pairing),
    /// The harness in the gateway's seat.
    Driver(Driver),
    /// The harness in the application server's seat.
    Recorder(Recorder),
}

impl Seating {
    /// The kind of scenario that is played on it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pairing(_) => Kind::EndToEnd,
            Self::Driver(_) => Kind::Backend,
            Self::Recorder(_) => Kind::Gateway,
        }
    }

    /// Whether a scenario can be played on it.
    pub fn takes(&self, scenario: &Scenario) -> bool {
        self.fits(scenario) && !self.lacks_probe_for(scenario)
    }

    fn fits(&self, scenario: &Scenario) -> bool {
        scenario.kind() == self.kind() && scenario.applies(self.model())
    }

    /// Whether a scenario could be played on it if the probe answered there.
    pub fn lacks_probe_for(&self, scenario: &Scenario) -> bool {
        let Self::Driver(driver) = self else {
            return false;
        };
        self.fits(scenario) && !driver.has_probe() && scenario.uses_probe()
    }

    /// The way to the application.
    pub fn model(&self) -> Model {
        match self {
            Self::Pairing(pairing) => pairing.model,
            Self::Driver(driver) => driver.model,
            Self::Recorder(recorder) => recorder.model,
        }
    }

    /// Subject id of the gateway; `None` where the harness sits there.
    pub fn gateway_id(&self) -> Option<String> {
        match self {
            Self::Pairing(pairing) => Some(pairing.gateway_id()),
            Self::Driver(_) => None,
            Self::Recorder(recorder) => Some(recorder.gateway_id()),
        }
    }

    /// Subject id of the backend; `None` where the harness sits there.
    pub fn backend_id(&self) -> Option<String> {
        match self {
            Self::Pairing(pairing) => Some(pairing.backend_id()),
            Self::Driver(driver) => Some(driver.backend_id()),
            Self::Recorder(_) => None,
        }
    }

    /// Front, model and back in words that fit a file name: `driver-fastcgi-gateserve-probe`.
    pub fn slug(&self) -> String {
        let front = self.gateway_id().unwrap_or_else(|| "driver".to_owned());
        let back = self.backend_id().unwrap_or_else(|| "recorder".to_owned());
        format!("{front}-{}-{back}", self.model()).replace([':', '/'], "-")
    }

    /// What carries CGI, where the gateway executes nothing.
    pub fn carrier(&self) -> Option<String> {
        match self {
            Self::Pairing(pairing) => pairing.carrier(),
            Self::Driver(_) | Self::Recorder(_) => None,
        }
    }

    /// The subjects that are judged, as the results list them.
    pub fn subjects(&self, bench: &Bench) -> Vec<Subject> {
        match self {
            Self::Pairing(pairing) => pairing.subjects(bench).to_vec(),
            Self::Driver(driver) => vec![driver.subject(bench)],
            Self::Recorder(recorder) => vec![recorder.subject(bench)],
        }
    }

    /// Why it cannot express its model, if it cannot.
    pub fn unsupported(&self) -> Option<String> {
        match self {
            Self::Pairing(pairing) => pairing.unsupported(),
            // The plan makes none that the subject does not speak.
            Self::Driver(_) | Self::Recorder(_) => None,
        }
    }

    /// Whether WSGI applications can be run on it; where the backend is not the bench's own, the
    /// probe behind it says whether it is one.
    pub fn runs_wsgi(&self) -> bool {
        match self {
            Self::Pairing(pairing) => pairing.runs_wsgi(),
            Self::Driver(driver) => driver.runs_wsgi(),
            Self::Recorder(_) => false,
        }
    }

    /// The pairing, where both subjects are there.
    pub fn pairing(&self) -> Option<Pairing> {
        match self {
            Self::Pairing(pairing) => Some(*pairing),
            Self::Driver(_) | Self::Recorder(_) => None,
        }
    }

    /// The gateway that the bench starts for it, if it starts one.
    pub fn gateway(&self) -> Option<&'static dyn Gateway> {
        match self {
            Self::Pairing(pairing) => Some(pairing.gateway),
            Self::Recorder(recorder) => recorder.gateway(),
            Self::Driver(_) => None,
        }
    }

    /// The backend that the bench starts for it, if it starts one.
    pub fn backend(&self) -> Option<&'static dyn Backend> {
        match self {
            Self::Pairing(pairing) => (!pairing.executes()).then_some(pairing.backend),
            Self::Driver(driver) => driver.backend(),
            Self::Recorder(_) => None,
        }
    }

    /// Starts all that it takes.
    ///
    /// # Errors
    /// When a file cannot be made or a subject does not become ready.
    pub async fn start(&self, bench: &Bench) -> Result<Live, StartError> {
        match self {
            Self::Pairing(pairing) => Ok(Live::Pairing(pairing.start(bench, true).await?)),
            Self::Driver(driver) => driver.start(bench).await,
            Self::Recorder(recorder) => recorder.start(bench).await,
        }
    }
}
