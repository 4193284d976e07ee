//! What the server is doing, told in the log.

use super::Scoreboard;
use super::scoreboard::{CoreSlot, WorkerSlot};
use crate::clock;
use crate::log;

/// The configuration, and how many requests each worker has served.
pub(super) fn statistics(given: &str, board: Scoreboard) {
    log::tell(";gateserve instance configuration");
    given.lines().for_each(log::tell);
    log::tell(";end of configuration");
    log::tell(&format!("\tworkers total requests: {}", board.requests()));
    log::tell("-----------------");
    for worker in board.workers() {
        let facts = worker.facts();
        log::tell(&format!(
            "\tworker {} app 0 [] requests: {} exceptions: {}",
            worker.number() + 1,
            facts.requests,
            facts.exceptions
        ));
        log::tell("-----------------");
    }
}

/// The requests that run, of all workers.
pub(super) fn requests(board: Scoreboard) {
    board.workers().for_each(requests_of);
}

/// The requests that one worker runs; that it does nothing is told too.
pub(crate) fn requests_of(worker: WorkerSlot) {
    let Some(pid) = worker.pid() else { return };
    let number = worker.number() + 1;
    let cores = worker.cores().count();
    let mut idle = true;
    for core in worker.cores().filter(|core| core.running() > 0) {
        idle = false;
        let core_name = match cores {
            1 => String::new(),
            _ => format!(" core {}", core.number()),
        };
        log::tell(&format!(
            "SIGUSR2: --- uWSGI worker {number}{core_name} (pid: {pid}) is managing request {} ---",
            request(core)
        ));
    }
    if idle {
        log::tell(&format!(
            "SIGUSR2: --- uWSGI worker {number} (pid: {pid}) is idle ---"
        ));
    }
}

fn request(core: CoreSlot) -> String {
    let current = core.current();
    let uri = String::from_utf8_lossy(&current.uri).into_owned();
    let since = i64::try_from(current.began_at).unwrap_or_default();
    format!("{uri} since {}", clock::local_date_at(since))
}
