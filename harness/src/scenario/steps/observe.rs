//! Values of what the driver saw that a report tells without judging them.

use std::fmt;

use crate::{
    dialogue::{Driven, Record},
    scenario::{
        expect::{
            client::values,
            status::status_line,
            value::{quote, quote_or_absent},
        },
        text::latin1,
    },
};

/// The name of one value; all are those of connection `a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedOfDriver {
    /// `response.status`.
    Status,
    /// `response.body`.
    Body,
    /// `response.header.NAME`.
    Field(String),
    /// `response.stderr`: FastCGI's, or that of a CGI program.
    Stderr,
    /// `connection`: how much came, and how it ended.
    Connection,
    /// `records`: FastCGI records in order.
    Records,
    /// `values.NAME`: of the first GET_VALUES_RESULT.
    Value(String),
    /// `exit`: how a CGI program ended.
    Exit,
}

const FIXED: [(&str, ObservedOfDriver); 6] = [
    ("response.status", ObservedOfDriver::Status),
    ("response.body", ObservedOfDriver::Body),
    ("response.stderr", ObservedOfDriver::Stderr),
    ("connection", ObservedOfDriver::Connection),
    ("records", ObservedOfDriver::Records),
    ("exit", ObservedOfDriver::Exit),
];

impl ObservedOfDriver {
    /// Every name but `response.header.NAME` and `values.NAME`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FIXED.iter().map(|(name, _)| *name)
    }

    /// The value of this name.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(field) = name.strip_prefix("response.header.") {
            return Some(Self::Field(field.to_owned()));
        }
        if let Some(value) = name.strip_prefix("values.") {
            return Some(Self::Value(value.to_owned()));
        }
        let known = FIXED.iter().find(|(known, _)| *known == name);
        known.map(|(_, observed)| observed.clone())
    }

    /// The value in words; `None` where nobody saw it.
    pub fn value(&self, driven: &Driven) -> Option<String> {
        let line = driven.lines.first()?;
        let reply = line.replies.first();
        let view = reply.map(|reply| &reply.view);
        match self {
            Self::Status => Some(match view.filter(|view| view.status.is_some()) {
                Some(view) => status_line(view),
                None => line.came(),
            }),
            Self::Body => Some(quote(&latin1(&view?.body.kept))),
            Self::Field(name) => Some(values(view?, name)),
            Self::Stderr => {
                let of_reply = reply.map_or(&[][..], |reply| reply.stderr.as_slice());
                Some(quote(&latin1(&[of_reply, &line.stderr].concat())))
            }
            Self::Connection => Some(line.came()),
            Self::Records => {
                let records: Vec<String> = line.records.iter().map(Record::words).collect();
                Some(match records.is_empty() {
                    true => "none".to_owned(),
                    false => records.join("; "),
                })
            }
            Self::Value(name) => {
                let result = line.records.iter().find_map(Record::values)?;
                let value = result.iter().find(|(other, _)| other == name);
                Some(quote_or_absent(value.map(|(_, value)| value.as_str())))
            }
            Self::Exit => Some(line.exit?.to_string()),
        }
    }
}

impl fmt::Display for ObservedOfDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "response.header.{name}"),
            Self::Value(name) => write!(f, "values.{name}"),
            fixed => {
                let named = FIXED.iter().find(|(_, known)| known == fixed);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}
