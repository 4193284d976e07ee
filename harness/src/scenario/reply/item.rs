//! An item as it is written: a table with one key for what is done, and some for how.

use std::time::Duration;

use serde::Deserialize;

use super::{Act, EndRequest, Item, RawRecord, Records, Until};
use crate::scenario::{
    content::Content,
    loose::{Loose, NoTable},
    text::{Hex, Text, Time},
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ItemTable {
    read: Option<Until>,
    report: Option<bool>,
    cgi: Option<Content>,
    stdout: Option<Content>,
    stderr: Option<Content>,
    end_request: Option<EndRequest>,
    record: Option<RawRecord>,
    text: Option<Text>,
    hex: Option<Hex>,
    size: Option<u64>,
    pause: Option<Time>,
    #[serde(rename = "await")]
    awaits: Option<Awaited>,
    half_close: Option<bool>,
    close: Option<bool>,
    reset: Option<bool>,
    exit: Option<u8>,
    signal: Option<i32>,
    close_stdout: Option<bool>,

    cut: Option<usize>,
    every: Option<Time>,
    id: Option<u16>,
    each: Option<u16>,
    padding: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Awaited {
    Abort,
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Loose::<NoTable>::deserialize(deserializer)? {
            Loose::Text(word) if word == "all" => Ok(Self::Whole),
            Loose::Text(word) if word == "head" => Ok(Self::Head),
            Loose::Text(word) if word == "none" => Ok(Self::Nothing),
            Loose::Number(octets) => Ok(Self::Body(octets)),
            _ => Err(serde::de::Error::custom(
                "expected `all`, `head`, `none`, or a number of octets of the body",
            )),
        }
    }
}

impl TryFrom<ItemTable> for Item {
    type Error = String;

    fn try_from(table: ItemTable) -> Result<Self, String> {
        let records = Records {
            id: table.id,
            each: table.each,
            padding: table.padding.unwrap_or(0),
        };
        let (cut, every) = (table.cut, table.every);
        let is_framed = records != Records::default();
        let act = table.act(records)?;
        let is_stream = matches!(act, Act::Stdout(..) | Act::Stderr(..));
        let writes = is_stream
            || matches!(
                act,
                Act::Cgi(_) | Act::Octets(_) | Act::EndRequest(_) | Act::Record(_) | Act::Report
            );
        let key = act.key();
        if is_framed && !is_stream {
            return Err(format!(
                "`id`, `each` and `padding` are for `stdout` and `stderr`, not for `{key}`"
            ));
        }
        if cut.is_some() && !writes {
            return Err(format!("`{key}` writes nothing that could be `cut`"));
        }
        match (cut, every) {
            (Some(0), _) => Err("`cut` in pieces of 0 octets never ends".to_owned()),
            (None, Some(_)) => Err("`every` is the time between the pieces of a `cut`".to_owned()),
            _ if records.each == Some(0) => Err("records of 0 octets never end".to_owned()),
            _ => Ok(Self {
                act,
                cut,
                every: every.map_or(Duration::ZERO, |time| time.0),
            }),
        }
    }
}

impl ItemTable {
    /// The one act among its keys.
    fn act(self, records: Records) -> Result<Act, String> {
        let word = |given: Option<bool>, act: Act| match given {
            Some(false) => Err(format!("`{}` can only be true", act.key())),
            Some(true) => Ok(Some(act)),
            None => Ok(None),
        };
        let acts = [
            self.read.map(Act::Read),
            word(self.report, Act::Report)?,
            self.cgi.map(Act::Cgi),
            self.stdout.map(|content| Act::Stdout(content, records)),
            self.stderr.map(|content| Act::Stderr(content, records)),
            self.end_request.map(Act::EndRequest),
            self.record.map(Act::Record),
            self.text.map(Act::from),
            self.hex.map(Act::from),
            self.size.map(|size| Act::Octets(Content::Counter(size))),
            self.pause.map(|time| Act::Pause(time.0)),
            self.awaits.map(|Awaited::Abort| Act::AwaitAbort),
            word(self.half_close, Act::HalfClose)?,
            word(self.close, Act::Close)?,
            word(self.reset, Act::Reset)?,
            self.exit.map(Act::Exit),
            self.signal.map(Act::Signal),
            word(self.close_stdout, Act::CloseStdout)?,
        ];
        let mut acts = acts.into_iter().flatten();
        match (acts.next(), acts.next()) {
            (Some(act), None) => Ok(act),
            (Some(one), Some(other)) => Err(format!(
                "an item does one thing; this one has `{}` and `{}`",
                one.key(),
                other.key()
            )),
            (None, _) => Err(
                "an item has one of read, report, cgi, stdout, stderr, end_request, \
                              record, text, hex, size, pause, await, half_close, close, reset, \
                              exit, signal, close_stdout"
                    .to_owned(),
            ),
        }
    }
}
