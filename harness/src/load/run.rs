//! One run: finds the server, starts the threads, watches them and adds up what they counted.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use socket2::{SockAddr, Socket, Type};

use super::{
    Failures, Latency, LoadError, LoadSpec, Pacing, Stop,
    client::{Client, Counted, Shared},
    pacing::{Schedule, Share},
    tally::Window,
};

/// How long the first connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How often somebody who watches is told.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// How often the threads are looked at between that.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What one run measured.
#[derive(Clone, Debug)]
pub struct LoadReport {
    /// Client connections.
    pub connections: u32,
    /// How requests were spaced.
    pub pacing: Pacing,
    /// Length of the measured time.
    pub window: Duration,
    /// Requests answered as expected within the measured time.
    pub answered: u64,
    /// Answered requests in each second of it.
    pub by_second: Vec<u64>,
    /// Latency of the answered requests that were due within it.
    pub latency: Latency,
    /// Requests due within it that failed.
    pub failures: Failures,
    /// Requests due within it (open pacing) that found no free connection before its end.
    pub missed: u64,
    /// Connections opened within it.
    pub opened: u64,
    /// Requests sent a second time, as the server had closed their kept connection unannounced.
    pub retried: u64,
    /// CPU time of all load threads within it.
    pub cpu: Duration,
    /// CPU time of the busiest load thread within it.
    pub busiest_thread: Duration,
    /// Somebody cut it short.
    pub cancelled: bool,
}

impl LoadReport {
    /// Answered requests per second.
    pub fn rps(&self) -> f64 {
        match self.window.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.answered as f64 / seconds,
        }
    }
}

/// Somebody who looks on while a run goes.
pub trait Watch {
    /// The warm-up is over.
    fn window_opens(&mut self) {}
    /// Called about every 100 ms: time since the start of the run, replies counted so far.
    fn tick(&mut self, _elapsed: Duration, _answered: u64) {}
    /// The measured time is over.
    fn window_closes(&mut self) {}
}

/// Someone who only wants to know how far it is.
struct Teller<'a>(&'a mut dyn FnMut(Duration, u64));

impl Watch for Teller<'_> {
    fn tick(&mut self, elapsed: Duration, answered: u64) {
        (self.0)(elapsed, answered);
    }
}

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
    let threads = spec.threads.min(spec.connections);
    let shared = Shared::default();
    let start = Instant::now();
    let opens = start + spec.warm_up;
    let window = Window {
        opens,
        closes: match spec.stop {
            Stop::After(time) => Some(opens + time),
            Stop::Requests(_) => None,
        },
    };
    let counted = thread::scope(|scope| {
        let clients: Vec<_> = (0..threads)
            .map(|index| {
                let share = Share { index, of: threads };
                let (to, shared) = (&to, &shared);
                scope.spawn(move || client(spec, to, shared, share, start, window))
            })
            .collect();
        let running = || clients.iter().any(|client| !client.is_finished());
        attend(start, window, &shared, cancel, watch, &running);
        let join = |client: thread::ScopedJoinHandle<'_, _>| {
            client.join().expect("the request loop does not panic")
        };
        clients
            .into_iter()
            .map(join)
            .collect::<io::Result<Vec<_>>>()
    });
    let counted = counted.map_err(|source| LoadError::System {
        connections: spec.connections,
        source,
    })?;
    Ok(report(spec, window, counted, cancel.load(Relaxed)))
}

fn check(spec: &LoadSpec) -> Result<(), LoadError> {
    let wrong = match (spec.pacing, spec.stop) {
        _ if spec.connections == 0 => "no connections; at least 1 is needed",
        _ if spec.threads == 0 => "no threads; at least 1 is needed",
        _ if spec.request.is_empty() => "the request is empty",
        _ if spec.timeout.is_zero() => "a time limit of zero lets no request end",
        (Pacing::Open { rate, .. }, _) if !rate.is_finite() || rate <= 0.0 => {
            "the rate of open pacing must be above 0 requests per second"
        }
        (_, Stop::After(Duration::ZERO) | Stop::Requests(0)) => "it would end before it began",
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

/// The body of one thread.
fn client(
    spec: &LoadSpec,
    to: &SockAddr,
    shared: &Shared,
    share: Share,
    start: Instant,
    window: Window,
) -> io::Result<Counted> {
    let portion = |whole: u64| {
        let (index, of) = (u64::from(share.index), u64::from(share.of));
        whole / of + u64::from(index < whole % of)
    };
    let mut schedule = Schedule::new(spec.pacing, share, start);
    match (spec.stop, window.closes) {
        (Stop::Requests(requests), _) => schedule = schedule.limit(portion(requests), window.opens),
        (Stop::After(_), Some(end)) => schedule = schedule.until(end),
        (Stop::After(_), None) => {}
    }
    let connections = portion(u64::from(spec.connections)) as usize;
    let counted =
        Client::new(spec, to, shared, connections, schedule, window).and_then(Client::run);
    if counted.is_err() {
        shared.stop.store(true, Relaxed);
    }
    counted
}

/// Waits for the threads, passes a cancellation on and keeps `watch` informed.
fn attend(
    start: Instant,
    window: Window,
    shared: &Shared,
    cancel: &AtomicBool,
    watch: &mut dyn Watch,
    running: &dyn Fn() -> bool,
) {
    let (mut opened, mut closed) = (false, false);
    let mut next_tick = start + WATCH_EVERY;
    while running() {
        if cancel.load(Relaxed) {
            shared.stop.store(true, Relaxed);
        }
        let now = Instant::now();
        if !opened && now >= window.opens {
            opened = true;
            watch.window_opens();
        }
        if !closed && window.is_past(now) {
            closed = true;
            watch.window_closes();
        }
        if now >= next_tick {
            next_tick = now + WATCH_EVERY;
            watch.tick(now - start, shared.answered.load(Relaxed));
        }
        thread::sleep(LOOK_EVERY);
    }
    if !opened {
        watch.window_opens();
    }
    if !closed {
        watch.window_closes();
    }
}

fn report(spec: &LoadSpec, window: Window, counted: Vec<Counted>, cancelled: bool) -> LoadReport {
    let mut report = LoadReport {
        connections: spec.connections,
        pacing: spec.pacing,
        window: Duration::ZERO,
        answered: 0,
        by_second: Vec::new(),
        latency: Latency::new(),
        failures: Failures::default(),
        missed: 0,
        opened: 0,
        retried: 0,
        cpu: Duration::ZERO,
        busiest_thread: Duration::ZERO,
        cancelled,
    };
    let mut last_end = window.opens;
    for Counted { tally, cpu, missed } in counted {
        report.answered += tally.answered;
        add_seconds(&mut report.by_second, &tally.by_second);
        report.latency.merge(&tally.latency);
        report.failures.merge(tally.failures);
        report.missed += missed;
        report.opened += tally.opened;
        report.retried += tally.retried;
        report.cpu += cpu;
        report.busiest_thread = report.busiest_thread.max(cpu);
        last_end = last_end.max(tally.last_end);
    }
    let end = match window.closes {
        Some(end) if !cancelled => end,
        Some(end) => end.min(Instant::now()),
        None => last_end,
    };
    report.window = end.saturating_duration_since(window.opens);
    report
}

fn add_seconds(sum: &mut Vec<u64>, more: &[u64]) {
    if sum.len() < more.len() {
        sum.resize(more.len(), 0);
    }
    for (slot, count) in sum.iter_mut().zip(more) {
        *slot += count;
    }
}
