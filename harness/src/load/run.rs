//! One run: finds the server, starts the threads and adds up what they counted.

use std::{
    io, panic,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use socket2::{SockAddr, Socket, Type};

use super::{
    LoadError, LoadReport, LoadSpec, Pacing, Stop, Watch,
    client::{Client, Counted, Shared},
    machine,
    pacing::{Schedule, Share},
    tally::Window,
    watch::{Attendant, Teller},
};

/// How long the first connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Makes the load; `progress` is called about every 100 ms with the time since the start and the
/// replies counted so far. `cancel` ends it early; what was measured until then is given.
///
/// # Errors
/// The specification makes no sense, nothing listens, or the machine refuses sockets.
/// What the server does afterwards is counted in the report.
pub fn run(
    spec: &LoadSpec,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(Duration, u64),
) -> Result<LoadReport, LoadError> {
    run_watched(spec, cancel, &mut Teller(progress))
}

/// Like [`run`], and tells `watch` when the measured time begins and ends.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    spec: &LoadSpec,
    cancel: &AtomicBool,
    watch: &mut dyn Watch,
) -> Result<LoadReport, LoadError> {
    check(spec)?;
    let to = reach(spec)?;
    let stolen = machine::Stolen::so_far();
    let run = Run::begin(spec, &to);
    let counted = run
        .threads(cancel, watch)
        .map_err(|source| LoadError::System {
            connections: spec.connections,
            source,
        })?;
    let mut report = LoadReport::of(spec, run.window, counted, cancel.load(Relaxed));
    report.unsteady = unsteady(spec, &report, run.shared.enough.load(Relaxed));
    report.stolen = stolen.and_then(machine::Stolen::share);
    Ok(report)
}

/// What the threads of a run have in common.
struct Run<'a> {
    spec: &'a LoadSpec,
    to: &'a SockAddr,
    shared: Shared,
    start: Instant,
    window: Window,
}

impl<'a> Run<'a> {
    fn begin(spec: &'a LoadSpec, to: &'a SockAddr) -> Self {
        let start = Instant::now();
        let opens = start + spec.warm_up;
        let closes = match spec.stop {
            Stop::After(time) => Some(opens + time),
            Stop::Requests(_) | Stop::Steady { .. } => None,
        };
        Self {
            spec,
            to,
            shared: Shared::default(),
            start,
            window: Window { opens, closes },
        }
    }

    /// Runs all threads to their end.
    fn threads(&self, cancel: &AtomicBool, watch: &mut dyn Watch) -> io::Result<Vec<Counted>> {
        let of = self.spec.threads.min(self.spec.connections);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..of)
                .map(|index| scope.spawn(move || self.client(Share { index, of })))
                .collect();
            let running = || clients.iter().any(|client| !client.is_finished());
            Attendant::new(watch, self.start, self.window)
                .until(self.spec.stop)
                .stay(&self.shared, cancel, &running);
            let ended = clients.into_iter().map(thread::ScopedJoinHandle::join);
            ended
                .map(|ended| ended.unwrap_or_else(|panic| panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// The body of one thread. Its failure stops the others.
    fn client(&self, share: Share) -> io::Result<Counted> {
        let mut schedule = Schedule::new(self.spec.pacing, share, self.start);
        if let Stop::Requests(requests) = self.spec.stop {
            schedule = schedule.limit(share.portion(requests), self.window.opens);
        }
        if let Some(end) = self.window.closes {
            schedule = schedule.until(end);
        }
        let part = |whole: u32| share.portion(u64::from(whole)) as usize;
        let (connections, slow) = (part(self.spec.connections), part(self.spec.slow));
        let client = Client::new(
            self.spec,
            self.to,
            &self.shared,
            (connections, slow),
            schedule,
            self.window,
        );
        let counted = client.and_then(Client::run);
        if counted.is_err() {
            self.shared.stop.store(true, Relaxed);
        }
        counted
    }
}

/// How long it went on for a steady rate in vain.
fn unsteady(spec: &LoadSpec, report: &LoadReport, steady: bool) -> Option<Duration> {
    let sought = matches!(spec.stop, Stop::Steady { .. });
    (sought && !steady && !report.cancelled).then_some(report.window)
}

fn check(spec: &LoadSpec) -> Result<(), LoadError> {
    let wrong = match (spec.pacing, spec.stop) {
        _ if spec.connections == 0 => "no connections; at least 1 is needed",
        _ if spec.threads == 0 => "no threads; at least 1 is needed",
        _ if spec.asks.iter().any(|ask| ask.request.is_empty()) || spec.asks.is_empty() => {
            "the request is empty"
        }
        _ if spec.timeout.is_zero() => "a time limit of zero lets no request end",
        (Pacing::Open { rate, .. }, _) if !rate.is_finite() || rate <= 0.0 => {
            "the rate of open pacing must be above 0 requests per second"
        }
        (_, Stop::After(Duration::ZERO) | Stop::Requests(0))
        | (
            _,
            Stop::Steady {
                most: Duration::ZERO,
                ..
            },
        ) => "it would end before it began",
        _ => return Ok(()),
    };
    Err(LoadError::Spec(wrong))
}

/// The first address that accepts a connection: `localhost` may mean two.
fn reach(spec: &LoadSpec) -> Result<SockAddr, LoadError> {
    let resolved = spec.to.resolve().map_err(|source| LoadError::Resolve {
        address: spec.to.clone(),
        source,
    })?;
    let mut refusal = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in resolved {
        match connect(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) => refusal = error,
        }
    }
    Err(LoadError::Unreachable {
        address: spec.to.clone(),
        source: refusal,
    })
}

fn connect(to: &SockAddr) -> io::Result<()> {
    Socket::new(to.domain(), Type::STREAM, None)?.connect_timeout(to, CONNECT_LIMIT)
}
