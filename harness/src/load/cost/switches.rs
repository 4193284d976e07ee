//! Context switches of a set of processes, thread by thread.

use std::collections::HashMap;

use super::proc::{Proc, Process};

/// A thread for good: its process with the time of its start, and its own id.
type Key = (i32, u64, i32);

/// The counters at the beginning of a span.
#[derive(Debug, Default)]
pub(super) struct Switches(HashMap<Key, u64>);

impl Switches {
    pub(super) fn open(proc: &Proc, processes: &[Process]) -> Self {
        Self(counters(proc, processes))
    }

    /// Switches since then of the threads that still live; `None` where there is none.
    pub(super) fn since(&self, proc: &Proc, processes: &[Process]) -> Option<u64> {
        self.grown(counters(proc, processes))
    }

    /// Threads that are new count from nothing.
    fn grown(&self, now: HashMap<Key, u64>) -> Option<u64> {
        if now.is_empty() {
            return None;
        }
        let grown =
            |(key, count): (Key, u64)| count.saturating_sub(*self.0.get(&key).unwrap_or(&0));
        Some(now.into_iter().map(grown).sum())
    }
}

fn counters(proc: &Proc, processes: &[Process]) -> HashMap<Key, u64> {
    let of_process = |process: &Process| {
        let (pid, started) = (process.pid, process.started);
        let threads = proc.switches(pid).into_iter();
        threads.map(move |(thread, count)| ((pid, started, thread), count))
    };
    processes.iter().flat_map(of_process).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_threads_count_since_the_beginning_and_new_ones_from_nothing() {
        let before = Switches(HashMap::from([((10, 5, 10), 100), ((11, 5, 11), 900)]));
        let now = HashMap::from([((10, 5, 10), 130), ((10, 5, 12), 7), ((11, 9, 11), 2)]);
        assert_eq!(before.grown(now), Some(30 + 7 + 2));
    }

    #[test]
    fn no_living_thread_is_no_figure() {
        assert_eq!(Switches::default().grown(HashMap::new()), None);
    }
}
