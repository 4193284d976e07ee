//! How often the log file has been opened anew, known to all processes.

#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// A count in memory that forked processes share, beside the one that this process has seen.
#[derive(Debug)]
pub(super) struct Generation {
    latest: &'static AtomicU64,
    seen: AtomicU64,
}

impl Generation {
    /// A count that is shared with every process forked from now on.
    pub(super) fn new() -> io::Result<Self> {
        let size = NonZeroUsize::new(size_of::<AtomicU64>()).unwrap_or(NonZeroUsize::MIN);
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh anonymous mapping at an address that the kernel chooses overlaps nothing.
        let memory = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_SHARED) }?;
        // SAFETY: the mapping is page-aligned, zeroed, larger than a counter and never unmapped; zero
        // is a valid counter, and every access to it, from any process, is atomic.
        let latest = unsafe { memory.cast::<AtomicU64>().as_ref() };
        Ok(Self {
            latest,
            seen: AtomicU64::new(0),
        })
    }

    /// Tells every other process that there is something new; this one has it already.
    pub(super) fn advance(&self) {
        let latest = self.latest.fetch_add(1, Ordering::AcqRel) + 1;
        self.seen.store(latest, Ordering::Release);
    }

    /// Whether there is something new to this process; of several threads that ask, one is told.
    pub(super) fn is_new(&self) -> bool {
        let (latest, seen) = (
            self.latest.load(Ordering::Acquire),
            self.seen.load(Ordering::Acquire),
        );
        latest != seen
            && self
                .seen
                .compare_exchange(seen, latest, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_news_once_and_not_to_their_bringer() {
        let mine = Generation::new().unwrap();
        let other = Generation {
            latest: mine.latest,
            seen: AtomicU64::new(0),
        };
        assert!(!other.is_new());
        mine.advance();
        mine.advance();
        assert!(!mine.is_new());
        assert!(other.is_new());
        assert!(!other.is_new());
    }
}
