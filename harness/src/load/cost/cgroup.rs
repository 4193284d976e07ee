//! What the kernel counts for a control group (cgroups(7)): of a container, every process that ever
//! was in it, also those that ended and were reaped by nobody whom we watch.
//!
//! Memory is not taken from here: `memory.peak` (v2) and `memory.max_usage_in_bytes` (v1) charge a
//! group for the page cache that it filled first, and count from its creation.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::proc::Proc;
use crate::results::PageFaults;

/// A control group that holds the processes of one side and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup {
    cpu: Clock,
    /// `memory.stat`, with the names of its two lines; a version 1 tree has it in another hierarchy.
    faults: Option<(PathBuf, [&'static str; 2])>,
    procs: PathBuf,
}

/// Where the CPU time is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Clock {
    /// `cpuacct.usage` of version 1: nanoseconds.
    Nanoseconds(PathBuf),
    /// `usage_usec` in `cpu.stat` of version 2.
    Microseconds(PathBuf),
}

/// The counters at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    pub(super) faults: Option<PageFaults>,
}

impl Usage {
    /// What was used since `then`.
    pub(super) fn since(self, then: Self) -> Option<Self> {
        let faults = self.faults.zip(then.faults).and_then(|(now, then)| {
            Some(PageFaults {
                minor: now.minor.checked_sub(then.minor)?,
                major: now.major.checked_sub(then.major)?,
            })
        });
        Some(Self {
            cpu: self.cpu.checked_sub(then.cpu)?,
            faults,
        })
    }
}

impl Cgroup {
    /// The group of a side whose processes `list` tells, or `None` where they are in none of their
    /// own, as processes of the bench are, or where this machine does not show it.
    pub(super) fn of(proc: &Proc, list: &dyn Fn() -> Vec<i32>) -> Option<Self> {
        let group = Self::around(proc, *list().first()?)?;
        // In this order: what began in between is in the second list, what ended is not in /proc.
        let held = group.pids()?;
        let listed = list();
        let is_foreign = |pid: &i32| !listed.contains(pid) && proc.process(*pid).is_some();
        let is_astray = |pid: &i32| {
            proc.process(*pid).is_some() && Self::around(proc, *pid).as_ref() != Some(&group)
        };
        (!held.iter().any(is_foreign) && !listed.iter().any(is_astray)).then_some(group)
    }

    /// The group of one process, where it is not the root of its tree.
    fn around(proc: &Proc, pid: i32) -> Option<Self> {
        let (own, mounts) = (proc.cgroup(pid)?, proc.mounts()?);
        let first = || {
            let at = folder(&own, &mounts, Tree::Controller("cpuacct"))?;
            let memory = folder(&own, &mounts, Tree::Controller("memory"));
            Some(Self {
                cpu: Clock::Nanoseconds(at.join("cpuacct.usage")),
                faults: memory.map(|at| {
                    (
                        at.join("memory.stat"),
                        ["total_pgfault", "total_pgmajfault"],
                    )
                }),
                procs: at.join("cgroup.procs"),
            })
        };
        let second = || {
            let at = folder(&own, &mounts, Tree::Unified)?;
            Some(Self {
                cpu: Clock::Microseconds(at.join("cpu.stat")),
                faults: Some((at.join("memory.stat"), ["pgfault", "pgmajfault"])),
                procs: at.join("cgroup.procs"),
            })
        };
        first().or_else(second)
    }

    fn pids(&self) -> Option<Vec<i32>> {
        let text = fs::read_to_string(&self.procs).ok()?;
        text.lines().map(|pid| pid.trim().parse().ok()).collect()
    }

    /// The counters now; `None` once the group is gone.
    pub(super) fn usage(&self) -> Option<Usage> {
        let faults = self.faults.as_ref().and_then(|(path, [all, major])| {
            let (all, major) = (line(path, all)?, line(path, major)?);
            Some(PageFaults {
                minor: all.checked_sub(major)?,
                major,
            })
        });
        let cpu = match &self.cpu {
            Clock::Nanoseconds(path) => {
                let text = fs::read_to_string(path).ok()?;
                Duration::from_nanos(text.trim().parse().ok()?)
            }
            Clock::Microseconds(path) => Duration::from_micros(line(path, "usage_usec")?),
        };
        Some(Usage { cpu, faults })
    }
}

/// The number behind a name in a file of such lines.
fn line(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, number) = lines.find(|(first, _)| *first == name)?;
    number.trim().parse().ok()
}

/// One of the trees that a process has a place in.
#[derive(Clone, Copy)]
enum Tree {
    /// The hierarchy of a version 1 controller.
    Controller(&'static str),
    /// The one of version 2.
    Unified,
}

/// The folder of a process's group. `own` is its `/proc/PID/cgroup`, `mounts` our
/// `/proc/self/mountinfo`; a tree that is mounted in part shows other paths and is left alone.
fn folder(own: &str, mounts: &str, tree: Tree) -> Option<PathBuf> {
    let place = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_it = match tree {
            Tree::Controller(name) => controllers.split(',').any(|one| one == name),
            Tree::Unified => controllers.is_empty(),
        };
        is_it.then_some(path)
    })?;
    let inside = place.strip_prefix('/')?;
    if inside.is_empty() || inside.split('/').any(|part| part == "..") {
        return None;
    }
    let mount = mounts.lines().find_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let (root, point) = (front.next()?, front.next()?);
        let mut back = back.split(' ');
        let (kind, options) = (back.next()?, back.nth(1)?);
        let is_it = match tree {
            Tree::Controller(name) => {
                kind == "cgroup" && options.split(',').any(|option| option == name)
            }
            Tree::Unified => kind == "cgroup2",
        };
        (is_it && root == "/").then_some(point)
    })?;
    Some(Path::new(mount).join(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_tree_of_version_1_is_found_by_its_controller() {
        let own = "5:cpu,cpuacct:/docker/f00\n0::/system.slice/docker.service\n";
        let at = folder(own, HYBRID, Tree::Controller("cpuacct"));
        assert_eq!(at, Some("/sys/fs/cgroup/cpu,cpuacct/docker/f00".into()));
        assert_eq!(folder(own, HYBRID, Tree::Controller("memory")), None);
    }

    #[test]
    fn the_tree_of_version_2_has_no_controller_named() {
        let own = "5:cpu,cpuacct:/\n0::/docker/f00\n";
        let at = folder(own, HYBRID, Tree::Unified);
        assert_eq!(at, Some("/sys/fs/cgroup/unified/docker/f00".into()));
    }

    #[test]
    fn the_root_of_a_tree_is_nobodys_own() {
        assert_eq!(folder("0::/\n", HYBRID, Tree::Unified), None);
    }

    #[test]
    fn a_group_outside_of_what_we_see_is_left_alone() {
        assert_eq!(folder("0::/../f00\n", HYBRID, Tree::Unified), None);
        let part = HYBRID.replace("0:38 / ", "0:38 /docker ");
        assert_eq!(folder("0::/docker/f00\n", &part, Tree::Unified), None);
    }
}
