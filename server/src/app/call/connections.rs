//! Connections of a worker that answers calls on the thread of its event loop.
//!
//! They are no tasks of the loop, so that a connection can go on, and a reply leave, between two
//! calls without a turn of the loop: each would ask the kernel for events.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::task::{Context, Poll, Waker};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

/// Those that go on, each when something woke it.
#[derive(Default)]
pub(super) struct Connections {
    going_on: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Those that came since the last look.
    added: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// Who looks.
    looker: RefCell<Option<Waker>>,
    are_own: Cell<bool>,
}

impl Connections {
    /// From now on connections belong here.
    pub(super) fn take_over(&self) {
        self.are_own.set(true);
    }

    /// Whether they do.
    pub(super) fn are_own(&self) -> bool {
        self.are_own.get()
    }

    /// Adds one; a connection may do so while it is looked at.
    pub(super) fn add(&self, connection: LocalBoxFuture<'static, ()>) {
        self.added.borrow_mut().push(connection);
        if let Some(looker) = &*self.looker.borrow() {
            looker.wake_by_ref();
        }
    }

    /// Goes on with each that something woke.
    pub(super) fn poll(&self, cx: &mut Context<'_>) {
        let mut going_on = self.going_on.borrow_mut();
        self.looker.replace(Some(cx.waker().clone()));
        loop {
            going_on.extend(self.added.take());
            match going_on.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                _ if self.added.borrow().is_empty() => return,
                _ => {}
            }
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    fn look(connections: &Connections) {
        connections.poll(&mut Context::from_waker(Waker::noop()));
    }

    #[test]
    fn a_connection_goes_on_when_it_is_woken() {
        let (connections, notify) = (Connections::default(), Rc::new(Notify::new()));
        let steps = Rc::new(Cell::new(0));
        let (waits, counts) = (Rc::clone(&notify), Rc::clone(&steps));
        connections.add(
            async move {
                counts.set(1);
                waits.notified().await;
                counts.set(2);
            }
            .boxed_local(),
        );
        look(&connections);
        look(&connections);
        assert_eq!(steps.get(), 1);
        notify.notify_one();
        look(&connections);
        assert_eq!(steps.get(), 2);
    }

    #[test]
    fn one_that_another_adds_begins_at_once() {
        let connections = Rc::new(Connections::default());
        let (begun, count) = (Rc::new(Cell::new(false)), Rc::clone(&connections));
        let second = Rc::clone(&begun);
        connections.add(
            async move { count.add(async move { second.set(true) }.boxed_local()) }.boxed_local(),
        );
        look(&connections);
        assert!(begun.get());
    }
}
