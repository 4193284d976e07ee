//! How long an application may stay silent.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time an application has left to show a sign of life (DF-TIMEOUT-BETWEEN-READS): every byte
/// in either direction starts it anew, and while the client is the one waited for it stands still.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    since: Cell<Instant>,
    waits_for_client: Cell<usize>,
}

impl Patience {
    /// Starts now.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Cell::new(Instant::now()),
            waits_for_client: Cell::new(0),
        }
    }

    /// The application showed a sign of life.
    pub(crate) fn renew(&self) {
        self.since.set(Instant::now());
    }

    /// Waits for the client; meanwhile the application is not to blame.
    pub(crate) async fn with_client<F: Future>(&self, wait: F) -> F::Output {
        let _waiting = Waiting::new(self);
        wait.await
    }

    /// Resolves once the application has been silent for too long.
    pub(crate) async fn runs_out(&self) {
        loop {
            let end = self.since.get() + self.limit;
            sleep_until(end).await;
            if self.waits_for_client.get() > 0 {
                self.renew();
            } else if self.since.get() + self.limit <= end {
                return;
            }
        }
    }
}

/// One wait for the client, also when it is given up.
struct Waiting<'a>(&'a Patience);

impl<'a> Waiting<'a> {
    fn new(patience: &'a Patience) -> Self {
        patience
            .waits_for_client
            .set(patience.waits_for_client.get() + 1);
        Self(patience)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .waits_for_client
            .set(self.0.waits_for_client.get() - 1);
        self.0.renew();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn silence_runs_out() {
        Patience::new(Duration::ZERO).runs_out().await;
    }

    #[tokio::test]
    async fn a_sign_of_life_starts_the_time_anew() {
        let patience = Patience::new(Duration::from_secs(3600));
        patience
            .since
            .set(Instant::now() - Duration::from_secs(3599));
        patience.renew();
        assert!(patience.since.get().elapsed() < Duration::from_secs(3000));
        assert!(patience.runs_out().now_or_never().is_none());
    }

    #[tokio::test]
    async fn while_the_client_is_waited_for_the_time_stands_still() {
        let patience = Patience::new(Duration::ZERO);
        let waiting = patience.with_client(pending::<()>());
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(patience.waits_for_client.get(), 1);
        patience.with_client(ready(())).await;
        assert_eq!(patience.waits_for_client.get(), 1);
    }
}
