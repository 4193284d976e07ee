//! The harness in the gateway's seat, before an application server.

use super::Live;
use crate::{
    address::Address,
    backends::{self, Backend},
    bench::Bench,
    launch::{Launch, RunDir, Running},
    model::Model,
    pairing::{StartError, behind, preparing, scripts},
    results::{Role, Subject},
    run::drive::BackendTarget,
    seats::driver::{Seat, Way},
    transcript::Log,
    witness::ProcessView,
};

/// An application server that the harness talks to itself.
#[derive(Clone)]
pub struct Driver {
    /// The protocol that is spoken.
    pub model: Model,
    /// Who is judged.
    pub judged: Judged,
}

/// An application server that is judged.
#[derive(Clone)]
pub enum Judged {
    /// One that the bench starts.
    Known(&'static dyn Backend),
    /// One that runs already.
    At {
        /// Where it is reached.
        way: Way,
        /// Whether the probe answers there.
        probe: bool,
        /// Variables that it needs of each request, such as SCRIPT_FILENAME.
        params: Vec<(String, String)>,
    },
}

impl Driver {
    /// Whether the probe answers behind it.
    pub(super) fn has_probe(&self) -> bool {
        match &self.judged {
            Judged::Known(_) => true,
            Judged::At { probe, .. } => *probe,
        }
    }

    /// Subject id of the application server; the address of one that runs already.
    pub fn backend_id(&self) -> String {
        match &self.judged {
            Judged::Known(backend) => backends::id(*backend, self.model),
            Judged::At { way, .. } => format!("{}://{way}", self.model),
        }
    }

    pub(super) fn backend(&self) -> Option<&'static dyn Backend> {
        match &self.judged {
            Judged::Known(backend) => Some(*backend),
            Judged::At { .. } => None,
        }
    }

    /// Whether WSGI applications can be run on it, as far as that is known before the probe is
    /// asked.
    pub(super) fn runs_wsgi(&self) -> bool {
        match &self.judged {
            Judged::Known(backend) => backend.runs_wsgi(self.model),
            Judged::At { probe, .. } => *probe,
        }
    }

    /// What was said of it on the command line beside its address.
    fn options(&self) -> Vec<String> {
        let Judged::At { probe, params, .. } = &self.judged else {
            return Vec::new();
        };
        let app = (!probe).then(|| ["--app", "none"].map(str::to_owned));
        let params = params
            .iter()
            .map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")]);
        app.into_iter().chain(params).flatten().collect()
    }

    pub(super) fn subject(&self, bench: &Bench) -> Subject {
        match &self.judged {
            Judged::Known(_) => bench.backend_subject(&self.backend_id()),
            Judged::At { .. } => Subject {
                id: self.backend_id(),
                name: self.backend_id(),
                variant: None,
                role: Role::Backend,
                version: None,
                via: "running".to_owned(),
                image: None,
                options: self.options(),
            },
        }
    }

    pub(super) async fn start(&self, bench: &Bench) -> Result<Live, StartError> {
        Ok(Live::Driver(match &self.judged {
            Judged::Known(backend) => Serving::start(*backend, self.model, bench).await?,
            Judged::At { way, probe, params } => Serving {
                seat: Seat {
                    params: params.clone(),
                    ..Seat::new(way.clone(), self.model)
                },
                log: Log::default(),
                probe: *probe,
                own: None,
                launches: Vec::new(),
            },
        }))
    }
}

/// An application server before the driver; one that was started for it stops when this is dropped.
pub struct Serving {
    seat: Seat,
    log: Log,
    probe: bool,
    own: Option<(Running, RunDir)>,
    launches: Vec<Launch>,
}

impl Serving {
    /// What was started for it.
    pub fn launches(&self) -> &[Launch] {
        &self.launches
    }

    async fn start(
        backend: &'static dyn Backend,
        model: Model,
        bench: &Bench,
    ) -> Result<Self, StartError> {
        let dir = RunDir::create().map_err(preparing("a run folder"))?;
        scripts(dir.path(), &bench.programs.probe).map_err(preparing("the CGI folder"))?;
        let socket = dir.sockets().join("backend.sock");
        let who = (backend, model, "");
        let behind = behind(who, bench, &dir, &socket, None).await?;
        Ok(Self {
            seat: Seat {
                params: behind.params,
                ..Seat::new(Way::Socket(Address::Unix(socket)), model)
            },
            log: Log::default(),
            probe: true,
            own: Some((behind.running, dir)),
            launches: vec![behind.launch],
        })
    }
}

impl BackendTarget for Serving {
    fn seat(&self) -> &Seat {
        &self.seat
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn has_probe(&self) -> bool {
        self.probe
    }

    fn forget(&mut self) {
        self.log.take();
        if let Some((running, _)) = &mut self.own {
            running.mark();
            running.log_since();
        }
    }

    fn health(&mut self) -> ProcessView {
        let mut process = ProcessView::default();
        if let Some((running, _)) = &mut self.own {
            process.backend = running.health();
            process.backend_log = running.log_since();
        }
        process
    }

    fn is_logged(&self) -> bool {
        self.own.is_some()
    }

    fn trouble(&mut self) -> Option<String> {
        self.own.as_ref().and_then(|(_, dir)| dir.is_full())
    }
}
