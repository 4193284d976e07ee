//! The application servers behind. Adding one is a file here and a line in [`BACKENDS`].

mod gateserve;

use std::path::Path;

use crate::{launch::Launch, model::Model, programs::Programs};

/// An application server under test, running the probe.
///
/// An implementation is pure: it says what to write and what to run.
pub trait Backend: Sync {
    /// Plain name, as on the command line.
    fn name(&self) -> &'static str;

    /// What of it runs for a model: a variant of the subject.
    fn variant(&self, model: Model) -> &'static str;

    /// Protocols that it serves; for CGI, that it executes programs behind FastCGI.
    fn speaks(&self) -> &'static [Model];

    /// What to write and run.
    fn launch(&self, seat: &Seat<'_>) -> Launch;
}

/// Where a backend listens and what it serves.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// Way to the application.
    pub model: Model,
    /// Unix socket to listen on.
    pub socket: &'a Path,
    /// The run folder.
    pub run: &'a Path,
    /// Worker processes to start.
    pub workers: u32,
    /// The bench's own programs.
    pub programs: &'a Programs,
}

/// Every backend that the bench knows.
pub static BACKENDS: &[&dyn Backend] = &[&gateserve::Gateserve];

/// Finds a backend by its plain name.
pub fn named(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS
        .iter()
        .copied()
        .find(|backend| backend.name() == name)
}
