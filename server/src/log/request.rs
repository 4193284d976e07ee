//! One line per request, in uWSGI's format unless `log-format` gives another.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::time::Duration;

use wire::environ::Environ;

use super::choice::is_unusual;
use super::facts::{RequestFacts, Wanted};
use super::follow;
use super::format::{LineFormat, Subject, Worker};
use super::printable::push_printable;
use super::state::write_request;
use crate::clock;
use crate::exchange::{Notes, Sent, Via};
use crate::master::WorkerSlot;
use crate::options::{DateStyle, LogSettings, Unusual};

/// The request log of one worker.
pub(crate) struct RequestLog {
    /// Whether each request is told of.
    all: bool,
    /// What is told of in any case, if anything is.
    unusual: Option<Unusual>,
    form: Form,
    wanted: Wanted,
    pid: u32,
    slot: WorkerSlot,
    line: RefCell<String>,
}

/// How a line is made.
enum Form {
    /// uWSGI's own line.
    Usual { micros: bool, memory: bool },
    /// `log-format`.
    Own(LineFormat),
}

impl RequestLog {
    /// A log that writes what the options ask for, and counts in `slot` in any case.
    pub(crate) fn new(settings: &LogSettings, slot: WorkerSlot) -> Self {
        let form = match &settings.format {
            None => Form::Usual {
                micros: settings.micros,
                memory: false,
            },
            Some(format) => Form::Own(LineFormat::new(format, line_date(settings))),
        };
        let wanted = match &form {
            Form::Usual { .. } => Wanted {
                forwarded: settings.forwarded,
                ..Wanted::default()
            },
            Form::Own(format) => format.wanted(settings.forwarded),
        };
        Self {
            all: settings.requests,
            unusual: Some(settings.unusual).filter(|asked| *asked != Unusual::default()),
            form,
            wanted,
            pid: std::process::id(),
            slot,
            line: RefCell::default(),
        }
    }

    /// The same; `memory`: uWSGI's own line tells the worker's memory.
    pub(crate) fn with_memory(mut self, wanted: bool) -> Self {
        if let Form::Usual { memory, .. } = &mut self.form {
            *memory = wanted;
        }
        self
    }

    /// Whether any line may have to be written, so that facts must be kept.
    pub(crate) fn wants_requests(&self) -> bool {
        // What the application prints is to go to the same file as the request's line.
        follow();
        self.all || self.unusual.is_some()
    }

    /// What is to be kept of a request.
    pub(crate) fn facts(&self, environ: &Environ) -> RequestFacts {
        RequestFacts::of(environ, &self.wanted)
    }

    /// Counts a request that is complete, and tells of it if facts were kept and it is to be told.
    pub(crate) fn request(
        &self,
        facts: Option<RequestFacts>,
        sent: Sent,
        notes: &Notes,
        took: Duration,
    ) {
        let counts = self.slot.count();
        let unusual = |asked| is_unusual(asked, sent, notes, took);
        let told = self.all || self.unusual.as_ref().is_some_and(unusual);
        if let Some(facts) = facts.filter(|_| told && !notes.silent) {
            let subject = Subject {
                facts: &facts,
                sent,
                notes,
                took,
                worker: self.worker(),
            };
            self.tell(&subject, counts);
        }
    }

    fn tell(&self, subject: &Subject<'_>, counts: (u64, u64)) {
        let mut line = self.line.borrow_mut();
        line.clear();
        match &self.form {
            Form::Own(format) => format.render(&mut line, subject),
            // Writing to memory cannot fail.
            Form::Usual { micros, memory } => {
                if *memory {
                    put_memory(&mut line, &subject.worker).unwrap_or_default();
                }
                put(&mut line, subject, counts, *micros).unwrap_or_default();
            }
        }
        write_request(line.as_bytes());
    }

    fn worker(&self) -> Worker {
        let memory = self.slot.facts();
        Worker {
            pid: self.pid,
            number: self.slot.number() + 1,
            rss: memory.rss,
            vsz: memory.vsz,
        }
    }
}

/// How `%(ftime)` is written: as `log-date` says, if `log-format-strftime` asks for that.
fn line_date(settings: &LogSettings) -> Option<&str> {
    match &settings.date {
        Some(DateStyle::Strftime(format)) if settings.format_date => Some(format),
        _ => None,
    }
}

/// What `memory-report` puts before uWSGI's line.
fn put_memory(line: &mut String, worker: &Worker) -> fmt::Result {
    let Worker { vsz, rss, .. } = worker;
    let megabytes = |bytes: &u64| bytes / 1024 / 1024;
    write!(
        line,
        "{{address space usage: {vsz} bytes/{}MB}} {{rss usage: {rss} bytes/{}MB}} ",
        megabytes(vsz),
        megabytes(rss)
    )
}

/// Whether a line tells the worker's memory.
pub(crate) fn wants_memory(settings: &LogSettings) -> bool {
    let format = settings.format.as_deref().unwrap_or_default();
    ["%(rss", "%(vsz"].iter().any(|it| format.contains(it))
}

/// uWSGI's line.
fn put(
    line: &mut String,
    subject: &Subject<'_>,
    (own, all): (u64, u64),
    micros: bool,
) -> fmt::Result {
    let Subject {
        facts,
        sent,
        notes,
        took,
        worker,
    } = subject;
    let (pid, app) = (worker.pid, notes.app);
    write!(line, "[pid: {pid}|app: {app}|req: {own}/{all}] ")?;
    push_printable(line, &facts.remote_addr);
    line.push_str(" (");
    push_printable(line, &facts.remote_user);
    let (vars, vars_bytes) = (facts.vars, facts.vars_bytes);
    write!(line, ") {{{vars} vars in {vars_bytes} bytes}} [")?;
    push_printable(line, &clock::local_date());
    line.push_str("] ");
    push_printable(line, &facts.method);
    line.push(' ');
    push_printable(line, &facts.uri);
    let body_bytes = sent.body_bytes;
    write!(line, " => generated {body_bytes} bytes in ")?;
    match micros {
        true => write!(line, "{} micros", took.as_micros())?,
        false => write!(line, "{} msecs", took.as_millis())?,
    }
    line.push_str(match notes.via {
        Via::Application => " (",
        Via::Sendfile => " via sendfile() (",
        Via::Route => " via route() (",
        Via::Offload => " via offload() (",
    });
    push_printable(line, &facts.protocol);
    let Sent {
        status,
        fields,
        head_bytes,
        ..
    } = sent;
    let (switches, core) = (notes.switches, notes.core);
    writeln!(
        line,
        " {status}) {fields} headers in {head_bytes} bytes ({switches} switches on core {core})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_line(notes: &Notes, micros: bool, expected_end: &str) {
        let mut environ = Environ::new();
        for (name, value) in [
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", "/x?y\n"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
        ] {
            environ.push(name, value);
        }
        let subject = Subject {
            facts: &RequestFacts::of(&environ, &Wanted::default()),
            sent: Sent {
                status: 200,
                fields: 2,
                head_bytes: 79,
                body_bytes: 13,
            },
            notes,
            took: Duration::from_micros(3_999),
            worker: Worker {
                pid: 7,
                ..Worker::default()
            },
        };
        let mut line = String::new();
        put(&mut line, &subject, (1, 2), micros).unwrap();
        let (before, after) = line.split_once(" [").unwrap();
        assert!(
            before.ends_with("|req: 1/2] 127.0.0.1 () {4 vars in 92 bytes}"),
            "{before}"
        );
        let after = after.split_once(']').unwrap().1;
        assert_eq!(
            after,
            format!(" GET /x?y\\n => generated 13 bytes in {expected_end}\n")
        );
    }

    #[test]
    fn a_line_has_uwsgis_format() {
        assert_line(
            &Notes::default(),
            false,
            "3 msecs (HTTP/1.1 200) 2 headers in 79 bytes (1 switches on core 0)",
        );
    }

    #[test]
    fn a_line_tells_what_sent_the_body_and_which_core_ran() {
        let notes = Notes {
            app: 1,
            core: 5,
            switches: 2,
            via: Via::Sendfile,
            ..Notes::default()
        };
        assert_line(
            &notes,
            true,
            "3999 micros via sendfile() (HTTP/1.1 200) 2 headers in 79 bytes \
             (2 switches on core 5)",
        );
    }
}
