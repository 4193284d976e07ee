//! Values that a report tells without judging them.

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;

use super::expect::{
    application::{all, is_variable, path, show, words},
    client::values,
    received::ObservedOfWire,
    status::{connection_word, status_line},
    value::{quote, quote_or_absent},
};
use super::{steps::ObservedOfDriver, text::latin1};
use crate::witness::{Evidence, ProbeReport};

/// The name of one value, such as `client.status` or `application.PATH_INFO`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Observed(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Fixed(Fixed),
    Field(String),
    Variable(String),
    Wire(ObservedOfWire),
    Driver(ObservedOfDriver),
    Note(String),
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
    Extensions,
    Interface,
    ReadSize,
    GatewayLog,
    BackendLog,
}

/// Every name beside `client.header.NAME`, `application.VARIABLE` and `application.seen.NAME`.
const FIXED: [(&str, Fixed); 13] = [
    ("client.status", Fixed::Status),
    ("client.body", Fixed::Body),
    ("client.body.size", Fixed::BodySize),
    ("client.connection", Fixed::Connection),
    ("client.interim", Fixed::Interim),
    ("application.path", Fixed::Path),
    ("application.argv", Fixed::Argv),
    ("application.cwd", Fixed::Cwd),
    ("application.extensions", Fixed::Extensions),
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
        if let Some(wire) = name
            .strip_prefix("received.")
            .and_then(ObservedOfWire::named)
        {
            return Ok(Self(Kind::Wire(wire)));
        }
        if let Some(driver) = ObservedOfDriver::named(&name) {
            return Ok(Self(Kind::Driver(driver)));
        }
        if let Some(note) = name.strip_prefix("application.seen.") {
            return Ok(Self(Kind::Note(note.to_owned())));
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
    let of_wire = ObservedOfWire::NAMES.iter();
    let names = names.chain(of_wire.map(|name| format!("`received.{name}`")));
    let of_driver = ObservedOfDriver::names().map(|name| format!("`{name}`"));
    names.chain(of_driver).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Field(name) => write!(f, "client.header.{name}"),
            Kind::Variable(name) => write!(f, "application.{name}"),
            Kind::Wire(wire) => write!(f, "received.{wire}"),
            Kind::Driver(driver) => driver.fmt(f),
            Kind::Note(name) => write!(f, "application.seen.{name}"),
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
            Kind::Wire(wire) => wire.value(evidence.recorded.as_ref()?),
            Kind::Driver(driver) => driver.value(evidence.driven.as_ref()?),
            Kind::Note(name) => {
                let note = evidence.seen.as_ref()?.get(name);
                Some(quote_or_absent(note.map(String::as_str)))
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
            Self::Extensions => extensions(report?),
            Self::Interface => report?.interface.clone(),
            Self::ReadSize => report?.body.size.to_string(),
            Self::GatewayLog => quote(evidence.process.gateway_log.trim()),
            Self::BackendLog => quote(evidence.process.backend_log.trim()),
        })
    }
}

/// The meta-variables of RFC 3875 section 4.1 beside `HTTP_…`.
const DEFINED: [&str; 17] = [
    "AUTH_TYPE",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "GATEWAY_INTERFACE",
    "PATH_INFO",
    "PATH_TRANSLATED",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_IDENT",
    "REMOTE_USER",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
];

/// Names that the RFC does not have, sorted.
fn extensions(report: &ProbeReport) -> String {
    let names = report.environ.iter().map(|(name, _)| name.as_str());
    let is_known = |name: &&str| DEFINED.contains(name) || name.starts_with("HTTP_");
    let names: BTreeSet<&str> = names.filter(|name| !is_known(name)).collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(name: &str) -> Result<Observed, String> {
        Observed::try_from(name.to_owned())
    }

    #[test]
    fn every_name_is_printed_as_it_is_read() {
        let open = [
            "client.header.Location",
            "application.PATH_INFO",
            "received.records",
            "received.params.HTTP_X",
            "received.params.HTTP_X.length_form",
            "application.seen.close",
        ];
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
