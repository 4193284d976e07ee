//! Memory that forked processes share.

#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

use super::core::CoreRecord;
use super::worker::WorkerRecord;
use super::{Global, MAX_ALIGN};

/// What may lie in shared memory.
///
/// # Safety
/// The type consists of atomics alone, for which zero is a valid value, and needs no more than
/// [`MAX_ALIGN`] of alignment.
unsafe trait Shareable {}

// SAFETY: atomics alone.
unsafe impl Shareable for Global {}
// SAFETY: atomics alone.
unsafe impl Shareable for WorkerRecord {}
// SAFETY: atomics alone.
unsafe impl Shareable for CoreRecord {}

/// The records of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records {
    pub(super) global: &'static Global,
    pub(super) workers: &'static [WorkerRecord],
    /// Those of the first worker, then those of the second …
    pub(super) cores: &'static [CoreRecord],
}

/// One mapping with room for all records, zeroed; it lives as long as the process.
pub(super) fn map(workers: usize, cores: usize) -> io::Result<Records> {
    let size =
        room_for::<Global>(1) + room_for::<WorkerRecord>(workers) + room_for::<CoreRecord>(cores);
    let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh anonymous mapping at an address that the kernel chooses overlaps nothing.
    let memory = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_SHARED) }?;
    let mut next = memory.cast::<u8>().as_ptr();
    // SAFETY: the three slices lie one behind the other in the mapping just made, whose size is
    // the sum of theirs.
    unsafe {
        Ok(Records {
            global: &take::<Global>(&mut next, 1)[0],
            workers: take(&mut next, workers),
            cores: take(&mut next, cores),
        })
    }
}

/// The bytes that `count` records take, up to where the next ones may begin.
const fn room_for<T: Shareable>(count: usize) -> usize {
    (size_of::<T>() * count).next_multiple_of(MAX_ALIGN)
}

/// The next `count` records.
///
/// # Safety
/// `next` is aligned to [`MAX_ALIGN`], [`room_for`] so many bytes follow in a zeroed mapping, and
/// that is never unmapped.
unsafe fn take<T: Shareable>(next: &mut *mut u8, count: usize) -> &'static [T] {
    let begin = next.cast::<T>();
    // SAFETY: the caller's word; zero is a valid `T`, and every access to one, from any process,
    // is atomic.
    unsafe {
        *next = next.add(room_for::<T>(count));
        std::slice::from_raw_parts(begin, count)
    }
}
