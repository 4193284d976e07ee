//! A pairing while it runs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::Pairing;
use crate::{
    launch::{Launch, RunDir, Running},
    model::Model,
    run::case::Target,
    scenario::Place,
    seats::tap::Tap,
    transcript::Log,
    witness::{ProcessView, Received},
};

/// A pairing that runs; both sides stop when it is dropped.
pub struct Started {
    /// What it is.
    pub pairing: Pairing,
    /// The web server.
    pub gateway: Running,
    /// The application server, unless the gateway executes the program itself.
    pub backend: Option<Running>,
    /// The relay between them, in checks.
    pub tap: Option<Tap>,
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where requests are addressed to.
    pub place: Place,
    /// What passes on all wires.
    pub log: Log,
    /// What was started, the backend first.
    pub launches: Vec<Launch>,
    /// Where gateserve writes down the steps of its requests, if it does.
    pub trace: Option<PathBuf>,
    pub(super) dir: RunDir,
}

impl Started {
    /// The run folder, which is removed when this is dropped.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }
}

impl Target for Started {
    fn listen(&self) -> SocketAddr {
        self.listen
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn model(&self) -> Model {
        self.pairing.model
    }

    fn carried(&self) -> bool {
        self.pairing.carrier().is_some()
    }

    fn takes_cgi_output(&self) -> bool {
        self.pairing.executes() || self.pairing.backend.takes_cgi_output()
    }

    fn runs_wsgi(&self) -> bool {
        self.pairing.runs_wsgi()
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn forget(&mut self) {
        self.log.take();
        if let Some(tap) = &self.tap {
            tap.forget();
        }
        let subjects = [Some(&mut self.gateway), self.backend.as_mut()];
        for subject in subjects.into_iter().flatten() {
            subject.mark();
            subject.log_since();
        }
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        let is_read = self.pairing.model != Model::Http;
        let tap = self.tap.as_ref().filter(|_| is_read);
        tap.map(Tap::requests)
    }

    fn trouble(&mut self) -> Option<String> {
        let relay = self.tap.as_ref().and_then(Tap::trouble);
        relay.or_else(|| self.dir.is_full())
    }

    fn health(&mut self) -> ProcessView {
        let (gateway, gateway_log) = (self.gateway.health(), self.gateway.log_since());
        let mut process = ProcessView {
            gateway,
            gateway_log,
            ..ProcessView::default()
        };
        if let Some(backend) = &mut self.backend {
            process.backend = backend.health();
            process.backend_log = backend.log_since();
        }
        process
    }

    fn last_words(&mut self) -> String {
        self.gateway.log_since()
    }
}
