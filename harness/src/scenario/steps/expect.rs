//! What a step waits for: conditions that hold, do not hold yet, or never will.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Speaks, Step,
    records::{EndExpect, RecordExpect, ValuesExpect, counted, in_order, unknown_type},
    response::ResponseExpect,
    sent,
};
use crate::{
    dialogue::{End, Exit, Line},
    model::Model,
    outcome::Witness,
    scenario::{
        Place,
        expect::{
            Mismatch,
            body::Body,
            value::{Value, quote},
        },
        loose::{Loose, NoTable},
        request::Request,
        text::{Time, latin1},
    },
};

/// How a condition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It holds, and will.
    Met,
    /// It holds as long as nothing else happens.
    Holds,
    /// It does not hold yet; this is what would be told now.
    NotYet(Mismatch),
    /// It cannot hold any more.
    Never(Mismatch),
}

impl Progress {
    /// Not met, for good or for now.
    pub(super) fn unmet(mismatch: Mismatch, is_final: bool) -> Self {
        match is_final {
            true => Self::Never(mismatch),
            false => Self::NotYet(mismatch),
        }
    }

    /// How all of them stand together: the worst counts.
    pub(super) fn all(each: impl IntoIterator<Item = Self>) -> Self {
        let rank = |progress: &Self| match progress {
            Self::Met => 0,
            Self::Holds => 1,
            Self::NotYet(_) => 2,
            Self::Never(_) => 3,
        };
        let mut worst = Self::Met;
        for progress in each {
            if rank(&progress) > rank(&worst) {
                worst = progress;
            }
        }
        worst
    }
}

/// What a condition may look at beside the connection.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What placeholders stand for.
    pub place: &'a Place,
    /// The steps so far.
    pub steps: &'a [Step],
    /// The connection's name.
    pub on: &'a str,
    /// Octets that had come when the step began.
    pub before: u64,
}

impl Seen<'_> {
    /// The body that was sent for request `id`.
    pub(super) fn request(&self, id: u16) -> Request {
        sent(self.steps, self.on, id)
    }
}

/// Conditions on one connection; every key must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expectation {
    /// A reply.
    pub response: Option<ResponseExpect>,
    /// FastCGI: the END_REQUEST of a request.
    pub end_request: Option<EndExpect>,
    /// FastCGI: records in this order, others between them.
    pub records: Option<Vec<RecordExpect>>,
    /// FastCGI: how many of such records have come.
    pub counts: Option<Vec<RecordExpect>>,
    /// FastCGI: a GET_VALUES_RESULT.
    pub values: Option<ValuesExpect>,
    /// FastCGI: an UNKNOWN_TYPE of this type.
    pub unknown_type: Option<u8>,
    /// FastCGI: how many records belonged to no open request or stream.
    pub strays: Option<usize>,
    /// All that came, octet for octet.
    pub octets: Option<Body>,
    /// What becomes of the connection.
    pub connection: Option<ConnectionWord>,
    /// Nothing comes for so long.
    pub silence: Option<Time>,
    /// CGI: how the program ended.
    pub exit: Option<ExitWord>,
    /// CGI: what the program wrote to its error stream.
    pub stderr: Option<Value>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionWord {
    /// It stays open.
    Open,
    /// The server ends it, in order or by a reset.
    Closed,
    /// The server ends it in order.
    Ended,
    /// The server resets it.
    Reset,
}

/// How a program must end: a status, or `"signal"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub enum ExitWord {
    /// With this status.
    Status(i32),
    /// By any signal.
    Signal,
}

impl TryFrom<Loose<NoTable>> for ExitWord {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        match form {
            Loose::Number(status @ 0..=255) => Ok(Self::Status(status as i32)),
            Loose::Text(word) if word == "signal" => Ok(Self::Signal),
            _ => Err("an exit is a status from 0 to 255, or `signal`".to_owned()),
        }
    }
}

/// How long a connection is watched before it counts as open.
const OPEN_FOR: Duration = Duration::from_millis(200);

impl Expectation {
    /// How long what holds has to hold.
    pub fn hold(&self) -> Duration {
        self.silence.map_or(OPEN_FOR, |time| time.0)
    }

    /// How it stands now. At the end of its time what `Holds` is met, what is `NotYet` is not.
    pub fn progress(&self, line: &Line, seen: &Seen<'_>) -> Progress {
        let decoded = self.decoded(line, seen);
        let raw = [
            self.octets.as_ref().map(|body| octets(body, line, seen)),
            self.connection.map(|word| word.progress(line)),
            self.silence.map(|_| silence(line, seen)),
            self.exit.map(|word| word.progress(line)),
            self.stderr.as_ref().map(|value| stderr(value, line, seen)),
        ];
        Progress::all(decoded.into_iter().chain(raw.into_iter().flatten()))
    }

    fn decoded(&self, line: &Line, seen: &Seen<'_>) -> Option<Progress> {
        let each = [
            self.response.as_ref().map(|e| e.progress(line, seen)),
            self.end_request.as_ref().map(|e| e.progress(line)),
            self.records.as_deref().map(|e| in_order(e, line, seen)),
            self.counts.as_deref().map(|e| counted(e, line, seen)),
            self.values.as_ref().map(|e| e.progress(line, seen)),
            self.unknown_type.map(|kind| unknown_type(kind, line)),
            self.strays.map(|number| strays(number, line)),
        ];
        let mut each = each.into_iter().flatten().peekable();
        each.peek()?;
        let together = Progress::all(each);
        match (&line.flaw, together) {
            (_, Progress::Met) => Some(Progress::Met),
            (Some(flaw), _) => {
                let expected = format!("well-formed {}", name(line.model));
                let unmet = Mismatch::new(Witness::Reply, "connection", expected, flaw);
                Some(Progress::Never(unmet))
            }
            (None, other) => Some(other),
        }
    }

    /// The model of which it is a part; `None` for all.
    pub(super) fn speaks(&self) -> Option<Speaks> {
        let of_fastcgi = self.end_request.is_some()
            || self.records.is_some()
            || self.counts.is_some()
            || self.values.is_some()
            || self.unknown_type.is_some()
            || self.strays.is_some();
        let of_cgi = self.exit.is_some() || self.stderr.is_some();
        match (of_fastcgi, of_cgi) {
            (true, _) => Some(Speaks("FastCGI", Model::FastCgi)),
            (false, true) => Some(Speaks("CGI", Model::Cgi)),
            (false, false) => None,
        }
    }

    pub(super) fn looks_at_application(&self) -> bool {
        let of_response = self
            .response
            .as_ref()
            .is_some_and(ResponseExpect::looks_at_application);
        let of_end = self.end_request.as_ref();
        of_response
            || self.octets.is_some()
            || self.stderr.is_some()
            || of_end.is_some_and(|end| end.app_status.is_some())
    }
}

/// The name of a protocol in sentences.
fn name(model: Model) -> &'static str {
    match model {
        Model::Cgi | Model::CgiWarm => "CGI output",
        Model::FastCgi => "FastCGI",
        Model::Uwsgi => "uwsgi",
        Model::Scgi => "SCGI",
        Model::Http => "HTTP/1.1",
    }
}

impl ConnectionWord {
    fn progress(self, line: &Line) -> Progress {
        let told = |expected: &str, is_final| {
            let unmet = Mismatch::new(Witness::Reply, "connection", expected, line.came());
            Progress::unmet(unmet, is_final)
        };
        match (self, &line.end) {
            (Self::Open, None) => Progress::Holds,
            (Self::Open, Some(_)) => told("open", true),
            (Self::Closed, Some(End::Closed | End::Reset)) => Progress::Met,
            (Self::Ended, Some(End::Closed)) => Progress::Met,
            (Self::Reset, Some(End::Reset)) => Progress::Met,
            (Self::Closed, end) => told("closed by the server", end.is_some()),
            (Self::Ended, end) => told("closed in order", end.is_some()),
            (Self::Reset, end) => told("reset", end.is_some()),
        }
    }
}

impl ExitWord {
    fn progress(self, line: &Line) -> Progress {
        let expected = match self {
            Self::Status(status) => format!("exit status {status}"),
            Self::Signal => "a signal".to_owned(),
        };
        match (self, line.exit) {
            (Self::Status(wanted), Some(Exit::Status(status))) if wanted == status => Progress::Met,
            (Self::Signal, Some(Exit::Signal(_))) => Progress::Met,
            (_, exit) => {
                let actual = exit.map_or_else(|| "still running".to_owned(), |e| e.to_string());
                let unmet = Mismatch::new(Witness::Reply, "exit", expected, actual);
                Progress::unmet(unmet, exit.is_some())
            }
        }
    }
}

fn octets(body: &Body, line: &Line, seen: &Seen<'_>) -> Progress {
    match body.octets_mismatch(&line.octets, seen.place) {
        None => Progress::Met,
        Some(unmet) => Progress::unmet(unmet, line.end.is_some()),
    }
}

fn silence(line: &Line, seen: &Seen<'_>) -> Progress {
    if line.size > seen.before {
        let actual = format!("{} octets", line.size - seen.before);
        let unmet = Mismatch::new(Witness::Reply, "silence", "nothing", actual);
        return Progress::Never(unmet);
    }
    match line.end {
        None => Progress::Holds,
        Some(_) => Progress::Met,
    }
}

fn stderr(value: &Value, line: &Line, seen: &Seen<'_>) -> Progress {
    let actual = latin1(&line.stderr);
    match value.unmet(Some(&actual), seen.place) {
        None => Progress::Met,
        Some(expected) => {
            let unmet = Mismatch::new(Witness::Reply, "stderr", expected, quote(&actual));
            Progress::unmet(unmet, line.exit.is_some())
        }
    }
}

fn strays(number: usize, line: &Line) -> Progress {
    if line.strays.len() == number {
        return Progress::Met;
    }
    let expected = format!("{number} records outside an open request or stream");
    let actual = match line.strays.is_empty() {
        true => "none".to_owned(),
        false => line.strays.join("; "),
    };
    let is_final = line.strays.len() > number || line.end.is_some();
    Progress::unmet(
        Mismatch::new(Witness::Reply, "strays", expected, actual),
        is_final,
    )
}
