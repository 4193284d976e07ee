//! How much memory a process takes, and whether that is too much.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::options::MemoryLimits;

/// Where the kernel tells, in pages (`proc(5)`).
const OWN: &str = "/proc/self/statm";

/// The memory of a process in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The address space.
    pub(crate) vsz: u64,
    /// What of it is in memory.
    pub(crate) rss: u64,
}

impl Usage {
    /// Of another process, if it lives.
    pub(crate) fn of(process: Pid) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
        Self::parse(&text, page_size())
    }

    fn parse(text: &str, page: u64) -> Option<Self> {
        let mut pages = text.split_ascii_whitespace().map(str::parse::<u64>);
        Some(Self {
            vsz: pages.next()?.ok()? * page,
            rss: pages.next()?.ok()? * page,
        })
    }

    /// The limit that is reached, in uWSGI's words; `prefix` begins the option's name.
    pub(crate) fn beyond(self, limits: MemoryLimits) -> Option<Excess> {
        let reached = |is: u64, limit: Option<u64>, what| {
            let limit = limit.filter(|&limit| is >= limit)?;
            Some(Excess { what, is, limit })
        };
        reached(self.vsz, limits.address_space, Part::AddressSpace)
            .or_else(|| reached(self.rss, limits.resident, Part::Resident))
    }
}

/// A limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) what: Part,
    /// Bytes.
    pub(crate) is: u64,
    /// Bytes.
    pub(crate) limit: u64,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    AddressSpace,
    Resident,
}

impl Excess {
    /// Why a worker ends, in uWSGI's words.
    pub(crate) fn reason(self) -> String {
        let option = match self.what {
            Part::AddressSpace => "reload-on-as",
            Part::Resident => "reload-on-rss",
        };
        format!("{option} limit reached ({} >= {})", self.is, self.limit)
    }

    /// uWSGI's line on a worker that is killed; `worker` counts from 1.
    pub(crate) fn evil(self, worker: usize, pid: Pid) -> String {
        let what = match self.what {
            Part::AddressSpace => "ADDRESS SPACE",
            Part::Resident => "RSS",
        };
        let is = self.is;
        format!("*** EVIL RELOAD ON WORKER {worker} {what}: {is} (pid: {pid}) ***")
    }
}

/// Measures this process again and again, with a single system call each time.
#[derive(Debug)]
pub(crate) struct Meter {
    file: File,
    page: u64,
}

impl Meter {
    /// For the calling process; to be made after the fork.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            file: File::open(OWN)?,
            page: page_size(),
        })
    }

    /// The process's memory now.
    pub(crate) fn read(&self) -> Option<Usage> {
        let mut text = [0; 128];
        let length = self.file.read_at(&mut text, 0).ok()?;
        Usage::parse(std::str::from_utf8(&text[..length]).ok()?, self.page)
    }
}

fn page_size() -> u64 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok())
        .unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read_in_pages() {
        let usage = Usage::parse("250 100 30 1 0 50 0\n", 4096).unwrap();
        assert_eq!((usage.vsz, usage.rss), (1_024_000, 409_600));
        assert_eq!(Usage::parse("", 4096), None);
    }

    #[test]
    fn a_process_sees_its_own_memory_grow() {
        let meter = Meter::new().unwrap();
        let before = meter.read().unwrap();
        let much = vec![1_u8; 64 * 1024 * 1024];
        let after = meter.read().unwrap();
        assert!(
            after.rss >= before.rss + 32 * 1024 * 1024,
            "{} bytes",
            much.len()
        );
        let from_outside = Usage::of(Pid::this()).unwrap();
        assert!(from_outside.vsz >= after.rss);
    }

    #[test]
    fn a_limit_is_reached_by_as_much_as_it_is() {
        let limits = MemoryLimits {
            address_space: None,
            resident: Some(100),
        };
        let usage = |rss| Usage { vsz: 1000, rss };
        assert_eq!(usage(99).beyond(limits), None);
        let excess = usage(100).beyond(limits).unwrap();
        assert_eq!(excess.reason(), "reload-on-rss limit reached (100 >= 100)");
        assert_eq!(
            excess.evil(2, Pid::from_raw(7)),
            "*** EVIL RELOAD ON WORKER 2 RSS: 100 (pid: 7) ***"
        );
        assert_eq!(usage(1).beyond(MemoryLimits::default()), None);
    }
}
