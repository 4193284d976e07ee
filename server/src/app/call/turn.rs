//! Waiting for the event loop: on its own thread by turning it, elsewhere by sleeping.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::RecvError;
use tokio::task::LocalSet;

use super::ask::Ask;

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
    asked: RefCell<Vec<(UnboundedSender<Ask>, Ask)>>,
}

impl Turner {
    /// An event loop for this thread, which can have one only.
    pub(crate) fn install(runtime: Runtime, tasks: LocalSet) -> Rc<Self> {
        TURNER.with(|turner| {
            Rc::clone(turner.get_or_init(|| {
                let asked = RefCell::default();
                Rc::new(Self {
                    runtime,
                    tasks,
                    asked,
                })
            }))
        })
    }

    /// Turns the loop until `future` is done. Not to be called by a task of the loop.
    pub(crate) fn until<T>(&self, future: impl Future<Output = T>) -> T {
        self.tasks.block_on(&self.runtime, async {
            for (asks, ask) in self.asked.take() {
                // Nobody listens any more where the exchange is over.
                let _ = asks.send(ask);
            }
            future.await
        })
    }
}

/// Hands an ask to the event loop; false if the exchange is known to be over.
pub(super) fn tell(asks: &UnboundedSender<Ask>, ask: Ask) -> bool {
    match TURNER.with(|turner| turner.get().cloned()) {
        Some(_) if asks.is_closed() => false,
        Some(turner) => {
            turner.asked.borrow_mut().push((asks.clone(), ask));
            true
        }
        None => asks.send(ask).is_ok(),
    }
}

/// Waits for an answer of the event loop.
pub(super) fn wait<T>(answer: Receiver<T>) -> Result<T, RecvError> {
    match TURNER.with(|turner| turner.get().cloned()) {
        Some(turner) => turner.until(answer),
        None => answer.blocking_recv(),
    }
}
