//! An application server for the CGI family.
//!
//! ```text
//! master (synchronous: it only forks, supervises, stops)
//!   └─ worker (tokio current-thread, started after fork)
//!        bytes ◀─▶ wire ◀─▶ serve::{fastcgi, uwsgi, scgi, http} ◀─▶ exchange ◀─▶ app::{cgi, probe, forward}
//! ```
//!
//! [`options`] turns command line, ini files and environment into typed settings, once; [`run`]
//! binds the sockets and forks the workers. A listener in a worker reads one protocol and hands
//! each request, as an [`exchange`], to an application ([`app`]) that knows neither sockets nor
//! protocols.

// Allowed by name in the few small modules that cannot do without.
#![deny(unsafe_code)]

pub mod app;
mod clock;
pub mod exchange;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod harakiri;
pub mod inside;
pub mod interpreter;
pub mod language;
mod log;
mod master;
mod memory;
pub mod options;
pub mod program;
mod serve;
pub mod socket;
pub mod system;
mod trace;
mod worker;

pub use language::Language;
pub use master::{StartError, run};

/// Writes one line to the server's log, with a date before it where `log-date` asks for it.
pub fn tell(line: &str) {
    log::tell(line);
}
