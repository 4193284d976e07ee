//! The smallest machine and pool that keep a promise.

use thiserror::Error;

use super::{
    costs::Costs,
    simulate::{Demand, Load, Observed, Shape, simulate},
};

/// Requests that are played for each answer.
const PLAYED: usize = 40_000;

/// The most cores that are thought about.
const MOST_CORES: u32 = 1024;

/// What is to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Requests per second, at random times.
    pub rps: f64,
    /// 99 % of the requests are to be answered within this time, in microseconds.
    pub p99: f64,
    /// The most of the cores' time that may be used, 0 to 1: what is left is for peaks, for the
    /// operating system and for what the model does not know.
    pub busy: f64,
}

/// What it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it was made from.
    pub costs: Costs,
    /// Cores for gateway and application server together.
    pub cores: u32,
    /// Share of them that is used.
    pub busy: f64,
    /// Workers (threads, where workers have several); for CGI the programs that run at a time, which
    /// 999 of 1,000 requests do not find exceeded.
    pub processes: u32,
    /// Processes created per second; 0 for a pool.
    pub forks_per_second: f64,
    /// Memory of the application server, in bytes.
    pub memory: Option<u64>,
    /// Expected latency of half the requests, in microseconds.
    pub p50: f64,
    /// Expected latency of 99 % of the requests, in microseconds.
    pub p99: f64,
}

/// Why there is no such machine.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// A request alone takes longer.
    #[error(
        "{model}: no number of cores keeps 99 % within {goal_ms:.1} ms: of requests that meet no other, 99 % need {alone_ms:.1} ms"
    )]
    TooSlowAlone {
        /// The model.
        model: &'static str,
        /// What was asked for, in milliseconds.
        goal_ms: f64,
        /// What one takes, in milliseconds.
        alone_ms: f64,
    },
    /// Beyond what the model is good for.
    #[error(
        "{model}: more than {MOST_CORES} cores; spread this over machines and plan for one of them"
    )]
    TooLarge {
        /// The model.
        model: &'static str,
    },
}

/// The fewest cores, and with them the fewest processes, that keep the goal.
///
/// # Errors
/// None does.
pub fn size(costs: &Costs, goal: &Goal) -> Result<Plan, Refusal> {
    let model = costs.model.word();
    let demand = demand(costs);
    let alone = simulate(&demand, Load::Closed(1), MOST_CORES, None, PLAYED).latency(0.99);
    if alone > goal.p99 {
        return Err(Refusal::TooSlowAlone {
            model,
            goal_ms: goal.p99 / 1000.0,
            alone_ms: alone / 1000.0,
        });
    }
    let load = Load::Open(goal.rps);
    let needed = goal.rps * (costs.gateway_cpu + costs.backend_cpu) / 1e6;
    let least = (needed / goal.busy).ceil().max(1.0);
    if least > f64::from(MOST_CORES) {
        return Err(Refusal::TooLarge { model });
    }
    let kept = |observed: &Observed| observed.latency(0.99) <= goal.p99;
    let mut cores = least as u32;
    let free = loop {
        let observed = simulate(&demand, load, cores, None, PLAYED);
        if kept(&observed) {
            break observed;
        }
        cores += 1;
        if cores > MOST_CORES {
            return Err(Refusal::TooLarge { model });
        }
    };
    let (processes, observed) = if costs.model.is_cgi() {
        (free.workers(0.999), free)
    } else {
        fewest_workers(&demand, goal, cores, free, &kept)
    };
    Ok(Plan {
        costs: costs.clone(),
        cores,
        busy: observed.busy,
        processes,
        forks_per_second: if costs.model.is_cgi() { goal.rps } else { 0.0 },
        memory: memory(costs, processes),
        p50: observed.latency(0.5),
        p99: observed.latency(0.99),
    })
}

/// How a request behaves whose CPU times are known by their mean alone: exponential, which has it
/// differ more between requests than most applications do.
pub(super) fn demand(costs: &Costs) -> Demand {
    Demand {
        client: 0.0,
        gateway: costs.gateway_cpu,
        backend: costs.backend_cpu,
        wake: [0.0, costs.wake[1], costs.wake[2]],
        wait: costs.wait,
        shape: Shape::Exponential,
    }
}

/// By halving: with more workers nobody waits longer.
fn fewest_workers(
    demand: &Demand,
    goal: &Goal,
    cores: u32,
    free: Observed,
    kept: &impl Fn(&Observed) -> bool,
) -> (u32, Observed) {
    let play = |workers| simulate(demand, Load::Open(goal.rps), cores, Some(workers), PLAYED);
    // A pool that is busy all the time never catches up.
    let held = goal.rps * (demand.backend + demand.wait) / 1e6;
    let mut few = (held / goal.busy).floor() as u32;
    let (mut enough, mut observed) = (free.workers(1.0).max(few + 1), free);
    while enough > few + 1 {
        let middle = few + (enough - few) / 2;
        let tried = play(middle);
        if kept(&tried) {
            (enough, observed) = (middle, tried);
        } else {
            few = middle;
        }
    }
    (enough, observed)
}

fn memory(costs: &Costs, processes: u32) -> Option<u64> {
    Some(costs.memory_base? + costs.memory_process? * u64::from(processes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn costs(model: Model, backend_cpu: f64, wait: f64) -> Costs {
        Costs {
            model,
            gateway: "nginx".into(),
            backend: "gateserve".into(),
            gateway_cpu: 50.0,
            backend_cpu,
            client_cpu: None,
            wake: [0.0; 3],
            wait,
            memory_base: Some(10 << 20),
            memory_process: Some(2 << 20),
            connections: 32,
            caveats: Vec::new(),
        }
    }

    fn goal(rps: f64, p99: f64) -> Goal {
        Goal {
            rps,
            p99,
            busy: 0.7,
        }
    }

    #[test]
    fn what_costs_more_needs_more_cores() {
        let cgi = size(&costs(Model::Cgi, 1000.0, 0.0), &goal(5000.0, 200_000.0)).unwrap();
        let fastcgi = size(&costs(Model::FastCgi, 30.0, 0.0), &goal(5000.0, 200_000.0)).unwrap();
        // 5,000 x 1,050 us = 5.25 cores, of which 70 % may be used.
        assert_eq!(cgi.cores, 8);
        assert_eq!(fastcgi.cores, 1);
        assert_eq!(cgi.forks_per_second, 5000.0);
        assert_eq!(fastcgi.forks_per_second, 0.0);
        assert!(cgi.busy < 0.7 && cgi.busy > 0.6, "{}", cgi.busy);
    }

    #[test]
    fn an_application_that_waits_needs_workers_and_not_cores() {
        let plan = size(
            &costs(Model::Uwsgi, 30.0, 50_000.0),
            &goal(400.0, 200_000.0),
        )
        .unwrap();
        assert_eq!(plan.cores, 1);
        // Little: 20 workers are busy on average, and a busy pool needs some more.
        assert!((21..40).contains(&plan.processes), "{}", plan.processes);
        assert!(plan.p99 <= 200_000.0);
    }

    #[test]
    fn a_tighter_promise_needs_no_fewer_processes() {
        let sized = |p99| size(&costs(Model::Uwsgi, 300.0, 20_000.0), &goal(500.0, p99)).unwrap();
        assert!(sized(23_000.0).processes >= sized(200_000.0).processes);
    }

    #[test]
    fn a_promise_below_what_one_request_takes_is_refused_with_what_it_takes() {
        let refused = size(&costs(Model::Uwsgi, 30.0, 50_000.0), &goal(1.0, 10_000.0));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("within 10.0 ms"), "{text}");
        assert!(text.contains("need 50."), "{text}");
    }

    #[test]
    fn memory_is_told_only_where_it_was_measured() {
        let mut costs = costs(Model::Uwsgi, 30.0, 0.0);
        let plan = size(&costs, &goal(100.0, 1e6)).unwrap();
        assert_eq!(
            plan.memory,
            Some((10 << 20) + (2 << 20) * u64::from(plan.processes))
        );
        costs.memory_process = None;
        assert_eq!(size(&costs, &goal(100.0, 1e6)).unwrap().memory, None);
    }

    #[test]
    fn more_than_one_machine_can_be_is_refused() {
        let refused = size(&costs(Model::Cgi, 1e6, 0.0), &goal(5000.0, 1e9));
        assert!(matches!(refused, Err(Refusal::TooLarge { .. })));
    }
}
