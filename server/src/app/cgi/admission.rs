//! How many programs run at the same time, and how many requests wait for one of their places.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::options::CgiSettings;

/// The places of `cgi-concurrency` in one worker.
#[derive(Debug)]
pub(super) struct Admission {
    places: Semaphore,
    most: usize,
    waiting: Cell<usize>,
    queue: usize,
    patience: Duration,
}

/// No place, and none to be hoped for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// As many requests wait as may.
    #[error("{running} CGI programs run (cgi-concurrency) and {waiting} requests wait (cgi-queue)")]
    Queue {
        /// `cgi-concurrency`.
        running: usize,
        /// `cgi-queue`.
        waiting: usize,
    },
    /// No place became free in time.
    #[error(
        "{running} CGI programs run (cgi-concurrency) and none ended within {seconds} s \
         (cgi-queue-timeout)"
    )]
    TooLong {
        /// `cgi-concurrency`.
        running: usize,
        /// `cgi-queue-timeout`.
        seconds: u64,
    },
}

impl Admission {
    /// `None` where any number of programs may run.
    pub(super) fn new(settings: &CgiSettings) -> Option<Self> {
        let most = settings.concurrency;
        (most > 0).then(|| Self {
            places: Semaphore::new(most),
            most,
            waiting: Cell::new(0),
            queue: settings.queue,
            patience: settings.queue_timeout,
        })
    }

    /// Waits in the queue for a place, which is held until the value returned goes.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, Full> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let running = self.most;
        if self.waiting.get() >= self.queue {
            let waiting = self.waiting.get();
            return Err(Full::Queue { running, waiting });
        }
        let _waiting = Waiting::new(&self.waiting);
        let place = timeout(self.patience, self.places.acquire()).await;
        let seconds = self.patience.as_secs();
        let place = place.map_err(|_| Full::TooLong { running, seconds })?;
        Ok(place.expect("the semaphore is never closed"))
    }
}

/// One request in the queue, also when it is given up.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn admission(concurrency: usize, queue: usize, queue_timeout: Duration) -> Admission {
        Admission::new(&CgiSettings {
            concurrency,
            queue,
            queue_timeout,
            ..CgiSettings::default()
        })
        .unwrap()
    }

    #[test]
    fn without_a_number_there_is_no_limit() {
        assert!(Admission::new(&CgiSettings::default()).is_none());
    }

    #[tokio::test]
    async fn a_place_that_becomes_free_goes_to_who_waits() {
        let admission = admission(1, 1, Duration::from_secs(3600));
        let first = admission.enter().await.unwrap();
        let second = admission.enter();
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        let full = Full::Queue {
            running: 1,
            waiting: 1,
        };
        assert_eq!(admission.enter().await.unwrap_err(), full);
        drop(first);
        drop(second.await.unwrap());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_queue() {
        let admission = admission(1, 1, Duration::from_secs(3600));
        let _first = admission.enter().await.unwrap();
        assert!(admission.enter().now_or_never().is_none());
        assert_eq!(admission.waiting.get(), 0);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let admission = admission(1, 1, Duration::ZERO);
        let _first = admission.enter().await.unwrap();
        let full = Full::TooLong {
            running: 1,
            seconds: 0,
        };
        assert_eq!(admission.enter().await.unwrap_err(), full);
    }
}
