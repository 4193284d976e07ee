//! The meter on a made-up `/proc`.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::*;

/// A `/proc` in a temporary folder; 100 ticks a second, 1000 s after boot.
struct Made(TempDir);

impl Made {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        made.write("uptime", "1000.00 1.00\n");
        made.machine(500, 0, 0);
        made.write("thread-self/status", "Cpus_allowed_list:\t0-1\n");
        made
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn machine(&self, forks: u64, busy: u64, idle: u64) {
        let text = format!("cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\nprocesses {forks}\n");
        self.write("stat", &text);
    }

    /// `own` and `waited` are ticks of the process and of the children it waited for.
    fn process(&self, pid: i32, own: u64, waited: u64) {
        let stat = format!(
            "{pid} (p) S 1 1 1 0 -1 0 {own} {waited} 0 1 {own} 0 {waited} 0 20 0 1 0 900 1 1"
        );
        self.write(&format!("{pid}/stat"), &stat);
        self.write(
            &format!("{pid}/status"),
            "SigIgn:\t0000000000001000\nCpus_allowed_list:\t1\n",
        );
    }

    fn memory(&self, pid: i32, rss: u64, pss: u64) {
        let text = format!("Rss: {rss} kB\nPss: {pss} kB\n");
        self.write(&format!("{pid}/smaps_rollup"), &text);
    }

    fn switches(&self, pid: i32, thread: i32, count: u64) {
        let text = format!("voluntary_ctxt_switches:\t{count}\nnonvoluntary_ctxt_switches:\t1\n");
        self.write(&format!("{pid}/task/{thread}/status"), &text);
    }

    fn end(&self, pid: i32) {
        fs::remove_dir_all(self.0.path().join(pid.to_string())).unwrap();
    }

    /// A container's control group of version 2 that holds `pids`, with what it counted so far.
    fn container(&self, pids: &[i32], cpu_usec: u64, faults: u64) {
        let tree = self.0.path().join("tree");
        let mount = format!("41 31 0:38 / {} rw - cgroup2 cgroup2 rw\n", tree.display());
        self.write("self/mountinfo", &mount);
        for pid in pids {
            self.write(&format!("{pid}/cgroup"), "0::/docker/f00\n");
        }
        let procs: String = pids.iter().map(|pid| format!("{pid}\n")).collect();
        self.write("tree/docker/f00/cgroup.procs", &procs);
        let cpu = format!("usage_usec {cpu_usec}\nuser_usec 1\nsystem_usec 2\n");
        self.write("tree/docker/f00/cpu.stat", &cpu);
        let memory = format!("anon 4096\npgfault {faults}\npgmajfault 2\n");
        self.write("tree/docker/f00/memory.stat", &memory);
    }

    fn meter(&self, gateway: &'static [i32], backend: &'static [i32]) -> Meter<'static> {
        let root: &Path = self.0.path();
        let units = Units {
            ticks_per_second: 100,
            page: 4096,
        };
        let proc = Proc::at(root.to_owned());
        Meter::with(proc, units, || gateway.to_vec(), || backend.to_vec())
    }
}

#[test]
fn a_span_has_the_cost_of_both_sides() {
    let made = Made::new();
    made.process(10, 1000, 0);
    made.process(20, 50, 400);
    made.memory(20, 3000, 2000);
    made.switches(20, 20, 70);
    let mut meter = made.meter(&[10], &[20]);
    meter.open();
    made.memory(20, 9000, 8000);
    meter.sample();
    made.memory(20, 4000, 3000);
    made.process(10, 1030, 0);
    made.process(20, 60, 500);
    made.switches(20, 20, 90);
    made.machine(777, 100, 100);
    let expected = Cost {
        gateway_cpu: Some(Duration::from_millis(300)),
        backend_cpu: Some(Duration::from_millis(1100)),
        rss_peak: Some(9000 * 1024),
        pss_peak: Some(8000 * 1024),
        context_switches: Some(20),
        page_faults: Some(PageFaults {
            minor: 110,
            major: 0,
        }),
        forks: Some(277),
        caveats: vec![Caveat::ForksOfMachine],
    };
    assert_eq!(meter.close(), expected);
}

#[test]
fn a_process_that_vanishes_leaves_no_figure_but_a_reason() {
    let made = Made::new();
    made.process(20, 50, 0);
    made.process(21, 70, 0);
    let mut meter = made.meter(&[], &[20, 21]);
    meter.open();
    made.end(21);
    let cost = meter.close();
    assert_eq!(cost.backend_cpu, None);
    assert_eq!(
        cost.caveats[0].to_string(),
        "CPU time of the backend is unknown: process 21 (p) ended and its time went to a parent \
         outside the set"
    );
}

#[test]
fn few_ticks_are_called_coarse() {
    let made = Made::new();
    made.process(10, 0, 0);
    let mut meter = made.meter(&[10], &[]);
    meter.open();
    made.process(10, 19, 0);
    let cost = meter.close();
    assert_eq!(cost.gateway_cpu, Some(Duration::from_millis(190)));
    let (side, ticks) = (Side::Gateway, 19);
    assert_eq!(cost.caveats, [Caveat::CoarseCpu { side, ticks }]);
}

#[test]
fn busy_processors_that_are_shared_are_named() {
    let made = Made::new();
    made.process(10, 0, 0);
    let mut meter = made.meter(&[10], &[]);
    meter.open();
    made.process(10, 100, 0);
    made.machine(500, 90, 10);
    let (cores, busy_percent) = (1, 90);
    let expected = Caveat::SameCores {
        cores,
        busy_percent,
    };
    assert_eq!(meter.close().caveats, [expected]);
}

#[test]
fn processes_that_nobody_can_read_are_unknown() {
    let mut meter = Made::new().meter(&[10], &[]);
    meter.open();
    let (side, why) = (Side::Gateway, Doubt::Unreadable);
    let cost = meter.close();
    assert_eq!(cost.gateway_cpu, None);
    assert!(cost.caveats.contains(&Caveat::CpuUnknown { side, why }));
}

#[test]
fn a_container_costs_what_its_control_group_counts() {
    let made = Made::new();
    made.process(10, 1000, 0);
    made.process(20, 50, 0);
    made.process(21, 50, 0);
    made.container(&[20, 21], 5_000, 100);
    let mut meter = made.meter(&[10], &[20, 21]);
    meter.open();
    // One of them dies, and its time goes to a parent outside: the group has counted it.
    made.end(21);
    made.process(10, 1030, 0);
    made.container(&[20], 8_500, 170);
    let cost = meter.close();
    assert_eq!(cost.backend_cpu, Some(Duration::from_micros(3_500)));
    let (minor, major) = (70, 0);
    assert_eq!(cost.page_faults, Some(PageFaults { minor, major }));
    assert_eq!(
        cost.gateway_cpu,
        Some(Duration::from_millis(300)),
        "no container, so by its process"
    );
    assert_eq!(cost.caveats, []);
}

#[test]
fn a_control_group_that_others_are_in_is_not_the_subject_s() {
    let made = Made::new();
    made.process(20, 50, 0);
    made.process(99, 0, 0);
    made.container(&[20, 99], 5_000, 100);
    let mut meter = made.meter(&[], &[20]);
    meter.open();
    made.process(20, 80, 0);
    made.container(&[20, 99], 900_000, 100);
    assert_eq!(meter.close().backend_cpu, Some(Duration::from_millis(300)));
}

#[test]
fn a_process_outside_the_control_group_keeps_it_from_being_used() {
    let made = Made::new();
    made.process(20, 50, 0);
    made.process(21, 50, 0);
    made.container(&[20], 5_000, 100);
    made.write("21/cgroup", "0::/user.slice\n");
    let mut meter = made.meter(&[], &[20, 21]);
    meter.open();
    made.process(20, 80, 0);
    made.container(&[20], 900_000, 100);
    assert_eq!(meter.close().backend_cpu, Some(Duration::from_millis(300)));
}

#[test]
fn a_container_that_is_gone_has_no_cost_but_a_reason() {
    let made = Made::new();
    made.process(20, 50, 0);
    made.container(&[20], 5_000, 100);
    let mut meter = made.meter(&[], &[20]);
    meter.open();
    made.end(20);
    fs::remove_dir_all(made.0.path().join("tree")).unwrap();
    let cost = meter.close();
    assert_eq!((cost.backend_cpu, cost.page_faults), (None, None));
    assert!(matches!(cost.caveats[0], Caveat::CpuUnknown { .. }));
}
