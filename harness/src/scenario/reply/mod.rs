//! What the recorder replies in the application server's seat: one item after the other.

mod carry;
mod fastcgi;
mod item;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use carry::output_of;
pub use carry::{Answering, Play};
pub use fastcgi::{EndRequest, RawRecord, RecordType};
use item::ItemTable;

use super::{
    Place, Scenario,
    content::Content,
    text::{Hex, Text},
};
use crate::model::Model;

/// One thing that the recorder does, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ItemTable")]
pub struct Item {
    /// What is done.
    pub act: Act,
    /// In pieces of so many octets; left out, at once.
    pub cut: Option<usize>,
    /// Time between the pieces.
    pub every: Duration,
}

/// What a case makes of the recorder.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The reply to its first request; the probe's report unless given.
    pub reply: Option<Vec<Item>>,
    /// The reply to the first request of its follow-up, likewise.
    pub next: Option<Vec<Item>>,
    /// Where clients ask the gateway.
    pub place: Place,
}

/// What an item does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Reads on until so much of the request has come, and then no further.
    Read(Until),
    /// Replies with the probe's report, as to every request without a `reply`.
    Report,
    /// CGI output, carried as the model carries it, with the end of the reply.
    Cgi(Content),
    /// STDOUT: FastCGI records, or the standard output of a CGI program. Empty, the end of the stream.
    Stdout(Content, Records),
    /// STDERR, likewise.
    Stderr(Content, Records),
    /// END_REQUEST.
    EndRequest(EndRequest),
    /// A record as it is spelled.
    Record(RawRecord),
    /// Octets as they are.
    Octets(Content),
    /// Waits.
    Pause(Duration),
    /// Waits until the gateway gives the request up or ends the connection.
    AwaitAbort,
    /// Ends the sending direction.
    HalfClose,
    /// Closes the connection in order.
    Close,
    /// Resets the connection (TCP; a Unix socket only closes).
    Reset,
    /// Ends a CGI program with this status.
    Exit(u8),
    /// Ends a CGI program by this signal.
    Signal(i32),
    /// Closes the standard output of a CGI program that lives on.
    CloseStdout,
}

/// How a stream is put into FastCGI records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Request id, unless it is that of the request.
    pub id: Option<u16>,
    /// Octets of content in each record; left out, as many as fit.
    pub each: Option<u16>,
    /// Octets of padding in each record; left out, none.
    pub padding: u8,
}

/// How far the request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Not at all: as soon as there is a connection.
    Nothing,
    /// The head: all params, or the HTTP head.
    Head,
    /// So many octets of the body.
    Body(u64),
    /// The end.
    Whole,
}

impl Act {
    /// The key that spells it.
    fn key(&self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::Report => "report",
            Self::Cgi(_) => "cgi",
            Self::Stdout(..) => "stdout",
            Self::Stderr(..) => "stderr",
            Self::EndRequest(_) => "end_request",
            Self::Record(_) => "record",
            Self::Octets(_) => "text",
            Self::Pause(_) => "pause",
            Self::AwaitAbort => "await",
            Self::HalfClose => "half_close",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Exit(_) => "exit",
            Self::Signal(_) => "signal",
            Self::CloseStdout => "close_stdout",
        }
    }

    /// The models that can express it; `None` for all.
    fn models(&self) -> Option<&'static [Model]> {
        match self {
            Self::EndRequest(_) | Self::Record(_) => Some(&[Model::FastCgi]),
            Self::Stdout(_, Records { id, each, padding })
            | Self::Stderr(_, Records { id, each, padding })
                if id.is_some() || each.is_some() || *padding > 0 =>
            {
                Some(&[Model::FastCgi])
            }
            Self::Stdout(..) | Self::Stderr(..) => Some(&[Model::FastCgi, Model::Cgi]),
            Self::Exit(_) | Self::Signal(_) | Self::CloseStdout => Some(&[Model::Cgi]),
            Self::HalfClose | Self::Reset => {
                Some(&[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http])
            }
            _ => None,
        }
    }
}

/// What is wrong with the reply of a scenario, and with a scenario that has none.
pub(super) fn flaws(scenario: &Scenario) -> Vec<String> {
    let mut flaws = Vec::new();
    let next = scenario.expect.next_request.as_ref();
    let replies = [
        scenario.reply.as_ref(),
        next.and_then(|next| next.reply.as_ref()),
    ];
    if scenario.reply.is_none() {
        if next.is_some_and(|next| next.reply.is_some()) {
            flaws.push("`next_request.reply` needs a `reply` to the first request".to_owned());
        }
        if scenario
            .receives()
            .any(|received| received.needs_recorder())
        {
            let told = "only `requests`, `params` and `body_size` of `received` can be seen \
                        without a `reply`, which puts the recorder behind the gateway";
            flaws.push(told.to_owned());
        }
        return flaws;
    }
    if scenario.probe != super::probe::Probe::default() {
        flaws.push("no probe is behind a gateway where there is a `reply`".to_owned());
    }
    let models = scenario.models.as_deref().unwrap_or(&Model::ALL);
    for item in replies.into_iter().flatten().flatten() {
        let can = item.act.models().unwrap_or(&Model::ALL);
        if let Some(model) = models.iter().find(|model| !model.is_among(can)) {
            let key = item.act.key();
            let can: Vec<&str> = can.iter().map(|model| model.word()).collect();
            flaws.push(format!(
                "`{key}` is not for {model}; say `models`, with {} at most",
                can.join(", ")
            ));
        }
    }
    flaws
}

impl From<Text> for Act {
    fn from(text: Text) -> Self {
        Self::Octets(Content::Text(text))
    }
}

impl From<Hex> for Act {
    fn from(hex: Hex) -> Self {
        Self::Octets(Content::Hex(hex))
    }
}

impl Item {
    /// What the recorder does for it.
    pub fn play(&self, to: &Answering, place: &Place) -> Vec<Play> {
        carry::play(self, to, place)
    }
}
