//! What the machine does as a whole, from `/proc`.

use std::{fs, time::Duration, time::Instant};

use nix::unistd::{SysconfVar, sysconf};
use serde::Serialize;

/// The machine since the last look.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Machine {
    /// Cores.
    pub(super) cpus: usize,
    /// Percent of all cores that worked.
    pub(super) busy: Option<f64>,
    /// Percent that the hypervisor gave to others.
    pub(super) stolen: Option<f64>,
    /// Processes and threads that began, per second.
    pub(super) forks: Option<f64>,
}

/// Reads the machine's counters.
pub(super) struct Meter {
    last: Option<(Instant, Counters)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counters {
    total: u64,
    idle: u64,
    stolen: u64,
    forks: u64,
}

impl Meter {
    pub(super) fn open() -> Self {
        Self {
            last: counters().map(|now| (Instant::now(), now)),
        }
    }

    /// What happened since the last call.
    pub(super) fn read(&mut self) -> Machine {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let now = counters().map(|now| (Instant::now(), now));
        let before = std::mem::replace(&mut self.last, now);
        let (Some((then, before)), Some((now, after))) = (before, now) else {
            return Machine {
                cpus,
                ..Machine::default()
            };
        };
        let total = (after.total - before.total).max(1) as f64;
        let percent = |part: u64| Some(100.0 * part as f64 / total);
        let seconds = (now - then).as_secs_f64();
        Machine {
            cpus,
            busy: percent(
                after.total
                    - before.total
                    - (after.idle - before.idle).min(after.total - before.total),
            ),
            stolen: percent(after.stolen - before.stolen),
            forks: (seconds > 0.0).then(|| (after.forks - before.forks) as f64 / seconds),
        }
    }
}

fn counters() -> Option<Counters> {
    parse(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse(text: &str) -> Option<Counters> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let forks = text
        .lines()
        .find_map(|line| line.strip_prefix("processes "))?;
    Some(Counters {
        // Guest time is part of user time.
        total: times.iter().take(8).sum(),
        idle: times.get(3)? + times.get(4)?,
        stolen: times.get(7).copied().unwrap_or(0),
        forks: forks.trim().parse().ok()?,
    })
}

/// CPU time of a process so far, and of the children that it has waited for.
pub(super) fn cpu_time(pid: i32) -> Option<Duration> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let per_second = match sysconf(SysconfVar::CLK_TCK) {
        Ok(Some(ticks)) => ticks.unsigned_abs(),
        _ => 100,
    };
    Some(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// Proportional set size in bytes.
pub(super) fn pss(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_time_is_not_counted_twice() {
        let text = "cpu  10 0 5 80 2 0 0 3 7 0\ncpu0 1 2 3 4\nprocesses 4711\n";
        let expected = Counters {
            total: 100,
            idle: 82,
            stolen: 3,
            forks: 4711,
        };
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn this_process_has_used_some_time_or_none() {
        assert!(cpu_time(std::process::id().cast_signed()).is_some());
        assert_eq!(cpu_time(-1), None);
    }
}
