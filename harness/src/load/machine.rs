//! What a virtual machine is told of the processor time that it did not get.

use std::fs;

/// Ticks that the host took from this machine, and all ticks, up to some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stolen {
    stolen: u64,
    all: u64,
}

impl Stolen {
    /// Up to now; `None` where the kernel does not tell.
    pub(super) fn so_far() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal
    /// (proc(5)); guest time, which follows, is in user time already.
    fn parse(stat: &str) -> Option<Self> {
        let mut words = stat.lines().next()?.split_ascii_whitespace();
        if words.next() != Some("cpu") {
            return None;
        }
        let ticks: Vec<u64> = words.map_while(|word| word.parse().ok()).take(8).collect();
        Some(Self {
            stolen: *ticks.get(7)?,
            all: ticks.iter().sum(),
        })
    }

    /// The share that was taken since, from 0 to 1.
    pub(super) fn share(self) -> Option<f64> {
        self.share_until(Self::so_far()?)
    }

    fn share_until(self, now: Self) -> Option<f64> {
        let all = now.all.checked_sub(self.all).filter(|&ticks| ticks > 0)?;
        let stolen = now.stolen.checked_sub(self.stolen)?;
        Some(stolen as f64 / all as f64)
    }
}

/// Whether the processors raise their clock while few of them are busy, so that a load on one
/// core runs faster than the same on all; `None` where the machine does not tell.
pub(super) fn turbo() -> Option<bool> {
    let read = |path| fs::read_to_string(path).ok();
    if let Some(off) = read("/sys/devices/system/cpu/intel_pstate/no_turbo") {
        return Some(off.trim() == "0");
    }
    read("/sys/devices/system/cpu/cpufreq/boost").map(|on| on.trim() == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_all_ticks_between_two_looks() {
        let before = Stolen::parse("cpu  100 0 50 800 10 0 0 40 7 7\ncpu0 1 2\n").unwrap();
        assert_eq!(
            before,
            Stolen {
                stolen: 40,
                all: 1000
            }
        );
        let after = Stolen::parse("cpu 150 0 50 800 10 0 0 90\n").unwrap();
        assert_eq!(before.share_until(after), Some(0.5));
        assert_eq!(before.share_until(before), None);
    }

    #[test]
    fn a_kernel_without_steal_time_tells_nothing() {
        assert_eq!(Stolen::parse("cpu 1 2 3 4\n"), None);
        assert_eq!(Stolen::parse("intr 5\n"), None);
    }
}
