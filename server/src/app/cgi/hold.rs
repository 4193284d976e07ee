//! When the head of a reply may leave while the request body is still coming.
//!
//! A gateway that reads the head of a reply sends no more of the request body: nginx stops there
//! (`ngx_http_upstream_send_request`, unless the upstream is HTTP/2), so that a program which writes
//! its head first and then reads its body, as `git http-backend` does, would wait for it forever.
//! So behind a gateway the head waits until the body has been received. A program that writes more
//! than is held back gets the rest of its body from a file; one that ends, or that neither reads nor
//! writes, is passed on as it is.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Bytes of a reply that are held back at most.
pub(super) const HELD: usize = 64 * 1024;

/// How long nothing may move before the head leaves.
const QUIET: Duration = Duration::from_secs(1);

/// How far the request body has come.
#[derive(Debug)]
pub(super) struct Feed {
    moved: Cell<Instant>,
    is_over: Cell<bool>,
    over: Notify,
    is_urgent: Cell<bool>,
    urgent: Notify,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self {
            moved: Cell::new(Instant::now()),
            is_over: Cell::new(false),
            over: Notify::new(),
            is_urgent: Cell::new(false),
            urgent: Notify::new(),
        }
    }

    /// A part of the body came, or went to the program.
    pub(super) fn moves(&self) {
        self.moved.set(Instant::now());
    }

    /// All of the body has to be received now, whether or not the program takes it.
    pub(super) fn hurry(&self) {
        self.is_urgent.set(true);
        self.urgent.notify_one();
    }

    /// Resolves when all of the body has to be received.
    pub(super) async fn hurried(&self) {
        while !self.is_urgent.get() {
            self.urgent.notified().await;
        }
    }

    /// All of the body has been received, or the program takes no more of it.
    pub(super) fn ends(&self) {
        self.is_over.set(true);
        self.over.notify_one();
    }

    /// Resolves when there is no more reason to hold the head back.
    pub(super) async fn holds(&self) {
        while !self.is_over.get() {
            let until = self.moved.get() + QUIET;
            tokio::select! {
                () = self.over.notified() => {}
                () = sleep_until(until) => {
                    if self.moved.get() + QUIET <= Instant::now() {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn the_head_waits_for_the_end_of_the_body() {
        let feed = Feed::new();
        assert_eq!(feed.holds().now_or_never(), None);
        feed.ends();
        assert_eq!(feed.holds().now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn the_head_does_not_wait_where_nothing_moves() {
        let feed = Feed::new();
        let begun = Instant::now();
        feed.holds().await;
        assert!(begun.elapsed() >= QUIET);
    }
}
