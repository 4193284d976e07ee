//! What the log says of a worker that has ended.

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::codes::Meaning;

/// How a worker came to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Circumstances {
    /// Seconds since it was told to end, if it was.
    pub(super) cursed: Option<u64>,
    /// Whether the whole server ends or reloads.
    pub(super) ending: bool,
}

/// uWSGI's words on a worker that has ended, if it has any.
pub(super) fn obituary(
    number: usize,
    status: WaitStatus,
    meaning: Meaning,
    circumstances: Circumstances,
) -> Option<String> {
    let pid = status.pid().map_or(0, Pid::as_raw);
    if meaning == Meaning::FailedApp {
        let hope = match circumstances.ending {
            true => "",
            false => " :( trying again...",
        };
        return Some(format!(
            "OOPS ! failed loading app in worker {number} (pid {pid}){hope}"
        ));
    }
    if circumstances.ending {
        let seconds = circumstances.cursed.unwrap_or_default();
        return Some(format!("worker {number} buried after {seconds} seconds"));
    }
    match (meaning, status) {
        (Meaning::Quiet, _) => None,
        (Meaning::Exception, _) => Some(format!(
            "... monitored exception detected, respawning worker {number} (pid: {pid})..."
        )),
        (Meaning::BrutalReload, _) => Some(format!(
            "!!! inconsistent state reported by worker {number} (pid: {pid}) !!!"
        )),
        (Meaning::GoCheap, _) => Some(format!(
            "worker {number} asked for cheap mode (pid: {pid})..."
        )),
        (Meaning::Accident, WaitStatus::Signaled(_, signal, _))
            if circumstances.cursed.is_none() =>
        {
            let signal = signal as i32;
            Some(format!(
                "DAMN ! worker {number} (pid: {pid}) died, killed by signal {signal} :( trying \
                 respawn ..."
            ))
        }
        (Meaning::Accident, WaitStatus::Exited(_, code)) if circumstances.cursed.is_none() => {
            Some(format!(
                "DAMN ! worker {number} (pid: {pid}) died with code {code} :( trying respawn ..."
            ))
        }
        _ => Some(format!("worker {number} killed successfully (pid: {pid})")),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::*;

    const ALONE: Circumstances = Circumstances {
        cursed: None,
        ending: false,
    };

    fn exited(code: i32) -> WaitStatus {
        WaitStatus::Exited(Pid::from_raw(7), code)
    }

    #[test]
    fn a_worker_that_crashes_is_mourned_in_uwsgis_words() {
        let status = WaitStatus::Signaled(Pid::from_raw(7), Signal::SIGKILL, false);
        assert_eq!(
            obituary(1, status, Meaning::Accident, ALONE).unwrap(),
            "DAMN ! worker 1 (pid: 7) died, killed by signal 9 :( trying respawn ..."
        );
    }

    #[test]
    fn a_worker_that_ends_as_it_should_is_not_mourned() {
        assert_eq!(
            obituary(2, exited(0), Meaning::Meant, ALONE).unwrap(),
            "worker 2 killed successfully (pid: 7)"
        );
        assert_eq!(obituary(2, exited(29), Meaning::Quiet, ALONE), None);
    }

    #[test]
    fn when_all_of_them_end_each_is_buried() {
        let together = Circumstances {
            cursed: Some(3),
            ending: true,
        };
        assert_eq!(
            obituary(2, exited(17), Meaning::Meant, together).unwrap(),
            "worker 2 buried after 3 seconds"
        );
    }

    #[test]
    fn an_application_that_does_not_load_is_told_of() {
        assert_eq!(
            obituary(1, exited(22), Meaning::FailedApp, ALONE).unwrap(),
            "OOPS ! failed loading app in worker 1 (pid 7) :( trying again..."
        );
    }
}
