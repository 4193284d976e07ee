//! What makes two entries of two runs the same.

use crate::{
    model::Model,
    results::{CaseResult, Idle, Throughput},
};

/// Scenario, gateway, model, backend.
pub(super) type CaseKey = (String, Option<String>, Option<Model>, Option<String>);

/// The key of a case.
pub(super) fn of_case(case: &CaseResult) -> CaseKey {
    let (gateway, backend) = (case.gateway.clone(), case.backend.clone());
    (case.scenario.clone(), gateway, case.model, backend)
}

/// The key of a measurement: everything that is part of a figure's name.
pub(super) fn of_measurement(entry: &Throughput) -> impl Ord + use<> {
    let pairing = (entry.gateway.clone(), entry.model, entry.backend.clone());
    let link = (entry.socket.clone(), entry.backend_keepalive);
    let pace = (entry.connections, entry.offered_rps.map(f64::to_bits));
    (
        pairing,
        link,
        entry.app.clone(),
        entry.workload.clone(),
        pace,
    )
}

/// The key of what a pairing takes at rest.
pub(super) fn of_rest(idle: &Idle) -> impl Ord + use<> {
    (idle.gateway.clone(), idle.model, idle.backend.clone())
}
