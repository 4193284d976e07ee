//! Bounds that the kernel keeps: resources, priority, processors, permissions of new files.

#![allow(unsafe_code)]

use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;

use crate::log;
use crate::options::ProcessLimits;

/// Sets the mask of new files' permissions.
pub(crate) fn mask_files(mask: Option<u32>) {
    if let Some(mask) = mask {
        umask(Mode::from_bits_truncate(mask));
    }
}

/// Sets what holds for the master and all that it forks. What the kernel refuses is told and left
/// as it was, as in uWSGI.
pub(crate) fn set(limits: &ProcessLimits) {
    if let Some(count) = limits.processes {
        log::tell(&format!("limiting number of processes to {count}..."));
        bound("limit-nproc", Resource::RLIMIT_NPROC, count);
    }
    if let Some(bytes) = limits.address_space {
        log::tell("limiting address space of processes...");
        bound("limit-as", Resource::RLIMIT_AS, bytes);
        if let Ok((_, most)) = getrlimit(Resource::RLIMIT_AS) {
            let megabytes = most / 1024 / 1024;
            log::tell(&format!(
                "your process address space limit is {most} bytes ({megabytes} MB)"
            ));
        }
    }
    if let Some(count) = limits.open_files {
        bound("max-fd", Resource::RLIMIT_NOFILE, count);
        if let Ok((now, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            log::tell(&format!("detected max file descriptor number: {now}"));
        }
    }
    if limits.priority != 0 {
        match set_priority(limits.priority) {
            Ok(()) => log::tell(&format!("scheduler priority set to {}", limits.priority)),
            Err(error) => refused("prio", &error),
        }
    }
}

fn bound(option: &str, resource: Resource, limit: u64) {
    if let Err(error) = setrlimit(resource, limit, limit) {
        refused(option, &error.into());
    }
}

fn refused(option: &str, error: &io::Error) {
    log::tell(&format!("{option} cannot be set: {error}"));
}

fn set_priority(priority: i32) -> io::Result<()> {
    // SAFETY: the call takes numbers only; 0 is the calling process.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, priority) };
    Ok(Errno::result(result).map(drop)?)
}

/// Ties the calling process to `share` processors, as the worker of that number (from 1).
pub(crate) fn tie_to_processors(worker: usize, share: u32) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let chosen = processors(worker, share as usize, all);
    if chosen.is_empty() {
        return;
    }
    let names: Vec<_> = chosen.iter().map(usize::to_string).collect();
    log::tell(&format!(
        "mapping worker {worker} to CPUs: {}",
        names.join(" ")
    ));
    let mut set = CpuSet::new();
    // Processors beyond what the set can hold do not exist.
    let in_set = chosen.iter().try_for_each(|&number| set.set(number));
    if let Err(error) = in_set.and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)) {
        refused("cpu-affinity", &error.into());
    }
}

/// uWSGI's way of dealing processors out: `share` each, beginning anew when all are used.
fn processors(worker: usize, share: usize, all: usize) -> Vec<usize> {
    let first = (worker - 1) * share % all;
    let dealt = (first..first + share).map(|number| number % all);
    let mut dealt: Vec<_> = dealt.take(all).collect();
    dealt.sort_unstable();
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_dealt_out_in_turn() {
        assert_eq!(processors(1, 1, 2), [0]);
        assert_eq!(processors(2, 1, 2), [1]);
        assert_eq!(processors(3, 1, 2), [0]);
        assert_eq!(processors(2, 2, 3), [0, 2]);
        assert_eq!(processors(1, 5, 2), [0, 1]);
    }

    #[test]
    fn without_a_share_no_processor_is_chosen() {
        assert!(processors(4, 0, 2).is_empty());
    }
}
