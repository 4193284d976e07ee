//! The master's loop: signals, deaths, respawns, and the end.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::life::{Life, RESPAWN_DELAY};
use super::signals::Signals;
use super::{Board, fork};
use crate::log;
use crate::options::Settings;
use crate::socket::Bound;
use crate::worker;

/// How long workers get to end after they were told to end at once.
const LAST_MERCY: Duration = Duration::from_secs(2);

/// Runs the workers until a signal ends them.
pub(super) fn supervise(settings: &Settings, sockets: Vec<Bound>) -> io::Result<()> {
    let signals = Signals::block()?;
    let (told, tell) = io::pipe()?;
    nonblocking(&told)?;
    let workers = settings.processes.workers as usize;
    let mut master = Master {
        settings,
        sockets,
        signals,
        told,
        tell,
        board: Board::new(workers)?,
        workers: Vec::with_capacity(workers),
        phase: Phase::Starting,
    };
    log::tell(&format!(
        "spawned gateserve master process (pid: {})",
        std::process::id()
    ));
    for number in 0..workers {
        let (pid, since) = master.fork(number)?;
        master.workers.push(Worker {
            pid: Some(pid),
            life: Life::Booting { since },
        });
        log::tell(&format!(
            "spawned gateserve worker {} (pid: {pid}, cores: 1)",
            number + 1
        ));
    }
    master.run()
}

fn nonblocking(pipe: &io::PipeReader) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

struct Master<'a> {
    settings: &'a Settings,
    sockets: Vec<Bound>,
    signals: Signals,
    /// Workers write their number here when they accept.
    told: io::PipeReader,
    tell: io::PipeWriter,
    board: Board,
    workers: Vec<Worker>,
    phase: Phase,
}

#[derive(Debug)]
struct Worker {
    pid: Option<Pid>,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not all workers have been ready yet.
    Starting,
    Serving,
    /// Workers finish what they have.
    Draining {
        until: Instant,
    },
    /// Workers were told to drop everything.
    Ending {
        until: Instant,
    },
}

impl Phase {
    fn deadline(self) -> Option<Instant> {
        match self {
            Self::Starting | Self::Serving => None,
            Self::Draining { until } | Self::Ending { until } => Some(until),
        }
    }
}

impl Master<'_> {
    fn run(mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            while let Some(signal) = self.signals.next() {
                self.heard(signal);
            }
            self.welcome_ready();
            self.reap();
            if self.phase.deadline().is_some()
                && self.workers.iter().all(|worker| worker.pid.is_none())
            {
                log::tell("goodbye to gateserve.");
                return Ok(());
            }
            self.act_on_time(Instant::now())?;
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&self) -> io::Result<()> {
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.told.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, self.time_left()) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn time_left(&self) -> PollTimeout {
        let respawns = self.workers.iter().filter_map(|worker| worker.life.due());
        let due = match self.phase.deadline() {
            Some(deadline) => Some(deadline),
            None => respawns.min(),
        };
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        // A millisecond more, since the poll's time is cut to whole ones.
        left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        })
    }

    fn heard(&mut self, signal: Signal) {
        match (signal, self.phase) {
            (Signal::SIGCHLD, _) => {}
            (Signal::SIGHUP, _) => {
                log::tell("SIGHUP received: reloading is not supported, nothing is done")
            }
            (Signal::SIGQUIT, _) | (Signal::SIGINT, Phase::Draining { .. }) => self.end_now(),
            (_, Phase::Starting | Phase::Serving) => self.drain(),
            _ => {}
        }
    }

    fn drain(&mut self) {
        log::tell("SIGINT/SIGTERM received...waiting for workers to finish...");
        self.phase = Phase::Draining {
            until: Instant::now() + self.settings.processes.mercy,
        };
        self.signal_all(Signal::SIGTERM);
    }

    fn end_now(&mut self) {
        log::tell("killing workers...");
        self.phase = Phase::Ending {
            until: Instant::now() + LAST_MERCY,
        };
        self.signal_all(Signal::SIGQUIT);
    }

    fn signal_all(&self, signal: Signal) {
        for pid in self.workers.iter().filter_map(|worker| worker.pid) {
            // It may have ended by itself, which the next wait tells.
            let _ = kill(pid, signal);
        }
    }

    /// Notes which workers have told that they accept.
    fn welcome_ready(&mut self) {
        let mut numbers = [0; 64];
        while let Ok(count @ 1..) = self.told.read(&mut numbers) {
            for number in numbers[..count].chunks_exact(2) {
                let number = usize::from(u16::from_ne_bytes([number[0], number[1]]));
                if let Some(worker) = self.workers.get_mut(number) {
                    worker.life = worker.life.told_ready();
                }
            }
        }
        if self.phase == Phase::Starting && self.workers.iter().all(|worker| worker.life.is_ready())
        {
            self.phase = Phase::Serving;
            let (pid, workers) = (std::process::id(), self.workers.len());
            log::tell(&format!(
                "gateserve is ready (pid {pid}, workers {workers})"
            ));
        }
    }

    /// Takes note of every worker that has ended.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let (pid, expected) = match status {
                WaitStatus::Exited(pid, code) => (pid, code == worker::DONE),
                WaitStatus::Signaled(pid, ..) => (pid, false),
                _ => return,
            };
            if let Some(number) = self
                .workers
                .iter()
                .position(|worker| worker.pid == Some(pid))
            {
                self.buried(number, status, expected);
            }
        }
    }

    fn buried(&mut self, number: usize, status: WaitStatus, expected: bool) {
        let serving = self.phase.deadline().is_none();
        log::tell(&obituary(number + 1, status, expected, serving));
        let now = Instant::now();
        let worker = &mut self.workers[number];
        worker.pid = None;
        worker.life = worker.life.ended(now, expected);
        if serving && worker.life.due() > Some(now) {
            log::tell(&format!(
                "worker respawning too fast !!! i have to sleep a bit ({} seconds)...",
                RESPAWN_DELAY.as_secs()
            ));
        }
    }

    /// Does what has become due.
    fn act_on_time(&mut self, now: Instant) -> io::Result<()> {
        match self.phase {
            Phase::Draining { until } if until <= now => self.end_now(),
            Phase::Ending { until } if until <= now => self.signal_all(Signal::SIGKILL),
            Phase::Draining { .. } | Phase::Ending { .. } => {}
            Phase::Starting | Phase::Serving => {
                for number in 0..self.workers.len() {
                    if self.workers[number]
                        .life
                        .due()
                        .is_some_and(|due| due <= now)
                    {
                        self.respawn(number)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn respawn(&mut self, number: usize) -> io::Result<()> {
        let (pid, since) = self.fork(number)?;
        self.workers[number] = Worker {
            pid: Some(pid),
            life: Life::Booting { since },
        };
        log::tell(&format!(
            "Respawned uWSGI worker {} (new pid: {pid})",
            number + 1
        ));
        Ok(())
    }

    fn fork(&self, number: usize) -> io::Result<(Pid, Instant)> {
        let start = worker::Start {
            number,
            settings: self.settings,
            sockets: &self.sockets,
            tell: &self.tell,
            tally: self.board.tally(number),
            signal_mask: self.signals.unblocked(),
            master: std::process::id(),
        };
        let pid = fork::spawn(|| worker::run(&start))?;
        Ok((pid, Instant::now()))
    }
}

/// uWSGI's words on a worker that has ended.
fn obituary(number: usize, status: WaitStatus, expected: bool, serving: bool) -> String {
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
    use super::*;

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
