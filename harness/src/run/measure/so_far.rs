//! What is measured so far, for whoever has to tell of it when the work is interrupted.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::median;
use crate::{load::Caveat, results::Throughput};

/// The finished rounds. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SoFar(Arc<Mutex<Rounds>>);

#[derive(Debug, Default)]
struct Rounds {
    /// A figure for each contest that is over.
    whole: Vec<Throughput>,
    /// Names the rounds of the contest that is under way.
    turns: String,
    /// Rounds that each contestant is asked for.
    asked: u32,
    /// Those that each has finished.
    finished: Vec<Vec<Throughput>>,
}

impl SoFar {
    /// A contest begins, of so many contestants and rounds.
    pub(crate) fn begin(&self, turns: &str, asked: u32, contestants: usize) {
        let mut rounds = self.lock();
        turns.clone_into(&mut rounds.turns);
        rounds.asked = asked;
        rounds.finished = vec![Vec::new(); contestants];
    }

    /// A contestant finished a round.
    pub(crate) fn round(&self, contestant: usize, round: Throughput) {
        self.lock().finished[contestant].push(round);
    }

    /// A contestant drops out: a round of it told nothing.
    pub(crate) fn forfeit(&self, contestant: usize) {
        self.lock().finished[contestant].clear();
    }

    /// The contest is over; what came of it, by contestant.
    pub(crate) fn end(&self) -> Vec<Option<Throughput>> {
        let mut rounds = self.lock();
        let figures = rounds.take();
        rounds.whole.extend(figures.iter().flatten().cloned());
        figures
    }

    /// A figure for whatever was measured, also of the contest that is under way.
    pub fn figures(&self) -> Vec<Throughput> {
        let mut rounds = self.lock();
        let begun = rounds.take();
        let whole = mem::take(&mut rounds.whole);
        whole
            .into_iter()
            .chain(begun.into_iter().flatten())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Rounds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rounds {
    /// The median round of each contestant. One of fewer rounds than were asked for says so.
    fn take(&mut self) -> Vec<Option<Throughput>> {
        let finished = mem::take(&mut self.finished).into_iter();
        let figures = finished.map(|rounds| {
            let count = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
            let mut figure = median(rounds, &self.turns)?;
            if count < self.asked {
                let fewer = Caveat::FewerRounds {
                    finished: count,
                    asked: self.asked,
                };
                figure.caveats.push(fewer.to_string());
            }
            Some(figure)
        });
        figures.collect()
    }
}
