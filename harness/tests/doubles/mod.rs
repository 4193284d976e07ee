//! A gateway and the probe behind it in one program, right in everything but the fault that is
//! switched on.
//!
//! ```text
//! client ──▶ incoming ──head──▶ asked ──environ──▶ program (the probe, a thread)
//!        ◀── outgoing ◀─────── reply ◀──CGI output──┘
//! ```
//!
//! The model is a label: requests reach the probe as they reach a CGI program, and the label says
//! which interface the probe reports. Before somebody else the same gateway forwards over a real
//! wire (see [`gateway`]). A [`Fault`](faults::Fault) acts at one named point of the way.

// Each test uses its part of the doubles.
#![allow(dead_code)]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use gatebench::{
    model::Model,
    run::case::Target,
    scenario::Place,
    transcript::Log,
    witness::{Health, ProcessView, Received},
};
use tokio::{net::TcpListener, task::JoinHandle};

mod asked;
mod body;
mod conduct;
mod connection;
mod exchange;
pub(crate) mod faults;
pub(crate) mod gateway;
mod incoming;
mod outgoing;
mod output;
mod program;
mod reply;
mod user;

use conduct::Conduct;
use faults::{Act, Fault};
use gateway::{Upstream, habits::Habits};

/// A double that serves on a port of its own; it stops when dropped.
pub(crate) struct Double {
    site: Arc<Site>,
    place: Place,
    log: Log,
    accepting: JoinHandle<()>,
}

/// What all connections of a double share.
struct Site {
    model: Model,
    /// Who answers; without anybody, the probe.
    behind: Option<Arc<Upstream>>,
    listen: SocketAddr,
    setting: Mutex<Setting>,
    diary: Mutex<Diary>,
    /// It takes connections and answers none.
    is_down: AtomicBool,
}

/// What the switch of a fault changes.
#[derive(Clone, Default)]
struct Setting {
    acts: &'static [Act],
    conduct: Conduct,
    habits: Habits,
}

/// What the double tells the bench beside its replies.
#[derive(Default)]
struct Diary {
    received: Vec<Received>,
    process: ProcessView,
}

impl Double {
    /// Starts one on a free port, in the present runtime and without a fault.
    pub(crate) async fn start(model: Model) -> io::Result<Self> {
        Self::serve(model, None).await
    }

    /// Starts one that forwards to whoever listens at this path or, for CGI, executes what is
    /// there.
    pub(crate) async fn before(model: Model, upstream: PathBuf) -> io::Result<Self> {
        Self::serve(model, Some(Arc::new(Upstream::new(upstream)))).await
    }

    async fn serve(model: Model, behind: Option<Arc<Upstream>>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let listen = listener.local_addr()?;
        let site = Arc::new(Site {
            model,
            behind,
            listen,
            setting: Mutex::default(),
            diary: Mutex::default(),
            is_down: AtomicBool::new(false),
        });
        Ok(Self {
            place: Place::new(mount(model), listen.to_string()),
            log: Log::default(),
            accepting: tokio::spawn(accept(listener, Arc::clone(&site))),
            site,
        })
    }

    /// Switches a fault on, for the requests that come from now on.
    pub(crate) fn switch_on(&self, fault: &Fault) {
        let mut setting = Setting {
            acts: fault.acts,
            ..Setting::default()
        };
        setting.conduct();
        setting.habits();
        *unpoisoned(&self.site.setting) = setting;
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Target for Double {
    fn listen(&self) -> SocketAddr {
        self.site.listen
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn model(&self) -> Model {
        self.site.model
    }

    fn carried(&self) -> bool {
        false
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn forget(&mut self) {
        self.log.take();
        let mut diary = self.site.diary();
        diary.received.clear();
        diary.process.gateway_log.clear();
        diary.process.backend_log.clear();
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        Some(self.site.diary().received.clone())
    }

    fn health(&mut self) -> ProcessView {
        self.site.diary().process.clone()
    }

    fn last_words(&mut self) -> String {
        self.site.diary().process.gateway_log.clone()
    }
}

impl Site {
    fn setting(&self) -> Setting {
        unpoisoned(&self.setting).clone()
    }

    fn diary(&self) -> MutexGuard<'_, Diary> {
        unpoisoned(&self.diary)
    }

    fn go_down(&self, health: Health) {
        self.is_down.store(true, Ordering::Relaxed);
        self.diary().process.gateway = health;
    }
}

/// Where the probe is mounted, as on the gateways under test.
fn mount(model: Model) -> &'static str {
    match model {
        Model::Cgi => "/cgi-bin/probe",
        _ => "/probe",
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    while let Ok((stream, _)) = listener.accept().await {
        if !site.is_down.load(Ordering::Relaxed) {
            tokio::spawn(connection::serve(stream, Arc::clone(&site)));
        }
    }
}
