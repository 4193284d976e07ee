//! What the sample run measured.

use gatebench::{
    model::Model,
    results::{CpuSplit, Idle, PacingKind, PageFaults, Percentiles, Throughput},
};

use super::{BUILTIN, NGINX};

pub(super) fn all() -> Vec<Throughput> {
    let saturated = "the load generator was busy 97 % of the time: the real rate may be higher";
    let mut all = vec![
        measured(NGINX, Model::Cgi, 1_093.4, 29_000, [38.0, 1_720.5, 21.3]),
        measured(NGINX, Model::FastCgi, 24_103.0, 1_240, [31.2, 18.4, 17.9]),
        measured(NGINX, Model::Uwsgi, 26_870.0, 1_105, [27.5, 16.1, 18.2]),
        measured(BUILTIN, Model::Cgi, 1_180.2, 27_400, [812.0, 0.0, 20.9]),
        measured(BUILTIN, Model::FastCgi, 31_560.0, 940, [24.7, 17.8, 17.4]),
        measured(BUILTIN, Model::Uwsgi, 30_220.0, 980, [25.9, 16.3, 17.7]),
    ];
    all[3].cpu_us_per_request.backend = None;
    all[4].caveats.push(saturated.to_owned());
    all[5].caveats.push(saturated.to_owned());
    all[5]
        .caveats
        .push("3 of 90,660 requests failed".to_owned());
    all[5].errors = 3;
    for entry in &mut all {
        let short = "a single run of 10 s: how much runs vary is unknown";
        entry.caveats.insert(0, short.to_owned());
    }
    all
}

/// What two pairings take at rest; of the second no CPU time could be told.
pub(super) fn rest() -> Vec<Idle> {
    let idle = |gateway: &str, cpu: Option<f64>| Idle {
        gateway: gateway.to_owned(),
        model: Model::FastCgi,
        backend: "gateserve:probe".to_owned(),
        workers: 2,
        processes: 3,
        rss_bytes: Some(14 << 20),
        pss_bytes: Some(5 << 20),
        gateway_cpu_us_per_second: cpu,
        backend_cpu_us_per_second: cpu,
    };
    vec![idle(NGINX, Some(0.0)), idle(BUILTIN, None)]
}

/// Five rounds that scatter, each model in its own way.
fn rounds(rps: f64, model: Model) -> Vec<f64> {
    let mut shares = [0.98, 1.01, 1.0, 1.02, 0.99];
    shares.rotate_left(match model {
        Model::FastCgi => 1,
        Model::Uwsgi => 2,
        _ => 0,
    });
    shares.map(|share| rps * share).to_vec()
}

fn measured(gateway: &str, model: Model, rps: f64, p50: u64, cpu: [f64; 3]) -> Throughput {
    let cgi = model == Model::Cgi;
    let carried = cgi && gateway == NGINX;
    let at = |times: f64| (p50 as f64 * times) as u64;
    let curve = [
        (0.0, 0.55),
        (10.0, 0.7),
        (25.0, 0.85),
        (50.0, 1.0),
        (75.0, 1.2),
        (90.0, 1.6),
        (95.0, 1.9),
        (99.0, 2.8),
        (99.9, 5.5),
        (99.99, 9.0),
    ];
    let wobble = [0.93, 1.01, 0.99, 1.03, 1.0, 0.97, 1.02, 1.04, 0.98, 1.03];
    Throughput {
        gateway: Some(gateway.to_owned()),
        model: Some(model),
        carrier: carried.then(|| "fastcgi".to_owned()),
        backend: Some(
            if carried {
                "gateserve:cgi"
            } else if cgi {
                "script"
            } else {
                "gateserve:probe"
            }
            .to_owned(),
        ),
        app: "probe".to_owned(),
        socket: (carried || !cgi).then(|| "unix".to_owned()),
        backend_keepalive: (carried || !cgi).then_some(model == Model::FastCgi),
        workload: "hello".to_owned(),
        pacing: PacingKind::Closed,
        connections: 32,
        offered_rps: None,
        requests: (rps * 10.0) as u64,
        errors: 0,
        rps,
        latency_us: Percentiles {
            p50,
            p90: at(1.6),
            p99: at(2.8),
            p999: at(5.5),
            max: at(9.0),
        },
        cpu_us_per_request: CpuSplit {
            gateway: Some(cpu[0]),
            backend: Some(cpu[1]),
            load: Some(cpu[2]),
        },
        rss_peak_bytes: Some(if cgi { 61 << 20 } else { 23 << 20 }),
        pss_peak_bytes: Some(if cgi { 38 << 20 } else { 9 << 20 }),
        forks: Some(if cgi { (rps * 10.0) as u64 } else { 0 }),
        context_switches: Some((rps * 20.0) as u64),
        page_faults: cgi.then_some(PageFaults {
            minor: (rps * 2_500.0) as u64,
            major: 3,
        }),
        latency_curve: curve
            .map(|(percentile, times)| (percentile, at(times)))
            .to_vec(),
        rps_by_second: wobble.map(|share| (rps * share) as u64).to_vec(),
        cgi_steps: None,
        hdr_by_second: Vec::new(),
        rounds: rounds(rps, model),
        turns: Some("sample".to_owned()),
        closes: false,
        caveats: Vec::new(),
    }
}
