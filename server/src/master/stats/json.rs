//! The figures as JSON, as uWSGI's statistics server tells them.

use nix::unistd::{Gid, Pid, Uid};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;

use super::Facts;
use super::report::{
    AppReport, CoreReport, CronReport, DaemonReport, Report, RequestReport, SocketReport,
    WorkerReport,
};
use crate::master::scoreboard::CoreSlot;
use crate::master::{Scoreboard, WorkerSlot};
use crate::memory::Usage;
use crate::socket::Backlog;

/// One line, or indented with tabs as uWSGI does; a newline ends it.
pub(super) fn text(facts: &Facts<'_>, minified: bool, cores: bool) -> Vec<u8> {
    let report = report(facts, cores);
    let mut text = Vec::with_capacity(4096);
    // Writing figures and strings to memory cannot fail.
    let _ = match minified {
        true => report.serialize(&mut Serializer::new(&mut text)),
        false => {
            let tabs = PrettyFormatter::with_indent(b"\t");
            report.serialize(&mut Serializer::with_formatter(&mut text, tabs))
        }
    };
    text.push(b'\n');
    text
}

fn report(facts: &Facts<'_>, cores: bool) -> Report {
    let sockets: Vec<_> = sockets(facts);
    let longest = sockets
        .iter()
        .map(|socket| socket.queue)
        .max()
        .unwrap_or_default();
    let cwd = std::env::current_dir().unwrap_or_default();
    Report {
        version: env!("CARGO_PKG_VERSION"),
        listen_queue: longest,
        listen_queue_errors: 0,
        signal_queue: 0,
        load: longest,
        pid: std::process::id(),
        uid: Uid::current().as_raw(),
        gid: Gid::current().as_raw(),
        cwd: cwd.display().to_string(),
        daemons: daemons(facts),
        locks: [],
        sockets,
        workers: workers(facts.board, cores),
        crons: crons(facts),
    }
}

fn number(pid: Option<Pid>) -> i32 {
    pid.map_or(0, Pid::as_raw)
}

fn sockets(facts: &Facts<'_>) -> Vec<SocketReport> {
    let both = facts.sockets.iter().zip(facts.listeners);
    let report = both.map(|(bound, listener)| {
        let backlog = Backlog::of(bound.socket()).unwrap_or_default();
        SocketReport {
            name: bound.name.clone(),
            proto: listener.protocol.name(),
            queue: backlog.waiting,
            max_queue: backlog.most,
            shared: 0,
            can_offload: 0,
        }
    });
    report.collect()
}

fn daemons(facts: &Facts<'_>) -> Vec<DaemonReport> {
    let report = facts.daemons.iter().map(|daemon| DaemonReport {
        cmd: daemon.settings.command.clone(),
        pid: number(daemon.pid),
        respawns: daemon.runs.saturating_sub(1),
    });
    report.collect()
}

fn crons(facts: &Facts<'_>) -> Vec<CronReport> {
    let report = facts.crons.iter().map(|cron| CronReport {
        minute: cron.settings.schedule.minute,
        hour: cron.settings.schedule.hour,
        day: cron.settings.schedule.day,
        month: cron.settings.schedule.month,
        week: cron.settings.schedule.weekday,
        command: cron.settings.command.clone(),
        unique: cron.settings.unique.into(),
        pid: cron.run.map_or(-1, |run| run.pid.as_raw()),
        started_at: cron.run.map_or(0, |run| run.since),
    });
    report.collect()
}

fn workers(board: Scoreboard, cores: bool) -> Vec<WorkerReport> {
    board.workers().map(|slot| worker(slot, cores)).collect()
}

fn worker(slot: WorkerSlot, cores: bool) -> WorkerReport {
    let (facts, pid) = (slot.facts(), slot.pid());
    let usage = pid.and_then(Usage::of);
    WorkerReport {
        id: slot.number() + 1,
        pid: number(pid),
        accepting: facts.accepting.into(),
        requests: facts.requests,
        delta_requests: facts.delta_requests,
        exceptions: facts.exceptions,
        harakiri_count: facts.harakiris,
        signals: facts.signals,
        signal_queue: 0,
        status: slot.status().name(),
        rss: usage.map_or(facts.rss, |usage| usage.rss),
        vsz: usage.map_or(facts.vsz, |usage| usage.vsz),
        running_time: facts.running_time,
        last_spawn: facts.started_at,
        respawn_count: facts.spawns,
        tx: facts.tx,
        avg_rt: facts.average_time,
        apps: [AppReport {
            id: 0,
            modifier1: 0,
            mountpoint: "",
            startup_time: 0,
            requests: facts.requests,
            exceptions: facts.exceptions,
            chdir: "",
        }],
        cores: cores.then(|| slot.cores().map(core).collect()),
    }
}

fn core(slot: CoreSlot) -> CoreReport {
    let (facts, running) = (slot.facts(), slot.running());
    let current = (running > 0).then(|| slot.current());
    let vars = current.iter().flat_map(|current| {
        let named = |name: &str, value: &[u8]| format!("{name}={}", String::from_utf8_lossy(value));
        [
            named("REQUEST_METHOD", &current.method),
            named("REQUEST_URI", &current.uri),
            named("REMOTE_ADDR", &current.remote_addr),
        ]
    });
    CoreReport {
        id: slot.number(),
        requests: facts.requests,
        static_requests: facts.static_requests,
        routed_requests: facts.routed_requests,
        offloaded_requests: facts.offloaded_requests,
        write_errors: facts.write_errors,
        read_errors: facts.read_errors,
        in_request: running,
        vars: vars.collect(),
        req_info: RequestReport {
            request_start: current.as_ref().map(|current| current.began_at),
        },
    }
}
