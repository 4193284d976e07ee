//! A seating that runs: what the session asks of it, whoever sits where.

use super::Recorded;
use crate::{
    launch::Launch,
    model::Model,
    pairing::Started,
    run::{
        case::{self, Played, Target},
        drive::{self, BackendTarget},
        smoke,
    },
    scenario::{Place, Scenario},
    seating::Serving,
    witness::ProcessView,
};

/// A seating that runs; what was started for it stops when it is dropped.
pub enum Live {
    /// Gateway and backend.
    Pairing(Started),
    /// The driver before an application server.
    Driver(Serving),
    /// A gateway with the harness behind.
    Recorder(Recorded),
}

impl Live {
    /// Makes sure that results can count.
    ///
    /// # Errors
    /// What is wrong with the set-up.
    pub async fn test(&mut self) -> Result<(), String> {
        match self {
            Self::Pairing(started) => smoke::test(started).await,
            Self::Driver(serving) => drive::test(serving).await,
            Self::Recorder(recorded) => recorded.test().await,
        }
    }

    /// Plays one scenario.
    pub async fn play(&mut self, scenario: &Scenario) -> Played {
        match self {
            Self::Pairing(started) => case::play(started, scenario).await,
            Self::Driver(serving) => drive::play(serving, scenario).await,
            Self::Recorder(recorded) => case::play(recorded, scenario).await,
        }
    }

    /// Where requests are addressed to.
    pub fn place(&self) -> &Place {
        match self {
            Self::Pairing(started) => &started.place,
            Self::Driver(serving) => &serving.seat().place,
            Self::Recorder(recorded) => &recorded.place,
        }
    }

    /// What was started for it, the backend first.
    pub fn launches(&self) -> &[Launch] {
        match self {
            Self::Pairing(started) => &started.launches,
            Self::Driver(serving) => serving.launches(),
            Self::Recorder(recorded) => &recorded.launches,
        }
    }

    /// How the subjects are.
    pub fn health(&mut self) -> ProcessView {
        match self {
            Self::Pairing(started) => started.health(),
            Self::Driver(serving) => serving.health(),
            Self::Recorder(recorded) => recorded.health(),
        }
    }

    /// What is spoken on the wire behind the gateway, where that is watched.
    pub fn watched(&self) -> Option<Model> {
        match self {
            Self::Pairing(Started { pairing, .. }) => {
                (!pairing.executes()).then_some(pairing.model)
            }
            // A program that the driver executes has an environment and CGI output, no records.
            Self::Driver(serving) => Some(serving.seat().model).filter(|model| !model.is_cgi()),
            Self::Recorder(recorded) => (!recorded.model.is_cgi()).then_some(recorded.model),
        }
    }
}
