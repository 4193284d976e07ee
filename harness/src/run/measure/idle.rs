//! What pairings take while nobody asks for anything.

use std::{sync::atomic::AtomicBool, thread, time::Duration};

use super::Contestant;
use crate::{
    launch::{Family, Running},
    load::Meter,
    pairing::WORKERS,
    results::Idle,
};

/// How long one looks.
const LOOK: Duration = Duration::from_secs(1);

/// How long start-up work is waited for.
const SETTLE: Duration = Duration::from_secs(2);

/// Looks at all of them in the same second.
pub(super) fn all(contestants: &[Contestant]) -> Vec<Idle> {
    let mut seats: Vec<_> = contestants.iter().filter_map(Seat::of).collect();
    let never = AtomicBool::new(false);
    for seat in &mut seats {
        seat.meter.settle(SETTLE, &never);
        seat.meter.open();
    }
    if !seats.is_empty() {
        thread::sleep(LOOK);
    }
    seats.into_iter().map(Seat::close).collect()
}

struct Seat<'a> {
    contestant: &'a Contestant,
    backend: Family,
    meter: Meter<'a>,
}

impl<'a> Seat<'a> {
    /// `None` where the gateway executes the program: then there is no backend to rest.
    fn of(contestant: &'a Contestant) -> Option<Self> {
        let gateway = contestant.started.gateway.family();
        let family = || contestant.started.backend.as_ref().map(Running::family);
        let (backend, own) = (family()?, family()?);
        Some(Self {
            contestant,
            backend,
            meter: Meter::new(move || gateway.pids(), move || own.pids()),
        })
    }

    fn close(mut self) -> Idle {
        let cost = self.meter.close();
        let pairing = self.contestant.started.pairing;
        let per_second = |cpu: Option<Duration>| cpu.map(|cpu| cpu.as_secs_f64() * 1e6);
        Idle {
            gateway: pairing.gateway_id(),
            model: pairing.model,
            backend: pairing.backend_id(),
            workers: WORKERS,
            processes: u32::try_from(self.backend.pids().len()).unwrap_or(u32::MAX),
            rss_bytes: cost.rss_peak,
            pss_bytes: cost.pss_peak,
            gateway_cpu_us_per_second: per_second(cost.gateway_cpu),
            backend_cpu_us_per_second: per_second(cost.backend_cpu),
        }
    }
}
