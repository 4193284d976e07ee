//! The master's loop: signals, deaths, respawns, and the end.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::beside::Beside;
use super::life::{Life, RESPAWN_DELAY};
use super::news::{self, Event, News};
use super::obituary::obituary;
use super::signals::Signals;
use super::{Scoreboard, daemonize, fork};
use crate::Language;
use crate::log;
use crate::options::Settings;
use crate::socket::Bound;
use crate::worker;

/// How long workers get to end after they were told to end at once.
const LAST_MERCY: Duration = Duration::from_secs(2);

/// Runs the workers until a signal ends them.
pub(super) fn supervise<'a>(
    settings: &'a Settings,
    language: Option<&'a dyn Language>,
    sockets: Vec<Bound>,
    beside: &mut Beside<'a>,
) -> io::Result<()> {
    let signals = Signals::block()?;
    let (told, tell) = news::pipe()?;
    let workers = settings.processes.workers as usize;
    let mut master = Master {
        settings,
        language,
        sockets,
        beside,
        signals,
        told,
        tell,
        board: Scoreboard::new(workers, settings.processes.threads as usize)?,
        workers: Vec::with_capacity(workers),
        leaving: Vec::new(),
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

struct Master<'a, 'b> {
    settings: &'a Settings,
    language: Option<&'a dyn Language>,
    sockets: Vec<Bound>,
    /// What runs beside the workers.
    beside: &'b mut Beside<'a>,
    signals: Signals,
    told: io::PipeReader,
    /// What workers tell of themselves goes in here.
    tell: io::PipeWriter,
    board: Scoreboard,
    workers: Vec<Worker>,
    /// Workers that finish what they have while others are in their places already.
    leaving: Vec<Pid>,
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

impl Master<'_, '_> {
    fn run(mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            while let Some(signal) = self.signals.next() {
                self.heard(signal);
            }
            while let Some(news) = News::receive(&mut self.told) {
                self.learned(news);
            }
            self.reap();
            if self.phase.deadline().is_some() && self.processes().next().is_none() {
                log::tell("goodbye to gateserve.");
                return Ok(());
            }
            self.act_on_time(Instant::now());
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
            (Signal::SIGUSR1 | Signal::SIGUSR2, _) => {
                log::tell(&format!("{signal} received: it has no meaning here"))
            }
            (Signal::SIGQUIT, _) | (Signal::SIGINT, Phase::Draining { .. }) => self.end_now(),
            (_, Phase::Starting | Phase::Serving) => self.drain(),
            _ => {}
        }
    }

    fn drain(&mut self) {
        log::tell("SIGINT/SIGTERM received...waiting for workers to finish...");
        self.phase = Phase::Draining {
            until: Instant::now() + self.settings.reload.mercy,
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
        for pid in self.processes() {
            // It may have ended by itself, which the next wait tells.
            let _ = kill(pid, signal);
        }
    }

    /// The process ids of all workers that have not ended.
    fn processes(&self) -> impl Iterator<Item = Pid> {
        let placed = self.workers.iter().filter_map(|worker| worker.pid);
        placed.chain(self.leaving.iter().copied())
    }

    /// A worker has told something of itself.
    fn learned(&mut self, news: News) {
        let told = |worker: &&mut Worker| worker.pid == Some(news.from);
        // One that has ended since, or has left its place.
        let Some(worker) = self.workers.iter_mut().find(told) else {
            return;
        };
        match news.event {
            Event::Ready => worker.life = worker.life.told_ready(),
            Event::Leaving => {
                worker.life = worker.life.ended(Instant::now(), true);
                self.leaving.extend(worker.pid.take());
            }
        }
        self.welcome();
    }

    /// Tells once that all workers accept.
    fn welcome(&mut self) {
        let all_ready = self.workers.iter().all(|worker| worker.life.is_ready());
        if self.phase == Phase::Starting && all_ready {
            self.phase = Phase::Serving;
            let (pid, workers) = (std::process::id(), self.workers.len());
            log::tell(&format!(
                "gateserve is ready (pid {pid}, workers {workers})"
            ));
            self.beside.ready();
            daemonize::ready();
        }
    }

    /// Takes note of every worker that has ended.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { return };
            let placed = self.workers.iter().position(|it| it.pid == Some(pid));
            if let Some(number) = placed {
                self.buried(number, status);
            }
            self.leaving.retain(|&left| left != pid);
        }
    }

    fn buried(&mut self, number: usize, status: WaitStatus) {
        let expected = matches!(status, WaitStatus::Exited(_, worker::DONE));
        let serving = self.phase.deadline().is_none();
        log::tell(&obituary(number + 1, status, expected, serving));
        let now = Instant::now();
        let worker = &mut self.workers[number];
        worker.pid = None;
        worker.life = worker.life.ended(now, expected);
        self.board.worker(number).vacate();
        if serving && worker.life.due() > Some(now) {
            log::tell(&format!(
                "worker respawning too fast !!! i have to sleep a bit ({} seconds)...",
                RESPAWN_DELAY.as_secs()
            ));
        }
    }

    /// Does what has become due.
    fn act_on_time(&mut self, now: Instant) {
        match self.phase {
            Phase::Draining { until } if until <= now => self.end_now(),
            Phase::Ending { until } if until <= now => self.signal_all(Signal::SIGKILL),
            Phase::Draining { .. } | Phase::Ending { .. } => {}
            Phase::Starting | Phase::Serving => {
                for number in 0..self.workers.len() {
                    let due = self.workers[number].life.due();
                    if due.is_some_and(|due| due <= now) {
                        self.respawn(number);
                    }
                }
            }
        }
    }

    /// Puts a new worker into an empty place, or tries again later.
    fn respawn(&mut self, number: usize) {
        match self.fork(number) {
            Ok((pid, since)) => {
                self.workers[number] = Worker {
                    pid: Some(pid),
                    life: Life::Booting { since },
                };
                log::tell(&format!(
                    "Respawned uWSGI worker {} (new pid: {pid})",
                    number + 1
                ));
            }
            Err(error) => {
                let respawn = Instant::now() + RESPAWN_DELAY;
                self.workers[number].life = Life::Gone { respawn };
                log::tell(&format!("cannot fork worker {}: {error}", number + 1));
            }
        }
    }

    fn fork(&self, number: usize) -> io::Result<(Pid, Instant)> {
        let start = worker::Start {
            number,
            settings: self.settings,
            language: self.language,
            sockets: &self.sockets,
            tell: &self.tell,
            slot: self.board.worker(number),
            signal_mask: self.signals.unblocked(),
            master: std::process::id(),
        };
        let pid = fork::spawn(self.language, || worker::run(&start))?;
        Ok((pid, Instant::now()))
    }
}
