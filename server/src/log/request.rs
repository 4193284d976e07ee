//! One line per request, in uWSGI's format, so that tools that read that go on working.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use wire::environ::Environ;

use super::printable::push_printable;
use super::{follow, write};
use crate::clock;
use crate::exchange::Sent;
use crate::master::WorkerSlot;

/// What the log tells of a request, kept while the application works on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestFacts {
    remote_addr: Bytes,
    remote_user: Bytes,
    method: Bytes,
    uri: Bytes,
    protocol: Bytes,
    vars: usize,
    /// The size that the variables have in a uwsgi packet.
    vars_bytes: usize,
}

impl RequestFacts {
    /// One pass over the environment.
    pub(crate) fn of(environ: &Environ) -> Self {
        let mut facts = Self {
            vars: environ.len(),
            ..Self::default()
        };
        for (name, value) in environ.iter() {
            facts.vars_bytes += name.len() + value.len() + 4;
            let kept = match name.as_ref() {
                b"REMOTE_ADDR" => &mut facts.remote_addr,
                b"REMOTE_USER" => &mut facts.remote_user,
                b"REQUEST_METHOD" => &mut facts.method,
                b"REQUEST_URI" => &mut facts.uri,
                b"SERVER_PROTOCOL" => &mut facts.protocol,
                _ => continue,
            };
            *kept = value.clone();
        }
        facts
    }
}

impl fmt::Display for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, uri) = (&self.method, &self.uri);
        write!(
            f,
            "{} {}",
            String::from_utf8_lossy(method),
            String::from_utf8_lossy(uri)
        )
    }
}

/// The request log of one worker.
pub(crate) struct RequestLog {
    enabled: bool,
    pid: u32,
    slot: WorkerSlot,
    line: RefCell<String>,
}

impl RequestLog {
    /// A log that writes lines if `enabled`, and counts in `slot` in any case.
    pub(crate) fn new(enabled: bool, slot: WorkerSlot) -> Self {
        Self {
            enabled,
            pid: std::process::id(),
            slot,
            line: RefCell::default(),
        }
    }

    /// Whether lines are written.
    pub(crate) fn wants_requests(&self) -> bool {
        // What the application prints is to go to the same file as the request's line.
        follow();
        self.enabled
    }

    /// Counts a request that is complete, and tells of it if facts were kept.
    pub(crate) fn request(&self, facts: Option<RequestFacts>, sent: Sent, took: Duration) {
        let counts = self.slot.count();
        if let Some(facts) = facts {
            self.tell(&facts, sent, took, counts);
        }
    }

    fn tell(&self, facts: &RequestFacts, sent: Sent, took: Duration, (own, all): (u64, u64)) {
        let mut line = self.line.borrow_mut();
        line.clear();
        let written = write!(line, "[pid: {}|app: 0|req: {own}/{all}] ", self.pid)
            .and_then(|()| put(&mut line, facts, sent, took));
        if written.is_ok() {
            write(line.as_bytes());
        }
    }
}

fn put(line: &mut String, facts: &RequestFacts, sent: Sent, took: Duration) -> fmt::Result {
    push_printable(line, &facts.remote_addr);
    line.push_str(" (");
    push_printable(line, &facts.remote_user);
    write!(
        line,
        ") {{{} vars in {} bytes}} [",
        facts.vars, facts.vars_bytes
    )?;
    push_printable(line, &clock::local_date());
    line.push_str("] ");
    push_printable(line, &facts.method);
    line.push(' ');
    push_printable(line, &facts.uri);
    write!(
        line,
        " => generated {} bytes in {} msecs (",
        sent.body_bytes,
        took.as_millis()
    )?;
    push_printable(line, &facts.protocol);
    let Sent {
        status,
        fields,
        head_bytes,
        ..
    } = sent;
    writeln!(
        line,
        " {status}) {fields} headers in {head_bytes} bytes (1 switches on core 0)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_uwsgis_format() {
        let mut environ = Environ::new();
        for (name, value) in [
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", "/x?y\n"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
        ] {
            environ.push(name, value);
        }
        let sent = Sent {
            status: 200,
            fields: 2,
            head_bytes: 79,
            body_bytes: 13,
        };
        let mut line = String::new();
        put(
            &mut line,
            &RequestFacts::of(&environ),
            sent,
            Duration::from_millis(3),
        )
        .unwrap();
        let (before, after) = line.split_once('[').unwrap();
        assert_eq!(before, "127.0.0.1 () {4 vars in 92 bytes} ");
        let after = after.split_once(']').unwrap().1;
        assert_eq!(
            after,
            " GET /x?y\\n => generated 13 bytes in 3 msecs (HTTP/1.1 200) 2 headers in 79 bytes \
             (1 switches on core 0)\n"
        );
    }
}
