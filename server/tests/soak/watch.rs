//! How much the servers have of what could grow.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use nix::unistd::Pid;

use super::site::Site;

/// What all processes of all servers have together at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) processes: u64,
    pub(crate) zombies: u64,
    pub(crate) descriptors: u64,
    /// Proportional memory in kB.
    pub(crate) memory: u64,
    /// System V segments of the whole machine, and files in /dev/shm.
    pub(crate) shared: u64,
}

/// Samples in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Watch(Vec<Sample>);

impl Watch {
    pub(crate) fn look(&mut self, site: &Site) -> Sample {
        let mut sample = Sample {
            shared: shared(),
            ..Sample::default()
        };
        for pid in site.servers().iter().flat_map(|server| below(server.pid())) {
            sample.processes += 1;
            sample.zombies += u64::from(state(pid) == Some('Z'));
            sample.descriptors +=
                fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |it| it.count() as u64);
            sample.memory += memory(pid).unwrap_or(0);
        }
        self.0.push(sample);
        sample
    }

    /// Means of the first and of the last quarter, without the sample at rest.
    fn ends(&self) -> [[f64; 4]; 2] {
        let busy = &self.0[..self.0.len() - 1];
        let quarter = (busy.len() / 4).max(1);
        [&busy[..quarter], &busy[busy.len() - quarter..]].map(|part| {
            let mean = |of: fn(&Sample) -> u64| {
                part.iter().map(of).sum::<u64>() as f64 / part.len() as f64
            };
            [
                mean(|it| it.processes),
                mean(|it| it.descriptors),
                mean(|it| it.memory),
                mean(|it| it.shared),
            ]
        })
    }

    pub(crate) fn table(&self, rested: &Sample) -> String {
        let [first, last] = self.ends();
        let mut table =
            "\n| of all servers | first quarter | last quarter | at rest |\n|---|---:|---:|---:|\n"
                .to_owned();
        let rows = [
            ("processes", rested.processes),
            ("descriptors", rested.descriptors),
            ("proportional memory, kB", rested.memory),
            (
                "shared memory segments and files of the machine",
                rested.shared,
            ),
        ];
        for (at, (name, rest)) in rows.into_iter().enumerate() {
            writeln!(
                table,
                "| {name} | {:.1} | {:.1} | {rest} |",
                first[at], last[at]
            )
            .unwrap();
        }
        writeln!(table, "| zombies | | | {} |", rested.zombies).unwrap();
        table
    }

    /// A short run tells little of memory, which takes some requests to settle.
    #[track_caller]
    pub(crate) fn assert_no_growth(&self, length: Duration) {
        let [first, last] = self.ends();
        assert!(
            last[1] < first[1] * 1.5 + 20.0,
            "descriptors: {first:?} {last:?}"
        );
        assert!(
            last[0] < first[0] * 1.5 + 8.0,
            "processes: {first:?} {last:?}"
        );
        if length >= Duration::from_secs(300) {
            assert!(
                last[2] < first[2] * 1.1 + 8192.0,
                "memory: {first:?} {last:?}"
            );
        }
    }
}

/// A process and all that descend from it.
pub(crate) fn below(root: Pid) -> Vec<Pid> {
    let mut all = vec![root];
    let mut at = 0;
    while at < all.len() {
        let children = format!("/proc/{0}/task/{0}/children", all[at]);
        let text = fs::read_to_string(children).unwrap_or_default();
        all.extend(
            text.split_whitespace()
                .filter_map(|pid| pid.parse().ok().map(Pid::from_raw)),
        );
        at += 1;
    }
    all
}

fn state(pid: Pid) -> Option<char> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(") ")?.1.chars().next()
}

fn memory(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn shared() -> u64 {
    let lines = |path: &str| fs::read_to_string(path).map_or(0, |text| text.lines().count() as u64);
    let files = fs::read_dir("/dev/shm").map_or(0, |it| it.count() as u64);
    lines("/proc/sysvipc/shm") + lines("/proc/sysvipc/sem") + files
}
