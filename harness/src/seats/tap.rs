//! A relay between gateway and backend that writes down what passes, and changes nothing.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use super::watch::Watch;
use crate::{
    model::Model,
    transcript::{Happened, Leg, Log, Way},
    witness::Received,
};

/// A listening relay; it stops when dropped.
pub struct Tap {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    to: PathBuf,
    model: Model,
    log: Log,
    watches: Mutex<Vec<Watch>>,
}

impl Tap {
    /// Listens at `at` and passes every connection on to `to`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(at: &Path, to: &Path, model: Model, log: Log) -> io::Result<Self> {
        let listener = UnixListener::bind(at)?;
        // The workers of a gateway run as another user.
        fs::set_permissions(at, fs::Permissions::from_mode(0o666))?;
        let watches = Mutex::new(Vec::new());
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            model,
            log,
            watches,
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { shared, accepting })
    }

    /// The requests that came by since the last call.
    pub fn take(&self) -> Vec<Received> {
        let watches = std::mem::take(&mut *self.shared.watches());
        watches
            .iter()
            .flat_map(|watch| watch.seen().to_vec())
            .collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn watches(&self) -> std::sync::MutexGuard<'_, Vec<Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a new connection within the case.
    fn opened(&self) -> u32 {
        let mut watches = self.watches();
        watches.push(Watch::new(self.model));
        let number = u32::try_from(watches.len() - 1).unwrap_or(u32::MAX);
        self.log
            .add(Leg::Upstream, number, Way::Request, Happened::Opened);
        number
    }

    fn seen(&self, number: u32, way: Way, octets: &[u8]) {
        if way == Way::Request
            && let Some(watch) = self.watches().get_mut(number as usize)
        {
            watch.feed(octets);
        }
        self.log.add(
            Leg::Upstream,
            number,
            way,
            Happened::Octets(octets.to_vec()),
        );
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((gateway, _)) = listener.accept().await {
        tokio::spawn(relay(gateway, shared.clone()));
    }
}

async fn relay(gateway: UnixStream, shared: Arc<Shared>) {
    let number = shared.opened();
    let backend = match UnixStream::connect(&shared.to).await {
        Ok(backend) => backend,
        Err(error) => {
            let broke = Happened::Broke(format!("the backend refuses the connection: {error}"));
            shared.log.add(Leg::Upstream, number, Way::Reply, broke);
            return;
        }
    };
    let (from_gateway, to_gateway) = gateway.into_split();
    let (from_backend, to_backend) = backend.into_split();
    let requests = pass(from_gateway, to_backend, &shared, number, Way::Request);
    let replies = pass(from_backend, to_gateway, &shared, number, Way::Reply);
    tokio::join!(requests, replies);
}

/// Passes octets one way until their end, and the end as well.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    number: u32,
    way: Way,
) {
    let mut buf = vec![0; 64 * 1024];
    loop {
        let happened = match from.read(&mut buf).await {
            Ok(0) => Happened::Ended,
            Ok(size) => {
                shared.seen(number, way, &buf[..size]);
                match to.write_all(&buf[..size]).await {
                    Ok(()) => continue,
                    Err(error) => Happened::Broke(format!("the other side takes no more: {error}")),
                }
            }
            Err(error) => Happened::Broke(error.to_string()),
        };
        shared.log.add(Leg::Upstream, number, way, happened);
        to.shutdown().await.ok();
        return;
    }
}
