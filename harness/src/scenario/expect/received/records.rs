//! FastCGI records, one after the other, and streams made of them.

use std::fmt;

use serde::Deserialize;
use wire::fastcgi::{BeginRequest, Kind};

use super::super::Unmet;
use crate::{
    scenario::{
        loose::{Loose, NoTable},
        reply::RecordType,
    },
    witness::recorded::Record,
};

/// One record, or one stream of records with its end.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RecordTable")]
pub enum RecordExpect {
    /// One record.
    One(One),
    /// Records with content and then an empty one, each as told.
    Stream(One),
    /// Records with content, or none, and no empty one: the end has not come.
    Open(One),
}

/// Conditions on one record; what is left out is not looked at.
#[derive(Clone, Debug)]
pub struct One {
    kind: RecordType,
    id: Option<u16>,
    role: Option<Role>,
    flags: Option<Vec<Flag>>,
    length: Option<u16>,
    padding: Option<u8>,
    version: Option<u8>,
    reserved: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordTable {
    #[serde(rename = "type")]
    kind: Option<RecordType>,
    stream: Option<RecordType>,
    #[serde(default)]
    open: bool,
    id: Option<u16>,
    role: Option<Role>,
    flags: Option<Vec<Flag>>,
    length: Option<u16>,
    padding: Option<u8>,
    version: Option<u8>,
    reserved: Option<u8>,
}

/// A role by its word or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub(super) struct Role(u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Flag {
    KeepConn,
}

impl TryFrom<Loose<NoTable>> for Role {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        let number = match &form {
            Loose::Text(word) if word == "responder" => Some(BeginRequest::RESPONDER),
            Loose::Text(word) if word == "authorizer" => Some(BeginRequest::AUTHORIZER),
            Loose::Text(word) if word == "filter" => Some(BeginRequest::FILTER),
            Loose::Number(number) => u16::try_from(*number).ok(),
            _ => None,
        };
        let told = || "expected responder, authorizer, filter, or a number".to_owned();
        number.map(Self).ok_or_else(told)
    }
}

impl TryFrom<RecordTable> for RecordExpect {
    type Error = String;

    fn try_from(table: RecordTable) -> Result<Self, String> {
        let told = |kind| One {
            kind,
            id: table.id,
            role: table.role,
            flags: table.flags.clone(),
            length: table.length,
            padding: table.padding,
            version: table.version,
            reserved: table.reserved,
        };
        match (table.kind, table.stream) {
            (Some(kind), None) if !table.open => Ok(Self::One(told(kind))),
            (None, Some(_)) if table.length.is_some() || table.padding.is_some() => {
                Err("the records of a stream have lengths and padding of their own".to_owned())
            }
            (None, Some(kind)) if table.open => Ok(Self::Open(told(kind))),
            (None, Some(kind)) => Ok(Self::Stream(told(kind))),
            _ => Err("expected { type = \"BEGIN_REQUEST\" } or { stream = \"PARAMS\" }".to_owned()),
        }
    }
}

/// Between which numbers a request id has to be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdExpect {
    from: u16,
    #[serde(default = "largest")]
    to: u16,
}

fn largest() -> u16 {
    u16::MAX
}

impl IdExpect {
    pub(super) fn unmet(self, id: u16) -> Option<Unmet> {
        let expected = || format!("from {} to {}", self.from, self.to);
        let holds = (self.from..=self.to).contains(&id);
        (!holds).then(|| Unmet::new("id", expected(), id.to_string()))
    }
}

/// The first record that is not what it should be.
pub(super) fn unmet(what: &str, expects: &[RecordExpect], records: &[Record]) -> Option<Unmet> {
    let mut rest = records;
    for expect in expects {
        match expect.take(rest) {
            Some(after) => rest = after,
            None => {
                let came = rest.first();
                let actual = came.map_or_else(|| "no more".to_owned(), one);
                return Some(Unmet::new(
                    what,
                    expect.to_string(),
                    told_after(actual, records),
                ));
            }
        }
    }
    let surplus = rest.first()?;
    Some(Unmet::new(
        what,
        "no more",
        told_after(one(surplus), records),
    ))
}

fn told_after(actual: String, records: &[Record]) -> String {
    format!("{actual} (of {})", told(records))
}

impl RecordExpect {
    /// What is left when its records are taken off the front; `None` where they are not there.
    fn take<'a>(&self, records: &'a [Record]) -> Option<&'a [Record]> {
        match self {
            Self::One(expect) => {
                let (first, rest) = records.split_first()?;
                expect.holds(first).then_some(rest)
            }
            Self::Stream(each) => {
                let full = each.full(records);
                let (end, rest) = records[full..].split_first()?;
                (each.holds(end) && end.length == 0).then_some(rest)
            }
            Self::Open(each) => {
                let full = each.full(records);
                let next = records.get(full);
                let is_ended = next.is_some_and(|next| next.kind == each.kind.0);
                (!is_ended).then_some(&records[full..])
            }
        }
    }
}

impl One {
    /// How many such records with content there are in front.
    fn full(&self, records: &[Record]) -> usize {
        let is_full = |record: &&Record| self.holds(record) && record.length > 0;
        records.iter().take_while(is_full).count()
    }

    fn holds(&self, record: &Record) -> bool {
        let role = match record.content[..] {
            [hi, lo, ..] => Some(u16::from_be_bytes([hi, lo])),
            _ => None,
        };
        let keep = record.content.get(2).copied();
        let flags = self
            .flags
            .as_ref()
            .map(|flags| u8::from(flags.contains(&Flag::KeepConn)));
        record.kind == self.kind.0
            && self.id.is_none_or(|wanted| wanted == record.id)
            && self.role.is_none_or(|wanted| Some(wanted.0) == role)
            && flags.is_none_or(|wanted| Some(wanted) == keep)
            && self.length.is_none_or(|wanted| wanted == record.length)
            && self.padding.is_none_or(|wanted| wanted == record.padding)
            && self.version.is_none_or(|wanted| wanted == record.version)
            && self.reserved.is_none_or(|wanted| wanted == record.reserved)
    }
}

impl fmt::Display for RecordExpect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(each) => write!(f, "the stream {each} to its end"),
            Self::Open(each) => write!(f, "the stream {each} without its end"),
            Self::One(expect) => expect.fmt(f),
        }
    }
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.word())?;
        let role = self.role.map(|role| format!(" role {}", role.0));
        let flags = self.flags.as_ref().map(|flags| match flags.is_empty() {
            true => " no flag".to_owned(),
            false => " keep-conn".to_owned(),
        });
        let number =
            |what: &str, number: Option<u16>| number.map(|number| format!(" {what} {number}"));
        let rest = [
            number("id", self.id),
            role,
            flags,
            number("length", self.length),
            number("padding", self.padding.map(u16::from)),
            number("version", self.version.map(u16::from)),
            number("reserved", self.reserved.map(u16::from)),
        ];
        let mut words = rest.into_iter().flatten();
        words.try_for_each(|word| f.write_str(&word))
    }
}

/// Records as a report shows them: `BEGIN_REQUEST role 1 flags 0, PARAMS 1023 octets, …`.
pub(in crate::scenario) fn told(records: &[Record]) -> String {
    const SHOWN: usize = 12;
    let mut words: Vec<String> = records.iter().take(SHOWN).map(one).collect();
    if records.len() > SHOWN {
        words.push(format!("… {} more", records.len() - SHOWN));
    }
    words.join(", ")
}

fn one(record: &Record) -> String {
    let word = RecordType(record.kind).word();
    match (Kind(record.kind), &record.content[..]) {
        (Kind::BEGIN_REQUEST, [hi, lo, flags, ..]) => {
            let role = u16::from_be_bytes([*hi, *lo]);
            format!("{word} role {role} flags {flags} length {}", record.length)
        }
        _ if record.length == 0 => format!("{word} empty"),
        _ => format!("{word} {} octets", record.length),
    }
}
