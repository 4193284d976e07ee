//! The process groups of a worker's CGI programs, so that the master can end them when the worker
//! was killed and could not.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Groups that are kept track of for each worker's place; the leaders of more than these still end
/// with their worker, since the kernel kills them.
const MOST: usize = 128;

/// In each place: the worker's process id in the upper half, the group in the lower one; or 0.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Groups([AtomicU64; MOST]);

impl Groups {
    /// Keeps track of a group of the calling process.
    pub(crate) fn enter(&self, group: u32) {
        let entry = entry(std::process::id(), group);
        let free = |place: &&AtomicU64| place.compare_exchange(0, entry, Relaxed, Relaxed).is_ok();
        // With none free the group is not kept track of.
        let _ = self.0.iter().find(free);
    }

    /// Forgets a group of the calling process: from now on its number may be anybody's.
    pub(crate) fn leave(&self, group: u32) {
        let entry = entry(std::process::id(), group);
        let own = |place: &&AtomicU64| place.compare_exchange(entry, 0, Relaxed, Relaxed).is_ok();
        let _ = self.0.iter().find(own);
    }

    /// The groups that a process, which has ended, has left; they are forgotten.
    pub(crate) fn take(&self, worker: u32) -> impl Iterator<Item = u32> {
        self.0.iter().filter_map(move |place| {
            let entry = place.load(Relaxed);
            let is_its = entry != 0 && entry >> 32 == u64::from(worker);
            let taken = is_its && place.compare_exchange(entry, 0, Relaxed, Relaxed).is_ok();
            taken.then_some((entry & u64::from(u32::MAX)) as u32)
        })
    }
}

fn entry(worker: u32, group: u32) -> u64 {
    u64::from(worker) << 32 | u64::from(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_leaves_is_taken_once() {
        let groups = Groups([const { AtomicU64::new(0) }; MOST]);
        for group in 1..=3 {
            groups.enter(group);
        }
        groups.leave(2);
        assert_eq!(groups.take(1).count(), 0, "of another process");
        let own = std::process::id();
        assert_eq!(groups.take(own).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(groups.take(own).count(), 0);
    }

    #[test]
    fn more_than_there_is_room_for_does_no_harm() {
        let groups = Groups([const { AtomicU64::new(0) }; MOST]);
        for group in 1..=200 {
            groups.enter(group);
        }
        assert_eq!(groups.take(std::process::id()).count(), MOST);
    }
}
