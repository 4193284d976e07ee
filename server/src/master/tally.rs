//! Request counts that all workers share.

#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// One counter per worker and one for all, in memory that forked processes share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Board {
    counters: &'static [AtomicU64],
}

impl Board {
    /// A board for `workers` workers; it lives as long as the process.
    pub(crate) fn new(workers: usize) -> io::Result<Self> {
        let count = workers + 1;
        let size = NonZeroUsize::new(count * size_of::<AtomicU64>()).unwrap_or(NonZeroUsize::MIN);
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh anonymous mapping at an address that the kernel chooses overlaps nothing.
        let memory = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_SHARED) }?;
        // SAFETY: the mapping is page-aligned, zeroed, `count` counters long and never unmapped;
        // zero is a valid counter, and every access to it, from any process, is atomic.
        let counters =
            unsafe { std::slice::from_raw_parts(memory.cast::<AtomicU64>().as_ptr(), count) };
        Ok(Self { counters })
    }

    /// The part of one worker, counted from 0.
    pub(crate) fn tally(self, worker: usize) -> Tally {
        Tally {
            all: &self.counters[0],
            own: &self.counters[worker + 1],
        }
    }
}

/// The counts that one worker keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    own: &'static AtomicU64,
    all: &'static AtomicU64,
}

impl Tally {
    /// Counts a request; returns how many this worker and all workers have served.
    pub(crate) fn count(self) -> (u64, u64) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed) + 1;
        (add(self.own), add(self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_counts_its_own_and_all() {
        let board = Board::new(2).unwrap();
        assert_eq!(board.tally(0).count(), (1, 1));
        assert_eq!(board.tally(1).count(), (1, 2));
        assert_eq!(board.tally(0).count(), (2, 3));
    }
}
