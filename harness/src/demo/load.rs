//! Lanes under load, side by side: each a gateway and a server of its own, all with the same load.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    machine::{self, Machine},
    send::{self, Ask},
    site::{Kit, Order, Site, SiteError},
    tree,
    way::{App, Way},
};
use crate::load::{self, LoadReport, LoadSpec, Pacing, Spacing, Stop};

/// How long a slice of load is: what the page shows is a slice old.
const SLICE: Duration = Duration::from_millis(500);

/// How often the processes of the lanes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A load ends by itself after this long.
pub(super) const LONGEST: Duration = Duration::from_secs(300);

/// What each request asks of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// Says hello, compiled.
    Compiled,
    /// Says hello in Python.
    Python,
    /// Waits for 50 ms, in Python.
    Wait,
}

/// What a visitor asks for; the rate and the connections can be changed on the way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    pub(super) lanes: Vec<Way>,
    pub(super) work: Work,
    /// Client connections of each lane, 1 to 256.
    pub(super) connections: u32,
    /// Requests per second for each lane; 0 for as many as are answered.
    pub(super) rate: u32,
    /// Worker processes of each lane, 1 to 16.
    pub(super) workers: u32,
}

impl Wish {
    /// What is wrong with it, for the visitor.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(what.to_owned());
        match self {
            Self { lanes, .. } if lanes.is_empty() || lanes.len() > 5 => {
                wrong("choose one to five lanes")
            }
            Self { connections, .. } if !(1..=256).contains(connections) => {
                wrong("connections: 1 to 256")
            }
            Self { rate, .. } if *rate > 100_000 => wrong("rate: 0 to 100000 requests per second"),
            Self { workers, .. } if !(1..=16).contains(workers) => wrong("workers: 1 to 16"),
            _ => Ok(()),
        }
    }

    fn app(&self, way: Way) -> App {
        match self.work {
            // Only an interpreter can be kept warm.
            Work::Compiled if App::Compiled.goes(way) => App::Compiled,
            _ => App::Python,
        }
    }
}

/// A moment of all lanes, as the page is told.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Moment {
    /// Seconds since the load began.
    pub(super) at: f64,
    pub(super) lanes: Vec<Lane>,
    pub(super) machine: Machine,
    /// Why it ended, where it has.
    pub(super) ended: Option<String>,
}

/// One lane at a moment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lane {
    pub(super) way: Way,
    /// Answered requests per second in the last slice.
    pub(super) rps: f64,
    /// Microseconds; `None` where nothing was answered.
    pub(super) p50_us: Option<u64>,
    pub(super) p99_us: Option<u64>,
    /// Requests that failed in the last slice, and how.
    pub(super) failed: u64,
    pub(super) failure: Option<String>,
    /// Requests that waited for a worker on average over the last slice; `None` where each request has
    /// a process of its own.
    pub(super) queued: Option<f64>,
    /// Requests that were due and found no free connection.
    pub(super) waiting: u64,
    pub(super) answered: u64,
    /// CPU of gateway and server in percent of one core.
    pub(super) cpu: Option<f64>,
    /// Proportional memory of the server's processes in bytes.
    pub(super) memory: Option<u64>,
    /// Processes of the server that stay.
    pub(super) workers: Vec<i32>,
    /// Processes of requests that were seen in the last slice; many live too shortly to be seen.
    pub(super) passing: Vec<i32>,
}

/// The state that a lane's thread and the teller share.
#[derive(Default)]
struct Shared {
    last: Option<(LoadReport, u64)>,
    answered: u64,
    trouble: Option<String>,
}

/// A load that runs; it ends on drop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    wish: Arc<Mutex<Wish>>,
    moments: watch::Receiver<Moment>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the lanes, then the load on them.
    pub(super) async fn begin(kit: &Kit, wish: Wish) -> Result<Self, SiteError> {
        let mut sites = Vec::new();
        for &way in &wish.lanes {
            let order = Order {
                processes: wish.workers,
                quiet: true,
                keep: way == Way::Http || way == Way::FastCgi,
                ..Order::new(way, wish.app(way))
            };
            sites.push(Site::start(kit, order).await?);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let wish = Arc::new(Mutex::new(wish));
        let (tell, moments) = watch::channel(Moment::default());
        let mut threads = Vec::new();
        let mut shared = Vec::new();
        for site in &sites {
            let lane = Arc::new(Mutex::new(Shared::default()));
            shared.push(lane.clone());
            let (listen, stop, wish) = (site.listen, stop.clone(), wish.clone());
            threads.push(thread::spawn(move || drive(listen, &stop, &wish, &lane)));
        }
        let until = stop.clone();
        threads.push(thread::spawn(move || {
            watch_lanes(sites, &shared, &until, &tell)
        }));
        Ok(Self {
            stop,
            wish,
            moments,
            threads,
        })
    }

    /// Another load on the same lanes, from the next slice on.
    pub(super) fn change(&self, connections: u32, rate: u32) -> Result<(), String> {
        let mut wish = lock(&self.wish);
        let changed = Wish {
            connections,
            rate,
            ..wish.clone()
        };
        changed.check()?;
        *wish = changed;
        Ok(())
    }

    /// The moments from now on.
    pub(super) fn moments(&self) -> watch::Receiver<Moment> {
        self.moments.clone()
    }

    /// Ends the load, then the lanes.
    pub(super) async fn end(mut self) {
        self.stop.store(true, Relaxed);
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                thread.join().ok();
            }
        });
        joined.await.ok();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The load of one lane: slice after slice, so that every change takes effect at once.
fn drive(listen: SocketAddr, stop: &AtomicBool, wish: &Mutex<Wish>, lane: &Mutex<Shared>) {
    while !stop.load(Relaxed) {
        let spec = spec(listen, &lock(wish));
        match load::run(&spec, stop, &mut |_, _| {}) {
            Ok(report) => {
                let mut lane = lock(lane);
                lane.answered += report.answered;
                let slices = lane.last.as_ref().map_or(0, |(_, count)| *count);
                lane.last = Some((report, slices + 1));
            }
            Err(error) => {
                lock(lane).trouble = Some(error.to_string());
                thread::sleep(SLICE);
            }
        }
    }
}

fn spec(listen: SocketAddr, wish: &Wish) -> LoadSpec {
    let (rest, fields) = match wish.work {
        Work::Compiled => ("", "X-Probe: body=Hello\r\n"),
        Work::Python => ("", ""),
        Work::Wait => ("?sleep=50", "X-Probe: body=Hello; delay=50ms\r\n"),
    };
    let ask = Ask {
        method: "GET".to_owned(),
        rest: rest.to_owned(),
        body: String::new(),
    };
    let request = send::request(&listen.to_string(), &ask, fields);
    let to = listen.to_string().parse().expect("an address is one");
    let pacing = match wish.rate {
        0 => Pacing::Closed,
        rate => Pacing::Open {
            rate: f64::from(rate),
            spacing: Spacing::Poisson,
        },
    };
    LoadSpec {
        connections: wish.connections,
        pacing,
        warm_up: Duration::ZERO,
        stop: Stop::After(SLICE),
        timeout: Duration::from_secs(10),
        ..LoadSpec::new(to, request)
    }
}

/// Tells a moment each slice; owns the sites, so that they end when it does.
fn watch_lanes(
    sites: Vec<Site>,
    shared: &[Arc<Mutex<Shared>>],
    stop: &AtomicBool,
    tell: &watch::Sender<Moment>,
) {
    let began = Instant::now();
    let mut eyes: Vec<Eye> = sites.iter().map(Eye::open).collect();
    let mut meter = machine::Meter::open();
    let mut next = began + SLICE;
    while !stop.load(Relaxed) && began.elapsed() < LONGEST {
        thread::sleep(LOOK_EVERY);
        eyes.iter_mut().for_each(Eye::look);
        if Instant::now() >= next {
            next += SLICE;
            let lanes = eyes.iter_mut().zip(shared);
            let moment = Moment {
                at: began.elapsed().as_secs_f64(),
                lanes: lanes.map(|(eye, lane)| eye.lane(&lock(lane))).collect(),
                machine: meter.read(),
                ended: None,
            };
            tell.send_replace(moment);
        }
    }
    let by_itself = !stop.swap(true, Relaxed);
    let why = match by_itself {
        true => format!("the load ended by itself after {} s", LONGEST.as_secs()),
        false => "stopped".to_owned(),
    };
    tell.send_modify(|moment| moment.ended = Some(why));
}

/// Requests that wait for one of so many workers. Those under way are on average the rate times the
/// mean latency (Little's law), whatever the arrivals; each worker has one of them in hand.
fn queued(rps: f64, mean_us: f64, workers: u32) -> f64 {
    (rps * mean_us / 1e6 - f64::from(workers)).max(0.0)
}

/// Looks at the processes of one lane.
struct Eye {
    way: Way,
    /// Workers, where they serve request after request.
    prefork: Option<u32>,
    roots: Vec<(&'static str, i32)>,
    workers: BTreeSet<i32>,
    passing: BTreeSet<i32>,
    cpu: Option<(Instant, Duration)>,
}

impl Eye {
    fn open(site: &Site) -> Self {
        let mut eye = Self {
            way: site.order.way,
            prefork: (!site.order.way.has_process_per_request()).then_some(site.order.processes),
            roots: site.roots(),
            workers: BTreeSet::new(),
            passing: BTreeSet::new(),
            cpu: None,
        };
        eye.cpu = Some((Instant::now(), eye.time()));
        eye
    }

    /// Children of the master are workers; what is below a worker came for a request.
    fn look(&mut self) {
        let master = self.master();
        let tree = tree::tree(&self.roots);
        let server = tree.iter().filter(|process| process.side == "server");
        self.workers.clear();
        for process in server {
            if process.pid == master || process.parent == master {
                self.workers.insert(process.pid);
            } else {
                self.passing.insert(process.pid);
            }
        }
    }

    fn master(&self) -> i32 {
        self.roots.last().map_or(0, |(_, pid)| *pid)
    }

    /// CPU time so far of all processes that stay, with the children that they waited for.
    fn time(&self) -> Duration {
        let mut pids = Vec::new();
        for &(_, root) in &self.roots {
            pids.extend(tree::pids_to_depth(root, 2));
        }
        pids.into_iter().filter_map(machine::cpu_time).sum()
    }

    fn lane(&mut self, shared: &Shared) -> Lane {
        let report = shared.last.as_ref().map(|(report, _)| report);
        let (now, time) = (Instant::now(), self.time());
        let cpu = self.cpu.replace((now, time)).and_then(|(then, before)| {
            let spent = time.checked_sub(before)?.as_secs_f64();
            Some(100.0 * spent / (now - then).as_secs_f64())
        });
        let passing = std::mem::take(&mut self.passing);
        let memory = self
            .workers
            .iter()
            .chain(&passing)
            .filter_map(|&pid| machine::pss(pid));
        let memory: Vec<u64> = memory.collect();
        let percentile = |percent: f64| {
            let answered = report.filter(|report| report.latency.count() > 0);
            answered.map(|report| report.latency.percentile(percent))
        };
        let failed = report.map_or(0, |report| report.failures.total());
        Lane {
            way: self.way,
            rps: report.map_or(0.0, LoadReport::rps),
            p50_us: percentile(50.0),
            p99_us: percentile(99.0),
            failed,
            failure: report
                .filter(|report| report.failures.total() > 0)
                .map(|report| report.failures.to_string())
                .or_else(|| shared.trouble.clone()),
            queued: self
                .prefork
                .zip(report)
                .map(|(workers, report)| queued(report.rps(), report.latency.mean(), workers)),
            waiting: report.map_or(0, |report| report.missed),
            answered: shared.answered,
            cpu,
            memory: (!memory.is_empty()).then(|| memory.iter().sum()),
            workers: self.workers.iter().copied().collect(),
            passing: passing.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish {
            lanes: vec![Way::Cgi],
            work: Work::Compiled,
            connections: 8,
            rate: 0,
            workers: 2,
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_told() {
        assert_eq!(wish().check(), Ok(()));
        let many = Wish {
            connections: 257,
            ..wish()
        };
        assert_eq!(many.check(), Err("connections: 1 to 256".to_owned()));
    }

    #[test]
    fn what_no_worker_has_in_hand_waits() {
        // 16 connections that never rest, 2 workers that take 1 ms each.
        assert_eq!(queued(2000.0, 8000.0, 2), 14.0);
        assert_eq!(queued(100.0, 1000.0, 2), 0.0);
    }

    #[test]
    fn a_warm_lane_takes_python_where_a_compiled_program_was_asked_for() {
        assert_eq!(wish().app(Way::CgiWarm), App::Python);
        assert_eq!(wish().app(Way::Cgi), App::Compiled);
    }
}
