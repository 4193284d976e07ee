//! The number of workers, adapted to what there is to do.

use std::time::Instant;

use nix::sys::signal::Signal;

use super::cheaper::{Load, Place};
use super::codes;
use super::life::Life;
use super::scoreboard::Status;
use super::supervise::Master;
use crate::log;
use crate::socket::Backlog;

/// When a request ended or ran last, for `idle`.
#[derive(Debug)]
pub(super) struct Rest {
    requests: u64,
    since: Instant,
}

impl Rest {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            requests: 0,
            since: now,
        }
    }
}

impl Master<'_, '_> {
    /// Starts or ends workers as they are needed; once a second.
    pub(super) fn adapt(&mut self, now: Instant) {
        if self.is_cheap || !self.cheaper.looks() {
            return;
        }
        let load = self.load(now);
        match self.cheaper.decide(&load, &mut |text| log::tell(&text)) {
            0 => {}
            more @ 1.. => self.fill(more.unsigned_abs() as usize, now),
            fewer => self.empty(fewer.unsigned_abs() as usize),
        }
    }

    fn load(&self, now: Instant) -> Load {
        let waiting = self.sockets.iter();
        let waiting = waiting.filter_map(|bound| Backlog::of(bound.socket()).ok());
        let backlog = waiting.map(|backlog| backlog.waiting).max().unwrap_or(0);
        let places = self.workers.iter().zip(self.board.workers());
        let places = places.map(|(worker, slot)| Place {
            active: worker.pid.is_some() && worker.curse.is_none(),
            free: worker.life.is_cheap() && worker.pid.is_none(),
            busy: slot.status() != Status::Idle,
            running_us: slot.facts().running_time,
        });
        Load {
            places: places.collect(),
            backlog,
            now,
        }
    }

    /// Has so many empty places filled.
    fn fill(&mut self, count: usize, now: Instant) {
        let free = self.workers.iter_mut();
        let free = free.filter(|it| it.life.is_cheap() && it.pid.is_none());
        for worker in free.take(count) {
            worker.life = Life::Gone { respawn: now };
        }
        self.respawn_due(now);
    }

    /// Ends so many workers that have nothing to do, the oldest first; one is left in any case.
    fn empty(&mut self, count: usize) {
        for _ in 0..count {
            let staying = self.workers.iter().filter(|it| it.is_accepting()).count();
            let idle = self.workers.iter().enumerate().filter(|(number, worker)| {
                let status = self.board.worker(*number).status();
                worker.is_accepting() && status == Status::Idle
            });
            let oldest = idle.min_by_key(|(_, worker)| worker.life.since());
            let Some((number, _)) = oldest.filter(|_| staying > 1) else {
                return;
            };
            self.workers[number].leaves_place_empty = true;
            self.curse(number, Signal::SIGHUP);
        }
    }

    /// Ends all workers, or the server, when nothing has been asked for long enough; once a
    /// second.
    pub(super) fn end_idle(&mut self, now: Instant) {
        let Some(idle) = self.settings.cheaper.idle.filter(|_| !self.is_cheap) else {
            return;
        };
        let busy = self.board.workers().any(|it| it.status() == Status::Busy);
        let requests = self.board.requests();
        if busy || requests != self.rest.requests {
            self.rest = Rest {
                requests,
                since: now,
            };
        } else if now - self.rest.since > idle {
            let seconds = idle.as_secs();
            log::tell(&format!(
                "workers have been inactive for more than {seconds} seconds"
            ));
            match self.settings.cheaper.die_on_idle {
                true => self.stop_now(codes::DONE),
                false => self.go_cheap(),
            }
        }
    }

    /// Ends all workers until a connection waits.
    pub(super) fn go_cheap(&mut self) {
        if self.is_cheap || self.phase.is_ending() {
            return;
        }
        log::fault("going cheap...");
        self.is_cheap = true;
        // A request on a connection that waits for a worker would wake nobody.
        self.board.set_heirs(false);
        for number in 0..self.workers.len() {
            let worker = &mut self.workers[number];
            worker.leaves_place_empty = true;
            if worker.pid.is_none() {
                worker.life = Life::Cheap;
            }
            self.curse(number, Signal::SIGHUP);
        }
        log::tell("cheap mode enabled: waiting for socket connection...");
    }

    /// A connection waits: the workers are started that there are at least.
    pub(super) fn wake(&mut self, now: Instant) {
        self.is_cheap = false;
        self.board.set_heirs(true);
        self.rest.since = now;
        let least = self.settings.cheaper.least;
        let least = least.unwrap_or(self.settings.processes.workers) as usize;
        for worker in self.workers.iter_mut().take(least) {
            worker.leaves_place_empty = false;
            if worker.life.is_cheap() {
                worker.life = Life::Gone { respawn: now };
            }
        }
        self.respawn_due(now);
    }
}
