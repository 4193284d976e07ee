//! An application server with the probe in it, right in everything but the fault that is switched
//! on: FastCGI, uwsgi, SCGI or HTTP on a socket of its own.
//!
//! ```text
//! driver ──▶ fastcgi, uwsgi, scgi, http ──environ──▶ call ──▶ program (the probe, a thread)
//!        ◀──────────────────────────────◀──CGI output──────────┘
//! ```
//!
//! A fault is one [`Flaw`](flaw::Flaw), and whoever would be wrong asks the [`Site`] whether it is.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use gatebench::{
    model::Model,
    witness::{Health, ProcessView},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

mod application;
mod call;
mod fastcgi;
pub(crate) mod flaw;
mod http;
mod peer;
mod scgi;
mod uwsgi;

use flaw::Flaw;

/// A double that serves on a port of its own; it stops when dropped.
pub(crate) struct Server {
    site: Arc<Site>,
    listen: SocketAddr,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct Site {
    model: Model,
    listen: SocketAddr,
    flaw: Mutex<Option<Flaw>>,
    process: Mutex<ProcessView>,
    /// It takes connections and answers none.
    is_down: AtomicBool,
    /// Connections without an octet.
    empty: AtomicUsize,
}

/// A connection that has to be given up.
#[derive(Debug)]
enum Trouble {
    /// The other side is gone, or broke the protocol: the connection ends without a word more.
    Gone,
    /// The server itself goes down.
    Down(Health),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Server {
    /// Starts one on a free port, in the present runtime and without a fault.
    pub(crate) async fn start(model: Model) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let listen = listener.local_addr()?;
        let site = Arc::new(Site {
            model,
            listen,
            flaw: Mutex::default(),
            process: Mutex::default(),
            is_down: AtomicBool::new(false),
            empty: AtomicUsize::new(0),
        });
        Ok(Self {
            accepting: tokio::spawn(accept(listener, Arc::clone(&site))),
            listen,
            site,
        })
    }

    /// Switches a fault on, for what comes from now on.
    pub(crate) fn switch_on(&self, flaw: Flaw) {
        *unpoisoned(&self.site.flaw) = Some(flaw);
    }

    /// Where it listens.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// How it is.
    pub(crate) fn process(&self) -> ProcessView {
        unpoisoned(&self.site.process).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Site {
    /// Whether it does this wrong.
    fn does(&self, flaw: Flaw) -> bool {
        *unpoisoned(&self.flaw) == Some(flaw)
    }

    fn go_down(&self, health: Health) {
        self.is_down.store(true, Ordering::Relaxed);
        unpoisoned(&self.process).backend = health;
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process of the double's that ended, as a bench tells of it.
fn died() -> Trouble {
    Trouble::Down(Health::Died("killed by signal 11".to_owned()))
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let mut held = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        if site.is_down.load(Ordering::Relaxed) {
            // Taken and never answered, as by a server whose workers are all stuck.
            held.push(stream);
            continue;
        }
        let serving = serve(stream, Arc::clone(&site));
        match site.does(Flaw::OneConnection) {
            true => serving.await,
            false => drop(tokio::spawn(serving)),
        }
    }
}

async fn serve(stream: TcpStream, site: Arc<Site>) {
    stream.set_nodelay(true).ok();
    let is_empty =
        site.does(Flaw::DiesOfEmptyConnection) && matches!(stream.peek(&mut [0]).await, Ok(0));
    if is_empty && site.empty.fetch_add(1, Ordering::Relaxed) == 4 {
        return site.go_down(Health::Died("killed by signal 11".to_owned()));
    }
    let served = match site.model {
        Model::FastCgi => fastcgi::serve(stream, &site).await,
        Model::Uwsgi => uwsgi::serve(stream, &site).await,
        Model::Scgi => scgi::serve(stream, &site).await,
        Model::Http | Model::Cgi | Model::CgiWarm => http::serve(stream, &site).await,
    };
    if let Err(Trouble::Down(health)) = served {
        site.go_down(health);
    }
}
