//! One side of a pairing: its processes, and the control group of a container.

use std::time::Duration;

use super::{
    Caveat, Doubt, Side, Units,
    cgroup::{Cgroup, Usage},
    cpu::Group,
    proc::{Proc, Process},
};
use crate::results::PageFaults;

/// One side: how to list its processes, and those that were seen.
pub(super) struct Seat<'a> {
    side: Side,
    pids: Box<dyn Fn() -> Vec<i32> + 'a>,
    pub(super) group: Option<Group>,
    /// The control group of a container, and its counters when the span began.
    contained: Option<(Cgroup, Usage)>,
}

/// What one side used in the span.
pub(super) struct Used {
    pub(super) cpu: Option<Duration>,
    /// Counted by a control group.
    pub(super) faults: Option<PageFaults>,
    /// The processes that were left.
    pub(super) processes: Vec<Process>,
}

impl<'a> Seat<'a> {
    pub(super) fn new(side: Side, pids: impl Fn() -> Vec<i32> + 'a) -> Self {
        Self {
            side,
            pids: Box::new(pids),
            group: None,
            contained: None,
        }
    }

    /// The processes listed now, and those seen before that still live.
    pub(super) fn processes(&self, proc: &Proc) -> Vec<Process> {
        let mut pids = (self.pids)();
        pids.extend(self.group.iter().flat_map(Group::pids));
        pids.sort_unstable();
        pids.dedup();
        pids.into_iter()
            .filter_map(|pid| proc.process(pid))
            .collect()
    }

    pub(super) fn open(&mut self, proc: &Proc, opened: u64) -> Vec<Process> {
        self.group = None;
        self.contained = None;
        if (self.pids)().is_empty() {
            return Vec::new();
        }
        let group = Cgroup::of(proc, &self.pids);
        self.contained = group.and_then(|group| group.usage().map(|usage| (group, usage)));
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

    pub(super) fn see(&mut self, proc: &Proc) -> Vec<Process> {
        let processes = self.processes(proc);
        if let Some(group) = &mut self.group {
            group.see(processes.clone());
        }
        processes
    }

    pub(super) fn close(&mut self, proc: &Proc, units: Units, caveats: &mut Vec<Caveat>) -> Used {
        let processes = self.processes(proc);
        if let Some(Usage { cpu, faults }) = self.used_by_container() {
            return Used {
                cpu: Some(cpu),
                faults,
                processes,
            };
        }
        Used {
            cpu: self.cpu_of(processes.clone(), units, caveats),
            faults: None,
            processes,
        }
    }

    /// `None` where there is no container, or not any more.
    fn used_by_container(&self) -> Option<Usage> {
        let (group, then) = self.contained.as_ref()?;
        group.usage()?.since(*then)
    }

    /// CPU time by the processes' own counters.
    fn cpu_of(
        &mut self,
        processes: Vec<Process>,
        units: Units,
        caveats: &mut Vec<Caveat>,
    ) -> Option<Duration> {
        /// Fewer ticks than this say little about a request.
        const COARSE: u64 = 20;
        let side = self.side;
        match self.group.as_mut()?.close(processes) {
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
        }
    }

    pub(super) fn may_run_on(&self, proc: &Proc, cpu: u32) -> bool {
        let mut pids = self.group.iter().flat_map(Group::pids);
        pids.any(|pid| {
            proc.status(pid)
                .is_some_and(|status| status.cpus.contains(&cpu))
        })
    }
}
