//! The head of a uwsgi packet, the SCGI netstring, and the end of a connection.

use serde::Deserialize;

use super::{
    super::{
        Scene, Unmet,
        value::{Value, quote},
    },
    differs,
};
use crate::witness::recorded::{End, Line, Netstring, Packet};

/// Conditions on the header of a uwsgi packet.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PacketExpect {
    modifier1: Option<u8>,
    modifier2: Option<u8>,
    size: Option<u16>,
    exact: Option<bool>,
}

/// Conditions on the SCGI netstring.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetstringExpect {
    length: Option<Value>,
    comma: Option<bool>,
}

/// What became of a connection by the end of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndWord {
    /// The gateway has not ended it.
    Open,
    /// The gateway ended it, in order or by a reset.
    Closed,
    /// The gateway reset it.
    Reset,
}

impl PacketExpect {
    pub(super) fn unmet(&self, packet: Option<&Packet>) -> Option<Unmet> {
        let Some(packet) = packet else {
            return Some(Unmet::new("packet", "a uwsgi packet", "none"));
        };
        differs("packet.modifier1", self.modifier1, packet.modifier1)
            .or_else(|| differs("packet.modifier2", self.modifier2, packet.modifier2))
            .or_else(|| differs("packet.size", self.size, packet.size))
            .or_else(|| differs("packet.exact", self.exact, packet.exact))
    }
}

impl NetstringExpect {
    pub(super) fn unmet(&self, netstring: Option<&Netstring>, scene: &Scene<'_>) -> Option<Unmet> {
        let Some(netstring) = netstring else {
            return Some(Unmet::new("netstring", "an SCGI netstring", "none"));
        };
        let digits = netstring.length.as_str();
        let length = self.length.as_ref();
        let unmet = length.and_then(|length| length.unmet(Some(digits), scene.place));
        unmet
            .map(|expected| Unmet::new("netstring.length", expected, quote(digits)))
            .or_else(|| differs("netstring.comma", self.comma, netstring.comma))
    }
}

impl EndWord {
    pub(super) fn unmet(self, line: Option<&Line>) -> Option<Unmet> {
        let ended = line.and_then(|line| line.ended).map(|(end, _)| end);
        let holds = match self {
            Self::Open => ended.is_none(),
            Self::Closed => ended.is_some(),
            Self::Reset => ended == Some(End::Reset),
        };
        let word = match self {
            Self::Open => "open",
            Self::Closed => "closed by the gateway",
            Self::Reset => "reset by the gateway",
        };
        (!holds).then(|| Unmet::new("connection", word, told(line)))
    }
}

/// What became of a connection, as a report shows it.
pub(in crate::scenario) fn told(line: Option<&Line>) -> String {
    let Some(line) = line else {
        return "there was none".to_owned();
    };
    match line.ended {
        None if line.ended_here => "closed by the recorder alone".to_owned(),
        None => "open".to_owned(),
        Some((End::Closed, _)) => "closed by the gateway".to_owned(),
        Some((End::Reset, _)) => "reset by the gateway".to_owned(),
    }
}
