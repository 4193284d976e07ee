//! The watch over requests of applications that block: a thread of the worker that needs neither
//! the event loop nor the interpreter's lock.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use nix::sys::prctl::set_dumpable;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::Socket;
use tokio::sync::watch::Sender;

use super::report::{self, Report};
use super::stack::StackDump;
use super::task;
use super::ticket::{Ticket, Turn};
use crate::Language;
use crate::clock;
use crate::log;
use crate::master::WorkerSlot;
use crate::options::{Graceful, HarakiriSettings};
use crate::socket::{Backlog, Bound};

/// How long peers get to close their end before the worker dies.
const LAST_MERCY: Duration = Duration::from_millis(100);

/// How long a kill is put off where too few connections wait.
const THRESHOLD_CHECK: Duration = Duration::from_secs(1);

/// The longest sleep of the watch where nothing is limited.
const IDLE: Duration = Duration::from_secs(3600);

static WATCH: OnceLock<Watch> = OnceLock::new();

/// The watch of this process, if it is a worker with applications that block.
pub(super) fn installed() -> Option<&'static Watch> {
    WATCH.get()
}

/// The watch of one worker.
#[derive(Debug)]
pub(crate) struct Watch {
    slot: WorkerSlot,
    settings: HarakiriSettings,
    sockets: Vec<Socket>,
    /// Under `harakiri-verbose`, where the language has it.
    stack: Option<StackDump>,
    /// Requests that wait for a thread or have one.
    tickets: Mutex<Vec<Arc<Ticket>>>,
    /// Runs once a request is limited.
    thread: OnceLock<Thread>,
    /// Keeps the event loop from accepting, once it runs.
    rest: OnceLock<Sender<bool>>,
}

/// Sets up the watch of this worker; the thread starts when a limit is set.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn install(
    slot: WorkerSlot,
    settings: HarakiriSettings,
    language: &dyn Language,
    sockets: &[Bound],
) -> io::Result<()> {
    let copied = sockets.iter().map(|it| it.socket().try_clone());
    let sockets = copied.collect::<io::Result<_>>()?;
    let mut stack = None;
    if settings.verbose {
        // After a change of user the kernel would show what the threads do to root alone.
        set_dumpable(true)?;
        stack = StackDump::prepare(language)?;
    }
    let watch = WATCH.get_or_init(|| Watch {
        slot,
        settings,
        sockets,
        stack,
        tickets: Mutex::default(),
        thread: OnceLock::new(),
        rest: OnceLock::new(),
    });
    match settings.limit {
        Some(_) => watch.wake(),
        None => Ok(()),
    }
}

/// A worker with applications that block is to accept no more, through `rest`, before it is killed.
pub(crate) fn rests_by(rest: &Sender<bool>) {
    if let Some(watch) = installed() {
        watch.rest.get_or_init(|| rest.clone());
    }
}

impl Watch {
    fn tickets(&self) -> MutexGuard<'_, Vec<Arc<Ticket>>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, ticket: &Arc<Ticket>) {
        self.tickets().push(Arc::clone(ticket));
    }

    pub(super) fn remove(&self, ticket: &Arc<Ticket>) {
        self.tickets().retain(|it| !Arc::ptr_eq(it, ticket));
    }

    /// When the server's limit ends for a request that begins now.
    pub(super) fn deadline(&self) -> Option<u64> {
        Some(clock::monotonic_us() + micros(self.settings.limit?))
    }

    /// Lets the thread look, and starts it if it does not run yet.
    pub(super) fn wake(&'static self) -> io::Result<()> {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
            return Ok(());
        }
        let builder = thread::Builder::new().name("harakiri".into());
        let handle = builder.spawn(|| self.run())?;
        let _ = self.thread.set(handle.thread().clone());
        Ok(())
    }

    fn run(&self) {
        loop {
            let now = clock::monotonic_us();
            let tickets = self.tickets().clone();
            match soonest(&tickets) {
                Some((ticket, due)) if due <= now => self.expired(ticket, &tickets, now),
                Some((_, due)) => thread::park_timeout(self.nap(Duration::from_micros(due - now))),
                None => thread::park_timeout(self.nap(IDLE)),
            }
        }
    }

    /// A request that begins during a nap is not due before its end, unless it sets a limit of its
    /// own, which wakes the watch.
    fn nap(&self, wanted: Duration) -> Duration {
        wanted.min(self.settings.limit.unwrap_or(IDLE))
    }

    fn expired(&self, ticket: &Ticket, all: &[Arc<Ticket>], now: u64) {
        let threshold = self.settings.queue_threshold;
        if threshold > 0 {
            let waiting = self.waiting();
            if waiting < threshold {
                log::fault(&report::skipped(self.number(), waiting, threshold));
                ticket.with_turn(|turn| turn.postpone(now + micros(THRESHOLD_CHECK)));
                return;
            }
        }
        let attempt = ticket.with_turn(|turn| {
            turn.attempts += 1;
            turn.clone()
        });
        // The application may have come to an end just now.
        let Some(turn) = attempt else { return };
        match self.settings.graceful {
            Some(graceful) if turn.attempts == 1 => self.try_graceful(graceful, ticket, all, now),
            _ => self.kill(ticket, all),
        }
    }

    /// Connections that wait on all listening sockets.
    fn waiting(&self) -> u32 {
        let backlogs = self.sockets.iter().flat_map(Backlog::of);
        backlogs.map(|backlog| backlog.waiting).sum()
    }

    fn number(&self) -> usize {
        self.slot.number() + 1
    }

    fn try_graceful(&self, graceful: Graceful, ticket: &Ticket, all: &[Arc<Ticket>], now: u64) {
        ticket.with_turn(|turn| turn.postpone(now + micros(graceful.timeout)));
        let next = clock::unix() + graceful.timeout.as_secs();
        self.report(ticket, all, true);
        log::fault(&format!(
            "HARAKIRI: graceful termination attempt on worker {} with signal {}. Next harakiri: \
             {next}",
            self.number(),
            graceful.signal as i32
        ));
        signal_self(graceful.signal);
    }

    /// Answers in the application's place, tells what it was at, and ends this process.
    fn kill(&self, ticket: &Ticket, all: &[Arc<Ticket>]) {
        // With several threads the event loop goes on: whoever connects from now on is the next
        // worker's.
        if let Some(rest) = self.rest.get() {
            rest.send_replace(true);
        }
        ticket.say(504);
        let others = || all.iter().filter(|it| !std::ptr::eq(it.as_ref(), ticket));
        for other in others() {
            other.say(503);
        }
        self.report(ticket, all, false);
        ticket.wait_for_close(LAST_MERCY);
        for other in others() {
            other.wait_for_close(Duration::from_millis(1));
        }
        self.refuse_late(all);
        self.slot.count_harakiri();
        signal_self(Signal::SIGKILL);
    }

    /// Refuses the requests of connections that had been accepted by then, but had not told them.
    fn refuse_late(&self, told: &[Arc<Ticket>]) {
        let late = |it: &&Arc<Ticket>| !told.iter().any(|known| Arc::ptr_eq(known, it));
        let tickets = self.tickets().clone();
        for ticket in tickets.iter().filter(late) {
            ticket.say(503);
            ticket.wait_for_close(Duration::from_millis(1));
        }
    }

    fn report(&self, ticket: &Ticket, all: &[Arc<Ticket>], graceful: bool) {
        let turn_of = |ticket: &Ticket| ticket.with_turn(|turn| turn.clone());
        let Some(culprit) = turn_of(ticket) else {
            return;
        };
        let turns: Vec<Turn> = all.iter().filter_map(|it| turn_of(it)).collect();
        let report = Report {
            worker: self.number(),
            pid: Pid::this(),
            attempt: culprit.attempts,
            graceful,
            core: culprit.core.number(),
            requests: turns
                .into_iter()
                .map(|turn| (turn.core.number(), turn.suspect))
                .collect(),
            doing: self.doing(culprit.thread),
        };
        report.tell();
    }

    /// What a thread is doing, if that is wanted.
    fn doing(&self, thread: Pid) -> Vec<String> {
        if !self.settings.verbose {
            return Vec::new();
        }
        let mut lines = task::lines(Pid::this(), thread);
        let stack = self.stack.iter().flat_map(|stack| stack.of(thread));
        lines.extend(stack.map(|line| format!("HARAKIRI: -- python> {line}")));
        lines
    }
}

/// The ticket that is due first.
fn soonest(tickets: &[Arc<Ticket>]) -> Option<(&Ticket, u64)> {
    let due = |ticket: &Ticket| ticket.with_turn(|turn| turn.due()).flatten();
    tickets
        .iter()
        .filter_map(|it| Some((it.as_ref(), due(it)?)))
        .min_by_key(|&(_, due)| due)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn signal_self(signal: Signal) {
    // Nothing keeps a process from signalling itself.
    let _ = kill(Pid::this(), signal);
}
