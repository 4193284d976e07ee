//! Connections of a worker that answers calls on the thread of its event loop.
//!
//! They are no tasks of the loop, so that a connection can go on, and a reply leave, between two
//! calls without a turn of the loop: each would ask the kernel for events.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;

/// Those that go on, each when something woke it.
#[derive(Default)]
pub(super) struct Connections {
    going_on: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Those that came since the last look.
    added: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    bell: Arc<Bell>,
    are_own: Cell<bool>,
}

/// Rings when a connection can go on. Nobody hears it while the thread is at a call: to wake a loop
/// that does not sleep takes a system call.
#[derive(Default)]
struct Bell {
    has_rung: AtomicBool,
    /// The thread is in its event loop.
    in_loop: AtomicBool,
    tender: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl Bell {
    fn ring(&self) {
        self.has_rung.store(true, SeqCst);
        if self.in_loop.load(SeqCst) {
            self.tender.wake();
        }
    }
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

    /// Adds one; a connection may do so while it goes on itself. One that panics is dropped, and
    /// harms no other.
    pub(super) fn add(&self, connection: impl Future<Output = ()> + 'static) {
        let caught = AssertUnwindSafe(connection).catch_unwind().map(drop);
        self.added.borrow_mut().push(caught.boxed_local());
        self.bell.ring();
    }

    /// The thread turns its event loop from now on.
    pub(super) fn enter_loop(&self) {
        self.bell.in_loop.store(true, SeqCst);
        if self.bell.has_rung.load(SeqCst) {
            self.bell.tender.wake();
        }
    }

    /// The thread turns it no more.
    pub(super) fn leave_loop(&self) {
        self.bell.in_loop.store(false, SeqCst);
    }

    /// A task of the event loop: goes on with connections while it turns.
    pub(super) async fn tend(&self) -> Infallible {
        poll_fn(|cx| {
            self.bell.tender.register(cx.waker());
            self.go_on();
            Poll::Pending
        })
        .await
    }

    /// Goes on with each that something woke.
    pub(super) fn go_on(&self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut cx = Context::from_waker(&waker);
        self.bell.has_rung.store(false, SeqCst);
        let mut going_on = self.going_on.borrow_mut();
        loop {
            going_on.extend(self.added.take());
            match going_on.poll_next_unpin(&mut cx) {
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

    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn a_connection_goes_on_when_it_is_woken() {
        let (connections, notify) = (Connections::default(), Rc::new(Notify::new()));
        let steps = Rc::new(Cell::new(0));
        let (waits, counts) = (Rc::clone(&notify), Rc::clone(&steps));
        connections.add(async move {
            counts.set(1);
            waits.notified().await;
            counts.set(2);
        });
        connections.go_on();
        connections.go_on();
        assert_eq!(steps.get(), 1);
        notify.notify_one();
        connections.go_on();
        assert_eq!(steps.get(), 2);
    }

    #[tokio::test]
    async fn the_loop_is_told_of_what_happened_while_it_stood_still() {
        let (connections, notify) = (Rc::new(Connections::default()), Rc::new(Notify::new()));
        let done = Rc::new(Notify::new());
        let (waits, tells, tended) = (
            Rc::clone(&notify),
            Rc::clone(&done),
            Rc::clone(&connections),
        );
        let tasks = tokio::task::LocalSet::new();
        tasks.spawn_local(async move { tended.tend().await });
        let waiting = async move {
            waits.notified().await;
            tells.notify_one();
        };
        connections.add(waiting);
        connections.go_on();
        notify.notify_one();
        let turn = async {
            connections.enter_loop();
            done.notified().await;
        };
        tasks.run_until(turn).await;
    }

    #[test]
    fn one_that_another_adds_begins_at_once() {
        let connections = Rc::new(Connections::default());
        let (begun, count) = (Rc::new(Cell::new(false)), Rc::clone(&connections));
        let second = Rc::clone(&begun);
        connections.add(async move { count.add(async move { second.set(true) }) });
        connections.go_on();
        assert!(begun.get());
    }

    #[test]
    fn one_that_panics_harms_no_other() {
        let connections = Connections::default();
        let is_served = Rc::new(Cell::new(false));
        let serves = Rc::clone(&is_served);
        connections.add(async { panic!("a mistake") });
        connections.add(async move { serves.set(true) });
        connections.go_on();
        assert!(is_served.get());
    }
}
