//! One request in the hands of an application that blocks.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::unistd::{Pid, gettid};
use wire::environ::Environ;

use super::Suspect;
use super::watch::{self, Watch};
use crate::clock;
use crate::exchange::LastWords;
use crate::master::scoreboard::{CoreSlot, Running};

/// What the watch knows of a request.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    /// Part of the reply has left, or is about to.
    begun: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Gone once the request is over.
    words: Option<Box<dyn LastWords>>,
    /// Present while a thread is at it.
    turn: Option<Turn>,
}

/// A thread's time with a request.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) core: CoreSlot,
    /// The kernel's id of the thread.
    pub(super) thread: Pid,
    pub(super) suspect: Suspect,
    /// When the server's own limit ends, in microseconds of the monotonic clock.
    pub(super) deadline: Option<u64>,
    /// When the limit ends that the application set for itself.
    pub(super) user_deadline: Option<u64>,
    /// How often it was tried to end the request.
    pub(super) attempts: u32,
}

impl Turn {
    /// When harakiri is due.
    pub(super) fn due(&self) -> Option<u64> {
        [self.deadline, self.user_deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// Nothing is due before then.
    pub(super) fn postpone(&mut self, until: u64) {
        for deadline in [&mut self.deadline, &mut self.user_deadline] {
            *deadline = deadline.map(|it| it.max(until));
        }
        self.publish();
    }

    /// Tells the master, which looks after workers whose watch does not.
    fn publish(&self) {
        self.core.set_deadline(self.due().unwrap_or(0));
    }
}

impl Ticket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a part of the reply is on its way.
    pub(crate) fn set_begun(&self, begun: bool) {
        self.begun.store(begun, Ordering::Release);
    }

    /// Works on the turn, if a thread is at the request.
    pub(super) fn with_turn<T>(&self, work: impl FnOnce(&mut Turn) -> T) -> Option<T> {
        self.state().turn.as_mut().map(work)
    }

    /// Speaks in the application's place.
    pub(super) fn say(&self, status: u16) -> bool {
        let begun = self.begun.load(Ordering::Acquire);
        let state = self.state();
        state.words.as_ref().is_some_and(|it| it.say(status, begun))
    }

    /// Waits for the peer to close, if the request is not over.
    pub(super) fn wait_for_close(&self, most: std::time::Duration) {
        if let Some(words) = &self.state().words {
            words.wait_for_close(most);
        }
    }
}

/// The event loop's handle of a ticket: while it lives, the connection does.
#[derive(Debug)]
pub(crate) struct Handed(Arc<Ticket>);

impl Handed {
    /// A ticket for a request that goes to a thread that may block.
    pub(crate) fn new(words: Option<Box<dyn LastWords>>) -> Self {
        let ticket = Arc::new(Ticket::default());
        ticket.state().words = words;
        if let Some(watch) = watch::installed() {
            watch.add(&ticket);
        }
        Self(ticket)
    }

    /// For the thread.
    pub(crate) fn ticket(&self) -> &Arc<Ticket> {
        &self.0
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.0.state().words = None;
        if let Some(watch) = watch::installed() {
            watch.remove(&self.0);
        }
    }
}

thread_local! {
    /// The kernel's id of this thread, asked for once.
    static THREAD: Pid = gettid();
    /// The request that this thread is at.
    static CURRENT: RefCell<Option<Arc<Ticket>>> = const { RefCell::new(None) };
}

/// A request in the hands of this thread; over when dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    ticket: Arc<Ticket>,
    core: CoreSlot,
    running: Option<Running>,
}

impl Busy {
    /// The calling thread, which is `core`, begins to answer the request of these variables.
    pub(crate) fn new(ticket: &Arc<Ticket>, core: CoreSlot, environ: &Environ) -> Self {
        let suspect = Suspect::of(environ);
        let running = core.begin(&suspect.remote_addr, &suspect.method, &suspect.uri);
        let turn = Turn {
            core,
            thread: THREAD.with(|thread| *thread),
            suspect,
            deadline: watch::installed().and_then(Watch::deadline),
            user_deadline: None,
            attempts: 0,
        };
        turn.publish();
        ticket.state().turn = Some(turn);
        CURRENT.set(Some(Arc::clone(ticket)));
        Self {
            ticket: Arc::clone(ticket),
            core,
            running: Some(running),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        CURRENT.set(None);
        self.ticket.state().turn = None;
        self.core.set_deadline(0);
        if let Some(running) = self.running.take() {
            running.end();
        }
    }
}

/// Gives the request that the calling thread is at so many seconds from now, or no limit of its
/// own with 0. The server's limit stays. Returns whether the thread is at a request.
pub(super) fn set_user_deadline(seconds: u32) -> bool {
    let deadline = clock::monotonic_us() + u64::from(seconds) * 1_000_000;
    CURRENT.with_borrow(|current| {
        let set = |turn: &mut Turn| {
            turn.user_deadline = (seconds > 0).then_some(deadline);
            turn.publish();
        };
        current.as_ref().and_then(|it| it.with_turn(set)).is_some()
    })
}
