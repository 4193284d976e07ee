//! One gateway × one model × one backend: how it is named, started, asked and replaced.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    address::Address,
    backends::{self, Backend, PROBE, Seat},
    bench::{Bench, Prepared},
    gateways::{self, Approach, CGI_BIN, Gateway, Route},
    launch::{self, Launch, LaunchError, RunDir, Running, Via},
    model::Model,
    programs::Programs,
    results::Subject,
    run::case::Target,
    scenario::{NPH, Place},
    seats::tap::Tap,
    transcript::Log,
    witness::{ProcessView, Received},
};

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

pub(crate) fn preparing(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::Prepare { what, error }
}

/// Worker processes of a backend, as many as each gateway has.
pub(crate) const WORKERS: u32 = 2;

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

/// Starts a backend; `app` is where its gateway mounts the application. The variables that it
/// needs of each request come with it.
pub(crate) async fn behind(
    (backend, model, app): (&'static dyn Backend, Model, &str),
    bench: &Bench,
    dir: &RunDir,
    socket: &Path,
    trace: Option<&Path>,
) -> Result<Behind, StartError> {
    let prepared = bench.backend(backend);
    let seat = Seat {
        model,
        socket,
        app,
        about: prepared.map_or("", |prepared| &prepared.about),
        program: &program(backend, prepared),
        run: dir.path(),
        workers: WORKERS,
        threads: 1,
        wsgi: PROBE,
        programs: &bench.programs,
        apps: &bench.apps,
    };
    let mut launch = backend.launch(&seat);
    launch.args.extend(tracing(trace));
    let via = match prepared.filter(|_| !backend.runs_below_gateserve(model)) {
        Some(prepared) => prepared.via.clone(),
        None => Via::Process {
            program: launch.program.clone().into(),
        },
    };
    let running = launch::start(&launch, dir, &via).await?;
    open_to_all(socket).map_err(preparing("the backend's socket"))?;
    Ok(Behind {
        running,
        params: backend.params(&seat),
        launch,
    })
}

/// What runs as the backend, as gateserve has to be told where that executes it.
fn program(backend: &dyn Backend, prepared: Option<&Prepared>) -> String {
    match prepared.map(|prepared| &prepared.via) {
        Some(Via::Process { program }) => program.display().to_string(),
        _ => backend.name().to_owned(),
    }
}

/// Not every server can be told to let a gateway's workers in, who often are somebody else.
pub(crate) fn open_to_all(socket: &Path) -> io::Result<()> {
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666))
}

/// A backend that runs.
pub(crate) struct Behind {
    pub(crate) running: Running,
    pub(crate) launch: Launch,
    /// Variables that it needs of each request.
    pub(crate) params: Vec<(String, String)>,
}

/// Starts the gateway on a free port; another program may take the port first, so it tries again.
pub(crate) async fn front(
    (gateway, variant, model): (&'static dyn Gateway, &'static str, Model),
    bench: &Bench,
    dir: &RunDir,
    upstream: &Address,
    trace: Option<&Path>,
    launches: &mut Vec<Launch>,
) -> Result<(Running, SocketAddr), StartError> {
    let prepared = bench.gateway(gateway);
    if gateway.spawns(variant) {
        let to = dir.path().join("relay");
        let program = Programs::recorder().map_err(io::Error::other);
        let placed = program.and_then(|program| place(&program, &to));
        placed.map_err(preparing("the relay program"))?;
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let listen = free_port().map_err(preparing("a free port"))?;
        let route = Route {
            model,
            variant,
            listen,
            upstream,
            run: dir.path(),
            about: &prepared.about,
            programs: &bench.programs,
        };
        let mut launch = gateway.launch(&route);
        launch.args.extend(tracing(trace));
        match launch::start(&launch, dir, &prepared.via).await {
            Ok(running) => {
                launches.push(launch);
                return Ok((running, listen));
            }
            Err(_) if tries < 3 && !is_free(listen) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The options by which gateserve writes down the steps of its requests.
fn tracing(file: Option<&Path>) -> impl Iterator<Item = String> {
    let options = file.map(|file| ["--trace-requests".to_owned(), file.display().to_string()]);
    options.into_iter().flatten()
}

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
    dir: RunDir,
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

/// Copies the probe to where CGI programs live: a link would lead out of the folder.
pub(crate) fn scripts(run: &Path, probe: &Path) -> io::Result<()> {
    let folder = run.join(CGI_BIN);
    launch::make_folders(run, Path::new(CGI_BIN))?;
    for name in ["probe".to_owned(), format!("{NPH}probe")] {
        place(probe, &folder.join(name))?;
    }
    // A newly made file may not be executed; this one may, but by nobody who is there.
    fs::write(folder.join("not-executable"), "#!/bin/sh\necho gatebench\n")?;
    let script = folder.join("bad-interpreter");
    fs::write(&script, "#!/nonexistent/gatebench-interpreter\n")?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
}

/// Puts a program into the run folder, where a gateway's user may execute it.
fn place(program: &Path, at: &Path) -> io::Result<()> {
    match fs::hard_link(program, at) {
        Ok(()) => Ok(()),
        Err(_) => fs::copy(program, at).map(drop),
    }
}

/// A port of 127.0.0.1 that nobody listens at in this moment.
pub(crate) fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn is_free(at: SocketAddr) -> bool {
    TcpListener::bind(at).is_ok()
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
