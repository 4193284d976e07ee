//! How many workers are needed, as rules with time as an argument: no clock, signal or process.

mod backlog;
mod busyness;
mod spare;

use std::time::Instant;

use crate::options::{CheaperAlgorithm, CheaperSettings};

use busyness::Busyness;
use spare::Spare;

/// What is known of a worker's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether a process has it that is to stay.
    pub(super) active: bool,
    /// Whether a process may be put into it.
    pub(super) free: bool,
    /// Whether a request runs.
    pub(super) busy: bool,
    /// Microseconds spent with requests that have ended.
    pub(super) running_us: u64,
}

/// What there is to do, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) places: Vec<Place>,
    /// Connections that wait on the socket where most of them do.
    pub(super) backlog: u32,
    pub(super) now: Instant,
}

impl Load {
    fn active(&self) -> u32 {
        count(&self.places, |place| place.active)
    }

    fn busy(&self) -> u32 {
        count(&self.places, |place| place.active && place.busy)
    }

    /// How many workers can be started, up to so many.
    fn room(&self, most: u32) -> i32 {
        let free = count(&self.places, |place| place.free);
        i32::try_from(free.min(most)).unwrap_or(i32::MAX)
    }
}

fn count(places: &[Place], which: impl Fn(&Place) -> bool) -> u32 {
    let count = places.iter().filter(|place| which(place)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What decides on the number of workers.
#[derive(Debug)]
pub(super) struct Cheaper {
    algorithm: Algorithm,
    /// Workers more, or fewer, that were asked for by hand.
    asked: i32,
}

#[derive(Debug)]
enum Algorithm {
    Spare(Spare),
    Backlog {
        least: u32,
        step: u32,
        overload: u32,
    },
    Busyness(Box<Busyness>),
    Manual,
}

impl Cheaper {
    pub(super) fn new(settings: &CheaperSettings, now: Instant) -> Self {
        let CheaperSettings { step, overload, .. } = *settings;
        let algorithm = match (settings.least, settings.algorithm) {
            (None, _) | (_, CheaperAlgorithm::Manual) => Algorithm::Manual,
            (Some(least), CheaperAlgorithm::Spare) => {
                Algorithm::Spare(Spare::new(least, step, overload))
            }
            (Some(least), CheaperAlgorithm::Backlog) => Algorithm::Backlog {
                least,
                step,
                overload,
            },
            (Some(least), CheaperAlgorithm::Busyness(busyness)) => {
                let busyness = Busyness::new(busyness, least, step, overload, now);
                Algorithm::Busyness(Box::new(busyness))
            }
        };
        Self {
            algorithm,
            asked: 0,
        }
    }

    /// Whether the load is to be looked at every second.
    pub(super) fn looks(&self) -> bool {
        self.asked != 0 || !matches!(self.algorithm, Algorithm::Manual)
    }

    /// So many workers more are asked for by hand, or fewer.
    pub(super) fn ask(&mut self, more: i32) {
        self.asked = self.asked.saturating_add(more);
    }

    /// How many workers more there are to be, or fewer if negative; asked once a second. `tell`
    /// takes what is to be said about it.
    pub(super) fn decide(&mut self, load: &Load, tell: &mut dyn FnMut(String)) -> i32 {
        if self.asked != 0 {
            return std::mem::take(&mut self.asked);
        }
        match &mut self.algorithm {
            Algorithm::Spare(spare) => spare.decide(load),
            Algorithm::Backlog {
                least,
                step,
                overload,
            } => backlog::decide(load, *least, *step, *overload),
            Algorithm::Busyness(busyness) => busyness.decide(load, tell),
            Algorithm::Manual => 0,
        }
    }
}

#[cfg(test)]
mod tests;
