//! What happens while a run goes on, for whoever shows it.

use crate::results::{CaseResult, Throughput};

/// One step of a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The work is known: cases and measurements to come.
    Planned {
        /// Cases to come.
        cases: usize,
        /// Measurements to come.
        measurements: usize,
    },
    /// Something the user should know, such as which launcher was taken and why.
    Note(&'a str),
    /// Work that takes a while and is not a case: building an image, starting a subject.
    Busy(&'a str),
    /// A pairing is up; its cases follow.
    Pairing {
        /// Subject id of the gateway.
        gateway: &'a str,
        /// The way to the application.
        model: &'a str,
        /// Subject id of the backend.
        backend: &'a str,
    },
    /// No more cases of a pairing come; several may be under way at a time.
    PairingEnded {
        /// Subject id of the gateway.
        gateway: &'a str,
        /// The way to the application.
        model: &'a str,
        /// Subject id of the backend.
        backend: &'a str,
    },
    /// A case ended.
    Case(&'a CaseResult),
    /// A measurement ended.
    Measured(&'a Throughput),
    /// Nothing more comes.
    Finished,
}

/// Someone who watches a run.
pub trait Observer {
    /// Takes one event.
    fn event(&mut self, event: &Event<'_>);
}

/// Watches nothing: for tests.
#[derive(Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event<'_>) {}
}
