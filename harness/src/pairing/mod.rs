//! One gateway × one model × one backend: how it is named, started, asked and replaced.

mod folder;
mod sides;
mod started;

use std::io;

use crate::{
    address::Address,
    backends::{self, Backend},
    bench::Bench,
    gateways::{self, Approach, Gateway},
    launch::{LaunchError, RunDir},
    model::Model,
    results::Subject,
    scenario::Place,
    seats::tap::Tap,
    transcript::Log,
};

pub(crate) use folder::{free_port, preparing, scripts};
pub(crate) use sides::{WORKERS, behind, front, open_to_all};
pub use started::Started;

/// A pairing before it runs.
#[derive(Clone, Copy)]
pub struct Pairing {
    /// The web server in front.
    pub gateway: &'static dyn Gateway,
    /// Its named configuration.
    pub variant: &'static str,
    /// The way to the application.
    pub model: Model,
    /// The application server behind.
    pub backend: &'static dyn Backend,
}

/// Why a pairing could not be started: never a verdict on a subject.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder, socket or file of the bench.
    #[error("the bench could not prepare {what}: {error}")]
    Prepare {
        /// What was being made.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Between this gateway and its backend stands the bench, which must not be measured with them.
    #[error(
        "{0} reaches a backend by TCP, where a relay of the bench stands; measure another variant, \
         such as nginx:keepalive"
    )]
    Relayed(String),
    /// A subject did not come up.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

impl Pairing {
    /// Whether gateway and backend can both express the model; if not, why.
    pub fn unsupported(&self) -> Option<String> {
        let (gateway, model) = (self.gateway, self.model);
        if !gateway.reaches(model) {
            return Some(format!(
                "{} cannot reach an application by {model}",
                gateway.name()
            ));
        }
        if !gateway.has(self.variant, self.front()) {
            return Some(format!("{} does not speak {model}", self.gateway_id()));
        }
        let is_named = gateway.names_the_script(self.variant);
        if self.backend.needs_the_scripts_name(model) && !is_named {
            return Some(format!(
                "{} sends no SCRIPT_FILENAME, by which {} finds its script",
                self.gateway_id(),
                self.backend.name()
            ));
        }
        if !self.executes() && !self.backend.speaks().contains(&model) {
            return Some(format!("{} does not serve {model}", self.backend.name()));
        }
        None
    }

    /// Whether both are the same gateway, model and backend.
    pub fn is(&self, other: &Self) -> bool {
        let id = |one: &Self| (one.gateway_id(), one.model, one.backend_id());
        id(self) == id(other)
    }

    /// Subject id of the gateway.
    pub fn gateway_id(&self) -> String {
        gateways::id(self.gateway, self.variant)
    }

    /// Subject id of the backend; `script` where the gateway executes the program itself.
    pub fn backend_id(&self) -> String {
        if self.executes() {
            return "script".to_owned();
        }
        backends::id(self.backend, self.model)
    }

    /// Both sides as the results list them.
    pub fn subjects(&self, bench: &Bench) -> [Subject; 2] {
        let front = bench.gateway_subject(self.gateway, self.variant, self.gateway_id());
        [front, bench.backend_subject(&self.backend_id())]
    }

    /// Whether a WSGI server runs the probe, so that it can run other WSGI applications too.
    pub fn runs_wsgi(&self) -> bool {
        !self.executes() && self.backend.runs_wsgi(self.model)
    }

    /// What carries CGI, where the gateway executes nothing.
    pub fn carrier(&self) -> Option<String> {
        (self.model.is_cgi() && !self.executes()).then(|| Model::FastCgi.word().to_owned())
    }

    /// Whether the gateway runs the program itself, so that there is no backend process.
    pub fn executes(&self) -> bool {
        self.model == Model::Cgi && self.gateway.executes() && !self.backend.brings_programs()
    }

    /// The model that the gateway is set up for.
    fn front(&self) -> Model {
        match self.carrier() {
            Some(_) => self.gateway.carries_cgi_as(),
            None => self.model,
        }
    }

    /// The same program on the same gateway, but executed for each request: what a pairing by
    /// `cgi-warm` is compared with.
    pub fn executed(&self) -> Option<Self> {
        let backend = self
            .backend
            .executed_by()
            .filter(|_| self.model == Model::CgiWarm)?;
        Some(Self {
            model: Model::Cgi,
            backend,
            ..*self
        })
    }

    /// Whether the gateway keeps its connections to the backend for the next request.
    pub fn keeps_connections(&self) -> bool {
        self.gateway.keeps_connections(self.variant, self.front())
    }

    /// Starts both sides; with `tapped`, a relay between them writes down what passes.
    ///
    /// # Errors
    /// When a file cannot be made or a subject does not become ready.
    pub async fn start(self, bench: &Bench, tapped: bool) -> Result<Started, StartError> {
        self.begin(bench, tapped, false).await
    }

    /// Starts both sides, and whoever runs the CGI programs writes down their steps.
    ///
    /// # Errors
    /// When a file cannot be made or a subject does not become ready.
    pub async fn start_traced(self, bench: &Bench) -> Result<Started, StartError> {
        self.begin(bench, false, true).await
    }

    /// Whether the one that runs its CGI programs can write down their steps.
    pub fn is_traceable(&self) -> bool {
        match self.executes() {
            true => self.gateway.is_gateserve(),
            false => self.backend.name() == "gateserve",
        }
    }

    async fn begin(self, bench: &Bench, tapped: bool, traced: bool) -> Result<Started, StartError> {
        if !tapped && !self.executes() && !self.gateway.approach(self.variant).is_unix() {
            return Err(StartError::Relayed(self.gateway_id()));
        }
        let dir = RunDir::create().map_err(preparing("a run folder"))?;
        let probe = &bench.programs.probe;
        scripts(dir.path(), probe).map_err(preparing("the CGI folder"))?;
        let socket = dir.sockets().join("backend.sock");
        let trace = traced.then(|| dir.path().join("requests.trace"));
        let mut launches = Vec::new();
        let backend = match self.executes() {
            true => None,
            false => {
                let who = (self.backend, self.model, self.gateway.app(self.front()));
                let behind = behind(who, bench, &dir, &socket, trace.as_deref()).await?;
                launches.push(behind.launch);
                Some(behind.running)
            }
        };
        let log = Log::default();
        let approach = self.gateway.approach(self.variant);
        let (tap, upstream) = match tapped && backend.is_some() {
            true => {
                let at = approach.address(&dir.sockets().join("tap.sock"));
                let at = at.map_err(preparing("an address"))?;
                let tap = match approach {
                    Approach::Tls => Tap::open_tls(&at, &socket, self.model, log.clone()),
                    _ => Tap::open(&at, &socket, self.model, log.clone()),
                };
                (Some(tap.map_err(preparing("the relay"))?), at)
            }
            false => (None, Address::Unix(socket)),
        };
        let (gateway, listen) = front(
            (self.gateway, self.variant, self.front()),
            bench,
            &dir,
            &upstream,
            trace.as_deref().filter(|_| self.executes()),
            &mut launches,
        )
        .await?;
        let place = Place::new(self.gateway.app(self.front()), listen.to_string());
        Ok(Started {
            pairing: self,
            gateway,
            backend,
            tap,
            listen,
            place,
            log,
            launches,
            trace,
            dir,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why_not(
        gateway: &str,
        variant: &'static str,
        backend: &str,
        model: Model,
    ) -> Option<String> {
        let pairing = Pairing {
            gateway: gateways::named(gateway).unwrap(),
            variant,
            model,
            backend: backends::named(backend).unwrap(),
        };
        pairing.unsupported()
    }

    #[test]
    fn php_needs_a_gateway_that_names_the_script() {
        let why = why_not("nginx", "stock", "php-fpm", Model::FastCgi);
        assert_eq!(
            why.unwrap(),
            "nginx:stock sends no SCRIPT_FILENAME, by which php-fpm finds its script"
        );
        for (gateway, variant, backend, model) in [
            ("nginx", "documented", "php-fpm", Model::FastCgi),
            ("nginx", "stock", "php-cgi", Model::Cgi),
            ("nginx", "stock", "gateserve", Model::FastCgi),
        ] {
            assert_eq!(
                why_not(gateway, variant, backend, model),
                None,
                "{variant} {backend}"
            );
        }
    }

    #[test]
    fn a_variant_may_lack_a_model_of_its_gateway() {
        let why = why_not("nginx", "tls", "uwsgi", Model::FastCgi);
        assert_eq!(why.unwrap(), "nginx:tls does not speak fastcgi");
        assert_eq!(why_not("nginx", "tls", "uwsgi", Model::Uwsgi), None);
        let why = why_not("apache", "fcgid", "uwsgi", Model::Http);
        assert_eq!(why.unwrap(), "apache:fcgid does not speak http");
    }
}
