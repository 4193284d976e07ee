//! What one run measured, added up over its threads.

use std::time::{Duration, Instant};

use super::{
    Failures, Latency, LoadSpec, Pacing,
    client::Counted,
    latency::Sparse,
    tally::{Slow, Window},
};

/// What one run measured.
#[derive(Clone, Debug, Default)]
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
    /// Latency of these, second by second.
    pub latency_by_second: Vec<Sparse>,
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
    /// A steady rate was looked for in vain for so long.
    pub unsteady: Option<Duration>,
    /// The share of the machine's processor time that its host took meanwhile, from 0 to 1.
    pub stolen: Option<f64>,
    /// Each request came on a connection of its own.
    pub closes: bool,
    /// Clients that were slow besides.
    pub slow_clients: u32,
    /// What became of their requests.
    pub slow: Slow,
}

impl LoadReport {
    /// Answered requests per second.
    pub fn rps(&self) -> f64 {
        match self.window.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.answered as f64 / seconds,
        }
    }

    /// Adds up what the threads of a run counted.
    pub(super) fn of(
        spec: &LoadSpec,
        window: Window,
        counted: Vec<Counted>,
        cancelled: bool,
    ) -> Self {
        let mut report = Self {
            connections: spec.connections,
            pacing: spec.pacing,
            closes: !spec.keep_alive,
            cancelled,
            slow_clients: spec.slow,
            ..Self::default()
        };
        let last_end = counted.iter().map(|counted| counted.tally.last_end).max();
        for thread in counted {
            report.add(thread);
        }
        let end = match window.closes {
            Some(end) if !cancelled => end,
            Some(end) => end.min(Instant::now()),
            None => last_end.unwrap_or(window.opens),
        };
        report.window = end.saturating_duration_since(window.opens);
        report
    }

    /// Each second as a stored HDR histogram.
    pub fn hdr_by_second(&self) -> Vec<String> {
        let seconds = self.latency_by_second.iter();
        seconds.map(Sparse::encoded).collect()
    }

    fn add_latencies(&mut self, seconds: Vec<Sparse>) {
        let len = self.latency_by_second.len().max(seconds.len());
        self.latency_by_second.resize(len, Sparse::default());
        for (sum, second) in self.latency_by_second.iter_mut().zip(seconds) {
            sum.merge(second);
        }
    }

    fn add(&mut self, Counted { tally, cpu, missed }: Counted) {
        self.answered += tally.answered;
        add_seconds(&mut self.by_second, &tally.by_second);
        self.latency.merge(&tally.latency);
        self.add_latencies(tally.seconds);
        self.failures.merge(tally.failures);
        self.missed += missed;
        self.opened += tally.opened;
        self.retried += tally.retried;
        self.slow.merge(tally.slow);
        self.cpu += cpu;
        self.busiest_thread = self.busiest_thread.max(cpu);
    }
}

fn add_seconds(sum: &mut Vec<u64>, more: &[u64]) {
    if sum.len() < more.len() {
        sum.resize(more.len(), 0);
    }
    for (slot, count) in sum.iter_mut().zip(more) {
        *slot += count;
    }
}
