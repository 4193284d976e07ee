//! The meter on real processes.

use std::{
    process::{Child, Command, Stdio},
    sync::atomic::AtomicBool,
    time::Duration,
};

use gatebench::load::{Caveat, Cost, LoadSpec, Meter, Stop, cost::Side, measure};

use crate::{HELLO, Then, closed, ms, same};

/// A shell that does something until it is dropped.
struct Shell(Child);

impl Shell {
    fn run(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The cost of a second of load beside these processes.
fn cost_of(gateway: &[i32], backend: &[i32]) -> Cost {
    let server = same(HELLO, Then::Stay);
    let spec = LoadSpec {
        stop: Stop::After(ms(1000)),
        warm_up: ms(50),
        ..closed(&server, 1)
    };
    let mut meter = Meter::new(|| gateway.to_vec(), || backend.to_vec());
    let cancel = AtomicBool::new(false);
    measure(&spec, &mut meter, &cancel, &mut |_, _| {})
        .unwrap()
        .1
}

#[test]
fn each_side_has_the_time_of_its_own_processes() {
    let (busy, quiet) = (Shell::run("while :; do :; done"), Shell::run("read line"));
    let cost = cost_of(&[quiet.pid()], &[busy.pid()]);
    let (gateway, backend) = (cost.gateway_cpu.unwrap(), cost.backend_cpu.unwrap());
    assert!(backend > gateway, "{backend:?} and {gateway:?}");
    assert!(gateway < ms(50), "{gateway:?}");
    assert!(cost.rss_peak > Some(100_000) && cost.pss_peak.is_some());
    assert!(cost.context_switches.is_some());
}

#[test]
fn children_that_come_and_go_count_with_their_parent() {
    let forking = Shell::run("while :; do (exit); done");
    let cost = cost_of(&[], &[forking.pid()]);
    assert!(cost.backend_cpu > Some(ms(0)));
    assert!(cost.forks > Some(0));
    assert!(cost.caveats.contains(&Caveat::ForksOfMachine));
}

#[test]
fn processes_that_rest_are_settled() {
    let (quiet, cancel) = (Shell::run("read line"), AtomicBool::new(false));
    let mut meter = Meter::new(|| vec![quiet.pid()], Vec::new);
    assert!(meter.settle(Duration::from_secs(10), &cancel));
    meter.open();
    assert!(!meter.close().caveats.contains(&Caveat::NotIdle));
}

#[test]
fn a_wait_that_finds_no_rest_is_said_beside_the_cost() {
    let mut meter = Meter::new(Vec::new, Vec::new);
    assert!(!meter.settle(Duration::ZERO, &AtomicBool::new(false)));
    meter.open();
    assert!(meter.close().caveats.contains(&Caveat::NotIdle));
}

#[test]
fn a_side_without_processes_has_no_cost() {
    let cost = cost_of(&[], &[]);
    assert_eq!((cost.gateway_cpu, cost.backend_cpu), (None, None));
    assert_eq!((cost.rss_peak, cost.context_switches), (None, None));
}

#[test]
fn a_process_on_both_sides_belongs_to_none() {
    let shell = Shell::run("read line");
    let cost = cost_of(&[shell.pid()], &[shell.pid()]);
    assert_eq!((cost.gateway_cpu, cost.backend_cpu), (None, None));
    for side in [Side::Gateway, Side::Backend] {
        let of_side =
            |caveat: &Caveat| matches!(caveat, Caveat::CpuUnknown { side: s, .. } if *s == side);
        assert!(cost.caveats.iter().any(of_side), "{side}");
    }
}

#[test]
fn a_parent_that_does_not_wait_for_its_children_has_no_figure() {
    let careless = Shell::run("exec env --ignore-signal=CHLD sleep 60");
    // The shell is seen before it has become what it executes: wait for that.
    let status = format!("/proc/{}/status", careless.pid());
    while !std::fs::read_to_string(&status).unwrap().contains("sleep") {
        std::thread::yield_now();
    }
    let cost = cost_of(&[], &[careless.pid()]);
    assert_eq!(cost.backend_cpu, None);
    let said: Vec<String> = cost.caveats.iter().map(ToString::to_string).collect();
    let ignores = format!("process {} (sleep) ignores SIGCHLD", careless.pid());
    assert!(said.iter().any(|it| it.contains(&ignores)), "{said:?}");
}
