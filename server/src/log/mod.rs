//! Messages and the request log: lines on standard error, which `logto` and its like send elsewhere.
//!
//! ```text
//! tell, fault, application ─┐
//! RequestLog::request ──────┼─▶ one write ─▶ standard error: a terminal, a file, a UDP socket
//! what applications print ──┘        └─▶ or the log's own process, which has loggers to write to
//! ```
//!
//! That process is there only where options need it: loggers, routes, encoders, `log-maxsize`. A log
//! file that is opened anew or rotated ([`reopen`], [`rotate`], called in the master) is
//! followed by every worker before its next line.

mod choice;
mod date;
mod descriptor;
mod destination;
mod encoder;
mod facts;
mod file;
mod format;
mod generation;
mod output;
mod printable;
mod process;
mod request;
mod router;
mod state;

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::app::AppError;

pub(crate) use facts::RequestFacts;
use printable::{printable_lines, push_printable};
pub(crate) use request::{RequestLog, wants_memory};
pub(crate) use state::{
    begin, begin_loaded, begin_unprivileged, finish, follow, give_back, reaped, reopen, rotate,
    take_back,
};

/// Writes one line, with a date before it where `log-date` asks for it. Each goes out in one write,
/// so that the lines of several processes do not mix.
pub(crate) fn tell(text: &str) {
    let mut line = String::with_capacity(text.len() + 32);
    state::date_before(&mut line);
    // Some of uWSGI's lines are indented.
    let indented = text.strip_prefix('\t');
    line.extend(indented.map(|_| '\t'));
    push_printable(&mut line, indented.unwrap_or(text).as_bytes());
    line.push('\n');
    write(line.as_bytes());
}

/// Writes what an application said on its standard error, line by line (DF-LOG-STDERR).
pub(crate) fn application(text: &[u8]) {
    write(printable_lines(text).as_bytes());
}

/// Tells of a request that could not be answered as wished.
pub(crate) fn failure(error: &AppError, facts: Option<&RequestFacts>) {
    match facts {
        Some(facts) => fault(&format!("{} ({facts})", error.log)),
        None => fault(&error.log),
    }
}

/// Tells of a request that was not understood, and of the peer if it has an internet address.
pub(crate) fn refusal(status: u16, reason: &str, peer: Option<SocketAddr>) {
    let peer = peer.map_or_else(String::new, |peer| format!(" ({})", peer.ip()));
    fault(&format!("request refused with {status}: {reason}{peer}"));
}

/// Tells of something that went wrong, and when.
pub(crate) fn fault(text: &str) {
    let mut line = String::with_capacity(text.len() + 32);
    state::date_always(&mut line);
    push_printable(&mut line, text.as_bytes());
    line.push('\n');
    write(line.as_bytes());
}

/// A log that cannot be written to cannot be complained about either.
fn write(bytes: &[u8]) {
    follow();
    let _ = io::stderr().write_all(bytes);
}
