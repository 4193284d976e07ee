//! Looking on while the threads of a run work.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use super::{
    Stop,
    client::Shared,
    steady::{SPAN, Steady},
    tally::Window,
};

/// How often somebody who watches is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How often the threads are looked at between that.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Somebody who looks on while a run goes.
pub trait Watch {
    /// The warm-up is over.
    fn window_opens(&mut self) {}
    /// Called about every 100 ms: time since the start of the run, replies counted so far.
    fn tick(&mut self, _elapsed: Duration, _answered: u64) {}
    /// The measured time is over.
    fn window_closes(&mut self) {}
}

/// Someone who only wants to know how far it is.
pub(super) struct Teller<'a>(pub(super) &'a mut dyn FnMut(Duration, u64));

impl Watch for Teller<'_> {
    fn tick(&mut self, elapsed: Duration, answered: u64) {
        (self.0)(elapsed, answered);
    }
}

/// Tells a [`Watch`] what is due, each edge of the window once and in order.
pub(super) struct Attendant<'a> {
    pub(super) watch: &'a mut dyn Watch,
    start: Instant,
    window: Window,
    opened: bool,
    closed: bool,
    next_tick: Instant,
    stop: Option<Search>,
}

/// The search for a steady rate.
struct Search {
    within: f64,
    end: Instant,
    next_span: Instant,
    steady: Option<Steady>,
}

impl Search {
    fn new(within: f64, most: Duration, opens: Instant) -> Self {
        Self {
            within,
            end: opens + most,
            next_span: opens,
            steady: None,
        }
    }

    /// Looks at the replies counted so far, once each span.
    fn look(&mut self, now: Instant, shared: &Shared, answered: u64) {
        if now >= self.end {
            shared.full.store(true, Relaxed);
        }
        if now < self.next_span {
            return;
        }
        self.next_span = now + SPAN;
        let Some(steady) = &mut self.steady else {
            self.steady = Some(Steady::new(self.within, answered));
            return;
        };
        if steady.is_reached(answered) {
            shared.enough.store(true, Relaxed);
            shared.full.store(true, Relaxed);
        }
    }
}

impl<'a> Attendant<'a> {
    pub(super) fn new(watch: &'a mut dyn Watch, start: Instant, window: Window) -> Self {
        Self {
            watch,
            start,
            window,
            opened: false,
            closed: false,
            next_tick: start + TELL_EVERY,
            stop: None,
        }
    }

    /// Ends the run as `stop` says, where time alone or a number of requests does not.
    pub(super) fn until(mut self, stop: Stop) -> Self {
        if let Stop::Steady { within, most } = stop {
            self.stop = Some(Search::new(within, most, self.window.opens));
        }
        self
    }

    /// Stays until nothing is `running`; passes a cancellation on to the threads.
    pub(super) fn stay(
        &mut self,
        shared: &Shared,
        cancel: &AtomicBool,
        running: &dyn Fn() -> bool,
    ) {
        while running() {
            if cancel.load(Relaxed) {
                shared.stop.store(true, Relaxed);
            }
            let (now, answered) = (Instant::now(), shared.answered.load(Relaxed));
            self.look(now, answered);
            if let Some(search) = &mut self.stop {
                search.look(now, shared, answered);
            }
            thread::sleep(LOOK_EVERY);
        }
        self.open();
        self.close();
    }

    fn look(&mut self, now: Instant, answered: u64) {
        if now >= self.window.opens {
            self.open();
        }
        if self.window.is_past(now) {
            self.close();
        }
        if now >= self.next_tick {
            self.next_tick = now + TELL_EVERY;
            self.watch.tick(now - self.start, answered);
        }
    }

    fn open(&mut self) {
        if !self.opened {
            self.opened = true;
            self.watch.window_opens();
        }
    }

    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.watch.window_closes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Watch for Heard {
        fn window_opens(&mut self) {
            self.0.push("opens".to_owned());
        }

        fn tick(&mut self, elapsed: Duration, answered: u64) {
            self.0
                .push(format!("{answered} after {} ms", elapsed.as_millis()));
        }

        fn window_closes(&mut self) {
            self.0.push("closes".to_owned());
        }
    }

    #[test]
    fn each_edge_is_told_once_and_ticks_between() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let window = Window {
            opens: at(150),
            closes: Some(at(290)),
        };
        let mut heard = Heard::default();
        let mut attendant = Attendant::new(&mut heard, start, window);
        for (millis, answered) in [(50, 1), (110, 2), (160, 3), (170, 4), (220, 5), (300, 6)] {
            attendant.look(at(millis), answered);
        }
        let expected = ["2 after 110 ms", "opens", "5 after 220 ms", "closes"];
        assert_eq!(heard.0, expected);
    }

    #[test]
    fn a_run_that_ends_at_once_still_opens_and_closes() {
        let start = Instant::now();
        let window = Window {
            opens: start + Duration::from_secs(60),
            closes: None,
        };
        let mut heard = Heard::default();
        let mut attendant = Attendant::new(&mut heard, start, window);
        attendant.stay(&Shared::default(), &AtomicBool::new(true), &|| false);
        assert_eq!(heard.0, ["opens", "closes"]);
    }
}
