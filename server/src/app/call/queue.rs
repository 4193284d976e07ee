//! Calls that wait for a thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Call;

/// Calls in the order of their arrival. Handles share one queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Wakes threads that wait for a call.
    pushed: Condvar,
    /// Wakes an event loop that waits for a call.
    arrived: Notify,
    /// Wakes those who wait for a thread to be free.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: VecDeque<Call>,
    /// Calls that threads are at.
    running: usize,
    closed: bool,
    /// Threads that wait for a call.
    idle: usize,
}

impl Waiting {
    fn take(&mut self) -> Option<Call> {
        let call = self.calls.pop_front()?;
        self.running += 1;
        Some(call)
    }
}

impl Queue {
    pub(super) fn push(&self, call: Call) {
        let idle = self.with(|waiting| {
            waiting.calls.push_back(call);
            waiting.idle
        });
        // To wake nobody is a system call as well.
        if idle > 0 {
            self.0.pushed.notify_one();
        }
        self.0.arrived.notify_one();
    }

    /// The next call; waits on the calling thread. `None` once the queue is closed.
    pub(crate) fn wait(&self) -> Option<Call> {
        let mut waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.idle += 1;
        let mut waiting = self
            .0
            .pushed
            .wait_while(waiting, |waiting| {
                waiting.calls.is_empty() && !waiting.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        waiting.idle -= 1;
        waiting.take()
    }

    /// A call that was taken is over.
    pub(crate) fn done(&self) {
        self.with(|waiting| waiting.running -= 1);
        self.0.freed.notify_waiters();
    }

    /// The next call, if one is there.
    pub(crate) fn take(&self) -> Option<Call> {
        self.with(Waiting::take)
    }

    /// Resolves when there is a call to be taken; the event loop gets a turn in any case.
    pub(crate) async fn filled(&self) {
        let is_empty = || self.with(|waiting| waiting.calls.is_empty());
        if !is_empty() {
            return tokio::task::yield_now().await;
        }
        while is_empty() {
            self.0.arrived.notified().await;
        }
    }

    /// Resolves when one of `threads` threads has nothing to do: only then is a further connection
    /// worth accepting, since another worker may be idle.
    pub(crate) async fn room(&self, threads: usize) {
        loop {
            let freed = self.0.freed.notified();
            if self.with(|waiting| waiting.calls.len() + waiting.running < threads) {
                return;
            }
            freed.await;
        }
    }

    /// Lets the threads that wait for a call go.
    pub(crate) fn close(&self) {
        self.with(|waiting| waiting.closed = true);
        self.0.pushed.notify_all();
    }

    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(
            &mut self
                .0
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
