//! An SCGI netstring, its length and end as a step spells them.

use serde::Deserialize;

use super::{
    Base,
    ask::{Ask, Pairs},
};
use crate::scenario::text::Text;

/// The headers of a request as a netstring: those of `headers`, else those of `request`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Netstring {
    /// The headers, in order.
    pub headers: Option<Vec<(Text, Text)>>,
    /// A probe request, whose headers they are; its body is not sent.
    pub request: Ask,
    /// What stands before the colon; the true length unless told.
    pub length: Option<Text>,
    /// What stands behind the headers; `,` unless told.
    pub end: Option<Text>,
}

impl Netstring {
    pub(super) fn of(ask: &Ask) -> Self {
        Self {
            request: ask.clone(),
            ..Self::default()
        }
    }

    pub(super) fn octets(&self, base: &Base<'_>) -> Vec<u8> {
        let headers: Pairs = match &self.headers {
            Some(headers) => {
                let headers = headers.iter();
                let headers = headers.map(|(n, v)| (n.octets(base.place), v.octets(base.place)));
                headers.collect()
            }
            None => self.request.environ(base),
        };
        let texts = headers.iter().flat_map(|(name, value)| [name, value]);
        let block: Vec<u8> = texts.flat_map(|text| [text, &b"\0"[..]].concat()).collect();
        let length = match &self.length {
            Some(length) => length.octets(base.place),
            None => block.len().to_string().into_bytes(),
        };
        let end = match &self.end {
            Some(end) => end.octets(base.place),
            None => b",".to_vec(),
        };
        [&length[..], b":", &block, &end].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Model, scenario::Place};

    #[test]
    fn length_and_end_may_lie() {
        let source = "headers = [['CONTENT_LENGTH', '0'], ['SCGI', '1']]";
        let lie = format!("{source}\nlength = '024'\nend = ';'");
        let place = Place::new("", "h:1");
        let base = Base {
            model: Model::Scgi,
            place: &place,
            params: &[],
        };
        let octets = |source: &str| toml::from_str::<Netstring>(source).unwrap().octets(&base);
        assert_eq!(octets(source), b"24:CONTENT_LENGTH\x000\0SCGI\x001\0,");
        assert_eq!(octets(&lie), b"024:CONTENT_LENGTH\x000\0SCGI\x001\0;");
    }
}
