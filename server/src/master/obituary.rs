//! What the log says of a worker that has ended.

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

/// uWSGI's words on a worker that has ended.
pub(super) fn obituary(number: usize, status: WaitStatus, expected: bool, serving: bool) -> String {
    match status {
        WaitStatus::Signaled(pid, signal, _) if serving => format!(
            "DAMN ! worker {number} (pid: {pid}) died, killed by signal {} :( trying respawn ...",
            signal as i32
        ),
        WaitStatus::Exited(pid, code) if serving && !expected => {
            format!(
                "DAMN ! worker {number} (pid: {pid}) died with code {code} :( trying respawn ..."
            )
        }
        WaitStatus::Signaled(pid, signal, _) => {
            format!(
                "worker {number} (pid: {pid}) killed by signal {}",
                signal as i32
            )
        }
        other => {
            let pid = other.pid().map_or(0, Pid::as_raw);
            format!("worker {number} killed successfully (pid: {pid})")
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::*;
    use crate::worker;

    #[test]
    fn a_worker_that_crashes_is_mourned_in_uwsgis_words() {
        let status = WaitStatus::Signaled(Pid::from_raw(7), Signal::SIGKILL, false);
        assert_eq!(
            obituary(1, status, false, true),
            "DAMN ! worker 1 (pid: 7) died, killed by signal 9 :( trying respawn ..."
        );
    }

    #[test]
    fn a_worker_that_ends_as_it_should_is_not_mourned() {
        let status = WaitStatus::Exited(Pid::from_raw(7), worker::DONE);
        assert_eq!(
            obituary(2, status, true, true),
            "worker 2 killed successfully (pid: 7)"
        );
    }
}
