//! A gateway with the recorder behind it, while they run.

use std::{
    fs, io,
    net::{SocketAddr, ToSocketAddrs},
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::time::sleep;

use super::arrival::Told;

use crate::{
    address::Address,
    bench::Bench,
    gateways::{Approach, CGI_BIN, Gateway},
    launch::{Launch, RunDir, Running},
    load,
    model::Model,
    pairing::{StartError, front, preparing, scripts},
    programs::Programs,
    run::{case::Target, smoke},
    scenario::{Place, reply::Part},
    seats::recorder::{BESIDE, Recorder},
    transcript::Log,
    witness::{ProcessView, Received, recorded},
};

/// A gateway whose requests the harness takes; what was started stops when it is dropped.
pub struct Recorded {
    /// Where requests are addressed to.
    pub place: Place,
    /// The protocol.
    pub model: Model,
    /// What was started.
    pub launches: Vec<Launch>,
    recorder: Recorder,
    /// One that runs already is nobody's to look into.
    gateway: Option<Running>,
    /// Where that was told to forward to.
    told: Option<Address>,
    listen: SocketAddr,
    log: Log,
    dir: Option<RunDir>,
}

impl Recorded {
    /// Starts a gateway in front of a recorder.
    ///
    /// # Errors
    /// When a file cannot be made or the gateway does not become ready.
    pub async fn start(
        (gateway, variant, model): (&'static dyn Gateway, &'static str, Model),
        bench: &Bench,
    ) -> Result<Self, StartError> {
        let dir = RunDir::create().map_err(preparing("a run folder"))?;
        let socket = dir.sockets().join("backend.sock");
        let log = Log::default();
        let approach = gateway.approach(variant);
        let at = approach.address(&socket).map_err(preparing("an address"))?;
        script(dir.path(), &socket, model, bench).map_err(preparing("the CGI folder"))?;
        let recorder = match approach {
            Approach::Tls => Recorder::open_tls(&at, model, log.clone()),
            _ => Recorder::open(&at, model, log.clone()),
        };
        let recorder = recorder.map_err(preparing("the recorder's socket"))?;
        let mut launches = Vec::new();
        let subject = (gateway, variant, model);
        let (running, listen) = front(subject, bench, &dir, &at, None, &mut launches).await?;
        Ok(Self {
            place: Place::new(gateway.app(model), listen.to_string()),
            model,
            launches,
            recorder,
            gateway: Some(running),
            told: None,
            listen,
            log,
            dir: Some(dir),
        })
    }

    /// Sits down behind a gateway that runs already and forwards to `at`.
    ///
    /// # Errors
    /// When nobody can listen at the address.
    pub async fn join(
        (listen, place): (SocketAddr, Place),
        at: &Address,
        model: Model,
    ) -> Result<Self, StartError> {
        let log = Log::default();
        let recorder = listen_again(at, model, &log).await;
        Ok(Self {
            place,
            model,
            launches: Vec::new(),
            recorder: recorder.map_err(preparing("the recorder's socket"))?,
            gateway: None,
            told: Some(at.clone()),
            listen,
            log,
            dir: None,
        })
    }
}

/// How long the recorder's own end may take before it listens again.
const AGAIN_WITHIN: Duration = Duration::from_millis(500);

/// Listens at an address that the recorder of the case before may just have left.
async fn listen_again(at: &Address, model: Model, log: &Log) -> io::Result<Recorder> {
    let begun = Instant::now();
    loop {
        match Recorder::open(at, model, log.clone()) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if begun.elapsed() > AGAIN_WITHIN {
                    let told = format!(
                        "{at} is taken by another program; stop it, or choose another address for \
                         --recorder and for the gateway"
                    );
                    return Err(io::Error::other(told));
                }
            }
            opened => return opened,
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The program in the gateway's CGI folder: over CGI the one that talks to the recorder, which finds
/// the socket's name beside itself.
fn script(run: &Path, socket: &Path, model: Model, bench: &Bench) -> io::Result<()> {
    if !model.is_cgi() {
        return scripts(run, &bench.programs.probe);
    }
    let program = Programs::recorder().map_err(io::Error::other)?;
    scripts(run, &program)?;
    let beside = run.join(CGI_BIN).join(format!("probe.{BESIDE}"));
    fs::write(beside, socket.as_os_str().as_bytes())
}

/// Where the gateway of a URL listens, and where it mounts what it forwards.
///
/// # Errors
/// The URL is no plain http over TCP, or its host does not resolve.
pub fn gateway_at(url: &str) -> anyhow::Result<(SocketAddr, Place)> {
    let target = load::url::target(url)?;
    let Address::Tcp(host_port) = &target.to else {
        bail!("`{url}`: a gateway is asked over TCP; expected http://HOST:PORT[/app]");
    };
    if target.path.contains('?') {
        bail!("`{url}`: only a path may follow the port, under which the gateway forwards");
    }
    let mut found = host_port
        .to_socket_addrs()
        .with_context(|| format!("the host of `{url}` does not resolve"))?;
    let listen = found.next();
    let listen = listen.with_context(|| format!("the host of `{url}` has no address"))?;
    let app = target.path.trim_end_matches('/');
    Ok((listen, Place::new(app, target.host)))
}

impl Recorded {
    /// Makes sure that results can count.
    ///
    /// # Errors
    /// What is wrong with the set-up, and with a gateway that was not started here, what to write.
    pub async fn test(&mut self) -> Result<(), String> {
        let tested = smoke::test(self).await;
        let (Err(reason), Some(at)) = (&tested, &self.told) else {
            return tested;
        };
        let told = Told {
            model: self.model,
            at,
            app: &self.place.app,
        };
        Err(told.explain(reason, &self.recorder.recorded(), &self.log.take()))
    }
}

impl Target for Recorded {
    fn listen(&self) -> SocketAddr {
        self.listen
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn model(&self) -> Model {
        self.model
    }

    fn carried(&self) -> bool {
        false
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn forget(&mut self) {
        self.log.take();
        if let Some(gateway) = &mut self.gateway {
            gateway.mark();
            gateway.log_since();
        }
    }

    fn prepare(&mut self, part: Part) {
        self.recorder.prepare(part);
    }

    fn begin_follow_up(&mut self) {
        self.recorder.follow_up();
    }

    fn recorded(&mut self) -> Option<recorded::Recorded> {
        Some(self.recorder.recorded())
    }

    fn has_gateway_log(&self) -> bool {
        self.gateway.is_some()
    }

    fn asks_for_users(&self) -> bool {
        self.gateway.is_some()
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        None
    }

    fn trouble(&mut self) -> Option<String> {
        let full = || self.dir.as_ref().and_then(RunDir::is_full);
        self.recorder.trouble().or_else(full)
    }

    fn health(&mut self) -> ProcessView {
        match &mut self.gateway {
            None => ProcessView::default(),
            Some(gateway) => ProcessView {
                gateway: gateway.health(),
                gateway_log: gateway.log_since(),
                ..ProcessView::default()
            },
        }
    }

    fn last_words(&mut self) -> String {
        let gateway = self.gateway.as_mut();
        gateway.map_or_else(|| "not read".to_owned(), Running::log_since)
    }
}
