//! What the load cost: CPU time, memory, context switches and forks of gateway and backend.
//!
//! CPU time and page faults of a container are its control group's, all others come from `/proc`.

mod cgroup;
mod cpu;
mod faults;
mod idle;
mod peak;
mod proc;
mod seat;
mod switches;

use std::{fmt, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

use self::{
    faults::Faults,
    peak::Peak,
    proc::{Machine, Proc},
    seat::Seat,
    switches::Switches,
};
use super::caveat::Caveat;
use crate::results::PageFaults;

pub use cpu::Doubt;

/// Which side of a pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In front.
    Gateway,
    /// Behind.
    Backend,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Backend => "backend",
        })
    }
}

/// What a span of load cost. `None` is what could not be told; `caveats` say why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// CPU time of the gateway's processes, children that they waited for included; of a container,
    /// all that ever were in it.
    pub gateway_cpu: Option<Duration>,
    /// CPU time of the backend's processes, likewise.
    pub backend_cpu: Option<Duration>,
    /// Highest sum of the backend's resident sets in bytes, sampled.
    pub rss_peak: Option<u64>,
    /// Highest sum of the backend's proportional sets in bytes, sampled.
    pub pss_peak: Option<u64>,
    /// Context switches of the backend's processes that lived to the end.
    pub context_switches: Option<u64>,
    /// Page faults of the backend's processes, likewise; told where its CPU time is.
    pub page_faults: Option<PageFaults>,
    /// Processes and threads that the whole machine created.
    pub forks: Option<u64>,
    /// Reasons to doubt these.
    pub caveats: Vec<Caveat>,
}

/// Measures the cost of a span: [`open`](Self::open), some [`sample`](Self::sample)s about every
/// 100 ms, [`close`](Self::close).
pub struct Meter<'a> {
    proc: Proc,
    gateway: Seat<'a>,
    backend: Seat<'a>,
    units: Units,
    machine: Option<Machine>,
    peak: Peak,
    switches: Switches,
    faults: Faults,
    /// The processes did not come to rest before the span.
    was_busy: bool,
}

/// Units of this machine's `/proc`.
#[derive(Clone, Copy, Debug)]
struct Units {
    ticks_per_second: u64,
    page: u64,
}

impl Units {
    fn system() -> Self {
        let of = |variable, usual| match sysconf(variable) {
            Ok(Some(value)) => value.unsigned_abs(),
            _ => usual,
        };
        Self {
            ticks_per_second: of(SysconfVar::CLK_TCK, 100),
            page: of(SysconfVar::PAGE_SIZE, 4096),
        }
    }

    fn time(self, ticks: u64) -> Duration {
        Duration::from_micros(ticks * 1_000_000 / self.ticks_per_second)
    }
}

impl<'a> Meter<'a> {
    /// A meter over the processes that the two functions list each time they are asked.
    /// A side without processes, as where the gateway executes the script itself, has no cost.
    pub fn new(gateway: impl Fn() -> Vec<i32> + 'a, backend: impl Fn() -> Vec<i32> + 'a) -> Self {
        Self::with(Proc::system(), Units::system(), gateway, backend)
    }

    fn with(
        proc: Proc,
        units: Units,
        gateway: impl Fn() -> Vec<i32> + 'a,
        backend: impl Fn() -> Vec<i32> + 'a,
    ) -> Self {
        Self {
            proc,
            gateway: Seat::new(Side::Gateway, gateway),
            backend: Seat::new(Side::Backend, backend),
            units,
            machine: None,
            peak: Peak::default(),
            switches: Switches::default(),
            faults: Faults::default(),
            was_busy: false,
        }
    }

    /// Begins the span.
    pub fn open(&mut self) {
        let opened = self.proc.uptime(self.units.ticks_per_second).unwrap_or(0);
        self.machine = self.proc.machine();
        self.gateway.open(&self.proc, opened);
        let backend = self.backend.open(&self.proc, opened);
        self.peak = Peak::default();
        self.peak.see(&self.proc, self.units.page, &backend);
        self.switches = Switches::open(&self.proc, &backend);
        self.faults = Faults::open(&self.proc, &backend);
        self.forbid_sharing();
    }

    /// Looks at the processes: children that came and went, and how much memory there is in use.
    pub fn sample(&mut self) {
        self.gateway.see(&self.proc);
        let backend = self.backend.see(&self.proc);
        self.peak.see(&self.proc, self.units.page, &backend);
    }

    /// Ends the span.
    pub fn close(&mut self) -> Cost {
        self.sample();
        let mut caveats = Vec::new();
        let gateway = self.gateway.close(&self.proc, self.units, &mut caveats);
        let backend = self.backend.close(&self.proc, self.units, &mut caveats);
        let (rss_peak, pss_peak) = self.peak.of(&mut caveats);
        let forks = self.forks(&mut caveats);
        caveats.extend(self.was_busy.then_some(Caveat::NotIdle));
        caveats.extend(self.crowding());
        let by_process = || self.faults.since(&self.proc, &backend.processes);
        Cost {
            gateway_cpu: gateway.cpu,
            backend_cpu: backend.cpu,
            rss_peak,
            pss_peak,
            context_switches: self.switches.since(&self.proc, &backend.processes),
            page_faults: (backend.cpu).and_then(|_| backend.faults.or_else(by_process)),
            forks,
            caveats,
        }
    }

    /// Two sides that have a process in common cannot be told apart.
    fn forbid_sharing(&mut self) {
        let (Some(gateway), Some(backend)) = (&mut self.gateway.group, &mut self.backend.group)
        else {
            return;
        };
        let shared = gateway
            .pids()
            .find(|&pid| backend.pids().any(|other| other == pid));
        if let Some(pid) = shared {
            gateway.doubt(Doubt::Shared { pid });
            backend.doubt(Doubt::Shared { pid });
        }
    }

    fn forks(&self, caveats: &mut Vec<Caveat>) -> Option<u64> {
        let forks = self
            .proc
            .machine()?
            .forks
            .saturating_sub(self.machine?.forks);
        if forks > 0 {
            caveats.push(Caveat::ForksOfMachine);
        }
        Some(forks)
    }

    /// Load, gateway and backend on the same processors, and these mostly busy.
    fn crowding(&self) -> Option<Caveat> {
        const BUSY_PERCENT: u64 = 75;
        let (then, now) = (self.machine?, self.proc.machine()?);
        let all = now.all.checked_sub(then.all).filter(|&ticks| ticks > 0)?;
        let busy_percent = 100 * now.busy.saturating_sub(then.busy) / all;
        let own = self.proc.own_cpus();
        let taken = |cpu: &&u32| {
            let mut seats = [&self.gateway, &self.backend].into_iter();
            seats.any(|seat| seat.may_run_on(&self.proc, **cpu))
        };
        let cores = own.iter().filter(taken).count();
        (cores > 0 && busy_percent >= BUSY_PERCENT).then_some(Caveat::SameCores {
            cores,
            busy_percent,
        })
    }
}

#[cfg(test)]
mod tests;
