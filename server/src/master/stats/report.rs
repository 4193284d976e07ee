//! The figures, under uWSGI's names.

use serde::Serialize;

/// All of it, in uWSGI's order.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: &'static str,
    /// The longest queue of all sockets.
    pub(super) listen_queue: u32,
    pub(super) listen_queue_errors: u64,
    pub(super) signal_queue: u64,
    /// The same as the queue, as in uWSGI.
    pub(super) load: u32,
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) cwd: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) daemons: Vec<DaemonReport>,
    pub(super) locks: [u8; 0],
    pub(super) sockets: Vec<SocketReport>,
    pub(super) workers: Vec<WorkerReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) crons: Vec<CronReport>,
}

#[derive(Debug, Serialize)]
pub(super) struct DaemonReport {
    pub(super) cmd: String,
    pub(super) pid: i32,
    pub(super) respawns: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct CronReport {
    pub(super) minute: i32,
    pub(super) hour: i32,
    pub(super) day: i32,
    pub(super) month: i32,
    pub(super) week: i32,
    pub(super) command: String,
    pub(super) unique: u8,
    pub(super) pid: i32,
    pub(super) started_at: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct SocketReport {
    pub(super) name: String,
    pub(super) proto: &'static str,
    pub(super) queue: u32,
    pub(super) max_queue: u32,
    pub(super) shared: u8,
    pub(super) can_offload: u8,
}

#[derive(Debug, Serialize)]
pub(super) struct WorkerReport {
    pub(super) id: usize,
    pub(super) pid: i32,
    pub(super) accepting: u8,
    pub(super) requests: u64,
    pub(super) delta_requests: u64,
    pub(super) exceptions: u64,
    pub(super) harakiri_count: u64,
    pub(super) signals: u64,
    pub(super) signal_queue: u64,
    pub(super) status: &'static str,
    /// Bytes.
    pub(super) rss: u64,
    /// Bytes.
    pub(super) vsz: u64,
    /// Microseconds.
    pub(super) running_time: u64,
    /// Unix time in seconds.
    pub(super) last_spawn: u64,
    pub(super) respawn_count: u32,
    /// Bytes.
    pub(super) tx: u64,
    /// Microseconds.
    pub(super) avg_rt: u64,
    pub(super) apps: [AppReport; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cores: Option<Vec<CoreReport>>,
}

#[derive(Debug, Serialize)]
pub(super) struct AppReport {
    pub(super) id: u8,
    pub(super) modifier1: u8,
    pub(super) mountpoint: &'static str,
    pub(super) startup_time: u64,
    pub(super) requests: u64,
    pub(super) exceptions: u64,
    pub(super) chdir: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct CoreReport {
    pub(super) id: usize,
    pub(super) requests: u64,
    pub(super) static_requests: u64,
    pub(super) routed_requests: u64,
    pub(super) offloaded_requests: u64,
    pub(super) write_errors: u64,
    pub(super) read_errors: u64,
    pub(super) in_request: u32,
    /// `NAME=VALUE` of the request that runs.
    pub(super) vars: Vec<String>,
    pub(super) req_info: RequestReport,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct RequestReport {
    /// Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_start: Option<u64>,
}
