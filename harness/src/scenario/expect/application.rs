//! What the application must have seen, by the probe's report.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::{
    Mismatch, Scene, Unmet,
    body::{Body, Seen},
    value::{Value, quote, quote_or_absent},
};
use crate::{
    outcome::Witness,
    scenario::{Place, text::Text},
    witness::{Notes, ProbeReport},
};

/// Keys beside the names of meta-variables.
const KEYS: &[&str] = &["path", "body", "body_error", "argv", "cwd", "seen"];

/// Conditions on the probe's report; what is left out is not looked at.
#[derive(Clone, Debug, Default)]
pub struct ApplicationExpect {
    /// Meta-variables by name. One that is given several times never fits.
    pub variables: BTreeMap<String, Value>,
    /// SCRIPT_NAME and PATH_INFO together: the decoded path, however it was split.
    pub path: Option<Value>,
    /// What was read of the request body.
    pub body: Option<Body>,
    /// Why no more of it could be read, in the probe's words.
    pub body_error: Option<Value>,
    /// Arguments after the program's name.
    pub argv: Option<Vec<Text>>,
    /// Current directory.
    pub cwd: Option<Value>,
    /// What the application of a WSGI case noted, by name.
    pub seen: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for ApplicationExpect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = ApplicationExpect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of meta-variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut expect = ApplicationExpect::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "path" => expect.path = Some(map.next_value()?),
                "body" => expect.body = Some(digestible(map.next_value()?)?),
                "body_error" => expect.body_error = Some(map.next_value()?),
                "argv" => expect.argv = Some(map.next_value()?),
                "cwd" => expect.cwd = Some(map.next_value()?),
                "seen" => expect.seen = map.next_value()?,
                variable if is_variable(variable) => {
                    expect.variables.insert(key, map.next_value()?);
                }
                unknown => return Err(de::Error::unknown_field(unknown, KEYS)),
            }
        }
        Ok(expect)
    }
}

/// The probe tells size and digest of what it read, not the octets.
fn digestible<E: de::Error>(body: Body) -> Result<Body, E> {
    match body.needs_octets() {
        false => Ok(body),
        true => Err(E::custom(
            "the probe tells only size and digest of what it read; expect `equals`, `size` or `sha256`",
        )),
    }
}

/// Whether a key is the name of a meta-variable: those have no lower-case letter.
pub(in crate::scenario) fn is_variable(key: &str) -> bool {
    !key.is_empty() && !key.bytes().any(|b| b.is_ascii_lowercase())
}

/// SCRIPT_NAME and PATH_INFO together.
pub(in crate::scenario) fn path(report: &ProbeReport) -> String {
    let part = |name| report.variable(name).unwrap_or_default();
    format!("{}{}", part("SCRIPT_NAME"), part("PATH_INFO"))
}

/// The arguments after the program's name; none where there is no command line.
pub(in crate::scenario) fn words(report: &ProbeReport) -> &[String] {
    report
        .argv
        .as_deref()
        .and_then(|argv| argv.get(1..))
        .unwrap_or_default()
}

impl ApplicationExpect {
    /// The first difference.
    pub(in crate::scenario) fn mismatch(
        &self,
        report: &ProbeReport,
        scene: &Scene<'_>,
    ) -> Option<Mismatch> {
        let checks = [
            Self::unmet_variable,
            Self::unmet_path,
            Self::unmet_body,
            Self::unmet_body_error,
            Self::unmet_argv,
            Self::unmet_cwd,
        ];
        let mut checks = checks.into_iter();
        let unmet = checks.find_map(|check| check(self, report, scene))?;
        Some(unmet.seen_by(Witness::Application, "application"))
    }

    /// Whether it speaks of the probe's report.
    pub(super) fn needs_report(&self) -> bool {
        let is_asked = [
            !self.variables.is_empty(),
            self.path.is_some(),
            self.body.is_some(),
            self.body_error.is_some(),
            self.argv.is_some(),
            self.cwd.is_some(),
        ];
        is_asked.contains(&true)
    }

    /// The first note that is not as it must be; without notes, the first that one is expected of.
    pub(in crate::scenario) fn unmet_note(
        &self,
        seen: Option<&Notes>,
        place: &Place,
    ) -> Option<Mismatch> {
        self.seen.iter().find_map(|(name, value)| {
            let actual = seen.and_then(|seen| seen.get(name)).map(String::as_str);
            let expected = match seen {
                Some(_) => value.unmet(actual, place)?,
                None => "the notes of the application".to_owned(),
            };
            let actual = match seen {
                Some(_) => quote_or_absent(actual),
                None => "they could not be read".to_owned(),
            };
            let unmet = Unmet::new(format!("seen.{name}"), expected, actual);
            Some(unmet.seen_by(Witness::Application, "application"))
        })
    }

    fn unmet_variable(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        self.variables.iter().find_map(|(name, value)| {
            let actual: Vec<&str> = all(report, name).collect();
            let unmet = value.unmet(actual.first().copied(), scene.place);
            let twice = || (actual.len() > 1).then(|| "one value".to_owned());
            Some(Unmet::new(name, unmet.or_else(twice)?, show(&actual)))
        })
    }

    fn unmet_path(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        let actual = path(report);
        let expected = self.path.as_ref()?.unmet(Some(&actual), scene.place)?;
        Some(Unmet::new("path", expected, quote(&actual)))
    }

    fn unmet_body(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        let seen = Seen {
            size: report.body.size,
            sha256: &report.body.sha256,
            kept: None,
        };
        let of_request = || scene.request.content(scene.place);
        let body = self.body.as_ref()?;
        let mut unmet = body.unmet(seen, &of_request, scene.place)?;
        if let Some(error) = &report.body.error {
            unmet.actual.push_str(&format!(", then {}", quote(error)));
        }
        Some(unmet)
    }

    fn unmet_body_error(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        let actual = report.body.error.as_deref();
        let expected = self.body_error.as_ref()?.unmet(actual, scene.place)?;
        Some(Unmet::new("body_error", expected, quote_or_absent(actual)))
    }

    fn unmet_argv(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        let expected = self.argv.as_ref()?.iter().map(|word| word.at(scene.place));
        let (expected, actual): (Vec<String>, _) = (expected.collect(), words(report));
        (expected != actual)
            .then(|| Unmet::new("argv", format!("{expected:?}"), format!("{actual:?}")))
    }

    fn unmet_cwd(&self, report: &ProbeReport, scene: &Scene<'_>) -> Option<Unmet> {
        let actual = report.cwd.as_deref();
        let expected = self.cwd.as_ref()?.unmet(actual, scene.place)?;
        Some(Unmet::new("cwd", expected, quote_or_absent(actual)))
    }
}

/// All values of a meta-variable.
pub(in crate::scenario) fn all<'a>(
    report: &'a ProbeReport,
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let named = move |(other, _): &&(String, String)| other == name;
    report
        .environ
        .iter()
        .filter(named)
        .map(|(_, value)| value.as_str())
}

/// All values of a meta-variable as a report shows them.
pub(in crate::scenario) fn show(values: &[&str]) -> String {
    match values {
        [] => "absent".to_owned(),
        values => values
            .iter()
            .map(|value| quote(value))
            .collect::<Vec<_>>()
            .join(" and "),
    }
}
