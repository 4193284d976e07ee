//! uWSGI's algorithm `busyness`: the part of their time that workers spend with requests.

use std::time::{Duration, Instant};

use super::Load;
use crate::options::BusynessSettings;

#[derive(Debug)]
pub(super) struct Busyness {
    settings: BusynessSettings,
    least: u32,
    step: u32,
    period: Duration,
    /// When the last period ended.
    looked: Instant,
    /// Time spent with requests at the end of the last period, per place.
    spent: Vec<u64>,
    /// Whether a request was seen to run since, per place.
    was_busy: Vec<bool>,
    /// Idle periods before there are fewer workers; it grows when that was too soon.
    multiplier: u32,
    next_cheap: Instant,
    last_cheaped: Option<Instant>,
    cheaped_last: bool,
    /// Periods in a row that were neither idle nor too busy.
    tolerated: u32,
    emergency: u32,
    /// Since when connections wait.
    waiting_since: Option<Instant>,
}

impl Busyness {
    pub(super) fn new(
        settings: BusynessSettings,
        least: u32,
        step: u32,
        overload: u32,
        now: Instant,
    ) -> Self {
        let period = Duration::from_secs(overload.into());
        Self {
            settings,
            least,
            step,
            period,
            looked: now,
            spent: Vec::new(),
            was_busy: Vec::new(),
            multiplier: settings.multiplier,
            next_cheap: now + period * settings.multiplier,
            last_cheaped: None,
            cheaped_last: false,
            tolerated: 0,
            emergency: 0,
            waiting_since: None,
        }
    }

    pub(super) fn decide(&mut self, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        self.was_busy.resize(load.places.len(), false);
        self.spent.resize(load.places.len(), 0);
        for (was_busy, place) in self.was_busy.iter_mut().zip(&load.places) {
            *was_busy = place.active && (*was_busy || place.busy);
        }
        if load.now - self.looked >= self.period {
            self.looked = load.now;
            let busyness = self.average(load);
            return self.judge(busyness, load, tell);
        }
        self.watch_backlog(load, tell)
    }

    /// Percent, over the period that ends now.
    fn average(&mut self, load: &Load) -> u64 {
        let period_us = self.period.as_micros().max(1);
        let mut total = 0;
        for (number, place) in load.places.iter().enumerate() {
            let spent = place.running_us.saturating_sub(self.spent[number]);
            self.spent[number] = place.running_us;
            let was_busy = std::mem::take(&mut self.was_busy[number]);
            if place.active {
                // A request that has run all the while has not been counted yet.
                total += match u64::try_from(u128::from(spent) * 100 / period_us) {
                    Ok(0) if spent == 0 && was_busy => 100,
                    Ok(percent) => percent.min(100),
                    Err(_) => 100,
                };
            }
        }
        total / u64::from(load.active().max(1))
    }

    fn judge(&mut self, busyness: u64, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        let (seconds, active) = (self.period.as_secs(), load.active());
        if self.settings.verbose {
            tell(format!(
                "[busyness] {seconds}s average busyness of {active} worker(s) is at {busyness}%"
            ));
        }
        if busyness > self.settings.max {
            self.tolerated = 0;
            return self.grow(busyness, load, tell);
        }
        if load.backlog > self.settings.backlog_alert && load.room(1) > 0 {
            return self.help(load, tell);
        }
        if active <= 1 {
            return 0;
        }
        if busyness < self.settings.min {
            self.tolerated = 0;
            return self.shrink(busyness, load, tell);
        }
        self.emergency = self.emergency.saturating_sub(1);
        self.tolerated += 1;
        match self.tolerated >= 3 {
            true => self.put_off(load.now),
            false => self.next_cheap += self.period,
        }
        0
    }

    fn grow(&mut self, busyness: u64, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        let seconds = self.period.as_secs();
        let more = load.room(self.step);
        if more == 0 {
            let active = load.active();
            tell(format!(
                "[busyness] {seconds}s average busyness is at {busyness}% but we already started \
                 maximum number of workers available with current limits ({active})"
            ));
            return 0;
        }
        let too_soon = |cheaped: Instant| load.now - cheaped <= self.period * self.multiplier;
        if self.last_cheaped.is_some_and(too_soon) {
            let penalty = self.settings.penalty;
            self.multiplier += penalty;
            tell(format!(
                "[busyness] worker(s) respawned to fast, increasing cheaper multiplier to {} \
                 (+{penalty})",
                self.multiplier
            ));
        } else {
            self.relent(tell);
        }
        self.cheaped_last = false;
        self.put_off(load.now);
        tell(format!(
            "[busyness] {seconds}s average busyness is at {busyness}%, will spawn {more} new \
             worker(s)"
        ));
        more
    }

    fn shrink(&mut self, busyness: u64, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        let active = load.active();
        if active <= self.least || load.now < self.next_cheap {
            return 0;
        }
        if self.cheaped_last {
            self.relent(tell);
        }
        self.put_off(load.now);
        tell(format!(
            "[busyness] {}s average busyness is at {busyness}%, cheap one of {active} running \
             workers",
            self.period.as_secs()
        ));
        self.last_cheaped = Some(load.now);
        self.cheaped_last = true;
        self.emergency = self.emergency.saturating_sub(1);
        -1
    }

    /// Between the ends of periods only connections that wait count.
    fn watch_backlog(&mut self, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        if load.backlog == 0 {
            self.waiting_since = None;
            return 0;
        }
        if load.backlog > self.settings.backlog_alert && load.room(1) > 0 {
            return self.help(load, tell);
        }
        let since = *self.waiting_since.get_or_insert(load.now);
        if load.now - since < self.settings.backlog_nonzero {
            return 0;
        }
        self.waiting_since = Some(load.now);
        tell(format!(
            "[busyness] backlog was non-zero for {} second(s), spawning new worker(s)",
            (load.now - since).as_secs()
        ));
        self.help(load, tell)
    }

    /// Emergency workers.
    fn help(&mut self, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        self.multiplier = self.settings.multiplier;
        self.cheaped_last = false;
        let more = load.room(self.settings.backlog_step);
        self.emergency += more.unsigned_abs();
        self.put_off(load.now);
        let waiting = load.backlog;
        tell(match more {
            0 => format!(
                "[busyness] {waiting} requests in listen queue but we are already started maximum \
                 number of workers ({})",
                load.places.len()
            ),
            more => format!(
                "[busyness] {waiting} requests in listen queue, spawning {more} emergency \
                 worker(s) ({})!",
                self.emergency
            ),
        });
        more
    }

    /// Idle periods count from now.
    fn put_off(&mut self, now: Instant) {
        let periods = match self.emergency {
            0 => self.multiplier,
            _ => self.settings.backlog_multiplier,
        };
        self.next_cheap = now + self.period * periods;
    }

    fn relent(&mut self, tell: &mut dyn FnMut(String)) {
        if self.multiplier > self.settings.multiplier {
            self.multiplier -= 1;
            tell(format!(
                "[busyness] decreasing cheaper multiplier to {}",
                self.multiplier
            ));
        }
    }
}
