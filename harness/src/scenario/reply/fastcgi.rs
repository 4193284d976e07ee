//! FastCGI records of a reply, proper and otherwise.

use serde::Deserialize;
use wire::fastcgi::{self, Kind};

use crate::scenario::{
    Place,
    content::Content,
    loose::{Loose, NoTable},
};

/// The end of a request (FastCGI 1.0 §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndRequest {
    /// Request id, unless it is that of the request.
    pub id: Option<u16>,
    /// What the application returns.
    pub app_status: u32,
    /// What the protocol says.
    pub protocol_status: ProtocolStatus,
}

/// A protocol status by its word or number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub struct ProtocolStatus(pub u8);

/// A record whose header is spelled field by field, true or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRecord {
    /// Protocol version: 1 unless told.
    #[serde(default = "version")]
    pub version: u8,
    /// Record type by its name or number.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Request id, unless it is that of the request.
    pub id: Option<u16>,
    /// The content.
    pub content: Option<Content>,
    /// What the header says of its length, unless the truth.
    pub length: Option<u16>,
    /// How many octets of padding follow.
    #[serde(default)]
    pub padding: u8,
    /// The last octet of the header.
    #[serde(default)]
    pub reserved: u8,
}

/// A record type by its name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub struct RecordType(pub u8);

/// What padding is made of: anything but NUL, so that who takes it for content is found out.
const PADDING: u8 = 0xAA;

const STATUSES: [&str; 4] = ["complete", "cant-mpx-conn", "overloaded", "unknown-role"];

fn version() -> u8 {
    1
}

impl TryFrom<Loose<NoTable>> for ProtocolStatus {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        let known = |word: &str| STATUSES.iter().position(|status| *status == word);
        let number = match &form {
            Loose::Text(word) => known(word).and_then(|at| u8::try_from(at).ok()),
            Loose::Number(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        let told = || format!("expected {}, or a number up to 255", STATUSES.join(", "));
        number.map(Self).ok_or_else(told)
    }
}

impl TryFrom<Loose<NoTable>> for RecordType {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        let number = match &form {
            Loose::Text(word) => (1..=11).find(|&kind| Kind(kind).name() == Some(word)),
            Loose::Number(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| {
            "expected the name of a record type such as `STDOUT`, or its number".to_owned()
        })
    }
}

impl RecordType {
    /// The name, or the number where there is none.
    pub fn word(self) -> String {
        let name = Kind(self.0).name();
        name.map_or_else(|| self.0.to_string(), str::to_owned)
    }
}

impl EndRequest {
    /// The record for request `id`.
    pub(super) fn record(&self, id: u16) -> Vec<u8> {
        let content = fastcgi::EndRequest {
            app_status: self.app_status,
            protocol_status: fastcgi::ProtocolStatus(self.protocol_status.0),
        };
        let id = self.id.unwrap_or(id);
        record(Kind::END_REQUEST, id, &content.encode(), 0)
    }
}

impl RawRecord {
    /// The record for request `id`.
    pub(super) fn record(&self, id: u16, place: &Place) -> Vec<u8> {
        let blocks = self
            .content
            .iter()
            .flat_map(|content| content.blocks(place));
        let content: Vec<u8> = blocks.flatten().collect();
        let true_length = u16::try_from(content.len()).unwrap_or(u16::MAX);
        let [id_hi, id_lo] = self.id.unwrap_or(id).to_be_bytes();
        let [length_hi, length_lo] = self.length.unwrap_or(true_length).to_be_bytes();
        let (version, kind) = (self.version, self.kind.0);
        let header = [
            version,
            kind,
            id_hi,
            id_lo,
            length_hi,
            length_lo,
            self.padding,
            self.reserved,
        ];
        [
            &header[..],
            &content,
            &vec![PADDING; usize::from(self.padding)],
        ]
        .concat()
    }
}

/// A stream in records of `each` octets; none where there is nothing.
pub(super) fn stream(kind: Kind, id: u16, octets: &[u8], each: u16, padding: u8) -> Vec<u8> {
    let pieces = octets.chunks(usize::from(each));
    pieces
        .flat_map(|piece| record(kind, id, piece, padding))
        .collect()
}

/// A record; its content is at most 65535 octets.
pub(super) fn record(kind: Kind, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("pieces are cut to fit");
    let header = fastcgi::record::header(kind, id, length, padding);
    [&header[..], content, &vec![PADDING; usize::from(padding)]].concat()
}
