//! The master's loop: it waits for signals, news and deaths, and for what is due.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::Scoreboard;
use super::adapt::Rest;
use super::beside::Beside;
use super::chain::Chain;
use super::cheaper::Cheaper;
use super::command::Command;
use super::ending::Trial;
use super::fifo::Fifo;
use super::inspect;
use super::life::Life;
use super::news::{self, News};
use super::program::Program;
use super::signals::Signals;
use super::touch::Touches;
use super::workers::{Leaving, Worker};
use crate::Language;
use crate::log;
use crate::options::Settings;
use crate::socket::{Bound, Relay};

/// How often what tells nothing of itself is looked at, as in uWSGI.
const TICK: Duration = Duration::from_secs(1);

/// What a master begins with.
pub(super) struct Beginning<'a> {
    pub(super) settings: &'a Settings,
    pub(super) language: Option<&'a dyn Language>,
    pub(super) sockets: Vec<Bound>,
    pub(super) relay: Relay,
    /// What a reload runs.
    pub(super) program: &'a Program,
    /// Whether a server ran in this process before.
    pub(super) resumed: bool,
}

/// Runs the workers until a signal ends them; returns the exit code.
pub(super) fn supervise<'a>(beginning: Beginning<'a>, beside: &mut Beside<'a>) -> io::Result<i32> {
    let Beginning {
        settings,
        language,
        sockets,
        relay,
        program,
        resumed,
    } = beginning;
    let signals = Signals::block(resumed)?;
    let (told, tell) = news::pipe()?;
    let (workers, cores) = (settings.processes.workers, settings.processes.threads);
    let now = Instant::now();
    let master = Master {
        settings,
        language,
        sockets,
        relay,
        program,
        beside,
        signals,
        told,
        tell,
        board: Scoreboard::new(workers as usize, cores as usize)?,
        workers: (0..workers)
            .map(|number| {
                let needed = number < settings.cheaper.initial && !settings.cheaper.cheap;
                Worker::waiting(match needed {
                    true => Life::Gone { respawn: now },
                    false => Life::Cheap,
                })
            })
            .collect(),
        leaving: Vec::new(),
        phase: Phase::Starting,
        trial: None,
        chain: Chain::default(),
        cheaper: Cheaper::new(&settings.cheaper, now),
        is_cheap: settings.cheaper.cheap,
        rest: Rest::new(now),
        fifo: Fifo::new(&settings.touch.fifos)?,
        touches: Touches::new(&settings.touch),
        paused: false,
        next_tick: now + TICK,
        next_weighing: now,
    };
    let spawned = match resumed {
        true => "gracefully (RE)spawned",
        false => "spawned",
    };
    let pid = std::process::id();
    log::tell(&format!("{spawned} gateserve master process (pid: {pid})"));
    master.run()
}

pub(super) struct Master<'a, 'b> {
    pub(super) settings: &'a Settings,
    pub(super) language: Option<&'a dyn Language>,
    pub(super) sockets: Vec<Bound>,
    /// Connections whose worker has left.
    pub(super) relay: Relay,
    pub(super) program: &'a Program,
    /// What runs beside the workers.
    pub(super) beside: &'b mut Beside<'a>,
    pub(super) signals: Signals,
    told: io::PipeReader,
    /// What workers tell of themselves goes in here.
    pub(super) tell: io::PipeWriter,
    pub(super) board: Scoreboard,
    pub(super) workers: Vec<Worker>,
    pub(super) leaving: Vec<Leaving>,
    pub(super) phase: Phase,
    /// A reload that waits for its configuration to be tried.
    pub(super) trial: Option<Trial>,
    pub(super) chain: Chain,
    pub(super) cheaper: Cheaper,
    /// Whether there are no workers before a connection waits.
    pub(super) is_cheap: bool,
    pub(super) rest: Rest,
    pub(super) fifo: Fifo,
    touches: Touches,
    /// Whether the workers were told to rest.
    pub(super) paused: bool,
    next_tick: Instant,
    pub(super) next_weighing: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not all workers have been ready yet.
    Starting,
    Serving,
    /// The workers end, and the server with them.
    Stopping {
        /// The server's exit code.
        code: i32,
    },
    /// The workers end, and the server begins anew.
    Reloading,
}

impl Phase {
    /// Whether no worker is to be replaced.
    pub(super) fn is_ending(self) -> bool {
        matches!(self, Self::Stopping { .. } | Self::Reloading)
    }
}

impl Master<'_, '_> {
    fn run(mut self) -> io::Result<i32> {
        self.respawn_due(Instant::now());
        if self.is_cheap {
            log::tell("cheap mode enabled: waiting for socket connection...");
            self.welcome();
        }
        loop {
            if self.wait()? {
                self.wake(Instant::now());
            }
            while let Some(signal) = self.signals.next() {
                self.heard(signal);
            }
            while let Some(news) = News::receive(&mut self.told) {
                self.learned(news);
            }
            self.read_fifo();
            self.reap();
            self.act_on_time(Instant::now());
            if self.phase.is_ending()
                && !self.has_processes()
                && let Some(code) = self.last_one_gone()
            {
                return Ok(code);
            }
        }
    }

    /// Sleeps until there is something to do; returns whether a connection waits that there is no
    /// worker for.
    fn wait(&self) -> io::Result<bool> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let fds = [self.signals.as_fd(), self.told.as_fd()].into_iter();
        let fds = fds.chain(self.fifo.fd()).map(readable);
        let mut fds: Vec<_> = fds.chain(self.beside.watch()).collect();
        let watched = fds.len();
        let cheap = self.is_cheap && !self.phase.is_ending();
        let sockets = self.sockets.iter().filter(|_| cheap);
        fds.extend(sockets.map(|bound| readable(bound.socket().as_fd())));
        match poll(&mut fds, self.time_left()) {
            Ok(_) => Ok(fds[watched..]
                .iter()
                .any(|socket| socket.any() == Some(true))),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn time_left(&self) -> PollTimeout {
        let respawns = self.workers.iter().filter_map(|worker| worker.life.due());
        let respawns = respawns.filter(|_| !self.phase.is_ending());
        let curses = self.workers.iter().filter_map(|worker| worker.curse);
        let curses = curses.chain(self.leaving.iter().map(|left| left.curse));
        let trial = self.trial.as_ref().map(|trial| trial.patience);
        let mercies = curses.chain(trial).filter_map(|curse| curse.due());
        let tick = self.has_ticks().then_some(self.next_tick);
        let due = respawns.chain(mercies).chain(tick);
        let due = due.chain(self.beside.due()).min();
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        // A millisecond more, since the poll's time is cut to whole ones.
        left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        })
    }

    fn heard(&mut self, signal: Signal) {
        let (signal, term_reloads) = match self.settings.hooks.rebound(signal) {
            // What TERM means in itself.
            Some(meaning) => (meaning, false),
            None => (signal, self.settings.reload.term_reloads),
        };
        if let Some(command) = Command::of_signal(signal, term_reloads) {
            self.obey(command);
        }
    }

    fn read_fifo(&mut self) {
        for byte in self.fifo.read() {
            if let Some(command) = Command::of_byte(byte) {
                self.obey(command);
            }
        }
    }

    /// Does what has become due.
    fn act_on_time(&mut self, now: Instant) {
        self.beside.act(now, !self.phase.is_ending());
        self.beside.tell(self.board, &self.sockets);
        self.end_mercy(now);
        self.lose_patience(now);
        let ticks = self.next_tick <= now;
        if ticks {
            self.next_tick = now + TICK;
        }
        if self.phase.is_ending() {
            return;
        }
        self.respawn_due(now);
        self.go_on_with_chain(ticks);
        if ticks {
            self.tick(now);
        }
    }

    /// Whether anything has to be looked at every second.
    fn has_ticks(&self) -> bool {
        self.chain.is_running()
            || !self.touches.is_empty()
            || self.settings.recycle.max_lifetime.is_some()
            || inspect::is_needed(self.settings)
            || self.settings.cheaper.idle.is_some()
            || self.cheaper.looks()
    }

    /// What is looked at every second while the server serves.
    fn tick(&mut self, now: Instant) {
        self.end_lifetimes(now);
        if inspect::is_needed(self.settings) {
            self.inspect(now);
        }
        self.adapt(now);
        self.end_idle(now);
        for touched in self.touches.look() {
            log::fault(&touched.told());
            self.obey(touched.command);
        }
    }
}
