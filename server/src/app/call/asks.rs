//! The way from an application to the event loop: what one request's application asks, in order.
//!
//! A general channel keeps room for many messages; a request mostly makes one or two, and there is
//! a channel for each request.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use super::ask::Ask;

#[derive(Debug, Default)]
struct State {
    asks: VecDeque<Ask>,
    /// Who waits for the next one.
    waiting: Option<Waker>,
    /// Nobody asks any more.
    ended: bool,
    /// Nobody listens any more.
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared(Mutex<State>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits, outside of the lock.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// The asking end; the last of its clones ends the asking.
#[derive(Clone, Debug)]
pub(super) struct Asks(Arc<End>);

#[derive(Debug)]
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

/// An asking end that does not keep it open.
#[derive(Clone, Debug)]
pub(super) struct WeakAsks(Weak<End>);

/// The listening end.
#[derive(Debug)]
pub(super) struct Asked(Arc<Shared>);

/// Both ends.
pub(super) fn asks() -> (Asks, Asked) {
    let shared = Arc::<Shared>::default();
    (Asks(Arc::new(End(Arc::clone(&shared)))), Asked(shared))
}

impl Asks {
    /// Hands over an ask; false if nobody listens any more.
    pub(super) fn send(&self, ask: Ask) -> bool {
        let mut is_heard = true;
        self.0.0.change(|state| match state.closed {
            true => is_heard = false,
            false => state.asks.push_back(ask),
        });
        is_heard
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.0.state().closed
    }

    pub(super) fn downgrade(&self) -> WeakAsks {
        WeakAsks(Arc::downgrade(&self.0))
    }
}

impl WeakAsks {
    /// `None` once nobody asks any more.
    pub(super) fn upgrade(&self) -> Option<Asks> {
        self.0.upgrade().map(Asks)
    }
}

impl Asked {
    /// The next ask; `None` once nobody can ask any more.
    pub(super) async fn next(&mut self) -> Option<Ask> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Ask>> {
        let mut state = self.0.state();
        match state.asks.pop_front() {
            Some(ask) => Poll::Ready(Some(ask)),
            None if state.ended => Poll::Ready(None),
            None => {
                match &mut state.waiting {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closed = true;
        // Those that were not taken are answered by their end: outside of the lock, for they may
        // wake somebody.
        let left = std::mem::take(&mut state.asks);
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn number(ask: Option<Ask>) -> Option<usize> {
        match ask {
            Some(Ask::Core(number)) => Some(number),
            _ => None,
        }
    }

    #[tokio::test]
    async fn asks_come_in_order_and_then_the_end() {
        let (asks, mut asked) = asks();
        assert!(asks.send(Ask::Core(1)) && asks.clone().send(Ask::Core(2)));
        assert_eq!(number(asked.next().await), Some(1));
        drop(asks);
        assert_eq!(number(asked.next().await), Some(2));
        assert!(asked.next().await.is_none());
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_another_thread() {
        let (asks, mut asked) = asks();
        assert!(asked.next().now_or_never().is_none());
        let thread = std::thread::spawn(move || asks.send(Ask::Core(7)));
        assert_eq!(number(asked.next().await), Some(7));
        assert!(thread.join().unwrap());
        assert!(asked.next().await.is_none());
    }

    #[test]
    fn without_a_listener_nothing_can_be_asked() {
        let (asks, asked) = asks();
        assert!(!asks.is_closed());
        drop(asked);
        assert!(asks.is_closed() && !asks.send(Ask::Core(1)));
    }

    #[tokio::test]
    async fn an_ask_that_nobody_takes_is_answered_by_its_end() {
        let (asks, asked) = asks();
        let (sender, answer) = tokio::sync::oneshot::channel();
        assert!(asks.send(Ask::Read(sender)));
        drop(asked);
        assert!(answer.await.is_err());
    }

    #[test]
    fn a_weak_end_keeps_nothing_open() {
        let (asks, mut asked) = asks();
        let weak = asks.downgrade();
        assert!(weak.upgrade().is_some());
        drop(asks);
        assert!(weak.upgrade().is_none());
        assert!(asked.next().now_or_never().unwrap().is_none());
    }
}
