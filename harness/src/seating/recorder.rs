//! The harness in the application server's seat, behind a gateway.

use std::net::SocketAddr;

use super::{Live, Recorded};
use crate::{
    address::Address,
    bench::Bench,
    gateways::{self, Gateway},
    model::Model,
    pairing::StartError,
    results::{Role, Subject},
    scenario::Place,
};

/// A gateway whose requests the harness takes.
#[derive(Clone)]
pub struct Recorder {
    /// The protocol that the gateway speaks to the harness.
    pub model: Model,
    /// Who is judged.
    pub fronted: Fronted,
}

/// A gateway that is judged.
#[derive(Clone)]
pub enum Fronted {
    /// One that the bench starts.
    Known {
        /// The web server.
        gateway: &'static dyn Gateway,
        /// Its named configuration.
        variant: &'static str,
    },
    /// One that runs already and was told to forward to the harness.
    At {
        /// Where clients ask it: `http://127.0.0.1:8080/app`.
        url: String,
        /// Where that is.
        listen: SocketAddr,
        /// Where it forwards from.
        place: Place,
        /// Where the harness listens for it.
        recorder: Address,
    },
}

impl Recorder {
    /// Subject id of the gateway.
    pub fn gateway_id(&self) -> String {
        match &self.fronted {
            Fronted::Known { gateway, variant } => gateways::id(*gateway, variant),
            Fronted::At { url, .. } => url.clone(),
        }
    }

    pub(super) fn gateway(&self) -> Option<&'static dyn Gateway> {
        match &self.fronted {
            Fronted::Known { gateway, .. } => Some(*gateway),
            Fronted::At { .. } => None,
        }
    }

    pub(super) fn subject(&self, bench: &Bench) -> Subject {
        match &self.fronted {
            Fronted::Known { gateway, variant } => {
                bench.gateway_subject(*gateway, variant, self.gateway_id())
            }
            Fronted::At { url, recorder, .. } => Subject {
                id: url.clone(),
                name: url.clone(),
                variant: None,
                role: Role::Gateway,
                version: None,
                via: "running".to_owned(),
                image: None,
                options: vec![
                    "--recorder".to_owned(),
                    format!("{}://{recorder}", self.model),
                ],
            },
        }
    }

    pub(super) async fn start(&self, bench: &Bench) -> Result<Live, StartError> {
        let started = match &self.fronted {
            Fronted::Known { gateway, variant } => {
                Recorded::start((*gateway, variant, self.model), bench).await?
            }
            Fronted::At {
                listen,
                place,
                recorder,
                ..
            } => Recorded::join((*listen, place.clone()), recorder, self.model).await?,
        };
        Ok(Live::Recorder(started))
    }
}
