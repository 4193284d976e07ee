//! What the HTTP client must have got.

use serde::Deserialize;

use super::{
    Mismatch, Scene, Unmet,
    body::Body,
    status::{ConnectionWord, Status, connection_word, status_line},
    timing::Timing,
    value::{Value, quote},
};
use crate::{
    outcome::Witness,
    scenario::text::Text,
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
    /// When the first octet of a response came.
    pub first_byte: Option<Timing>,
}

impl ClientExpect {
    /// The first difference, seen by `witness`.
    pub(in crate::scenario) fn mismatch(
        &self,
        client: &ClientView,
        witness: Witness,
        scene: &Scene<'_>,
    ) -> Option<Mismatch> {
        let prefix = match witness {
            Witness::NextRequest => "next_request.client",
            Witness::Reply => "response",
            _ => "client",
        };
        let checks = [
            Self::unmet_status,
            Self::unmet_reason,
            Self::unmet_interim,
            Self::unmet_timing,
            Self::unmet_values,
            Self::unmet_count,
            Self::unmet_body,
            Self::unmet_connection,
        ];
        let mut checks = checks.into_iter();
        let unmet = checks.find_map(|check| check(self, client, scene))?;
        Some(unmet.seen_by(witness, prefix))
    }

    fn unmet_status(&self, client: &ClientView, _: &Scene<'_>) -> Option<Unmet> {
        let status = self.status.as_ref()?;
        let holds = client.status.is_some_and(|actual| status.holds(actual));
        (!holds).then(|| Unmet::new("status", status.words(), status_line(client)))
    }

    fn unmet_reason(&self, client: &ClientView, scene: &Scene<'_>) -> Option<Unmet> {
        let reason = self.reason.as_ref()?;
        let expected = reason.unmet(Some(&client.reason), scene.place)?;
        Some(Unmet::new("reason", expected, quote(&client.reason)))
    }

    fn unmet_interim(&self, client: &ClientView, _: &Scene<'_>) -> Option<Unmet> {
        let (expected, actual) = (self.interim.as_ref()?, &client.interim);
        (expected != actual)
            .then(|| Unmet::new("interim", format!("{expected:?}"), format!("{actual:?}")))
    }

    fn unmet_timing(&self, client: &ClientView, _: &Scene<'_>) -> Option<Unmet> {
        let expected = self.first_byte?.unmet(client.first_byte)?;
        let actual = client.first_byte.map_or_else(
            || "never".to_owned(),
            |time| format!("after {} ms", time.as_millis()),
        );
        Some(Unmet::new("first_byte", expected, actual))
    }

    /// For each name given, its values one by one; then whether there are more.
    fn unmet_values(&self, client: &ClientView, scene: &Scene<'_>) -> Option<Unmet> {
        self.headers.iter().find_map(|(name, _)| {
            let name = name.at(scene.place);
            let expected = self.unmet_values_of(&name, client, scene)?;
            Some(Unmet::field(&name, expected, client))
        })
    }

    fn unmet_values_of(
        &self,
        name: &str,
        client: &ClientView,
        scene: &Scene<'_>,
    ) -> Option<String> {
        let named = |(other, _): &&(Text, Value)| other.at(scene.place).eq_ignore_ascii_case(name);
        let expected = self.headers.iter().filter(named).map(|(_, value)| value);
        let mut actual = client.all(name);
        let mut count = 0;
        for value in expected {
            count += 1;
            if let Some(unmet) = value.unmet(actual.next(), scene.place) {
                return Some(unmet);
            }
        }
        actual.next().map(|_| format!("{count} of them"))
    }

    fn unmet_count(&self, client: &ClientView, _: &Scene<'_>) -> Option<Unmet> {
        let wrong = |names: &[String], words: &str, holds: fn(usize) -> bool| {
            let mut names = names.iter();
            let name = names.find(|name| !holds(client.all(name).count()))?;
            Some(Unmet::field(name, words.to_owned(), client))
        };
        wrong(&self.once, "exactly once", |count| count == 1)
            .or_else(|| wrong(&self.at_most_once, "at most once", |count| count <= 1))
            .or_else(|| wrong(&self.without, "absent", |count| count == 0))
    }

    fn unmet_body(&self, client: &ClientView, scene: &Scene<'_>) -> Option<Unmet> {
        let of_request = || scene.request.content(scene.place);
        let body = self.body.as_ref()?;
        let mut unmet = body.unmet((&client.body).into(), &of_request, scene.place)?;
        if matches!(client.connection, Connection::Cut | Connection::Stalled) {
            let word = connection_word(client.connection);
            unmet.actual.push_str(&format!(", then {word}"));
        }
        Some(unmet)
    }

    fn unmet_connection(&self, client: &ClientView, _: &Scene<'_>) -> Option<Unmet> {
        let (word, actual) = (self.connection?, client.connection);
        (!word.holds(actual))
            .then(|| Unmet::new("connection", word.word(), connection_word(actual)))
    }
}

impl Unmet {
    fn field(name: &str, expected: String, client: &ClientView) -> Self {
        Self::new(format!("header.{name}"), expected, values(client, name))
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
