//! What the machine is, for the head of every report.

use std::{fs, thread, time::SystemTime};

use crate::{bench::Bench, results::Environment};

/// The present time, RFC 3339 in UTC with seconds.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Kernel, processors, memory, engine and version.
pub(super) fn environment(started: String, bench: &Bench) -> Environment {
    let engine = bench.engine().map(|engine| engine.version().to_owned());
    Environment {
        engine,
        ..plain(started)
    }
}

/// The same without a container engine.
pub(super) fn plain(started: String) -> Environment {
    Environment {
        kernel: kernel(),
        cpus: thread::available_parallelism()
            .map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
        engine: None,
        gatebench: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        notes: Vec::new(),
        partial: None,
    }
}

fn kernel() -> String {
    match nix::sys::utsname::uname() {
        Ok(names) => {
            format!(
                "{} {}",
                names.sysname().to_string_lossy(),
                names.release().to_string_lossy()
            )
        }
        Err(_) => "unknown".to_owned(),
    }
}

/// `MemTotal` of /proc/meminfo in bytes; 0 where it does not tell.
fn memory(meminfo: &str) -> u64 {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(
            memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"),
            2048 * 1024
        );
        assert_eq!(memory(""), 0);
    }
}
