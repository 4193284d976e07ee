//! The request loop of one thread: non-blocking sockets on one epoll, no allocation per request.

use std::{
    collections::VecDeque,
    io,
    os::fd::AsFd,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags},
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use socket2::SockAddr;

use super::{
    LoadSpec,
    connection::{Connection, OpenError, Progress},
    failure::{Failure, FailureKind},
    pacing::{Pacing, Schedule},
    tally::{Cpu, Tally, Window},
};

/// How often time limits, the cancel flag and connections that rest are looked at.
const TICK: Duration = Duration::from_millis(10);
const TICK_MS: u8 = 10;

/// Events taken from epoll at once.
const EVENTS: usize = 256;

/// Bytes read at once.
const READ_LEN: usize = 64 * 1024;

/// What epoll reports the timer of open pacing by; connections have their index.
const TIMER: u64 = u64::MAX;

/// What the threads of one run share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Somebody wants the run to end now.
    pub(super) stop: AtomicBool,
    /// Replies counted so far, of all threads.
    pub(super) answered: AtomicU64,
    /// Nothing more is to be sent; what is under way is waited for.
    pub(super) full: AtomicBool,
    /// That is so because the rate is known well enough.
    pub(super) enough: AtomicBool,
}

/// What one thread brings home.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) tally: Tally,
    pub(super) cpu: Duration,
    pub(super) missed: u64,
}

/// One thread's connections and their requests.
pub(super) struct Client<'a> {
    spec: &'a LoadSpec,
    to: &'a SockAddr,
    shared: &'a Shared,
    epoll: Epoll,
    timer: TimerFd,
    connections: Vec<Connection>,
    /// Connections that wait for a request, the longest waiting one first.
    idle: VecDeque<usize>,
    /// Connections that could not be made: they wait for the next tick, so as not to spin.
    resting: Vec<usize>,
    schedule: Schedule,
    /// When the timer of open pacing goes off.
    armed: Option<Instant>,
    tally: Tally,
    cpu: Cpu,
    /// Connections from this one on have slow clients.
    slow_from: usize,
    /// Which of the requests comes next.
    turn: usize,
    /// Answered requests that `shared` knows of.
    told: u64,
    now: Instant,
    next_tick: Instant,
}

impl<'a> Client<'a> {
    /// Prepares so many connections, and so many more with slow clients; none is opened before its
    /// first request.
    pub(super) fn new(
        spec: &'a LoadSpec,
        to: &'a SockAddr,
        shared: &'a Shared,
        (connections, slow): (usize, usize),
        schedule: Schedule,
        window: Window,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?;
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(timer.as_fd(), EpollEvent::new(edge, TIMER))?;
        let now = Instant::now();
        Ok(Self {
            spec,
            to,
            shared,
            epoll,
            timer,
            connections: (0..connections + slow)
                .map(|at| Connection::new(at >= connections, now))
                .collect(),
            idle: (0..connections).collect(),
            resting: Vec::with_capacity(connections),
            schedule,
            armed: None,
            tally: Tally::new(window),
            cpu: Cpu::new(window),
            slow_from: connections,
            turn: 0,
            told: 0,
            now,
            next_tick: now,
        })
    }

    /// Sends until the schedule is over, then waits for what is under way.
    ///
    /// # Errors
    /// The machine refuses sockets or epoll; whatever the server does is counted instead.
    pub(super) fn run(mut self) -> io::Result<Counted> {
        let mut buf = vec![0; READ_LEN];
        let mut events = [EpollEvent::empty(); EVENTS];
        self.fill()?;
        self.begin_slow()?;
        while !self.is_over() {
            let ready = match self.epoll.wait(&mut events, TICK_MS) {
                Err(nix::Error::EINTR) => 0,
                ready => ready?,
            };
            for event in &events[..ready] {
                if event.data() != TIMER {
                    self.turn(event.data() as usize, event.events(), &mut buf)?;
                }
            }
            self.now = Instant::now();
            self.cpu.mark(self.now);
            self.fill()?;
            if self.now >= self.next_tick {
                self.tick()?;
            }
        }
        self.tell();
        self.tally.end();
        Ok(Counted {
            cpu: self.cpu.used(),
            missed: self.schedule.missed(self.now),
            tally: self.tally,
        })
    }

    fn is_over(&self) -> bool {
        let under_way = self.slow_from - self.idle.len() - self.resting.len();
        self.shared.stop.load(Relaxed) || (under_way == 0 && self.schedule.is_over(self.now))
    }

    /// Lets a connection do what epoll says it can.
    fn turn(&mut self, index: usize, ready: EpollFlags, buf: &mut [u8]) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let request = &self.spec.asks[connection.ask].request;
        match connection.advance(ready, request, &self.epoll, index as u64, buf) {
            Ok(Progress::Pending) => Ok(()),
            Ok(Progress::Dropped) => {
                connection.close();
                Ok(())
            }
            Ok(Progress::Done) => self.done(index),
            Err(failure) if self.may_resend(index, &failure) => self.resend(index),
            Err(failure) => self.fail(index, &failure),
        }
    }

    /// Judges a whole reply and goes on with the connection.
    fn done(&mut self, index: usize) -> io::Result<()> {
        self.now = Instant::now();
        let connection = &mut self.connections[index];
        let ask = &self.spec.asks[connection.ask];
        let keep = self.spec.keep_alive && connection.is_reusable(&ask.request);
        connection.finish(keep);
        match ask.objection(&connection.reply) {
            None if index >= self.slow_from => self.tally.slow_answer(self.now),
            None => self.tally.answer(connection.due, self.now),
            Some(failure) => self.count_failure(index, &failure),
        }
        self.next(index)
    }

    /// Counts a failed request and drops its connection.
    fn fail(&mut self, index: usize, failure: &Failure) -> io::Result<()> {
        self.now = Instant::now();
        let connection = &mut self.connections[index];
        connection.close();
        self.count_failure(index, failure);
        if failure.kind() == FailureKind::Connect {
            self.rest(index);
            return Ok(());
        }
        self.next(index)
    }

    fn count_failure(&mut self, index: usize, failure: &Failure) {
        match index >= self.slow_from {
            true => self.tally.slow_failure(failure, self.now),
            false => {
                let due = self.connections[index].due;
                self.tally.failure(failure, due, self.now);
            }
        }
    }

    /// Leaves a connection that could not be made alone until the next tick.
    fn rest(&mut self, index: usize) {
        if index < self.slow_from {
            self.resting.push(index);
        }
    }

    /// Lets clients that are slow and have nothing to do ask for the next thing.
    fn begin_slow(&mut self) -> io::Result<()> {
        for index in self.slow_from..self.connections.len() {
            if self.connections[index].is_idle() && !self.schedule.is_over(self.now) {
                self.start(index, self.now)?;
            }
        }
        Ok(())
    }

    /// Gives a free connection its next request, or none yet.
    fn next(&mut self, index: usize) -> io::Result<()> {
        if index >= self.slow_from {
            return Ok(());
        }
        match self.schedule.take(self.now) {
            Some(due) => self.start(index, due),
            None => {
                self.idle.push_back(index);
                Ok(())
            }
        }
    }

    /// Gives idle connections the requests that are due, and sets the timer for the one after.
    fn fill(&mut self) -> io::Result<()> {
        while let Some(&index) = self.idle.front() {
            let Some(due) = self.schedule.take(self.now) else {
                return self.wake_at_next_due();
            };
            self.idle.pop_front();
            self.start(index, due)?;
        }
        Ok(())
    }

    fn start(&mut self, index: usize, due: Instant) -> io::Result<()> {
        let ask = self.turn;
        self.turn = (ask + 1) % self.spec.asks.len();
        let bodiless = self.spec.asks[ask].is_bodiless();
        self.connections[index].begin((ask, bodiless), due, self.now);
        self.launch(index)
    }

    fn launch(&mut self, index: usize) -> io::Result<()> {
        match self.send(index) {
            Ok(()) => Ok(()),
            Err(OpenError::System(error)) => Err(error),
            Err(OpenError::Request(failure)) if self.may_resend(index, &failure) => {
                self.resend(index)
            }
            Err(OpenError::Request(failure)) => {
                // Not `fail`: that would start the next request from within this one.
                let connection = &mut self.connections[index];
                connection.close();
                self.count_failure(index, &failure);
                self.rest(index);
                Ok(())
            }
        }
    }

    /// Whether a failed request was only unlucky and does no harm when it is sent twice.
    fn may_resend(&self, index: usize, failure: &Failure) -> bool {
        let connection = &self.connections[index];
        self.spec.asks[connection.ask].is_idempotent() && connection.was_closed_idle(failure)
    }

    /// Sends the current request on a new connection; its latency still counts from when it was due.
    fn resend(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.restart();
        self.tally.retry(connection.due);
        self.launch(index)
    }

    fn send(&mut self, index: usize) -> Result<(), OpenError> {
        let (connection, token) = (&mut self.connections[index], index as u64);
        if !connection.is_open() {
            connection.open(self.to, &self.epoll, token)?;
            self.tally.open(self.now);
        }
        connection
            .send(&self.spec.asks[connection.ask].request, &self.epoll, token)
            .map_err(OpenError::Request)
    }

    /// Sets the timer, if it is not set already: epoll's own time limit is too coarse.
    fn wake_at_next_due(&mut self) -> io::Result<()> {
        let due = self.schedule.due(self.now);
        if self.spec.pacing == Pacing::Closed || self.armed == Some(due) {
            return Ok(());
        }
        self.armed = Some(due);
        // A timer of zero would be disarmed.
        let wait = due
            .saturating_duration_since(self.now)
            .max(Duration::from_nanos(1));
        let once = Expiration::OneShot(TimeSpec::from_duration(wait));
        Ok(self.timer.set(once, TimerSetTimeFlags::empty())?)
    }

    fn tick(&mut self) -> io::Result<()> {
        self.next_tick = self.now + TICK;
        self.tell();
        for index in 0..self.connections.len() {
            if self.connections[index].is_late(self.now, self.spec.timeout) {
                self.fail(index, &Failure::Timeout(self.spec.timeout))?;
            }
        }
        self.trickle()?;
        self.idle.extend(self.resting.drain(..));
        if self.shared.full.load(Relaxed) {
            self.schedule.end();
        }
        self.fill()
    }

    /// Sends the next byte of each slow client.
    fn trickle(&mut self) -> io::Result<()> {
        for index in self.slow_from..self.connections.len() {
            if self.connections[index].has_more_to_say(&self.spec.asks) {
                self.launch(index)?;
            }
        }
        self.begin_slow()
    }

    /// Lets the other threads know how many replies there are.
    fn tell(&mut self) {
        let new = self.tally.answered - self.told;
        self.shared.answered.fetch_add(new, Relaxed);
        self.told += new;
    }
}
