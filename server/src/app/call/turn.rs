//! Waiting for the event loop: on its own thread by turning it, elsewhere by sleeping.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::RecvError;
use tokio::task::{LocalSet, spawn_local};

use super::ask::Ask;
use super::asks::Asks;
use super::connections::Connections;

/// The event loop gets its turn once so much time is over, whatever there is to do without it.
pub(crate) const TURN_AFTER: Duration = Duration::from_millis(1);

thread_local! {
    /// The event loop that this thread turns, if it does.
    static TURNER: OnceCell<Rc<Turner>> = const { OnceCell::new() };
}

/// An event loop that is turned only while somebody on its thread waits for something.
#[derive(Debug)]
pub(crate) struct Turner {
    runtime: Runtime,
    tasks: LocalSet,
    /// What its thread has asked since the last turn. It is handed over within the next one: from
    /// outside, each hand-over would wake a loop that does not sleep, by a system call.
    asked: RefCell<Vec<(Asks, Ask)>>,
    connections: Connections,
    /// When it turned last.
    turned: Cell<Instant>,
}

impl Turner {
    /// An event loop for this thread, which can have one only.
    pub(crate) fn install(runtime: Runtime, tasks: LocalSet) -> Rc<Self> {
        TURNER.with(|turner| {
            Rc::clone(turner.get_or_init(|| {
                Rc::new(Self {
                    runtime,
                    tasks,
                    asked: RefCell::default(),
                    connections: Connections::default(),
                    turned: Cell::new(Instant::now()),
                })
            }))
        })
    }

    /// From now on connections are this turner's own.
    pub(crate) fn take_connections(self: &Rc<Self>) {
        self.connections.take_over();
        let turner = Rc::clone(self);
        let tend = async move { turner.connections.tend().await };
        self.tasks.spawn_local(tend);
    }

    /// Turns the loop until `future` is done. Not to be called by a task of the loop.
    pub(crate) fn until<T>(&self, future: impl Future<Output = T>) -> T {
        let done = self.tasks.block_on(&self.runtime, async {
            self.hand_over();
            self.connections.enter_loop();
            future.await
        });
        self.connections.leave_loop();
        self.turned.set(Instant::now());
        done
    }

    /// Waits for an answer: without a turn of the loop where what it takes is there already, such
    /// as the next piece of a body, and the loop had its turn a moment ago.
    fn wait<T>(&self, mut answer: Receiver<T>) -> Result<T, RecvError> {
        if self.connections.are_own() && self.turned.get().elapsed() < TURN_AFTER {
            self.attend();
            if let Ok(answer) = answer.try_recv() {
                return Ok(answer);
            }
        }
        self.until(answer)
    }

    /// Hands over what was asked and goes on with the connections that this concerns, without a
    /// turn of the loop: replies leave.
    pub(crate) fn attend(&self) {
        self.hand_over();
        let _runtime = self.runtime.enter();
        let _tasks = self.tasks.enter();
        self.connections.go_on();
    }

    fn hand_over(&self) {
        for (asks, ask) in self.asked.take() {
            // Nobody listens any more where the exchange is over.
            asks.send(ask);
        }
    }
}

/// Goes on with a connection beside the calling task.
pub(crate) fn spawn_connection(connection: impl Future<Output = ()> + 'static) {
    let turner = TURNER.with(|turner| turner.get().cloned());
    match turner.filter(|turner| turner.connections.are_own()) {
        Some(turner) => turner.connections.add(connection),
        None => drop(spawn_local(connection)),
    }
}

/// Hands an ask to the event loop; false if the exchange is known to be over.
pub(super) fn tell(asks: &Asks, ask: Ask) -> bool {
    match TURNER.with(|turner| turner.get().cloned()) {
        Some(_) if asks.is_closed() => false,
        Some(turner) => {
            turner.asked.borrow_mut().push((asks.clone(), ask));
            true
        }
        None => asks.send(ask),
    }
}

/// Waits for an answer of the event loop.
pub(super) fn wait<T>(answer: Receiver<T>) -> Result<T, RecvError> {
    match TURNER.with(|turner| turner.get().cloned()) {
        Some(turner) => turner.wait(answer),
        None => answer.blocking_recv(),
    }
}
