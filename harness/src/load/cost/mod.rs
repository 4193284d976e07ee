//! What the load cost: CPU time, memory, context switches and forks of gateway and backend.

mod cpu;
mod faults;
mod idle;
mod peak;
mod proc;
mod switches;

use std::{fmt, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

use self::{
    cpu::Group,
    faults::Faults,
    peak::Peak,
    proc::{Machine, Proc, Process},
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
    /// CPU time of the gateway's processes, children that they waited for included.
    pub gateway_cpu: Option<Duration>,
    /// CPU time of the backend's processes, children that they waited for included.
    pub backend_cpu: Option<Duration>,
    /// Highest sum of the backend's resident sets in bytes, sampled.
    pub rss_peak: Option<u64>,
    /// Highest sum of the backend's proportional sets in bytes, sampled.
    pub pss_peak: Option<u64>,
    /// Context switches of the backend's processes that lived to the end.
    pub context_switches: Option<u64>,
    /// Page faults of the backend's processes, children that they waited for included; told where
    /// its CPU time is.
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

/// One side: how to list its processes, and those that were seen.
struct Seat<'a> {
    side: Side,
    pids: Box<dyn Fn() -> Vec<i32> + 'a>,
    group: Option<Group>,
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
        let seat = |side, pids| Seat {
            side,
            pids,
            group: None,
        };
        Self {
            proc,
            gateway: seat(Side::Gateway, Box::new(gateway)),
            backend: seat(Side::Backend, Box::new(backend)),
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
        let (gateway_cpu, _) = self.gateway.close(&self.proc, self.units, &mut caveats);
        let (backend_cpu, backend) = self.backend.close(&self.proc, self.units, &mut caveats);
        let (rss_peak, pss_peak) = self.peak.of(&mut caveats);
        let forks = self.forks(&mut caveats);
        caveats.extend(self.was_busy.then_some(Caveat::NotIdle));
        caveats.extend(self.crowding());
        Cost {
            gateway_cpu,
            backend_cpu,
            rss_peak,
            pss_peak,
            context_switches: self.switches.since(&self.proc, &backend),
            page_faults: backend_cpu.and_then(|_| self.faults.since(&self.proc, &backend)),
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

impl Seat<'_> {
    /// The processes listed now, and those seen before that still live.
    fn processes(&self, proc: &Proc) -> Vec<Process> {
        let mut pids = (self.pids)();
        pids.extend(self.group.iter().flat_map(Group::pids));
        pids.sort_unstable();
        pids.dedup();
        pids.into_iter()
            .filter_map(|pid| proc.process(pid))
            .collect()
    }

    fn open(&mut self, proc: &Proc, opened: u64) -> Vec<Process> {
        self.group = None;
        if (self.pids)().is_empty() {
            return Vec::new();
        }
        let processes = self.processes(proc);
        let mut group = Group::open(processes.clone(), opened);
        if processes.is_empty() {
            group.doubt(Doubt::Unreadable);
        }
        for Process { pid, name, .. } in processes.iter().cloned() {
            if proc
                .status(pid)
                .is_some_and(|status| status.ignores_children)
            {
                group.doubt(Doubt::Unwaited { pid, name });
            }
        }
        self.group = Some(group);
        processes
    }

    fn see(&mut self, proc: &Proc) -> Vec<Process> {
        let processes = self.processes(proc);
        if let Some(group) = &mut self.group {
            group.see(processes.clone());
        }
        processes
    }

    fn close(
        &mut self,
        proc: &Proc,
        units: Units,
        caveats: &mut Vec<Caveat>,
    ) -> (Option<Duration>, Vec<Process>) {
        /// Fewer ticks than this say little about a request.
        const COARSE: u64 = 20;
        let (side, processes) = (self.side, self.processes(proc));
        let Some(group) = &mut self.group else {
            return (None, processes);
        };
        let cpu = match group.close(processes.clone()) {
            Ok(ticks) => {
                if ticks < COARSE {
                    caveats.push(Caveat::CoarseCpu { side, ticks });
                }
                Some(units.time(ticks))
            }
            Err(why) => {
                caveats.push(Caveat::CpuUnknown { side, why });
                None
            }
        };
        (cpu, processes)
    }

    fn may_run_on(&self, proc: &Proc, cpu: u32) -> bool {
        let mut pids = self.group.iter().flat_map(Group::pids);
        pids.any(|pid| {
            proc.status(pid)
                .is_some_and(|status| status.cpus.contains(&cpu))
        })
    }
}

#[cfg(test)]
mod tests;
