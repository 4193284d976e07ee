//! One round of one pairing: the load, what it costs, what it is called.

use std::sync::atomic::AtomicBool;

use super::Heat;
use crate::{
    address::Address,
    launch::{Family, Running},
    load::{self, Caveat, Labels, LoadSpec, Meter, cost::Side},
    pairing::Started,
    results::Throughput,
    witness::Health,
};

/// Makes the load of a round.
///
/// # Errors
/// Why the round tells nothing.
pub(super) fn measure(heat: Heat<'_>, started: &mut Started) -> Result<Throughput, String> {
    let spec = spec(heat, started);
    mark(started);
    let gateway = started.gateway.family();
    let backend = started.backend.as_ref().map(Running::family);
    let executes = backend.is_none();
    let mut meter = Meter::new(
        move || gateway.pids(),
        move || backend.as_ref().map_or_else(Vec::new, Family::pids),
    );
    let cancel = AtomicBool::new(false);
    let measured = load::measure(&spec, &mut meter, &cancel, &mut |_, _| {});
    let (report, mut cost) = measured.map_err(|error| error.to_string())?;
    if executes {
        // The gateway executes the program itself: its processes are the gateway's.
        (cost.backend_cpu, cost.rss_peak, cost.pss_peak) = (None, None, None);
        (cost.context_switches, cost.page_faults) = (None, None);
    }
    cost.caveats.extend(deaths(started));
    let figure = load::throughput(&report, &cost, labels(heat, started));
    match figure.requests {
        0 => Err(format!("nothing answered; {}", figure.caveats.join("; "))),
        _ => Ok(figure),
    }
}

fn spec(heat: Heat<'_>, started: &Started) -> LoadSpec {
    let measure = heat.measure;
    let to = Address::Tcp(started.listen.to_string());
    let mut spec = LoadSpec {
        asks: heat.workload.asks(&started.place, measure.close),
        connections: heat.connections,
        keep_alive: !measure.close,
        pacing: measure.pacing,
        warm_up: measure.warm_up,
        stop: measure.stop,
        threads: measure.threads,
        ..LoadSpec::new(to, Vec::new())
    };
    heat.workload.shape(&mut spec);
    spec
}

/// What the figure is called.
fn labels(heat: Heat<'_>, started: &Started) -> Labels {
    let pairing = started.pairing;
    let app = match pairing.executes() {
        true => "probe (CGI program)",
        false => pairing.backend.app(pairing.model),
    };
    let is_behind = started.backend.is_some();
    Labels {
        gateway: Some(pairing.gateway_id()),
        model: Some(pairing.model),
        carrier: pairing.carrier(),
        backend: Some(pairing.backend_id()),
        app: app.to_owned(),
        socket: is_behind.then(|| "unix".to_owned()),
        backend_keepalive: is_behind.then(|| pairing.keeps_connections()),
        workload: heat.workload.to_string(),
    }
}

fn mark(started: &mut Started) {
    started.gateway.mark();
    if let Some(backend) = &mut started.backend {
        backend.mark();
    }
}

/// A process that died under the load is no verdict here, but the figure is of something else.
fn deaths(started: &Started) -> Vec<Caveat> {
    let backend = started.backend.as_ref().map(Running::health);
    let sides = [
        (Side::Gateway, Some(started.gateway.health())),
        (Side::Backend, backend),
    ];
    let died = |(side, health)| match health {
        Some(Health::Died(how)) => Some(Caveat::Died { side, how }),
        _ => None,
    };
    sides.into_iter().filter_map(died).collect()
}
