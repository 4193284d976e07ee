//! The workers' places: filled, emptied, filled again.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::codes::{self, Meaning};
use super::life::{Curse, Life};
use super::news::{Event, News};
use super::obituary::{Circumstances, obituary};
use super::supervise::{Master, Phase};
use super::{State, daemonize, fork};
use crate::log;
use crate::worker;

/// A worker that cannot be forked is tried again after this.
const FORK_DELAY: Duration = Duration::from_secs(2);

/// What a worker gets beyond its mercy: it ends by itself when that is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One worker's place.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) pid: Option<Pid>,
    pub(super) life: Life,
    /// Set once its process was told to end.
    pub(super) curse: Option<Curse>,
    /// Whether nobody is to follow when its process has ended.
    pub(super) leaves_place_empty: bool,
    /// Whether a process has had the place before.
    pub(super) used: bool,
}

/// A worker that finishes what it has while another one is in its place already.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) pid: Pid,
    pub(super) number: usize,
    pub(super) curse: Curse,
}

impl Worker {
    /// A place that is to be filled at once, or when more workers are needed.
    pub(super) fn waiting(life: Life) -> Self {
        Self {
            pid: None,
            life,
            curse: None,
            leaves_place_empty: false,
            used: false,
        }
    }

    /// Whether it accepts connections and will go on to.
    pub(super) fn is_accepting(&self) -> bool {
        self.life.is_ready() && self.curse.is_none()
    }
}

impl Master<'_, '_> {
    /// A worker has told something of itself.
    pub(super) fn learned(&mut self, news: News) {
        let told = |worker: &Worker| worker.pid == Some(news.from);
        // One that has ended since, or has left its place.
        let Some(number) = self.workers.iter().position(told) else {
            return;
        };
        match news.event {
            Event::Ready => {
                self.workers[number].life = self.workers[number].life.told_ready();
                if self.paused {
                    self.rest(number);
                }
            }
            Event::Leaving => self.makes_room(number, news.from),
        }
        self.welcome();
    }

    /// A worker leaves its place to the next one, and finishes what it has.
    fn makes_room(&mut self, number: usize, pid: Pid) {
        let now = Instant::now();
        let curse = Curse::new(now, self.settings.reload.mercy + LAST_WORDS);
        let worker = &mut self.workers[number];
        worker.pid = None;
        let curse = worker.curse.take().unwrap_or(curse);
        worker.life = match std::mem::take(&mut worker.leaves_place_empty) {
            true => Life::Cheap,
            false => worker.life.ended(now, true, Duration::ZERO),
        };
        self.leaving.push(Leaving { pid, number, curse });
    }

    /// Tells once that all workers accept.
    pub(super) fn welcome(&mut self) {
        let up = |worker: &Worker| worker.life.is_ready() || worker.life.is_cheap();
        if self.phase == Phase::Starting && self.workers.iter().all(up) {
            self.phase = Phase::Serving;
            let accepting = self.workers.iter().filter(|it| it.life.is_ready()).count();
            let pid = std::process::id();
            log::tell(&format!(
                "gateserve is ready (pid {pid}, workers {accepting})"
            ));
            self.beside.ready();
            daemonize::ready();
        }
    }

    /// Tells a worker to end, and remembers when mercy ends.
    pub(super) fn curse(&mut self, number: usize, signal: Signal) {
        let mercy = match signal {
            Signal::SIGHUP => self.settings.reload.mercy + LAST_WORDS,
            _ => LAST_WORDS,
        };
        let worker = &mut self.workers[number];
        let Some(pid) = worker.pid else { return };
        let now = Instant::now();
        worker.curse = Some(match worker.curse {
            Some(curse) => curse.within(now, mercy),
            None => Curse::new(now, mercy),
        });
        // It may have ended by itself, which the next wait tells.
        let _ = kill(pid, signal);
    }

    /// The same for all, those included that have left their places.
    pub(super) fn curse_all(&mut self, signal: Signal) {
        for number in 0..self.workers.len() {
            self.curse(number, signal);
        }
        if signal != Signal::SIGHUP {
            let now = Instant::now();
            for left in &mut self.leaving {
                left.curse = left.curse.within(now, LAST_WORDS);
                let _ = kill(left.pid, signal);
            }
        }
    }

    /// Replaces those that have lived for long enough (`max-worker-lifetime`).
    pub(super) fn end_lifetimes(&mut self, now: Instant) {
        for number in 0..self.workers.len() {
            let worker = &self.workers[number];
            let lived = worker.life.since().map(|since| now - since);
            let lived = lived.filter(|_| worker.is_accepting());
            let limit = self.settings.recycle.lifetime_of(number);
            if let (Some(lived), Some(limit)) = (lived, limit)
                && lived > limit
            {
                log::tell(&format!(
                    "worker {} lifetime reached, it was running for {} second(s)",
                    number + 1,
                    lived.as_secs()
                ));
                self.curse(number, Signal::SIGHUP);
            }
        }
    }

    /// Kills those whose mercy has ended.
    pub(super) fn end_mercy(&mut self, now: Instant) {
        let placed = self.workers.iter_mut().enumerate();
        let placed = placed.filter_map(|(number, it)| Some((number, it.pid?, it.curse.as_mut()?)));
        let left = self.leaving.iter_mut();
        let left = left.map(|left| (left.number, left.pid, &mut left.curse));
        for (number, pid, curse) in placed.chain(left) {
            if curse.is_over(now) {
                let number = number + 1;
                log::fault(&format!(
                    "worker {number} (pid: {pid}) is taking too much time to die...NO MERCY !!!"
                ));
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
    }

    /// Whether any worker's process has not ended.
    pub(super) fn has_processes(&self) -> bool {
        !self.leaving.is_empty() || self.workers.iter().any(|worker| worker.pid.is_some())
    }

    /// Takes note of every process that has ended.
    pub(super) fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { return };
            if self.trial.as_ref().is_some_and(|trial| trial.pid() == pid) {
                self.tried(status);
            }
            let placed = self.workers.iter().position(|it| it.pid == Some(pid));
            match placed {
                Some(number) => self.buried(number, status),
                None => self.buried_beside(pid),
            }
            self.leaving.retain(|left| left.pid != pid);
            self.end_programs_of(pid);
            log::reaped(pid);
        }
    }

    /// Kills the CGI programs that a worker was killed before it could end.
    fn end_programs_of(&self, worker: Pid) {
        let worker = worker.as_raw().unsigned_abs();
        for group in self.board.workers().flat_map(|it| it.groups().take(worker)) {
            let _ = killpg(Pid::from_raw(group.cast_signed()), Signal::SIGKILL);
        }
    }

    /// A process that has no worker's place.
    fn buried_beside(&mut self, pid: Pid) {
        let serving = !self.phase.is_ending();
        if self.beside.buried(pid, serving) && serving {
            self.stop();
        }
    }

    fn buried(&mut self, number: usize, status: WaitStatus) {
        let now = Instant::now();
        let worker = &mut self.workers[number];
        let curse = worker.curse.take();
        let meaning = match status {
            WaitStatus::Exited(_, code) => codes::meaning(code),
            _ => Meaning::Accident,
        };
        let expected = !matches!(meaning, Meaning::Accident | Meaning::FailedApp);
        let circumstances = Circumstances {
            cursed: curse.map(|curse| curse.age(now)),
            ending: self.phase.is_ending(),
        };
        if let Some(text) = obituary(number + 1, status, meaning, circumstances) {
            log::tell(&text);
        }
        let delay = self.settings.processes.respawn_delay;
        worker.pid = None;
        worker.life = worker.life.ended(now, expected || curse.is_some(), delay);
        if std::mem::take(&mut worker.leaves_place_empty) {
            worker.life = Life::Cheap;
        }
        let waits = worker.life.due().is_some_and(|due| due > now);
        let cheap = worker.life.is_cheap();
        self.board.worker(number).vacate();
        self.chain.buried(number);
        if self.phase.is_ending() {
            return;
        }
        match meaning {
            Meaning::BrutalReload => return self.reload(true),
            Meaning::GoCheap => self.workers[number].life = Life::Cheap,
            Meaning::FailedApp if self.phase == Phase::Starting => {
                log::fault("need-app requested, destroying the instance...");
                return self.stop_now(codes::FAILED_APP);
            }
            _ => {}
        }
        if cheap || meaning == Meaning::GoCheap {
            log::tell(&format!("uWSGI worker {} cheaped.", number + 1));
        } else if waits {
            log::tell(&format!(
                "worker respawning too fast !!! i have to sleep a bit ({} seconds)...",
                delay.as_secs()
            ));
        }
    }

    /// Fills the places that are to be filled by now.
    pub(super) fn respawn_due(&mut self, now: Instant) {
        for number in 0..self.workers.len() {
            let due = self.workers[number].life.due();
            if due.is_some_and(|due| due <= now) {
                self.respawn(number);
            }
        }
    }

    /// Puts a new worker into an empty place, or tries again later.
    fn respawn(&mut self, number: usize) {
        let place = number + 1;
        match self.fork(number) {
            Ok((pid, since)) => {
                let worker = &mut self.workers[number];
                worker.pid = Some(pid);
                worker.life = Life::Booting { since };
                worker.curse = None;
                if std::mem::replace(&mut worker.used, true) {
                    log::tell(&format!("Respawned uWSGI worker {place} (new pid: {pid})"));
                } else {
                    let cores = self.settings.processes.threads;
                    log::tell(&format!(
                        "spawned gateserve worker {place} (pid: {pid}, cores: {cores})"
                    ));
                }
            }
            Err(error) => {
                let respawn = Instant::now() + FORK_DELAY;
                self.workers[number].life = Life::Gone { respawn };
                log::tell(&format!("cannot fork worker {place}: {error}"));
            }
        }
    }

    fn fork(&self, number: usize) -> io::Result<(Pid, Instant)> {
        let start = worker::Start {
            number,
            settings: self.settings,
            language: self.language,
            sockets: &self.sockets,
            relay: &self.relay,
            tell: &self.tell,
            board: self.board,
            slot: self.board.worker(number),
            signal_mask: self.signals.unblocked(),
            master: std::process::id(),
        };
        let pid = fork::spawn(self.language, || worker::run(&start))?;
        Ok((pid, Instant::now()))
    }

    /// Has a worker rest, or go on, as all of them are to.
    pub(super) fn rest(&self, number: usize) {
        let worker = &self.workers[number];
        let Some(pid) = worker.pid.filter(|_| worker.life.is_ready()) else {
            return;
        };
        self.board.worker(number).set_state(match self.paused {
            true => State::Paused,
            false => State::Serving,
        });
        let _ = kill(pid, Signal::SIGTSTP);
    }
}
