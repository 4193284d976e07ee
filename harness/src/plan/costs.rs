//! What a request was measured to cost.

use std::time::Duration;

use thiserror::Error;

use crate::{
    model::Model,
    results::{Idle, PacingKind, Results, Throughput},
};

/// What a request costs in one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// The model.
    pub model: Model,
    /// Subject id of the gateway.
    pub gateway: String,
    /// Subject id of the application server.
    pub backend: String,
    /// CPU time of the gateway per request, in microseconds.
    pub gateway_cpu: f64,
    /// CPU time of the application server per request, its programs included, in microseconds.
    pub backend_cpu: f64,
    /// CPU time of the load generator per request, which the plan does not count.
    pub client_cpu: Option<f64>,
    /// What a request costs in addition where it meets no other, since everyone must be woken for
    /// it: load generator, gateway, application server; in microseconds of CPU time, 0 where no
    /// measurement with one connection tells.
    pub wake: [f64; 3],
    /// Time that the application waits for something else, in microseconds; not measured but given.
    pub wait: f64,
    /// Memory of the server without a request, in bytes.
    pub memory_base: Option<u64>,
    /// Memory of each further process, in bytes.
    pub memory_process: Option<u64>,
    /// Connections with which it was measured.
    pub connections: u32,
    /// Reasons to doubt the figures.
    pub caveats: Vec<String>,
}

/// Which of the measured figures are wanted.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// Name of the workload.
    pub workload: String,
    /// Beginning of the gateway's id.
    pub gateway: Option<String>,
    /// Beginning of the application server's id.
    pub backend: Option<String>,
    /// How long the application waits in each request.
    pub wait: Duration,
}

/// Why there are no costs for a model.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Missing {
    /// It was not measured.
    #[error("{0} was not measured with this workload; measured are: {1}")]
    NotMeasured(Model, String),
    /// No CPU time could be attributed.
    #[error("{0} was measured, but no CPU time could be attributed: {1}")]
    NoCpu(Model, String),
}

/// The costs of a model: of the closed measurement with the best rate, where CPU times count most.
///
/// # Errors
/// There is none, or none with CPU times.
pub fn of_results(results: &Results, model: Model, want: &Want) -> Result<Costs, Missing> {
    let fits = |id: &Option<String>, wanted: &Option<String>| match (id, wanted) {
        (Some(id), Some(wanted)) => id.starts_with(wanted.as_str()),
        (id, None) => id.is_some(),
        (None, Some(_)) => false,
    };
    let measured = || {
        let all = results.throughput.iter();
        all.filter(|one| one.model == Some(model) && one.workload == want.workload)
            .filter(|one| one.pacing == PacingKind::Closed)
            .filter(|one| fits(&one.gateway, &want.gateway) && fits(&one.backend, &want.backend))
    };
    let with_cpu = measured().filter_map(|one| Some((cpu(one)?, one)));
    let best = with_cpu.max_by(|(_, one), (_, other)| one.rps.total_cmp(&other.rps));
    let Some(((gateway_cpu, backend_cpu), best)) = best else {
        return Err(match measured().next() {
            Some(one) => Missing::NoCpu(model, one.caveats.join("; ")),
            None => Missing::NotMeasured(model, known(results)),
        });
    };
    let gateway = best.gateway.clone().unwrap_or_default();
    let backend = best.backend.clone().unwrap_or_default();
    let idle = results
        .idle
        .iter()
        .find(|idle| idle.model == model && idle.gateway == gateway && idle.backend == backend);
    let memory = memory(best, idle);
    let same = |one: &&Throughput| (&one.gateway, &one.backend) == (&best.gateway, &best.backend);
    let alone = measured()
        .filter(same)
        .find(|one| one.connections == 1)
        .filter(|_| best.connections > 1);
    Ok(Costs {
        model,
        gateway,
        backend,
        gateway_cpu,
        backend_cpu,
        client_cpu: best.cpu_us_per_request.load,
        wake: alone.map_or([0.0; 3], |alone| wake(alone, best)),
        wait: want.wait.as_secs_f64() * 1e6,
        memory_base: memory.map(|(base, _)| base),
        memory_process: memory.map(|(_, process)| process),
        connections: best.connections,
        caveats: best.caveats.clone(),
    })
}

fn cpu(one: &Throughput) -> Option<(f64, f64)> {
    Some((
        one.cpu_us_per_request.gateway?,
        one.cpu_us_per_request.backend?,
    ))
}

/// What one request alone costs more than one among many.
fn wake(alone: &Throughput, many: &Throughput) -> [f64; 3] {
    let parts = |one: &Throughput| {
        let cpu = one.cpu_us_per_request;
        [cpu.load, cpu.gateway, cpu.backend]
    };
    let (alone, many) = (parts(alone), parts(many));
    std::array::from_fn(|at| match (alone[at], many[at]) {
        (Some(alone), Some(many)) => (alone - many).max(0.0),
        _ => 0.0,
    })
}

/// Memory of a server at rest without its workers, and of each process. A worker is weighed at rest
/// as an even share of its server; a CGI program as its share of what the server grew by under
/// load, when as many programs as connections ran.
fn memory(one: &Throughput, idle: Option<&Idle>) -> Option<(u64, u64)> {
    let idle = idle?;
    let rest = idle.pss_bytes?;
    match one.model? {
        Model::Cgi | Model::CgiWarm => {
            let grown = one.pss_peak_bytes?.saturating_sub(rest);
            Some((rest, grown / u64::from(one.connections.max(1))))
        }
        _ => Some((
            0,
            one.pss_peak_bytes?.max(rest) / u64::from(idle.workers.max(1)),
        )),
    }
}

fn known(results: &Results) -> String {
    let mut names: Vec<_> = results
        .throughput
        .iter()
        .filter_map(|one| Some(format!("{} ({})", one.model?, one.workload)))
        .collect();
    names.sort();
    names.dedup();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}
