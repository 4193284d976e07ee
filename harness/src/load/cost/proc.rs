//! What Linux tells about processes in `/proc`.

use std::{fs, io, path::PathBuf};

use crate::results::PageFaults;

/// The `/proc` to read: the machine's, or a folder with made-up files in tests.
#[derive(Clone, Debug)]
pub(super) struct Proc {
    root: PathBuf,
}

/// One process at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// With the pid it names a process for good: ticks after boot.
    pub(super) started: u64,
    pub(super) parent: i32,
    pub(super) name: String,
    /// User and system time of the process and of the children it waited for, in ticks.
    pub(super) ticks: u64,
}

/// Memory of one process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) resident: u64,
    /// `None` where reading it needs more rights.
    pub(super) proportional: Option<u64>,
}

/// Counters of the whole machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Processes and threads created since boot.
    pub(super) forks: u64,
    /// Ticks in which processors worked.
    pub(super) busy: u64,
    /// Ticks of all processors.
    pub(super) all: u64,
}

/// Lines of `status` that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The kernel itself reaps its children, and their times are lost (SIGCHLD ignored).
    pub(super) ignores_children: bool,
    /// Processors it may run on.
    pub(super) cpus: Vec<u32>,
}

impl Proc {
    pub(super) fn system() -> Self {
        Self::at("/proc".into())
    }

    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    fn text(&self, path: &str) -> io::Result<String> {
        // Process names may hold any bytes.
        Ok(String::from_utf8_lossy(&fs::read(self.root.join(path))?).into_owned())
    }

    /// The process, or `None` if there is none with that pid.
    pub(super) fn process(&self, pid: i32) -> Option<Process> {
        process(&self.text(&format!("{pid}/stat")).ok()?)
    }

    /// Page faults of the process and of the children that it waited for.
    pub(super) fn faults(&self, pid: i32) -> Option<PageFaults> {
        faults(&self.text(&format!("{pid}/stat")).ok()?)
    }

    pub(super) fn status(&self, pid: i32) -> Option<Status> {
        Some(status(&self.text(&format!("{pid}/status")).ok()?))
    }

    /// Processors that the calling thread may run on.
    pub(super) fn own_cpus(&self) -> Vec<u32> {
        let text = self.text("thread-self/status").unwrap_or_default();
        status(&text).cpus
    }

    /// Places of the process in the trees of control groups, cgroups(7).
    pub(super) fn cgroup(&self, pid: i32) -> Option<String> {
        self.text(&format!("{pid}/cgroup")).ok()
    }

    /// What is mounted where, as we see it.
    pub(super) fn mounts(&self) -> Option<String> {
        self.text("self/mountinfo").ok()
    }

    pub(super) fn memory(&self, pid: i32, page: u64) -> Option<Memory> {
        match self.text(&format!("{pid}/smaps_rollup")) {
            Ok(text) => rollup(&text),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(Memory {
                resident: resident_pages(&self.text(&format!("{pid}/statm")).ok()?)? * page,
                proportional: None,
            }),
            Err(_) => None,
        }
    }

    /// Context switches of each thread: `status` of a process counts its first thread alone.
    pub(super) fn switches(&self, pid: i32) -> Vec<(i32, u64)> {
        let Ok(tasks) = fs::read_dir(self.root.join(format!("{pid}/task"))) else {
            return Vec::new();
        };
        tasks
            .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|thread: i32| {
                let text = self.text(&format!("{pid}/task/{thread}/status")).ok()?;
                Some((thread, switches(&text)?))
            })
            .collect()
    }

    pub(super) fn machine(&self) -> Option<Machine> {
        machine(&self.text("stat").ok()?)
    }

    /// Ticks since boot, the clock of [`Process::started`].
    pub(super) fn uptime(&self, ticks_per_second: u64) -> Option<u64> {
        let text = self.text("uptime").ok()?;
        let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some((seconds * ticks_per_second as f64) as u64)
    }
}

/// `/proc/PID/stat`, proc_pid_stat(5). The name is in parentheses and may hold some itself.
fn process(text: &str) -> Option<Process> {
    let (front, back) = text.rsplit_once(')')?;
    let (pid, name) = front.split_once('(')?;
    let fields: Vec<&str> = back.split_whitespace().collect();
    // Numbered from 1 in the manual, and the state behind the name is number 3.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Process {
        pid: pid.trim().parse().ok()?,
        started: number(22)?,
        parent: fields.get(4 - 3)?.parse().ok()?,
        name: name.to_owned(),
        ticks: (14..=17).map(number).sum::<Option<u64>>()?,
    })
}

/// minflt and cminflt, majflt and cmajflt of the same line.
fn faults(text: &str) -> Option<PageFaults> {
    let (_, back) = text.rsplit_once(')')?;
    let fields: Vec<&str> = back.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(PageFaults {
        minor: number(10)? + number(11)?,
        major: number(12)? + number(13)?,
    })
}

fn status(text: &str) -> Status {
    let ignored = field(text, "SigIgn").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    Status {
        ignores_children: ignored.is_some_and(|mask| mask >> (libc::SIGCHLD - 1) & 1 == 1),
        cpus: field(text, "Cpus_allowed_list")
            .map(cpu_list)
            .unwrap_or_default(),
    }
}

/// `0-2,4` is 0, 1, 2 and 4.
fn cpu_list(text: &str) -> Vec<u32> {
    text.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

fn rollup(text: &str) -> Option<Memory> {
    let bytes = |name| {
        Some(
            field(text, name)?
                .strip_suffix(" kB")?
                .trim()
                .parse::<u64>()
                .ok()?
                * 1024,
        )
    };
    Some(Memory {
        resident: bytes("Rss")?,
        proportional: Some(bytes("Pss")?),
    })
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

fn switches(status: &str) -> Option<u64> {
    let count = |name| field(status, name)?.parse::<u64>().ok();
    Some(count("voluntary_ctxt_switches")? + count("nonvoluntary_ctxt_switches")?)
}

/// `/proc/stat`, proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn machine(text: &str) -> Option<Machine> {
    let line = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let ticks: Vec<u64> = line("cpu")?
        .split_whitespace()
        .take(8)
        .map_while(|ticks| ticks.parse().ok())
        .collect();
    let all = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    Some(Machine {
        forks: line("processes")?.trim().parse().ok()?,
        busy: all - idle,
        all,
    })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_hold_spaces_and_parentheses() {
        let text = "4711 (cgi (old) x) S 42 1 1 0 -1 4194560 9 8 0 0 7 5 3 2 20 0 1 0 9001 1 1";
        let expected = Process {
            pid: 4711,
            started: 9001,
            parent: 42,
            name: "cgi (old) x".to_owned(),
            ticks: 7 + 5 + 3 + 2,
        };
        assert_eq!(process(text), Some(expected));
    }

    #[test]
    fn page_faults_are_those_of_waited_children_too() {
        let text = "4711 (cgi (old) x) S 42 1 1 0 -1 4194560 9 80 1 6 7 5 3 2 20 0 1 0 9001 1 1";
        let expected = PageFaults {
            minor: 89,
            major: 7,
        };
        assert_eq!(faults(text), Some(expected));
        assert_eq!(faults("4711 (cgi) S 42 1 1 0"), None);
    }

    #[test]
    fn a_stat_that_is_cut_short_is_no_process() {
        assert_eq!(process("4711 (cgi) S 42 1 1 0"), None);
        assert_eq!(process(""), None);
    }

    #[test]
    fn ignoring_sigchld_is_the_17th_bit() {
        assert!(status("SigIgn:\t0000000000010000\n").ignores_children);
        assert!(!status("SigIgn:\t0000000000001000\n").ignores_children);
    }

    #[test]
    fn allowed_processors_are_ranges() {
        let text = "Cpus_allowed:\t17\nCpus_allowed_list:\t0-2,4\n";
        assert_eq!(status(text).cpus, [0, 1, 2, 4]);
    }

    #[test]
    fn memory_is_told_in_kilobytes() {
        let text = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\n\
                    Rss:                2048 kB\nPss:                 512 kB\nPss_Dirty:  1 kB\n";
        let expected = Memory {
            resident: 2 << 20,
            proportional: Some(512 << 10),
        };
        assert_eq!(rollup(text), Some(expected));
        assert_eq!(resident_pages("900 250 30 1 0 80 0\n"), Some(250));
    }

    #[test]
    fn switches_are_both_kinds_together() {
        let text = "Threads:\t1\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t25\n";
        assert_eq!(switches(text), Some(175));
    }

    #[test]
    fn the_machine_is_idle_while_it_waits_for_disks() {
        let text = "cpu  10 1 20 100 50 2 3 4 0 0\ncpu0 1 2 3\nctxt 5\nprocesses 777\n";
        let expected = Machine {
            forks: 777,
            busy: 40,
            all: 190,
        };
        assert_eq!(machine(text), Some(expected));
    }

    #[test]
    fn this_very_process_is_found() {
        let pid = std::process::id() as i32;
        let proc = Proc::system();
        assert_eq!(proc.process(pid).map(|process| process.pid), Some(pid));
        assert!(!proc.switches(pid).is_empty());
        assert!(
            proc.memory(pid, 4096)
                .is_some_and(|memory| memory.resident > 0)
        );
        assert!(proc.machine().is_some() && proc.uptime(100).is_some());
    }
}
