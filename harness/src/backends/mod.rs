//! The application servers behind. Adding one is a file here and a line in [`BACKENDS`].

mod gateserve;
mod gateserve_wsgi;

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

    /// Whether its application replies as a CGI program does, where the protocol allows it. An
    /// interface such as WSGI makes the head itself.
    fn takes_cgi_output(&self) -> bool {
        true
    }

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
///
/// Several of one name are variants of one program; the first is what the plain name means.
pub static BACKENDS: &[&dyn Backend] = &[&gateserve::Gateserve, &gateserve_wsgi::GateserveWsgi];

/// Finds a backend by its plain name.
pub fn named(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS
        .iter()
        .copied()
        .find(|backend| backend.name() == name)
}
