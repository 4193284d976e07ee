//! What the master looks at now and then in workers that run: requests whose own watch does not end
//! them, and memory.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scoreboard::{CoreSlot, Status, WorkerSlot};
use super::supervise::Master;
use crate::clock;
use crate::harakiri::{self, Report, Suspect};
use crate::log;
use crate::memory::Usage;
use crate::options::Settings;

/// How much longer than its worker's own watch the master waits for a request. Only a worker that
/// was stopped as a whole lets it come to that.
const GRACE: Duration = Duration::from_secs(2);

/// Whether workers have to be looked at.
pub(super) fn is_needed(settings: &Settings) -> bool {
    settings.harakiri.limit.is_some() || limits_memory(settings)
}

fn limits_memory(settings: &Settings) -> bool {
    settings.memory.evil.exist() || settings.memory.reload.exist()
}

impl Master<'_, '_> {
    /// Looks at all workers; called every second.
    pub(super) fn inspect(&mut self, now: Instant) {
        let now_us = clock::monotonic_us();
        for worker in self.board.workers() {
            self.end_overdue(worker, now_us);
        }
        if limits_memory(self.settings) && self.next_weighing <= now {
            self.next_weighing = now + self.settings.memory.interval;
            for worker in self.board.workers() {
                self.weigh(worker);
            }
        }
    }

    /// Kills a worker whose watch has not done so.
    fn end_overdue(&self, worker: WorkerSlot, now_us: u64) {
        let overdue = |core: &CoreSlot| is_overdue(core.deadline(), now_us);
        let (Some(pid), Some(core)) = (worker.pid(), worker.cores().find(overdue)) else {
            return;
        };
        let verbose = self.settings.harakiri.verbose;
        let thread = core.thread().filter(|_| verbose);
        let busy = worker.cores().filter(|core| core.running() > 0);
        let report = Report {
            worker: worker.number() + 1,
            pid,
            attempt: 1,
            graceful: false,
            core: core.number(),
            requests: busy.map(|core| (core.number(), suspect(core))).collect(),
            doing: thread.map_or_else(Vec::new, |thread| harakiri::lines(pid, thread)),
        };
        report.tell();
        core.set_deadline(0);
        worker.count_harakiri();
        // It may have ended by itself, which the next wait tells.
        let _ = kill(pid, Signal::SIGKILL);
    }

    /// Measures a worker and ends it if it has grown too large.
    fn weigh(&mut self, worker: WorkerSlot) {
        let Some((pid, usage)) = worker.pid().and_then(measured) else {
            return;
        };
        worker.set_memory(usage.rss, usage.vsz);
        let memory = self.settings.memory;
        if let Some(excess) = usage.beyond(memory.evil) {
            log::tell(&excess.evil(worker.number() + 1, pid));
            let _ = kill(pid, Signal::SIGKILL);
        } else if let Some(excess) = usage.beyond(memory.reload)
            && worker.status() == Status::Idle
            && self.is_grown_up(worker)
        {
            // One that is busy looks for itself when its request is over.
            let (number, reason) = (worker.number() + 1, excess.reason());
            log::tell(&format!("worker {number} (pid: {pid}) is idle: {reason}"));
            self.curse(worker.number(), Signal::SIGHUP);
        }
    }

    fn is_grown_up(&self, worker: WorkerSlot) -> bool {
        let age = clock::unix().saturating_sub(worker.facts().started_at);
        age >= self.settings.recycle.min_lifetime.as_secs()
    }
}

fn measured(pid: Pid) -> Option<(Pid, Usage)> {
    Some((pid, Usage::of(pid)?))
}

fn suspect(core: CoreSlot) -> Suspect {
    let current = core.current();
    Suspect {
        since: current.began_at,
        remote_addr: current.remote_addr.into(),
        method: current.method.into(),
        uri: current.uri.into(),
    }
}

/// Whether a deadline lies so far back that nobody else will see to it.
fn is_overdue(deadline_us: Option<u64>, now_us: u64) -> bool {
    let grace = GRACE.as_micros() as u64;
    deadline_us.is_some_and(|deadline| deadline + grace <= now_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_steps_in_only_where_the_workers_own_watch_should_have_long_ago() {
        let second = 1_000_000;
        assert!(!is_overdue(None, 100 * second));
        assert!(!is_overdue(Some(10 * second), 11 * second));
        assert!(is_overdue(Some(10 * second), 12 * second));
    }
}
