//! A uwsgi packet, its sizes as a step spells them.

use serde::Deserialize;

use super::{
    Base,
    ask::{Ask, Pairs},
};
use crate::scenario::text::{Hex, Text};

/// A packet. Its block is `block`, else `vars`, else the variables of `request`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Packet {
    /// First modifier.
    pub modifier1: u8,
    /// Second modifier.
    pub modifier2: u8,
    /// datasize; the block's unless told.
    pub size: Option<u16>,
    /// The block, octet for octet.
    pub block: Option<Hex>,
    /// The variables, in order.
    pub vars: Option<Vec<(Text, Text)>>,
    /// A probe request, whose variables they are; its body is not sent.
    pub request: Ask,
}

impl Packet {
    pub(super) fn of(ask: &Ask) -> Self {
        Self {
            request: ask.clone(),
            ..Self::default()
        }
    }

    pub(super) fn octets(&self, base: &Base<'_>) -> Vec<u8> {
        let block = match (&self.block, &self.vars) {
            (Some(block), _) => block.0.clone(),
            (None, Some(vars)) => {
                let vars = vars.iter();
                let vars = vars.map(|(n, v)| (n.octets(base.place), v.octets(base.place)));
                encode(&vars.collect::<Pairs>())
            }
            (None, None) => encode(&self.request.environ(base)),
        };
        let size = self.size.unwrap_or(block.len() as u16);
        let [low, high] = size.to_le_bytes();
        let header = [self.modifier1, low, high, self.modifier2];
        [&header[..], &block].concat()
    }
}

fn encode(vars: &Pairs) -> Vec<u8> {
    let texts = vars.iter().flat_map(|(name, value)| [name, value]);
    let sized = |text: &Vec<u8>| [&(text.len() as u16).to_le_bytes()[..], text].concat();
    texts.flat_map(sized).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Model, scenario::Place};

    #[test]
    fn the_size_may_lie() {
        let packet: Packet =
            toml::from_str("modifier1 = 5\nsize = 300\nvars = [['A', 'b']]\nmodifier2 = 1")
                .unwrap();
        let place = Place::new("", "h:1");
        let base = Base {
            model: Model::Uwsgi,
            place: &place,
            params: &[],
        };
        assert_eq!(packet.octets(&base), b"\x05\x2c\x01\x01\x01\0A\x01\0b");
    }
}
