//! What a step sends: octets, spelled or encoded, and nothing that repairs them.

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Base, Speaks, ask::Ask, fastcgi, scgi::Netstring, uwsgi::Packet};
use crate::{
    dialogue::begun,
    model::Model,
    scenario::{
        content::Content,
        text::{Hex, Text, latin1},
    },
};

/// Things that leave in one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sends(pub Vec<Item>);

/// One thing that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub enum Item {
    /// A whole request of the model.
    Request(Box<Ask>),
    /// These octets.
    Octets(Content),
    /// A part of a FastCGI request, or a record.
    FastCgi(fastcgi::Item),
    /// A uwsgi packet.
    Packet(Box<Packet>),
    /// An SCGI netstring.
    Netstring(Box<Netstring>),
}

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emit {
    /// These octets, to the connection or the program's standard input.
    Octets(Vec<u8>),
    /// A CGI program is executed.
    Run {
        /// Its whole environment.
        environ: Vec<(Vec<u8>, Vec<u8>)>,
        /// Its arguments behind its name.
        argv: Vec<Vec<u8>>,
        /// What its standard input gives.
        input: Vec<u8>,
        /// Whether that stays open.
        open: bool,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    request: Option<Box<Ask>>,
    hex: Option<Hex>,
    text: Option<Text>,
    size: Option<u64>,
    begin: Option<fastcgi::Begin>,
    params: Option<Box<Ask>>,
    stdin: Option<Content>,
    stdin_end: Option<bool>,
    data: Option<Content>,
    data_end: Option<bool>,
    abort: Option<fastcgi::Abort>,
    get_values: Option<Vec<Text>>,
    record: Option<fastcgi::Record>,
    packet: Option<Box<Packet>>,
    netstring: Option<Box<Netstring>>,
    id: Option<u16>,
    open: Option<bool>,
    long: Option<bool>,
    per_record: Option<u16>,
}

impl TryFrom<Table> for Item {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        use fastcgi::{Item as Fast, Stream};
        let id = table.id.unwrap_or(1);
        let per_record = table.per_record;
        let (open, long) = (table.open.unwrap_or(false), table.long.unwrap_or(false));
        let stream = |stream, content| Fast::Stream {
            stream,
            id,
            content,
            per_record,
        };
        let end = |stream, told: bool| match told {
            true => Ok(Self::FastCgi(Fast::End { stream, id })),
            false => Err("write `true`, or leave it out".to_owned()),
        };
        let has_id = table.id.is_some();
        let has_of_params = table.open.is_some() || table.long.is_some();
        let has_of_streams = per_record.is_some();
        let found = [
            table.request.map(|ask| Ok(Self::Request(ask))),
            table.hex.map(|hex| Ok(Self::Octets(Content::Hex(hex)))),
            table.text.map(|text| Ok(Self::Octets(Content::Text(text)))),
            table
                .size
                .map(|size| Ok(Self::Octets(Content::Counter(size)))),
            table
                .begin
                .map(|begin| Ok(Self::FastCgi(Fast::Begin(begin)))),
            table.params.map(|ask| {
                Ok(Self::FastCgi(Fast::Params {
                    ask,
                    id,
                    open,
                    long,
                    per_record,
                }))
            }),
            table
                .stdin
                .map(|content| Ok(Self::FastCgi(stream(Stream::Stdin, content)))),
            table.stdin_end.map(|told| end(Stream::Stdin, told)),
            table
                .data
                .map(|content| Ok(Self::FastCgi(stream(Stream::Data, content)))),
            table.data_end.map(|told| end(Stream::Data, told)),
            table
                .abort
                .map(|abort| Ok(Self::FastCgi(Fast::Abort(abort)))),
            table
                .get_values
                .map(|names| Ok(Self::FastCgi(Fast::GetValues(names)))),
            table
                .record
                .map(|record| Ok(Self::FastCgi(Fast::Record(Box::new(record))))),
            table.packet.map(|packet| Ok(Self::Packet(packet))),
            table.netstring.map(|string| Ok(Self::Netstring(string))),
        ];
        let mut found = found.into_iter().flatten();
        let (Some(item), None) = (found.next(), found.next()) else {
            return Err(format!("`send` has exactly one of {THINGS}"));
        };
        let item = item?;
        item.takes(has_id, has_of_params, has_of_streams)?;
        Ok(item)
    }
}

const THINGS: &str = "request, hex, text, size, begin, params, stdin, stdin_end, data, data_end, \
                      abort, get_values, record, packet, netstring";

impl Item {
    /// Whether the keys beside it mean something.
    fn takes(&self, id: bool, of_params: bool, of_streams: bool) -> Result<(), String> {
        use fastcgi::Item as Fast;
        let is_params = matches!(self, Self::FastCgi(Fast::Params { .. }));
        let is_stream = is_params || matches!(self, Self::FastCgi(Fast::Stream { .. }));
        let is_end = matches!(self, Self::FastCgi(Fast::End { .. }));
        if id && !is_stream && !is_end {
            return Err(
                "`id` beside it is for params, stdin and data; elsewhere it stands inside"
                    .to_owned(),
            );
        }
        if of_params && !is_params {
            return Err("`open` and `long` are for `params`".to_owned());
        }
        match of_streams && !is_stream {
            true => Err("`per_record` is for params, stdin and data".to_owned()),
            false => Ok(()),
        }
    }

    /// The model of which it is a part; `None` for all.
    pub fn speaks(&self) -> Option<Speaks> {
        match self {
            Self::Request(_) | Self::Octets(_) => None,
            Self::FastCgi(_) => Some(Speaks("FastCGI", Model::FastCgi)),
            Self::Packet(_) => Some(Speaks("uwsgi", Model::Uwsgi)),
            Self::Netstring(_) => Some(Speaks("SCGI", Model::Scgi)),
        }
    }

    /// Whether it tells the probe something.
    pub fn tells_probe(&self) -> bool {
        let spelled = |content: &Content| {
            let Content::Text(text) = content else {
                return false;
            };
            let text = String::from(text).to_ascii_lowercase();
            text.contains("x-probe") || text.contains("http_x_probe")
        };
        match self {
            Self::Request(ask) => ask.tells_probe(),
            Self::Octets(content) => spelled(content),
            Self::FastCgi(item) => item.tells_probe(),
            Self::Packet(packet) => packet.request.tells_probe(),
            Self::Netstring(string) => string.request.tells_probe(),
        }
    }

    /// What it asks for, one entry a request: its method, or its id over FastCGI.
    pub fn asks(&self, base: &Base<'_>) -> Vec<String> {
        match (self, base.model) {
            (Self::Request(ask), Model::FastCgi) => vec![begun(ask.id())],
            (Self::Request(ask), _) => vec![ask.method(base)],
            (Self::FastCgi(item), _) => item.begins().map(begun).into_iter().collect(),
            (Self::Octets(content), Model::FastCgi) => fastcgi::begun_in(&octets(content, base)),
            (Self::Octets(content), Model::Http) => {
                let text = latin1(&octets(content, base));
                let method = text.split_once(' ').map(|(method, _)| method);
                let is_method =
                    |m: &&str| !m.is_empty() && m.bytes().all(|b| b.is_ascii_uppercase());
                method
                    .filter(is_method)
                    .map(str::to_owned)
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What leaves.
    pub fn emit(&self, base: &Base<'_>) -> Emit {
        Emit::Octets(match self {
            Self::Request(ask) => return request(ask, base),
            Self::Octets(content) => octets(content, base),
            Self::FastCgi(item) => item.octets(base),
            Self::Packet(packet) => packet.octets(base),
            Self::Netstring(string) => string.octets(base),
        })
    }
}

fn octets(content: &Content, base: &Base<'_>) -> Vec<u8> {
    content.blocks(base.place).flatten().collect()
}

/// A whole request over the model of `base`.
pub fn request(ask: &Ask, base: &Base<'_>) -> Emit {
    Emit::Octets(match base.model {
        Model::Cgi | Model::CgiWarm => {
            return Emit::Run {
                environ: ask.environ(base),
                argv: ask
                    .argv
                    .iter()
                    .map(|word| word.octets(base.place))
                    .collect(),
                input: ask.content(base),
                open: ask.open,
            };
        }
        Model::FastCgi => fastcgi::request(ask, base),
        Model::Uwsgi => [Packet::of(ask).octets(base), ask.content(base)].concat(),
        Model::Scgi => [Netstring::of(ask).octets(base), ask.content(base)].concat(),
        Model::Http => ask.http(base),
    })
}

impl<'de> Deserialize<'de> for Sends {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Forms)
    }
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = Sends;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a table such as { request = {} }, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sends, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        match items.is_empty() {
            true => Err(de::Error::custom("an empty list sends nothing")),
            false => Ok(Sends(items)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sends, A::Error> {
        Item::deserialize(MapAccessDeserializer::new(map)).map(|item| Sends(vec![item]))
    }
}
