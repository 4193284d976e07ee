//! Waiting for the event loop: on its own thread by turning it, elsewhere by sleeping.

use std::cell::OnceCell;
use std::future::Future;
use std::rc::Rc;

use tokio::runtime::Runtime;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::RecvError;
use tokio::task::LocalSet;

thread_local! {
    /// The event loop that this thread turns, if it does.
    static TURNER: OnceCell<Rc<Turner>> = const { OnceCell::new() };
}

/// An event loop that is turned only while somebody on its thread waits for something.
#[derive(Debug)]
pub(crate) struct Turner {
    runtime: Runtime,
    tasks: LocalSet,
}

impl Turner {
    /// An event loop for this thread, which can have one only.
    pub(crate) fn install(runtime: Runtime, tasks: LocalSet) -> Rc<Self> {
        TURNER.with(|turner| Rc::clone(turner.get_or_init(|| Rc::new(Self { runtime, tasks }))))
    }

    /// Turns the loop until `future` is done. Not to be called by a task of the loop.
    pub(crate) fn until<T>(&self, future: impl Future<Output = T>) -> T {
        self.tasks.block_on(&self.runtime, future)
    }
}

/// Waits for an answer of the event loop.
pub(super) fn wait<T>(answer: Receiver<T>) -> Result<T, RecvError> {
    match TURNER.with(|turner| turner.get().cloned()) {
        Some(turner) => turner.until(answer),
        None => answer.blocking_recv(),
    }
}
