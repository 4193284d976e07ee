//! Statuses, and what becomes of a connection.

use serde::Deserialize;

use crate::{
    scenario::loose::{Loose, NoTable},
    witness::{ClientView, Connection},
};

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
        let range = if is_class { 1..=9 } else { 100..=999 };
        if let Some(odd) = numbers.iter().find(|&number| !range.contains(number)) {
            let (first, last) = range.into_inner();
            return Err(format!("{odd} is out of range {first}-{last}"));
        }
        let numbers = numbers.into_iter().map(|number| number as u16).collect();
        let none = Vec::new();
        let (any_of, classes) = if is_class {
            (none, numbers)
        } else {
            (numbers, none)
        };
        Ok(Self { any_of, classes })
    }
}

impl Status {
    pub(super) fn holds(&self, status: u16) -> bool {
        self.any_of.contains(&status) || self.classes.contains(&(status / 100))
    }

    pub(super) fn words(&self) -> String {
        let exact = self.any_of.iter().map(ToString::to_string);
        let classes = self.classes.iter().map(|class| format!("{class}xx"));
        exact.chain(classes).collect::<Vec<_>>().join(" or ")
    }
}

impl ConnectionWord {
    pub(super) fn holds(self, connection: Connection) -> bool {
        match self {
            Self::Open => connection == Connection::Open,
            Self::Closed => connection == Connection::Closed,
            Self::Cut => connection == Connection::Cut,
            Self::Any => connection != Connection::Stalled,
        }
    }

    pub(super) fn word(self) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Doc {
        s: Status,
    }

    fn status(source: &str) -> Result<Status, String> {
        let doc: Result<Doc, _> = toml::from_str(&format!("s = {source}"));
        doc.map(|doc| doc.s)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn one_some_or_whole_classes() {
        assert!(status("200").unwrap().holds(200));
        assert!(!status("200").unwrap().holds(201));
        assert!(status("[411, 413]").unwrap().holds(413));
        let class = status("{ class = [3, 4] }").unwrap();
        assert!(class.holds(304) && class.holds(404) && !class.holds(500));
        assert_eq!(class.words(), "3xx or 4xx");
    }

    #[test]
    fn what_is_no_status_is_refused() {
        assert_eq!(status("20").unwrap_err(), "20 is out of range 100-999");
        assert_eq!(
            status("{ class = 40 }").unwrap_err(),
            "40 is out of range 1-9"
        );
        assert!(status("'200'").is_err());
    }
}
