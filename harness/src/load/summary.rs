//! From a run and its cost to the stored result.

use std::{sync::atomic::AtomicBool, time::Duration};

use super::{
    LoadError, LoadReport, LoadSpec, Pacing, Watch,
    caveat::{self, Caveat},
    cost::{Cost, Meter},
    run_watched,
};
use crate::{
    model::Model,
    results::{CpuSplit, PacingKind, Throughput},
};

/// What a figure is called: the pairing and the workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Subject id of the gateway; `None` for a plain URL.
    pub gateway: Option<String>,
    /// The way to the application.
    pub model: Option<Model>,
    /// What carried CGI.
    pub carrier: Option<String>,
    /// Subject id of the backend.
    pub backend: Option<String>,
    /// Application that answered.
    pub app: String,
    /// `unix` or `tcp`, between gateway and backend.
    pub socket: Option<String>,
    /// Whether the gateway kept backend connections open.
    pub backend_keepalive: Option<bool>,
    /// Name of the workload.
    pub workload: String,
}

/// A [`Meter`] that follows a run.
struct Metered<'a, 'b> {
    meter: &'a mut Meter<'b>,
    progress: &'a mut dyn FnMut(Duration, u64),
    is_open: bool,
    cost: Cost,
}

impl Watch for Metered<'_, '_> {
    fn window_opens(&mut self) {
        self.meter.open();
        self.is_open = true;
    }

    fn tick(&mut self, elapsed: Duration, answered: u64) {
        if self.is_open {
            self.meter.sample();
        }
        (self.progress)(elapsed, answered);
    }

    fn window_closes(&mut self) {
        self.cost = self.meter.close();
        self.is_open = false;
    }
}

/// Makes the load and measures what it costs, the warm-up left out of both.
///
/// # Errors
/// As [`run`](super::run()).
pub fn measure(
    spec: &LoadSpec,
    meter: &mut Meter<'_>,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(Duration, u64),
) -> Result<(LoadReport, Cost), LoadError> {
    let mut metered = Metered {
        meter,
        progress,
        is_open: false,
        cost: Cost::default(),
    };
    let report = run_watched(spec, cancel, &mut metered)?;
    Ok((report, metered.cost))
}

/// The stored result of one run; a plain URL has [`Cost::default`].
pub fn throughput(report: &LoadReport, cost: &Cost, labels: Labels) -> Throughput {
    let (pacing, offered_rps) = match report.pacing {
        Pacing::Closed => (PacingKind::Closed, None),
        Pacing::Open { rate, .. } => (PacingKind::Open, Some(rate)),
    };
    let mut caveats = caveat::of_report(report);
    caveats.extend(caveat::of_machine());
    Throughput {
        gateway: labels.gateway,
        model: labels.model,
        carrier: labels.carrier,
        backend: labels.backend,
        app: labels.app,
        socket: labels.socket,
        backend_keepalive: labels.backend_keepalive,
        workload: labels.workload,
        pacing,
        connections: report.connections,
        offered_rps,
        requests: report.answered,
        errors: report.failures.total(),
        rps: rounded(report.rps()),
        latency_us: report.latency.percentiles(),
        cpu_us_per_request: CpuSplit {
            gateway: per_request(cost.gateway_cpu, report.answered),
            backend: per_request(cost.backend_cpu, report.answered),
            load: per_request(Some(report.cpu), report.answered),
        },
        rss_peak_bytes: cost.rss_peak,
        pss_peak_bytes: cost.pss_peak,
        forks: cost.forks,
        context_switches: cost.context_switches,
        page_faults: cost.page_faults,
        latency_curve: report.latency.curve(),
        rps_by_second: report.by_second.clone(),
        cgi_steps: None,
        hdr_by_second: report.hdr_by_second(),
        rounds: vec![rounded(report.rps())],
        turns: None,
        closes: report.closes,
        caveats: caveats
            .iter()
            .chain(&cost.caveats)
            .map(Caveat::to_string)
            .collect(),
    }
}

fn per_request(cpu: Option<Duration>, answered: u64) -> Option<f64> {
    let micros = cpu?.as_secs_f64() * 1e6;
    (answered > 0).then(|| rounded(micros / answered as f64))
}

/// To a tenth: more digits would pretend.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Latency, Spacing};

    fn report() -> LoadReport {
        let mut latency = Latency::new();
        latency.record(Duration::from_micros(750));
        LoadReport {
            pacing: Pacing::Open {
                rate: 500.0,
                spacing: Spacing::Constant,
            },
            window: Duration::from_secs(4),
            answered: 2000,
            latency,
            cpu: Duration::from_millis(100),
            ..LoadReport::default()
        }
    }

    #[test]
    fn cpu_is_divided_by_answered_requests_and_unknown_stays_unknown() {
        let cost = Cost {
            gateway_cpu: Some(Duration::from_millis(41)),
            caveats: vec![Caveat::ForksOfMachine],
            ..Cost::default()
        };
        let stored = throughput(&report(), &cost, Labels::default());
        let expected = CpuSplit {
            gateway: Some(20.5),
            backend: None,
            load: Some(50.0),
        };
        assert_eq!(stored.cpu_us_per_request, expected);
        assert_eq!((stored.rps, stored.offered_rps), (500.0, Some(500.0)));
        assert_eq!(stored.latency_curve.len(), 40);
        assert_eq!(
            stored.caveats,
            ["forks are counted over the whole machine, threads included"]
        );
    }

    #[test]
    fn nothing_answered_costs_nothing_per_request() {
        let mut nothing = report();
        nothing.answered = 0;
        let stored = throughput(&nothing, &Cost::default(), Labels::default());
        assert_eq!(stored.cpu_us_per_request, CpuSplit::default());
        assert_eq!(stored.rps, 0.0);
    }
}
