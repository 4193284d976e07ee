//! What the log says when a worker is about to be killed, in uWSGI's words.

use nix::unistd::Pid;

use super::Suspect;
use crate::log;

/// The end of one worker.
#[derive(Debug)]
pub(crate) struct Report {
    /// Counted from 1.
    pub(crate) worker: usize,
    pub(crate) pid: Pid,
    /// Which try this is, counted from 1.
    pub(crate) attempt: u32,
    /// Whether the worker gets a signal that it may survive.
    pub(crate) graceful: bool,
    /// The core that is stuck.
    pub(crate) core: usize,
    /// The requests that run, with their cores.
    pub(crate) requests: Vec<(usize, Suspect)>,
    /// What the stuck thread is doing (`harakiri-verbose`).
    pub(crate) doing: Vec<String>,
}

impl Report {
    /// Tells all of it.
    pub(crate) fn tell(&self) {
        let (worker, core) = (self.worker, self.core);
        log::fault(&self.announcement());
        self.doing.iter().for_each(|line| log::tell(line));
        log::fault(&format!("HARAKIRI !!! worker {worker} status !!!"));
        for (core, suspect) in &self.requests {
            log::fault(&suspect.line(*core));
        }
        log::fault(&format!("HARAKIRI !!! end of worker {worker} status !!!"));
        log::fault(&format!(
            "HARAKIRI triggered by worker {worker} core {core} !!!"
        ));
    }

    /// uWSGI says "graceful: yes" to the first try even where that is the kill.
    fn announcement(&self) -> String {
        format!(
            "*** HARAKIRI ON WORKER {} (pid: {}, try: {}, graceful: {}) ***",
            self.worker,
            self.pid,
            self.attempt,
            if self.graceful { "yes" } else { "no" }
        )
    }
}

/// uWSGI's words on a kill that is put off because too few connections wait.
pub(super) fn skipped(worker: usize, waiting: u32, threshold: u32) -> String {
    format!(
        "HARAKIRI: Skipping harakiri on worker {worker}. Listen queue is smaller than the \
         threshold ({waiting} < {threshold})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_is_uwsgis_and_true() {
        let report = |attempt, graceful| Report {
            worker: 1,
            pid: Pid::from_raw(25128),
            attempt,
            graceful,
            core: 0,
            requests: Vec::new(),
            doing: Vec::new(),
        };
        assert_eq!(
            report(1, true).announcement(),
            "*** HARAKIRI ON WORKER 1 (pid: 25128, try: 1, graceful: yes) ***"
        );
        assert_eq!(
            report(2, false).announcement(),
            "*** HARAKIRI ON WORKER 1 (pid: 25128, try: 2, graceful: no) ***"
        );
    }
}
