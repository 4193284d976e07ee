//! CPU time of a set of processes that come and go.
//!
//! A process's `stat` counts its own time and that of the children it waited for, so the sum over
//! the living stays whole when one of them reaps another. Time gets out of sight where a process
//! is reaped by somebody outside the set, or by the kernel: then there is no figure, only a doubt.

use std::collections::{HashMap, HashSet};

use super::proc::Process;

/// Why CPU time cannot be attributed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Doubt {
    #[error("process {pid} ({name}) ended and its time went to a parent outside the set")]
    Lost { pid: i32, name: String },
    #[error("process {pid} ({name}) joined the set while it was already running")]
    Joined { pid: i32, name: String },
    #[error(
        "process {pid} ({name}) ignores SIGCHLD, so the kernel drops the times of its children"
    )]
    Unwaited { pid: i32, name: String },
    #[error("gateway and backend have process {pid} in common")]
    Shared { pid: i32 },
    #[error("none of its processes can be read in /proc")]
    Unreadable,
}

/// A process for good: pids are used again, the time of the start is not.
type Key = (i32, u64);

/// The set, as it was seen last.
#[derive(Debug)]
pub(super) struct Group {
    living: HashMap<Key, Process>,
    /// Every pid that was ever in the set: time that one of these reaps is not lost.
    ever: HashSet<i32>,
    /// Ticks that were spent before the span began.
    before: u64,
    /// When the span began, in ticks after boot.
    opened: u64,
    doubt: Option<Doubt>,
}

impl Group {
    /// Begins a span at `opened` ticks after boot, with the processes that there are.
    pub(super) fn open(processes: Vec<Process>, opened: u64) -> Self {
        Self {
            before: processes.iter().map(|process| process.ticks).sum(),
            ever: processes.iter().map(|process| process.pid).collect(),
            living: keyed(processes),
            opened,
            doubt: None,
        }
    }

    /// The processes that lived when last seen.
    pub(super) fn pids(&self) -> impl Iterator<Item = i32> {
        self.living.keys().map(|&(pid, _)| pid)
    }

    /// Takes note of something that spoils the figure.
    pub(super) fn doubt(&mut self, doubt: Doubt) {
        self.doubt.get_or_insert(doubt);
    }

    /// Takes all processes of one sample: those that are new start from nothing, and the time of
    /// those that are gone must be with a parent of the set.
    pub(super) fn see(&mut self, processes: Vec<Process>) {
        let seen = keyed(processes);
        self.ever.extend(seen.keys().map(|&(pid, _)| pid));
        if let Some(doubt) = self.joined(&seen).or_else(|| self.lost(&seen)) {
            self.doubt(doubt);
        }
        self.living = seen;
    }

    /// Ends the span with the processes that are left; gives the ticks spent in it.
    pub(super) fn close(&mut self, processes: Vec<Process>) -> Result<u64, Doubt> {
        self.see(processes);
        match &self.doubt {
            Some(doubt) => Err(doubt.clone()),
            None => {
                let now: u64 = self.living.values().map(|process| process.ticks).sum();
                Ok(now.saturating_sub(self.before))
            }
        }
    }

    /// A new member that is older than the span: nobody knows what it used before.
    fn joined(&self, seen: &HashMap<Key, Process>) -> Option<Doubt> {
        // `stat` rounds the start down to a tick, so one that is just older may be new.
        let is_old = |process: &Process| process.started + 1 < self.opened;
        let mut new = seen
            .iter()
            .filter(|(key, _)| !self.living.contains_key(key));
        let (_, old) = new.find(|(_, process)| is_old(process))?;
        Some(Doubt::Joined {
            pid: old.pid,
            name: old.name.clone(),
        })
    }

    /// A member that is gone and whose parent was never one of us.
    fn lost(&self, seen: &HashMap<Key, Process>) -> Option<Doubt> {
        let mut gone = self
            .living
            .iter()
            .filter(|(key, _)| !seen.contains_key(key));
        let (_, orphan) = gone.find(|(_, process)| !self.ever.contains(&process.parent))?;
        Some(Doubt::Lost {
            pid: orphan.pid,
            name: orphan.name.clone(),
        })
    }
}

fn keyed(processes: Vec<Process>) -> HashMap<Key, Process> {
    processes
        .into_iter()
        .map(|process| ((process.pid, process.started), process))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: u64 = 1000;

    /// A process that started before the span, child of the bench (pid 1) unless told otherwise.
    fn process(pid: i32, parent: i32, ticks: u64) -> Process {
        Process {
            pid,
            started: 500,
            parent,
            name: format!("p{pid}"),
            ticks,
        }
    }

    fn young(pid: i32, parent: i32, ticks: u64) -> Process {
        Process {
            started: OPENED + 10,
            ..process(pid, parent, ticks)
        }
    }

    #[test]
    fn only_what_was_spent_in_the_span_counts() {
        let mut group = Group::open(vec![process(10, 1, 300), process(11, 10, 50)], OPENED);
        let spent = group.close(vec![process(10, 1, 310), process(11, 10, 90)]);
        assert_eq!(spent, Ok(50));
    }

    #[test]
    fn a_child_that_is_born_reaped_and_never_seen_counts_with_its_parent() {
        let mut group = Group::open(vec![process(10, 1, 300)], OPENED);
        assert_eq!(group.close(vec![process(10, 1, 700)]), Ok(400));
    }

    #[test]
    fn a_child_that_dies_is_not_counted_twice() {
        let mut group = Group::open(vec![process(10, 1, 0), process(11, 10, 80)], OPENED);
        group.see(vec![process(10, 1, 0), process(11, 10, 95)]);
        // Reaped with 100 ticks: 80 of them are from before.
        assert_eq!(group.close(vec![process(10, 1, 100)]), Ok(20));
    }

    #[test]
    fn a_new_worker_counts_from_nothing() {
        let mut group = Group::open(vec![process(10, 1, 5)], OPENED);
        group.see(vec![process(10, 1, 5), young(12, 10, 3)]);
        let spent = group.close(vec![process(10, 1, 5), young(12, 10, 30)]);
        assert_eq!(spent, Ok(30));
    }

    #[test]
    fn a_pid_used_again_is_another_process() {
        let mut group = Group::open(vec![process(10, 1, 5), process(11, 10, 70)], OPENED);
        let spent = group.close(vec![process(10, 1, 5 + 70), young(11, 10, 8)]);
        assert_eq!(spent, Ok(8));
    }

    #[test]
    fn time_reaped_by_a_stranger_is_no_figure() {
        let mut group = Group::open(vec![process(10, 1, 5), process(11, 1, 70)], OPENED);
        let spent = group.close(vec![process(10, 1, 9)]);
        let name = "p11".to_owned();
        assert_eq!(spent, Err(Doubt::Lost { pid: 11, name }));
    }

    #[test]
    fn a_family_that_dies_out_counts_with_its_eldest() {
        let mut group = Group::open(vec![process(10, 1, 0)], OPENED);
        group.see(vec![process(10, 1, 0), young(11, 10, 4), young(12, 11, 6)]);
        group.see(vec![process(10, 1, 0), young(11, 10, 12)]);
        assert_eq!(group.close(vec![process(10, 1, 13)]), Ok(13));
    }

    #[test]
    fn time_of_an_orphan_is_no_figure() {
        let mut group = Group::open(vec![process(10, 1, 5)], OPENED);
        // Forked twice: its first parent is gone and init has it.
        group.see(vec![process(10, 1, 5), young(13, 1, 2)]);
        assert!(matches!(
            group.close(vec![process(10, 1, 9)]),
            Err(Doubt::Lost { pid: 13, .. })
        ));
    }

    #[test]
    fn an_old_process_that_joins_late_is_no_figure() {
        let mut group = Group::open(vec![process(10, 1, 5)], OPENED);
        group.see(vec![process(10, 1, 5), process(14, 10, 400)]);
        assert!(matches!(
            group.close(vec![process(10, 1, 5), process(14, 10, 500)]),
            Err(Doubt::Joined { pid: 14, .. })
        ));
    }
}
