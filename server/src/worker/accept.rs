//! Accepting connections on the sockets that all workers share.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::Start;
use crate::app::{self, Queue};
use crate::exchange::HeadEdits;
use crate::log::{self, RequestLog};
use crate::serve::{Admission, Growth, Heirs, OffloadThreads, Retirement, Service, Waits};
use crate::socket::{Listener, Taker};
use crate::trace::Tracer;

/// The pause after a failed accept: most likely descriptors have run out. It is told of once, until
/// one succeeds.
const PAUSE: Duration = Duration::from_millis(100);

/// Begins to accept on every socket. Returns what knows why the worker ends, if its size is why.
pub(super) fn start(
    start: &Start<'_>,
    draining: watch::Receiver<bool>,
    paused: watch::Receiver<bool>,
    retire: &Rc<Notify>,
    calls: &Queue,
) -> io::Result<Rc<Growth>> {
    let settings = start.settings;
    let apps = app::load(settings, settings.harakiri.limit, calls).map_err(io::Error::other)?;
    let log = RequestLog::new(&settings.log, start.slot);
    let log = Rc::new(log.with_memory(settings.memory.report));
    let share = settings.recycle.requests_of(start.number);
    let min_age = settings.recycle.min_lifetime;
    let retirement = Rc::new(Retirement::new(share, min_age, Rc::clone(retire)));
    let measured = settings.memory.report || log::wants_memory(&settings.log);
    let growth = Rc::new(Growth::new(settings, measured, Rc::clone(retire))?);
    let tracer = Tracer::new(&settings.trace).map(Rc::new);
    let threads = settings.files.offload_threads as usize;
    let offload = (threads > 0).then(|| OffloadThreads::new(Semaphore::new(threads)));
    let queue = Rc::new(start.relay.again()?);
    let turnstile = Turnstile {
        calls: start.language.is_some().then(|| calls.clone()),
        threads: start.threads(),
        paused,
    };
    let mut services = Vec::new();
    for (socket, listener) in start.sockets.iter().zip(&settings.listeners) {
        let name = format!("{} {}", listener.protocol.name(), listener.address);
        let service = Rc::new(Service {
            protocol: listener.protocol,
            app: apps.behind(listener),
            admission: Admission::of(listener),
            limits: settings.limits,
            waits: Waits::of(listener, settings),
            offload: offload.clone(),
            http: settings.http.clone(),
            writes: settings.writes,
            edits: HeadEdits::of(&settings.headers),
            log: Rc::clone(&log),
            draining: draining.clone(),
            heirs: Heirs::new(Rc::clone(&queue), start.board, name.clone()),
            slot: start.slot,
            retirement: Rc::clone(&retirement),
            growth: Rc::clone(&growth),
            tracer: tracer.clone(),
        });
        let socket = Listener::new(socket)?;
        spawn_local(accept(socket, Rc::clone(&service), turnstile.clone()));
        services.push((name, service));
    }
    spawn_local(inherit(queue.taker()?, services, turnstile));
    Ok(growth)
}

/// Where applications are synchronous, a worker takes no more connections than it has threads
/// free: what waits in the socket's queue may go to another worker. A worker that rests takes none.
#[derive(Clone)]
struct Turnstile {
    calls: Option<Queue>,
    threads: usize,
    paused: watch::Receiver<bool>,
}

impl Turnstile {
    async fn pass(&mut self) {
        // The sender lives as long as the worker.
        let _ = self.paused.wait_for(|paused| !paused).await;
        if let Some(calls) = &self.calls {
            // The connection that came last gets to tell its request.
            give_way().await;
            calls.room(self.threads).await;
        }
    }

    /// Resolves when the worker is told to rest.
    async fn closes(&mut self) {
        if self.paused.wait_for(|paused| *paused).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Lets the other tasks that are ready go first. Unlike `yield_now` it does not ask the kernel for
/// events in between.
async fn give_way() {
    let mut gave = false;
    poll_fn(|cx| match std::mem::replace(&mut gave, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Accepts until the worker drains.
async fn accept(socket: Listener, service: Rc<Service>, mut turnstile: Turnstile) {
    let accepting = async {
        let mut failing = false;
        loop {
            turnstile.pass().await;
            let accepted = tokio::select! {
                biased;
                () = turnstile.closes() => continue,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failing = false;
                    let (service, at) = (Rc::clone(&service), service.time_of_accept());
                    app::spawn_connection(
                        async move { service.connection(stream, peer, at).await },
                    );
                }
                Err(error) => {
                    if !failing {
                        log::fault(&format!("cannot accept connections for now: {error}"));
                    }
                    failing = true;
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        // A socket that was let go of is no fault then.
        biased;
        () = service.drained() => {}
        () = accepting => {}
    }
}

/// Goes on with the connections of workers that have left, until this one drains. The listener of a
/// connection may have gone with a reload, and the connection goes with it.
async fn inherit(queue: Taker, services: Vec<(String, Rc<Service>)>, mut turnstile: Turnstile) {
    let Some((_, first)) = services.first() else {
        return;
    };
    let drained = Rc::clone(first);
    let inheriting = async {
        loop {
            turnstile.pass().await;
            let taken = tokio::select! {
                biased;
                () = turnstile.closes() => continue,
                taken = queue.take() => taken,
            };
            let Ok((stream, label)) = taken else {
                // Most likely descriptors have run out, which `accept` tells of.
                sleep(PAUSE).await;
                continue;
            };
            let of_listener = services.iter().find(|(name, _)| *name == label.listener);
            if let Some((_, service)) = of_listener {
                let service = Rc::clone(service);
                app::spawn_connection(async move {
                    service.inherited(stream, &label).await;
                });
            }
        }
    };
    tokio::select! {
        () = drained.drained() => {}
        () = inheriting => {}
    }
}
