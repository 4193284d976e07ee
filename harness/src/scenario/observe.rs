//! Values that a report tells without judging them.

use std::fmt;

use serde::Deserialize;

use super::expect::{
    application::{all, is_variable, path, show, words},
    client::values,
    status::{connection_word, status_line},
    value::{quote, quote_or_absent},
};
use super::text::latin1;
use crate::witness::Evidence;

/// The name of one value, such as `client.status` or `application.PATH_INFO`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Observed(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Fixed(Fixed),
    Field(String),
    Variable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fixed {
    Status,
    Body,
    BodySize,
    Connection,
    Interim,
    Path,
    Argv,
    Cwd,
    Interface,
    ReadSize,
    GatewayLog,
    BackendLog,
}

/// Every name beside `client.header.NAME` and `application.VARIABLE`.
const FIXED: [(&str, Fixed); 12] = [
    ("client.status", Fixed::Status),
    ("client.body", Fixed::Body),
    ("client.body.size", Fixed::BodySize),
    ("client.connection", Fixed::Connection),
    ("client.interim", Fixed::Interim),
    ("application.path", Fixed::Path),
    ("application.argv", Fixed::Argv),
    ("application.cwd", Fixed::Cwd),
    ("application.interface", Fixed::Interface),
    ("application.body.size", Fixed::ReadSize),
    ("process.gateway_log", Fixed::GatewayLog),
    ("process.backend_log", Fixed::BackendLog),
];

impl TryFrom<String> for Observed {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if let Some((_, fixed)) = FIXED.iter().find(|(known, _)| *known == name) {
            return Ok(Self(Kind::Fixed(*fixed)));
        }
        if let Some(field) = name.strip_prefix("client.header.") {
            return Ok(Self(Kind::Field(field.to_owned())));
        }
        match name.strip_prefix("application.") {
            Some(variable) if is_variable(variable) => {
                Ok(Self(Kind::Variable(variable.to_owned())))
            }
            _ => Err(format!(
                "unknown value `{name}`, expected one of {}",
                known()
            )),
        }
    }
}

/// The list of names, in the form in which errors list what was expected.
fn known() -> String {
    let names = FIXED.iter().map(|(name, _)| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Field(name) => write!(f, "client.header.{name}"),
            Kind::Variable(name) => write!(f, "application.{name}"),
            Kind::Fixed(fixed) => {
                let named = FIXED.iter().find(|(_, known)| known == fixed);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}

impl Observed {
    /// The value in words; `None` where nobody saw it.
    pub fn value(&self, evidence: &Evidence) -> Option<String> {
        match &self.0 {
            Kind::Field(name) => Some(values(&evidence.client, name)),
            Kind::Variable(name) => {
                let values: Vec<&str> = all(evidence.application.as_ref()?, name).collect();
                Some(show(&values))
            }
            Kind::Fixed(fixed) => fixed.value(evidence),
        }
    }
}

impl Fixed {
    fn value(self, evidence: &Evidence) -> Option<String> {
        let (client, report) = (&evidence.client, evidence.application.as_ref());
        Some(match self {
            Self::Status => status_line(client),
            Self::Body => quote(&latin1(&client.body.kept)),
            Self::BodySize => client.body.size.to_string(),
            Self::Connection => connection_word(client.connection).to_owned(),
            Self::Interim => format!("{:?}", client.interim),
            Self::Path => quote(&path(report?)),
            Self::Argv => format!("{:?}", words(report?)),
            Self::Cwd => quote_or_absent(report?.cwd.as_deref()),
            Self::Interface => report?.interface.clone(),
            Self::ReadSize => report?.body.size.to_string(),
            Self::GatewayLog => quote(evidence.process.gateway_log.trim()),
            Self::BackendLog => quote(evidence.process.backend_log.trim()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(name: &str) -> Result<Observed, String> {
        Observed::try_from(name.to_owned())
    }

    #[test]
    fn every_name_is_printed_as_it_is_read() {
        let open = ["client.header.Location", "application.PATH_INFO"];
        for name in FIXED.iter().map(|(name, _)| *name).chain(open) {
            assert_eq!(observed(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = observed("client.satus").unwrap_err();
        assert!(error.starts_with("unknown value `client.satus`, expected one of `client.status`"));
    }

    #[test]
    fn what_nobody_saw_has_no_value() {
        let value = observed("application.PATH_INFO")
            .unwrap()
            .value(&Evidence::default());
        assert_eq!(value, None);
    }
}
