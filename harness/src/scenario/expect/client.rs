//! What the HTTP client must have got.

use std::ops::RangeInclusive;

use serde::Deserialize;

use super::{
    Mismatch, Scene,
    body::Body,
    value::{Value, quote},
};
use crate::{
    outcome::Witness,
    scenario::{
        loose::{Loose, NoTable},
        text::Text,
    },
    witness::{ClientView, Connection},
};

/// Conditions on the response that the client got; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientExpect {
    /// Status of the final response.
    pub status: Option<Status>,
    /// Reason phrase.
    pub reason: Option<Value>,
    /// `[name, value]`: all values of each name given here, in this order, and no more.
    pub headers: Vec<(Text, Value)>,
    /// Fields that come exactly once.
    pub once: Vec<String>,
    /// Fields that come once or not at all.
    pub at_most_once: Vec<String>,
    /// Fields that do not come.
    pub without: Vec<String>,
    /// Body after transfer decoding.
    pub body: Option<Body>,
    /// What became of the connection; left out, the message must be complete.
    pub connection: Option<ConnectionWord>,
    /// Statuses of the interim responses, in order.
    pub interim: Option<Vec<u16>>,
}

/// A status, some, or whole classes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Loose<StatusTable>")]
pub struct Status {
    any_of: Vec<u16>,
    classes: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusTable {
    class: Loose<NoTable>,
}

/// What became of the client connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionWord {
    /// The message is complete, the connection open.
    Open,
    /// The message is complete, the connection closed in order.
    Closed,
    /// The message is visibly cut.
    Cut,
    /// Any of these: only a reply that never ends is wrong.
    Any,
}

impl TryFrom<Loose<StatusTable>> for Status {
    type Error = String;

    fn try_from(form: Loose<StatusTable>) -> Result<Self, String> {
        let (numbers, is_class) = match form {
            Loose::Number(status) => (vec![status], false),
            Loose::Numbers(statuses) => (statuses, false),
            Loose::Table(StatusTable {
                class: Loose::Number(class),
            }) => (vec![class], true),
            Loose::Table(StatusTable {
                class: Loose::Numbers(classes),
            }) => (classes, true),
            _ => return Err("expected 200, [200, 204], or { class = 4 }".to_owned()),
        };
        let range: RangeInclusive<u64> = if is_class { 1..=9 } else { 100..=999 };
        if let Some(odd) = numbers.iter().find(|&number| !range.contains(number)) {
            return Err(format!(
                "{odd} is out of range {}-{}",
                range.start(),
                range.end()
            ));
        }
        let numbers = numbers.into_iter().map(|number| number as u16).collect();
        Ok(match is_class {
            true => Self {
                any_of: Vec::new(),
                classes: numbers,
            },
            false => Self {
                any_of: numbers,
                classes: Vec::new(),
            },
        })
    }
}

impl Status {
    fn holds(&self, status: u16) -> bool {
        self.any_of.contains(&status) || self.classes.contains(&(status / 100))
    }

    fn words(&self) -> String {
        let exact = self.any_of.iter().map(ToString::to_string);
        let classes = self.classes.iter().map(|class| format!("{class}xx"));
        exact.chain(classes).collect::<Vec<_>>().join(" or ")
    }
}

impl ConnectionWord {
    fn holds(self, connection: Connection) -> bool {
        match self {
            Self::Open => connection == Connection::Open,
            Self::Closed => connection == Connection::Closed,
            Self::Cut => connection == Connection::Cut,
            Self::Any => connection != Connection::Stalled,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cut => "cut",
            Self::Any => "an end",
        }
    }
}

/// The word that reports use for the state of a connection.
pub(in crate::scenario) fn connection_word(connection: Connection) -> &'static str {
    match connection {
        Connection::Open => "open",
        Connection::Closed => "closed",
        Connection::Cut => "cut",
        Connection::Stalled => "stalled",
    }
}

/// Status and reason as a report shows them.
pub(in crate::scenario) fn status_line(client: &ClientView) -> String {
    match client.status {
        Some(status) => format!("{status} {}", client.reason).trim_end().to_owned(),
        None => format!(
            "no response (connection {})",
            connection_word(client.connection)
        ),
    }
}

impl ClientExpect {
    /// The first difference, seen by `witness`.
    pub(super) fn mismatch(
        &self,
        client: &ClientView,
        witness: Witness,
        scene: &Scene<'_>,
    ) -> Option<Mismatch> {
        let prefix = match witness {
            Witness::NextRequest => "next_request.client",
            _ => "client",
        };
        let differ = |what: &str, (expected, actual): (String, String)| {
            Mismatch::new(witness, format!("{prefix}.{what}"), expected, actual)
        };
        self.unmet_status(client)
            .map(|unmet| differ("status", unmet))
            .or_else(|| {
                self.unmet_reason(client, scene)
                    .map(|unmet| differ("reason", unmet))
            })
            .or_else(|| {
                self.unmet_interim(client)
                    .map(|unmet| differ("interim", unmet))
            })
            .or_else(|| {
                self.unmet_field(client, scene)
                    .map(|(name, unmet)| differ(&format!("header.{name}"), unmet))
            })
            .or_else(|| {
                self.unmet_body(client, scene)
                    .map(|unmet| differ("body", unmet))
            })
            .or_else(|| {
                self.unmet_connection(client)
                    .map(|unmet| differ("connection", unmet))
            })
    }

    fn unmet_status(&self, client: &ClientView) -> Option<(String, String)> {
        let status = self.status.as_ref()?;
        let holds = client.status.is_some_and(|actual| status.holds(actual));
        (!holds).then(|| (status.words(), status_line(client)))
    }

    fn unmet_reason(&self, client: &ClientView, scene: &Scene<'_>) -> Option<(String, String)> {
        let expected = self
            .reason
            .as_ref()?
            .unmet(Some(&client.reason), scene.place)?;
        Some((expected, quote(&client.reason)))
    }

    fn unmet_interim(&self, client: &ClientView) -> Option<(String, String)> {
        let expected = self
            .interim
            .as_ref()
            .filter(|&interim| *interim != client.interim)?;
        Some((format!("{expected:?}"), format!("{:?}", client.interim)))
    }

    fn unmet_field(
        &self,
        client: &ClientView,
        scene: &Scene<'_>,
    ) -> Option<(String, (String, String))> {
        let counts: [(&[String], &str, fn(usize) -> bool); 3] = [
            (&self.once, "exactly once", |count| count == 1),
            (&self.at_most_once, "at most once", |count| count <= 1),
            (&self.without, "absent", |count| count == 0),
        ];
        let unmet_count = || {
            counts.into_iter().find_map(|(names, words, holds)| {
                let wrong = |name: &&String| !holds(client.all(name).count());
                let name = names.iter().find(wrong)?;
                Some((name.clone(), (words.to_owned(), values(client, name))))
            })
        };
        self.unmet_values(client, scene).or_else(unmet_count)
    }

    /// For each name given, its values one by one; then whether there are more or fewer.
    fn unmet_values(
        &self,
        client: &ClientView,
        scene: &Scene<'_>,
    ) -> Option<(String, (String, String))> {
        self.headers.iter().find_map(|(name, _)| {
            let name = name.at(scene.place);
            let named =
                |(other, _): &&(Text, Value)| other.at(scene.place).eq_ignore_ascii_case(&name);
            let expected: Vec<&Value> = self
                .headers
                .iter()
                .filter(named)
                .map(|(_, value)| value)
                .collect();
            let actual: Vec<&str> = client.all(&name).collect();
            let unmet = expected
                .iter()
                .enumerate()
                .find_map(|(i, value)| value.unmet(actual.get(i).copied(), scene.place));
            let too_many =
                || (actual.len() > expected.len()).then(|| format!("{} of them", expected.len()));
            let expected = unmet.or_else(too_many)?;
            let actual = values(client, &name);
            Some((name, (expected, actual)))
        })
    }

    fn unmet_body(&self, client: &ClientView, scene: &Scene<'_>) -> Option<(String, String)> {
        let of_request = || scene.request.content(scene.place);
        let body = self.body.as_ref()?;
        let (expected, actual) = body.unmet((&client.body).into(), &of_request, scene.place)?;
        Some(match client.connection {
            Connection::Open | Connection::Closed => (expected, actual),
            connection => (
                expected,
                format!("{actual}, then {}", connection_word(connection)),
            ),
        })
    }

    fn unmet_connection(&self, client: &ClientView) -> Option<(String, String)> {
        let word = self
            .connection
            .filter(|word| !word.holds(client.connection))?;
        Some((
            word.word().to_owned(),
            connection_word(client.connection).to_owned(),
        ))
    }
}

/// All values of a field as a report shows them.
pub(in crate::scenario) fn values(client: &ClientView, name: &str) -> String {
    let values: Vec<String> = client.all(name).map(quote).collect();
    match values.is_empty() {
        true => "absent".to_owned(),
        false => values.join(", "),
    }
}
