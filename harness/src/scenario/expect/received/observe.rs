//! Values of what the recorder took, told without judging them.

use std::fmt;

use super::{is_own, is_reused, own, records, wire};
use crate::{
    scenario::expect::{
        application::show,
        value::{quote, quote_or_absent},
    },
    witness::recorded::{Asked, Recorded},
};

/// The name of one value, without `received.` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedOfWire {
    /// One of `NAMES`.
    Fixed(&'static str),
    /// A param.
    Param(String),
    /// In how many octets the length of a param's value was spelled.
    LengthForm(String),
}

impl ObservedOfWire {
    /// Every name beside `params.NAME` and `params.NAME.length_form`.
    pub(in crate::scenario) const NAMES: [&'static str; 17] = [
        "requests",
        "connections",
        "connection",
        "reused",
        "aborted",
        "whole",
        "malformed",
        "body.size",
        "records",
        "packet",
        "netstring",
        "line",
        "program.argv",
        "program.cwd",
        "program.descriptors",
        "program.signals",
        "program.umask",
    ];

    /// Reads a name.
    pub(in crate::scenario) fn named(name: &str) -> Option<Self> {
        if let Some(known) = Self::NAMES.iter().find(|known| **known == name) {
            return Some(Self::Fixed(known));
        }
        let param = name
            .strip_prefix("params.")
            .filter(|param| !param.is_empty())?;
        Some(match param.strip_suffix(".length_form") {
            Some(param) => Self::LengthForm(param.to_owned()),
            None => Self::Param(param.to_owned()),
        })
    }

    /// The value in words; `None` where nobody saw it.
    pub(in crate::scenario) fn value(&self, recorded: &Recorded) -> Option<String> {
        let first = own(recorded).next().map(|(_, asked)| asked);
        match self {
            Self::Fixed(name) => fixed(name, recorded, first),
            Self::Param(name) => {
                let values: Vec<&str> = first?.all(name).map(|param| &*param.value).collect();
                Some(show(&values))
            }
            Self::LengthForm(name) => {
                let (_, form) = first?.all(name).next()?.forms?;
                Some(form.to_string())
            }
        }
    }
}

fn fixed(name: &str, recorded: &Recorded, first: Option<&Asked>) -> Option<String> {
    let line = own(recorded).next().map(|(line, _)| line);
    let program = || first?.program.as_ref();
    Some(match name {
        "requests" => own(recorded).count().to_string(),
        "connections" => recorded
            .lines
            .iter()
            .filter(|line| is_own(line))
            .count()
            .to_string(),
        "connection" => wire::told(line.or_else(|| recorded.lines.first())),
        "reused" => is_reused(recorded).to_string(),
        "aborted" => first?.aborted.to_string(),
        "whole" => first?.is_whole.to_string(),
        "malformed" => line
            .or_else(|| recorded.lines.first())?
            .malformed
            .clone()
            .unwrap_or_default(),
        "body.size" => first?.body.size.to_string(),
        "records" => records::told(&first?.records),
        "packet" => {
            let packet = first?.packet?;
            let (one, two) = (packet.modifier1, packet.modifier2);
            format!(
                "modifier1 {one}, modifier2 {two}, {} octets of vars",
                packet.size
            )
        }
        "netstring" => quote(&first?.netstring.as_ref()?.length),
        "line" => quote_or_absent(first?.line.as_deref()),
        "program.argv" => format!("{:?}", program()?.argv),
        "program.cwd" => quote(&program()?.cwd),
        "program.descriptors" => format!("{:?}", program()?.descriptors),
        "program.signals" => {
            let program = program()?;
            format!(
                "blocked {:?}, ignored {:?}",
                program.blocked, program.ignored
            )
        }
        _ => program()?.umask.clone(),
    })
}

impl fmt::Display for ObservedOfWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(name) => f.write_str(name),
            Self::Param(name) => write!(f, "params.{name}"),
            Self::LengthForm(name) => write!(f, "params.{name}.length_form"),
        }
    }
}
