//! What must have come as FastCGI records.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use wire::fastcgi::{EndRequest, Kind};

use super::{
    expect::{Progress, Seen},
    fastcgi::Type,
};
use crate::{
    dialogue::{Line, Record},
    outcome::Witness,
    scenario::{
        Place,
        expect::{
            Mismatch,
            application::is_variable,
            value::{Value, quote_or_absent},
        },
        loose::{Loose, NoTable},
        text::latin1,
    },
};

/// One record; what is left out is not looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordExpect {
    /// Name such as `STDOUT`, or a number.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Request id.
    pub id: Option<u16>,
    /// Octets of content.
    pub length: Option<usize>,
    /// The content.
    pub content: Option<Value>,
    /// For `counts`: how often such a record has come.
    pub times: Option<usize>,
}

impl RecordExpect {
    fn fits(&self, record: &Record, place: &Place) -> bool {
        let content = latin1(&record.content);
        record.kind == Kind(self.kind.0)
            && self.id.is_none_or(|id| id == record.id)
            && self.length.is_none_or(|length| length == record.length)
            && self
                .content
                .as_ref()
                .is_none_or(|value| value.unmet(Some(&content), place).is_none())
    }

    fn words(&self) -> String {
        let mut words = Kind(self.kind.0).to_string();
        if let Some(id) = self.id {
            words.push_str(&format!(" id {id}"));
        }
        if let Some(length) = self.length {
            words.push_str(&format!(", {length} octets"));
        }
        if self.content.is_some() {
            words.push_str(" with that content");
        }
        words
    }
}

/// In this order, others before, between and behind.
pub(super) fn in_order(wanted: &[RecordExpect], line: &Line, seen: &Seen<'_>) -> Progress {
    let mut came_since = line.records.iter();
    for record in wanted {
        if !came_since.any(|came| record.fits(came, seen.place)) {
            let expected = wanted.iter().map(RecordExpect::words).collect::<Vec<_>>();
            let unmet = mismatch("records", expected.join("; "), line);
            return Progress::unmet(unmet, line.end.is_some());
        }
    }
    Progress::Met
}

/// So many of each, up to now.
pub(super) fn counted(wanted: &[RecordExpect], line: &Line, seen: &Seen<'_>) -> Progress {
    let each = wanted.iter().map(|record| {
        let fitting = line
            .records
            .iter()
            .filter(|came| record.fits(came, seen.place));
        let (actual, expected) = (fitting.count(), record.times.unwrap_or(1));
        if actual == expected {
            return Progress::Met;
        }
        let told = format!("{expected} of {}", record.words());
        let unmet = mismatch("counts", told, line);
        Progress::unmet(unmet, actual > expected || line.end.is_some())
    });
    Progress::all(each)
}

fn mismatch(what: &str, expected: String, line: &Line) -> Mismatch {
    let told: Vec<String> = line.records.iter().map(Record::words).collect();
    let actual = match told.is_empty() {
        true => line.came(),
        false => told.join("; "),
    };
    Mismatch::new(Witness::Reply, what, expected, shorten(actual))
}

/// The beginning and the end of a long list.
fn shorten(text: String) -> String {
    const SHOWN: usize = 300;
    let count = text.chars().count();
    if count <= SHOWN {
        return text;
    }
    let head: String = text.chars().take(SHOWN / 2).collect();
    let tail: String = text.chars().skip(count - SHOWN / 2).collect();
    format!("{head} … {tail}")
}

/// END_REQUEST of one request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndExpect {
    /// Of which request; 1 unless told.
    pub id: Option<u16>,
    /// Which END_REQUEST of that id, from 1.
    pub nth: Option<usize>,
    /// How the protocol ended it.
    pub protocol_status: Option<ProtocolWord>,
    /// The application's status.
    pub app_status: Option<u32>,
}

/// A protocolStatus: `complete`, `cant-mpx-conn`, `overloaded`, `unknown-role`, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub struct ProtocolWord(pub u8);

const PROTOCOL_WORDS: [&str; 4] = ["complete", "cant-mpx-conn", "overloaded", "unknown-role"];

impl TryFrom<Loose<NoTable>> for ProtocolWord {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        match form {
            Loose::Number(number) => u8::try_from(number)
                .map(Self)
                .map_err(|_| format!("protocolStatus {number} does not fit into one octet")),
            Loose::Text(word) => {
                let known = PROTOCOL_WORDS.iter().position(|known| *known == word);
                let known = known.ok_or_else(|| {
                    let words = PROTOCOL_WORDS.map(|word| format!("`{word}`")).join(", ");
                    format!("unknown protocol status `{word}`, expected one of {words}")
                })?;
                Ok(Self(known as u8))
            }
            _ => Err("a protocol status is a word or a number".to_owned()),
        }
    }
}

impl ProtocolWord {
    fn word(self) -> String {
        let known = PROTOCOL_WORDS.get(usize::from(self.0));
        known.map_or_else(|| self.0.to_string(), ToString::to_string)
    }
}

impl EndExpect {
    pub(super) fn progress(&self, line: &Line) -> Progress {
        let id = self.id.unwrap_or(1);
        let ends = line.records.iter();
        let mut ends = ends.filter(|record| record.kind == Kind::END_REQUEST && record.id == id);
        let Some(record) = ends.nth(self.nth.unwrap_or(1).saturating_sub(1)) else {
            let unmet = mismatch("end_request", format!("END_REQUEST id {id}"), line);
            return Progress::unmet(unmet, line.end.is_some());
        };
        let Ok(end) = EndRequest::decode(&record.content) else {
            let unmet = mismatch("end_request", "a body of 8 octets".to_owned(), line);
            return Progress::Never(unmet);
        };
        let status = self
            .protocol_status
            .unwrap_or(ProtocolWord(end.protocol_status.0));
        let app_status = self.app_status.unwrap_or(end.app_status);
        if (status.0, app_status) == (end.protocol_status.0, end.app_status) {
            return Progress::Met;
        }
        let words = |status: ProtocolWord, app: u32| format!("{}, appStatus {app}", status.word());
        Progress::Never(Mismatch::new(
            Witness::Reply,
            format!("end_request of {id}"),
            words(status, app_status),
            words(ProtocolWord(end.protocol_status.0), end.app_status),
        ))
    }
}

/// The pairs of a GET_VALUES_RESULT by name.
#[derive(Clone, Debug, Default)]
pub struct ValuesExpect {
    values: BTreeMap<String, Value>,
    nth: Option<usize>,
}

impl<'de> Deserialize<'de> for ValuesExpect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = ValuesExpect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of values such as { FCGI_MPXS_CONNS = \"0\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValuesExpect, A::Error> {
        let mut expect = ValuesExpect::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "nth" => expect.nth = Some(map.next_value()?),
                name if is_variable(name) => {
                    expect.values.insert(key, map.next_value()?);
                }
                unknown => return Err(de::Error::unknown_field(unknown, &["nth"])),
            }
        }
        Ok(expect)
    }
}

impl ValuesExpect {
    pub(super) fn progress(&self, line: &Line, seen: &Seen<'_>) -> Progress {
        let mut results = line.records.iter().filter_map(Record::values);
        let Some(result) = results.nth(self.nth.unwrap_or(1).saturating_sub(1)) else {
            let unmet = mismatch("values", "GET_VALUES_RESULT".to_owned(), line);
            return Progress::unmet(unmet, line.end.is_some());
        };
        let unmet = self.values.iter().find_map(|(name, value)| {
            let mut of_name = result.iter().filter(|(other, _)| other == name);
            let actual = of_name.next().map(|(_, value)| value.as_str());
            let expected = value.unmet(actual, seen.place);
            let twice = || of_name.next().map(|_| "one value".to_owned());
            let expected = expected.or_else(twice)?;
            let what = format!("values.{name}");
            Some(Mismatch::new(
                Witness::Reply,
                what,
                expected,
                quote_or_absent(actual),
            ))
        });
        unmet.map_or(Progress::Met, Progress::Never)
    }
}

/// UNKNOWN_TYPE of this type.
pub(super) fn unknown_type(wanted: u8, line: &Line) -> Progress {
    let mut refused = line.records.iter().filter_map(Record::unknown);
    match refused.any(|kind| kind == wanted) {
        true => Progress::Met,
        false => {
            let unmet = mismatch("unknown_type", format!("UNKNOWN_TYPE of {wanted}"), line);
            Progress::unmet(unmet, line.end.is_some())
        }
    }
}
