//! FastCGI on the driver's side: records with whatever header a step spells.

use bytes::{BufMut, BytesMut};
use serde::Deserialize;
use wire::fastcgi::{BeginRequest, Kind, MAX_CONTENT, record};

use super::{
    Base,
    ask::{Ask, Pairs},
};
use crate::{
    dialogue::begun,
    scenario::{
        content::Content,
        loose::{Loose, NoTable},
        text::Text,
    },
};

/// One thing that is sent over FastCGI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// BEGIN_REQUEST.
    Begin(Begin),
    /// The PARAMS of a request.
    Params {
        /// What they tell.
        ask: Box<Ask>,
        /// Of which request.
        id: u16,
        /// Without the record that ends the stream.
        open: bool,
        /// All lengths in four octets.
        long: bool,
        /// Octets of content in a record.
        per_record: Option<u16>,
    },
    /// Content of a stream, without its end.
    Stream {
        /// Which.
        stream: Stream,
        /// Of which request.
        id: u16,
        /// What.
        content: Content,
        /// Octets of content in a record.
        per_record: Option<u16>,
    },
    /// The end of a stream.
    End {
        /// Which.
        stream: Stream,
        /// Of which request.
        id: u16,
    },
    /// ABORT_REQUEST.
    Abort(Abort),
    /// GET_VALUES of these names.
    GetValues(Vec<Text>),
    /// A record field by field.
    Record(Box<Record>),
}

/// A stream of a request beside its PARAMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The body.
    Stdin,
    /// The file of a Filter.
    Data,
}

/// BEGIN_REQUEST: id 1, Responder, no flag, unless told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Begin {
    /// Request id.
    pub id: u16,
    /// `responder`, `authorizer`, `filter`, or a number.
    pub role: Role,
    /// `keep-conn`, or a number of the whole octet.
    pub flags: Flags,
}

impl Default for Begin {
    fn default() -> Self {
        Self {
            id: 1,
            role: Role(BeginRequest::RESPONDER),
            flags: Flags(0),
        }
    }
}

/// ABORT_REQUEST of request 1 unless told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Abort {
    /// Request id.
    pub id: u16,
}

impl Default for Abort {
    fn default() -> Self {
        Self { id: 1 }
    }
}

/// A record, field by field; every field may lie.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version octet.
    #[serde(default = "one")]
    pub version: u8,
    /// Name such as `STDIN`, or a number.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Request id.
    #[serde(default)]
    pub id: u16,
    /// What it holds.
    pub content: Option<Content>,
    /// Instead of `content`: name-value pairs.
    pub pairs: Option<Vec<(Text, Text)>>,
    /// contentLength; that of what it holds unless told.
    pub length: Option<u16>,
    /// paddingLength, and so many octets of zero behind the content.
    #[serde(default)]
    pub padding: u8,
    /// Reserved octet.
    #[serde(default)]
    pub reserved: u8,
}

fn one() -> u8 {
    1
}

/// A role, existing or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub struct Role(pub u16);

/// The flags octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "FlagsForm")]
pub struct Flags(pub u8);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FlagsForm {
    Number(u8),
    Words(Vec<String>),
}

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<NoTable>")]
pub struct Type(pub u8);

impl TryFrom<Loose<NoTable>> for Role {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        match form {
            Loose::Text(word) => match word.as_str() {
                "responder" => Ok(Self(BeginRequest::RESPONDER)),
                "authorizer" => Ok(Self(BeginRequest::AUTHORIZER)),
                "filter" => Ok(Self(BeginRequest::FILTER)),
                other => Err(format!(
                    "unknown role `{other}`, expected one of `responder`, `authorizer`, `filter`"
                )),
            },
            Loose::Number(number) => u16::try_from(number)
                .map(Self)
                .map_err(|_| format!("role {number} does not fit into two octets")),
            _ => Err("a role is a word or a number".to_owned()),
        }
    }
}

impl TryFrom<FlagsForm> for Flags {
    type Error = String;

    fn try_from(form: FlagsForm) -> Result<Self, String> {
        match form {
            FlagsForm::Number(octet) => Ok(Self(octet)),
            FlagsForm::Words(words) => {
                words
                    .iter()
                    .try_fold(Self(0), |flags, word| match word.as_str() {
                        "keep-conn" => Ok(Self(flags.0 | BeginRequest::KEEP_CONN)),
                        other => Err(format!(
                            "unknown flag `{other}`, expected one of `keep-conn`"
                        )),
                    })
            }
        }
    }
}

impl Type {
    /// The type of this name.
    fn named(name: &str) -> Option<Self> {
        let mut kinds = (1..=11).map(Kind);
        kinds
            .find(|kind| kind.name() == Some(name))
            .map(|kind| Self(kind.0))
    }
}

impl TryFrom<Loose<NoTable>> for Type {
    type Error = String;

    fn try_from(form: Loose<NoTable>) -> Result<Self, String> {
        match form {
            Loose::Number(number) => u8::try_from(number)
                .map(Self)
                .map_err(|_| format!("type {number} does not fit into one octet")),
            Loose::Text(name) => Self::named(&name).ok_or_else(|| {
                let names = (1..=11).filter_map(|kind| Kind(kind).name());
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!(
                    "unknown type `{name}`, expected one of {}",
                    names.join(", ")
                )
            }),
            _ => Err("a type is a name or a number".to_owned()),
        }
    }
}

impl Item {
    /// Whether it tells the probe something.
    pub(super) fn tells_probe(&self) -> bool {
        match self {
            Self::Params { ask, .. } => ask.tells_probe(),
            Self::Record(record) => {
                let pairs = record.pairs.iter().flatten();
                pairs
                    .into_iter()
                    .any(|(name, _)| String::from(name) == "HTTP_X_PROBE")
            }
            _ => false,
        }
    }

    /// Its octets.
    pub(super) fn octets(&self, base: &Base<'_>) -> Vec<u8> {
        let mut dst = BytesMut::new();
        match self {
            Self::Begin(Begin { id, role, flags }) => begin(*id, role.0, flags.0, &mut dst),
            Self::Params {
                ask,
                id,
                open,
                long,
                per_record,
            } => {
                let content = pairs(&ask.environ(base), *long);
                stream(Kind::PARAMS, *id, &content, *per_record, &mut dst);
                if !open {
                    record::encode_end(Kind::PARAMS, *id, &mut dst);
                }
            }
            Self::Stream {
                stream: kind,
                id,
                content,
                per_record,
            } => {
                let content: Vec<u8> = content.blocks(base.place).flatten().collect();
                // An empty content is the end of the stream, as on the wire.
                match content.is_empty() {
                    true => record::encode_end(kind.kind(), *id, &mut dst),
                    false => stream(kind.kind(), *id, &content, *per_record, &mut dst),
                }
            }
            Self::End { stream, id } => record::encode_end(stream.kind(), *id, &mut dst),
            Self::Abort(Abort { id }) => record::encode_end(Kind::ABORT_REQUEST, *id, &mut dst),
            Self::GetValues(names) => {
                let names = names
                    .iter()
                    .map(|name| (name.octets(base.place), Vec::new()));
                let content = pairs(&names.collect::<Pairs>(), false);
                record::encode(Kind::GET_VALUES, 0, &content, &mut dst);
            }
            Self::Record(record) => return record.octets(base),
        }
        dst.to_vec()
    }

    /// The request that it begins.
    pub fn begins(&self) -> Option<u16> {
        match self {
            Self::Begin(begin) => Some(begin.id),
            Self::Record(record) if record.kind.0 == Kind::BEGIN_REQUEST.0 => Some(record.id),
            _ => None,
        }
    }

    /// What it adds to the body of a request.
    pub fn body(&self) -> Option<(u16, &Content)> {
        match self {
            Self::Stream {
                stream: Stream::Stdin,
                id,
                content,
                ..
            } => Some((*id, content)),
            _ => None,
        }
    }
}

impl Stream {
    fn kind(self) -> Kind {
        match self {
            Self::Stdin => Kind::STDIN,
            Self::Data => Kind::DATA,
        }
    }
}

impl Record {
    fn octets(&self, base: &Base<'_>) -> Vec<u8> {
        let content = match (&self.content, &self.pairs) {
            (Some(content), _) => content.blocks(base.place).flatten().collect(),
            (None, Some(spelled)) => {
                let spelled = spelled.iter();
                let spelled = spelled.map(|(n, v)| (n.octets(base.place), v.octets(base.place)));
                pairs(&spelled.collect::<Pairs>(), false)
            }
            (None, None) => Vec::new(),
        };
        let length = self.length.unwrap_or(content.len() as u16);
        let [id_hi, id_lo] = self.id.to_be_bytes();
        let [length_hi, length_lo] = length.to_be_bytes();
        let header = [
            self.version,
            self.kind.0,
            id_hi,
            id_lo,
            length_hi,
            length_lo,
            self.padding,
            self.reserved,
        ];
        [&header[..], &content, &vec![0; usize::from(self.padding)]].concat()
    }
}

/// A whole request: BEGIN_REQUEST, PARAMS and STDIN with their ends.
pub(super) fn request(ask: &Ask, base: &Base<'_>) -> Vec<u8> {
    let (id, mut dst) = (ask.id(), BytesMut::new());
    begin(
        id,
        BeginRequest::RESPONDER,
        u8::from(ask.keep) * BeginRequest::KEEP_CONN,
        &mut dst,
    );
    stream(
        Kind::PARAMS,
        id,
        &pairs(&ask.environ(base), false),
        None,
        &mut dst,
    );
    record::encode_end(Kind::PARAMS, id, &mut dst);
    stream(Kind::STDIN, id, &ask.content(base), None, &mut dst);
    record::encode_end(Kind::STDIN, id, &mut dst);
    dst.to_vec()
}

/// The ids of the requests that spelled records begin.
pub(super) fn begun_in(octets: &[u8]) -> Vec<String> {
    let mut buf = BytesMut::from(octets);
    let mut ids = Vec::new();
    while let Ok(Some(record)) = record::decode(&mut buf) {
        if record.kind == Kind::BEGIN_REQUEST {
            ids.push(begun(record.request_id));
        }
    }
    ids
}

fn begin(id: u16, role: u16, flags: u8, dst: &mut BytesMut) {
    let begin = BeginRequest { role, flags };
    record::encode(Kind::BEGIN_REQUEST, id, &begin.encode(), dst);
}

/// Records of at most `per_record` octets, without the end of the stream.
fn stream(kind: Kind, id: u16, content: &[u8], per_record: Option<u16>, dst: &mut BytesMut) {
    match per_record {
        None => record::encode_stream(kind, id, content, dst),
        Some(most) => {
            for piece in content.chunks(usize::from(most).clamp(1, MAX_CONTENT)) {
                dst.put_slice(&record::header(kind, id, piece.len() as u16, 0));
                dst.put_slice(piece);
            }
        }
    }
}

/// Name-value pairs; `long` spells every length in four octets.
fn pairs(pairs: &Pairs, long: bool) -> Vec<u8> {
    let mut dst = BytesMut::new();
    for (name, value) in pairs {
        match long {
            false => wire::fastcgi::pairs::encode(name, value, &mut dst),
            true => {
                for text in [name, value] {
                    dst.put_u32(text.len() as u32 | 1 << 31);
                }
                dst.put_slice(name);
                dst.put_slice(value);
            }
        }
    }
    dst.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Model, scenario::Place};

    fn octets_of(source: &str) -> Vec<u8> {
        let record: Record = toml::from_str(source).unwrap_or_else(|error| panic!("{error}"));
        let place = Place::new("", "h:1");
        record.octets(&Base {
            model: Model::FastCgi,
            place: &place,
            params: &[],
        })
    }

    #[test]
    fn every_field_of_a_record_may_lie() {
        let wire = octets_of(
            "version = 9\ntype = 99\nid = 258\ncontent = 'ab'\nlength = 8\npadding = 1\nreserved = 7",
        );
        assert_eq!(wire, b"\x09\x63\x01\x02\x00\x08\x01\x07ab\x00");
    }

    #[test]
    fn a_record_tells_its_true_length_unless_told() {
        assert_eq!(
            octets_of("type = 'STDIN'\nid = 1\ncontent = 'abc'"),
            b"\x01\x05\0\x01\0\x03\0\0abc"
        );
        assert_eq!(
            octets_of("type = 'GET_VALUES'\npairs = [['A', '']]"),
            b"\x01\x09\0\0\0\x03\0\0\x01\0A"
        );
    }

    #[test]
    fn an_unknown_type_is_refused() {
        let error = toml::from_str::<Record>("type = 'STDINN'").unwrap_err();
        assert!(error.message().starts_with("unknown type `STDINN`"));
    }
}
