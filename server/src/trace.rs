//! The steps of a request and when they were taken: `trace-requests` and `server-timing`.
//!
//! A reply that is not traced carries nothing and asks no clock.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use wire::environ::Environ;

use crate::exchange::{Protocol, Sent};
use crate::log;
use crate::options::TraceSettings;

/// A step of a request, after its head was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The application was asked on a thread of its own, or its program was about to be started.
    Started,
    /// The CGI program's process is there; it has not executed anything yet.
    Spawned,
    /// `exec` has happened. A program that is forked has no such step.
    Executed,
    /// The CGI program has written something.
    FirstByte,
    /// The head of the reply went out.
    Head,
    /// The CGI program has closed its output.
    LastByte,
    /// The CGI program has ended.
    Exited,
    /// It was waited for. A program that was forked is waited for by its interpreter, unseen.
    Reaped,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Started,
        Self::Spawned,
        Self::Executed,
        Self::FirstByte,
        Self::Head,
        Self::LastByte,
        Self::Exited,
        Self::Reaped,
    ];

    /// Its key in a line.
    fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Spawned => "spawned",
            Self::Executed => "executed",
            Self::FirstByte => "first_byte",
            Self::Head => "head",
            Self::LastByte => "last_byte",
            Self::Exited => "exited",
            Self::Reaped => "reaped",
        }
    }
}

/// The steps that one request has taken so far, each once.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    parsed: Instant,
    /// When its connection was accepted, if it is the first on it.
    accepted: Option<Instant>,
    /// Microseconds since then, by step.
    taken: [Option<u64>; Step::ALL.len()],
    /// Whether the client is told.
    tells: bool,
    method: Bytes,
    uri: Bytes,
    protocol: Protocol,
}

impl Trace {
    /// Takes note of a step; of a step taken again the first time counts.
    pub(crate) fn step(&mut self, step: Step) {
        self.step_at(step, Instant::now());
    }

    /// Takes note of a step that was taken at this time.
    pub(crate) fn step_at(&mut self, step: Step, at: Instant) {
        let since = micros(at.saturating_duration_since(self.parsed));
        self.taken[step as usize].get_or_insert(since);
    }

    /// The value of `Server-Timing` by now, in milliseconds, if the client is to be told.
    pub(crate) fn server_timing(&self) -> Option<String> {
        let metric = |(name, micros): (&str, u64)| {
            let (whole, part) = (micros / 1000, micros % 1000);
            format!("{name};dur={whole}.{part:03}")
        };
        let metrics: Vec<_> = self.steps().map(metric).collect();
        self.tells.then(|| metrics.join(", "))
    }

    fn steps(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let taken = Step::ALL.into_iter().zip(self.taken);
        taken.filter_map(|(step, taken)| Some((step.name(), taken?)))
    }

    fn elapsed(&self) -> u64 {
        micros(self.parsed.elapsed())
    }

    /// Microseconds from then to now, and how long before the connection was accepted.
    fn us(&self, end: u64) -> Map<String, Value> {
        let accepted = self.accepted.map(|at| {
            let before = micros(self.parsed.saturating_duration_since(at));
            Value::from(-i64::try_from(before).unwrap_or(i64::MAX))
        });
        let accepted = accepted.map(|before| ("accepted", before));
        let steps = self.steps().chain([("end", end)]);
        let steps = steps.map(|(name, micros)| (name, Value::from(micros)));
        let all = accepted.into_iter().chain(steps);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Where traces go.
#[derive(Debug)]
pub(crate) struct Tracer {
    file: Option<File>,
    tells: bool,
}

impl Tracer {
    /// `None` where nothing is to be traced. A file that cannot be opened is told of and done
    /// without.
    pub(crate) fn new(settings: &TraceSettings) -> Option<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        let file = settings.file.as_ref().and_then(|path| match open(path) {
            Ok(file) => Some(file),
            Err(error) => {
                log::fault(&format!("trace-requests {}: {error}", path.display()));
                None
            }
        });
        let tells = settings.server_timing;
        (file.is_some() || tells).then_some(Self { file, tells })
    }

    /// Begins to trace a request whose head was understood just now, on a connection that was
    /// accepted for it at that time.
    pub(crate) fn begin(
        &self,
        environ: &Environ,
        protocol: Protocol,
        accepted: Option<Instant>,
    ) -> Trace {
        let part = |name| environ.get(name).cloned().unwrap_or_default();
        Trace {
            parsed: Instant::now(),
            accepted,
            taken: [None; Step::ALL.len()],
            tells: self.tells,
            method: part("REQUEST_METHOD"),
            uri: part("REQUEST_URI"),
            protocol,
        }
    }

    /// Writes the line of a request that has ended.
    pub(crate) fn end(&self, trace: &Trace, sent: Sent) {
        let Some(mut file) = self.file.as_ref() else {
            return;
        };
        let end = trace.elapsed();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = json!({
            "time": crate::clock::unix(),
            "parsed_at_us": crate::clock::monotonic_us().saturating_sub(end),
            "pid": std::process::id(),
            "protocol": trace.protocol.name(),
            "method": text(&trace.method),
            "uri": text(&trace.uri),
            "status": sent.status,
            "bytes": sent.body_bytes,
            "us": trace.us(end),
        });
        // In one write, so that the lines of several workers do not mix. A trace that cannot be
        // written is no reason to fail a request.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_told_in_milliseconds_if_it_is_to_be() {
        let tracer = |tells| Tracer { file: None, tells };
        let mut trace = tracer(true).begin(&Environ::new(), Protocol::Http, None);
        trace.taken[Step::Started as usize] = Some(15);
        trace.taken[Step::Head as usize] = Some(1_234);
        let expected = "started;dur=0.015, head;dur=1.234";
        assert_eq!(trace.server_timing().as_deref(), Some(expected));
        let silent = tracer(false).begin(&Environ::new(), Protocol::Http, None);
        assert_eq!(silent.server_timing(), None);
    }

    #[test]
    fn the_first_time_of_a_step_counts() {
        let tracer = Tracer {
            file: None,
            tells: false,
        };
        let mut trace = tracer.begin(&Environ::new(), Protocol::Http, None);
        trace.taken[Step::Head as usize] = Some(0);
        trace.step(Step::Head);
        assert_eq!(trace.taken[Step::Head as usize], Some(0));
    }

    #[test]
    fn what_came_before_the_head_was_understood_is_below_zero() {
        let tracer = Tracer {
            file: None,
            tells: false,
        };
        let accepted = Instant::now();
        let mut trace = tracer.begin(&Environ::new(), Protocol::Http, Some(accepted));
        trace.parsed = accepted + Duration::from_micros(40);
        trace.step_at(Step::Spawned, accepted + Duration::from_micros(90));
        let us = Value::from(trace.us(100));
        assert_eq!(us, json!({ "accepted": -40, "spawned": 50, "end": 100 }));
    }
}
