//! The bytes of one case with their times, and the text that a person reads of them.

mod render;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::model::Model;

/// Which wire an entry was seen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Between the HTTP client and the gateway.
    Client,
    /// Between the gateway and the backend.
    Upstream,
}

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client towards the application.
    Request,
    /// From the application towards the client.
    Reply,
}

/// Something that happened on a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A connection was opened.
    Opened,
    /// Octets went over it.
    Octets(Vec<u8>),
    /// One side ended its direction in order.
    Ended,
    /// It broke: what the system said.
    Broke(String),
}

/// One entry of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Since the case began.
    pub at: Duration,
    /// Which wire.
    pub leg: Leg,
    /// Connection number on that wire, from 0 within the case.
    pub connection: u32,
    /// Which way.
    pub way: Way,
    /// What.
    pub happened: Happened,
}

/// Octets kept per connection and direction; what comes later is only counted.
const KEPT: usize = 32 * 1024;

/// All wires of one case; its time begins with the first entry.
#[derive(Debug, Default)]
pub struct Transcript {
    start: Option<Instant>,
    entries: Vec<Entry>,
    omitted: u64,
}

impl Transcript {
    /// Adds an entry at the present time.
    pub fn add(&mut self, leg: Leg, connection: u32, way: Way, happened: Happened) {
        let happened = match happened {
            Happened::Octets(octets) => match self.keep(leg, connection, way, octets) {
                Some(kept) => Happened::Octets(kept),
                None => return,
            },
            other => other,
        };
        let at = self.start.get_or_insert_with(Instant::now).elapsed();
        self.entries.push(Entry {
            at,
            leg,
            connection,
            way,
            happened,
        });
    }

    /// When the first entry was made.
    pub fn began(&self) -> Option<Instant> {
        self.start
    }

    /// When the first octets came back on the wire behind the gateway, where it is watched.
    pub fn upstream_reply(&self) -> Option<Duration> {
        let is_reply = |entry: &&Entry| {
            (entry.leg, entry.way) == (Leg::Upstream, Way::Reply)
                && matches!(entry.happened, Happened::Octets(_))
        };
        self.entries.iter().find(is_reply).map(|entry| entry.at)
    }

    /// What has been seen, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The transcript as text: requests and replies decoded, field by field.
    /// `model` says what is spoken between gateway and backend, if that wire was watched.
    pub fn text(&self, model: Option<Model>) -> String {
        let mut text = render::entries(&self.entries, model);
        if self.omitted > 0 {
            text.push_str(&format!(
                "({} further octets are not shown)\n",
                self.omitted
            ));
        }
        text
    }

    fn keep(
        &mut self,
        leg: Leg,
        connection: u32,
        way: Way,
        mut octets: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let so_far: usize = self
            .entries
            .iter()
            .filter(|e| (e.leg, e.connection, e.way) == (leg, connection, way))
            .map(|e| {
                if let Happened::Octets(o) = &e.happened {
                    o.len()
                } else {
                    0
                }
            })
            .sum();
        let room = KEPT.saturating_sub(so_far);
        self.omitted += octets.len().saturating_sub(room) as u64;
        octets.truncate(room);
        (!octets.is_empty()).then_some(octets)
    }
}

/// A transcript that several connections write to, one case after the other.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Cases>>);

#[derive(Debug, Default)]
struct Cases {
    current: Transcript,
    number: u64,
}

impl Log {
    /// Adds an entry at the present time.
    pub fn add(&self, leg: Leg, connection: u32, way: Way, happened: Happened) {
        self.cases().current.add(leg, connection, way, happened);
    }

    /// Adds an entry that belongs to case `number`; dropped where that case is over.
    pub fn add_to(&self, number: u64, leg: Leg, connection: u32, way: Way, happened: Happened) {
        let mut cases = self.cases();
        if cases.number == number {
            cases.current.add(leg, connection, way, happened);
        }
    }

    /// How many entries the present case has.
    pub fn len(&self) -> usize {
        self.cases().current.entries.len()
    }

    /// Whether nothing has happened in the present case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether octets went this way over a wire of the present case, since it had so many entries.
    pub fn has_octets_since(&self, entries: usize, leg: Leg, way: Way) -> bool {
        let cases = self.cases();
        let since = cases.current.entries.iter().skip(entries);
        let mut octets = since.filter(|entry| matches!(entry.happened, Happened::Octets(_)));
        octets.any(|entry| (entry.leg, entry.way) == (leg, way))
    }

    /// The number of the present case.
    pub fn case(&self) -> u64 {
        self.cases().number
    }

    /// Takes what was recorded and begins the next case.
    pub fn take(&self) -> Transcript {
        let mut cases = self.cases();
        cases.number += 1;
        std::mem::take(&mut cases.current)
    }

    fn cases(&self) -> MutexGuard<'_, Cases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_past_the_limit_are_counted_and_not_kept() {
        let mut transcript = Transcript::default();
        for _ in 0..5 {
            let octets = Happened::Octets(vec![b'a'; 10_000]);
            transcript.add(Leg::Client, 0, Way::Reply, octets);
        }
        let kept: usize = transcript
            .entries()
            .iter()
            .map(|e| {
                if let Happened::Octets(o) = &e.happened {
                    o.len()
                } else {
                    0
                }
            })
            .sum();
        assert_eq!(kept, KEPT);
        assert!(
            transcript
                .text(None)
                .ends_with("(17232 further octets are not shown)\n")
        );
    }

    #[test]
    fn each_direction_has_its_own_limit() {
        let mut transcript = Transcript::default();
        transcript.add(
            Leg::Client,
            0,
            Way::Reply,
            Happened::Octets(vec![b'a'; KEPT]),
        );
        transcript.add(
            Leg::Client,
            0,
            Way::Request,
            Happened::Octets(b"x".to_vec()),
        );
        assert_eq!(transcript.entries().len(), 2);
    }

    #[test]
    fn what_a_connection_does_after_its_case_is_not_the_next_cases() {
        let log = Log::default();
        let case = log.case();
        log.take();
        log.add_to(case, Leg::Upstream, 0, Way::Request, Happened::Ended);
        assert_eq!(log.take().entries(), []);
    }
}
