//! `max-requests`: a worker that has served its share makes room for a fresh one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A worker's share of requests, on all its sockets.
pub(crate) struct Retirement {
    share: Share,
    born: Instant,
    served: Cell<u64>,
    due: Rc<Notify>,
}

/// The rule, with time as an argument.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// Requests after which the worker has served, if any number is given.
    requests: Option<u64>,
    /// The age before which it has not, however many there were.
    min_age: Duration,
}

impl Retirement {
    /// Notifies `due` after so many requests, if any number is given, once the worker that begins
    /// now has that age. As in uWSGI, only a request that ends brings it about.
    pub(crate) fn new(requests: Option<u64>, min_age: Duration, due: Rc<Notify>) -> Self {
        Self {
            share: Share { requests, min_age },
            born: Instant::now(),
            served: Cell::new(0),
            due,
        }
    }

    /// A request has ended.
    pub(super) fn count(&self) {
        let served = self.served.get() + 1;
        self.served.set(served);
        if self.share.is_served(served, self.born.elapsed()) {
            self.due.notify_one();
        }
    }
}

impl Share {
    fn is_served(self, served: u64, age: Duration) -> bool {
        self.requests.is_some_and(|share| served >= share) && age >= self.min_age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_its_requests_and_its_time() {
        let share = Share {
            requests: Some(3),
            min_age: Duration::from_secs(10),
        };
        let seconds = Duration::from_secs;
        assert!(!share.is_served(2, seconds(20)));
        assert!(!share.is_served(3, seconds(9)));
        assert!(share.is_served(3, seconds(10)));
        assert!(share.is_served(9, seconds(10)));
    }

    #[test]
    fn without_a_number_a_worker_goes_on_for_ever() {
        let share = Share {
            requests: None,
            min_age: Duration::ZERO,
        };
        assert!(!share.is_served(u64::MAX, Duration::MAX));
    }
}
