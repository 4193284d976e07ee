//! A relay between gateway and backend that writes down what passes, and changes nothing.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{io::AsyncReadExt, net::UnixStream, task::JoinHandle, time::sleep};

use super::{
    is_subjects,
    socket::{self, Listener, Reader, Stream, Writer},
    watch::Watch,
};
use crate::{
    address::Address,
    model::Model,
    transcript::{Happened, Leg, Log, Way},
    witness::Received,
};

/// A listening relay; it stops when dropped.
pub struct Tap {
    shared: Arc<Shared>,
    accepting: Vec<JoinHandle<()>>,
}

struct Shared {
    to: PathBuf,
    model: Model,
    log: Log,
    watches: Mutex<Vec<Watch>>,
    trouble: Mutex<Option<String>>,
}

/// How long the relay waits for the machine to have sockets again.
const RECOVER: Duration = Duration::from_millis(10);

impl Tap {
    /// Listens at `at` and passes every connection on to `to`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(at: &Address, to: &Path, model: Model, log: Log) -> io::Result<Self> {
        Ok(Self::on(socket::listen(at)?, to, model, log))
    }

    /// Listens at `at` for TLS and passes what is inside on to `to`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open_tls(at: &Address, to: &Path, model: Model, log: Log) -> io::Result<Self> {
        Ok(Self::on(socket::listen_tls(at)?, to, model, log))
    }

    fn on(listeners: Vec<Listener>, to: &Path, model: Model, log: Log) -> Self {
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            model,
            log,
            watches: Mutex::default(),
            trouble: Mutex::default(),
        });
        let accepting = listeners
            .into_iter()
            .map(|listener| tokio::spawn(accept(listener, shared.clone())))
            .collect();
        Self { shared, accepting }
    }

    /// The requests that came by in the present case, by connection.
    pub fn requests(&self) -> Vec<Received> {
        let watches = self.shared.watches();
        watches
            .iter()
            .flat_map(|watch| watch.seen().to_vec())
            .collect()
    }

    /// Begins the next case, together with the log.
    pub fn forget(&self) {
        self.shared.watches().clear();
        self.shared.trouble().take();
    }

    /// What kept the relay from passing on in the present case: never a subject's fault.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble().clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

/// One relayed connection; kept open, it serves several cases and counts anew in each.
struct Relayed {
    shared: Arc<Shared>,
    now: Mutex<Numbered>,
}

/// Which connection of which case it is.
#[derive(Clone, Copy)]
struct Numbered {
    case: u64,
    connection: u32,
    /// Whether another request may follow.
    idle: bool,
}

impl Shared {
    fn watches(&self) -> MutexGuard<'_, Vec<Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes why a connection could not be relayed, unless a subject is the reason.
    fn note(&self, doing: &str, error: &io::Error) {
        if !is_subjects(error) {
            *self.trouble() = Some(format!("the relay cannot {doing}: {error}"));
        }
    }

    /// Numbers a connection within the present case.
    fn number(&self) -> Numbered {
        let mut watches = self.watches();
        watches.push(Watch::new(self.model));
        let connection = u32::try_from(watches.len() - 1).unwrap_or(u32::MAX);
        Numbered {
            case: self.log.case(),
            connection,
            idle: true,
        }
    }
}

impl Relayed {
    fn new(shared: Arc<Shared>) -> Self {
        let now = Mutex::new(shared.number());
        let relayed = Self { shared, now };
        relayed.add(Way::Request, Happened::Opened);
        relayed
    }

    fn add(&self, way: Way, happened: Happened) {
        let Numbered {
            case, connection, ..
        } = *self.now();
        self.shared
            .log
            .add_to(case, Leg::Upstream, connection, way, happened);
    }

    fn seen(&self, way: Way, octets: &[u8]) {
        if way == Way::Request {
            let mut now = self.now();
            let is_over = now.case != self.shared.log.case();
            if is_over && now.idle {
                *now = self.shared.number();
            } else if is_over {
                // The rest of a request that an earlier case gave up.
                return;
            }
            if let Some(watch) = self.shared.watches().get_mut(now.connection as usize) {
                watch.feed(octets);
                now.idle = watch.is_idle();
            }
        }
        self.add(way, Happened::Octets(octets.to_vec()));
    }

    fn now(&self) -> MutexGuard<'_, Numbered> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok(gateway) => _ = tokio::spawn(relay(gateway, shared.clone())),
            Err(error) => {
                shared.note("accept a connection", &error);
                sleep(RECOVER).await;
            }
        }
    }
}

async fn relay(gateway: Stream, shared: Arc<Shared>) {
    let relayed = Relayed::new(shared);
    let backend = match UnixStream::connect(&relayed.shared.to).await {
        Ok(backend) => backend,
        Err(error) => {
            relayed.shared.note("connect to the backend", &error);
            let why = format!("the backend refuses the connection: {error}");
            relayed.add(Way::Reply, Happened::Broke(why));
            return;
        }
    };
    let halves = gateway.split().await;
    let (Ok((from_gateway, to_gateway)), Ok((from_backend, to_backend))) =
        (halves, Stream::Unix(backend).split().await)
    else {
        let why = "the TLS handshake failed".to_owned();
        return relayed.add(Way::Request, Happened::Broke(why));
    };
    let requests = pass(from_gateway, to_backend, &relayed, Way::Request);
    let replies = pass(from_backend, to_gateway, &relayed, Way::Reply);
    tokio::join!(requests, replies);
}

/// Passes octets one way until their end, and the end as well.
async fn pass(mut from: Reader, mut to: Writer, relayed: &Relayed, way: Way) {
    let mut buf = vec![0; 64 * 1024];
    loop {
        let happened = match from.read(&mut buf).await {
            Ok(0) => Happened::Ended,
            Ok(size) => {
                relayed.seen(way, &buf[..size]);
                match to.write(&buf[..size]).await {
                    Ok(()) => continue,
                    Err(error) => Happened::Broke(format!("the other side takes no more: {error}")),
                }
            }
            // TLS that ends without its alert, as it mostly does.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Happened::Ended,
            Err(error) => Happened::Broke(error.to_string()),
        };
        relayed.add(way, happened);
        // Where the other side is gone already there is nobody to tell.
        to.end().await;
        return;
    }
}
