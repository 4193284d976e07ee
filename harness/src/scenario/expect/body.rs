//! What a body may be.

use serde::Deserialize;

use crate::{
    outcome::Witness,
    scenario::{
        Place,
        content::{counter, digest},
        expect::{Mismatch, Unmet, value::quote},
        loose::Loose,
        text::{Text, latin1, octets},
    },
    witness::BodyView,
};

/// A condition on the client's body or on what the application read. Every key must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Loose<Table>")]
pub struct Body(Table);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    equals: Option<Text>,
    starts_with: Option<Text>,
    contains: Option<Text>,
    lacks: Option<Text>,
    size: Option<u64>,
    sha256: Option<Sha256>,
}

/// The digest a body must have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Sha256 {
    OfRequest,
    OfCounter,
    Is(String),
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match text.as_str() {
            "of-request" => Ok(Self::OfRequest),
            "of-counter" => Ok(Self::OfCounter),
            _ if is_digest => Ok(Self::Is(text.to_ascii_lowercase())),
            _ => Err(format!(
                "`{text}` is no digest; expected `of-request`, `of-counter`, or 64 hexadecimal digits"
            )),
        }
    }
}

impl TryFrom<Loose<Table>> for Body {
    type Error = String;

    fn try_from(form: Loose<Table>) -> Result<Self, String> {
        match form {
            Loose::Text(text) => {
                let equals = Text::try_from(text).map_err(|error| error.to_string())?;
                Ok(Self(Table {
                    equals: Some(equals),
                    ..Table::default()
                }))
            }
            Loose::Table(table)
                if table.sha256 == Some(Sha256::OfCounter) && table.size.is_none() =>
            {
                Err("`of-counter` needs the `size` of the body".to_owned())
            }
            Loose::Table(table) => Ok(Self(table)),
            _ => Err("expected a string or a table such as { size = 5 }".to_owned()),
        }
    }
}

/// What a body was, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) size: u64,
    pub(super) sha256: &'a str,
    /// The octets, where they were kept.
    pub(super) kept: Option<&'a [u8]>,
}

impl<'a> From<&'a BodyView> for Seen<'a> {
    fn from(body: &'a BodyView) -> Self {
        Self {
            size: body.size,
            sha256: &body.sha256,
            kept: Some(&body.kept),
        }
    }
}

impl Body {
    /// Whether size and digest are not enough to judge it.
    pub(super) fn needs_octets(&self) -> bool {
        let table = &self.0;
        let texts = [&table.starts_with, &table.contains, &table.lacks];
        texts.iter().any(|text| text.is_some())
    }

    /// What is expected and what came, of the first key that does not hold. `of_request` is size
    /// and digest of the request's body.
    pub(super) fn unmet(
        &self,
        seen: Seen<'_>,
        of_request: &dyn Fn() -> (u64, String),
        place: &Place,
    ) -> Option<Unmet> {
        self.unmet_text(seen, place)
            .or_else(|| self.unmet_size(seen))
            .or_else(|| self.unmet_digest(seen, of_request))
    }

    /// What is expected and what came of all octets of a connection.
    pub(in crate::scenario) fn octets_mismatch(
        &self,
        came: &[u8],
        place: &Place,
    ) -> Option<Mismatch> {
        let sha256 = digest([came.to_vec()]);
        let seen = Seen {
            size: came.len() as u64,
            sha256: &sha256,
            kept: Some(came),
        };
        let nothing = || (0, digest([]));
        let Unmet {
            expected, actual, ..
        } = self.unmet(seen, &nothing, place)?;
        Some(Mismatch::new(Witness::Reply, "octets", expected, actual))
    }

    fn unmet_text(&self, seen: Seen<'_>, place: &Place) -> Option<Unmet> {
        let Some(kept) = seen.kept else {
            return self.unmet_unkept(seen, place);
        };
        let table = &self.0;
        let tests: [(&Option<Text>, &str, TextTest); 4] = [
            (&table.equals, "", |kept, text| kept == text),
            (&table.starts_with, "starts with ", |kept, text| {
                kept.starts_with(text)
            }),
            (&table.contains, "contains ", |kept, text| {
                kept.contains(text)
            }),
            (&table.lacks, "does not contain ", |kept, text| {
                !kept.contains(text)
            }),
        ];
        tests.into_iter().find_map(|(text, verb, holds)| {
            let text = text.as_ref()?.at(place);
            let kept = latin1(kept);
            let expected = || format!("{verb}{}", quote(&text));
            (!holds(&kept, &text)).then(|| Unmet::new("body", expected(), quote(&kept)))
        })
    }

    /// Of a body that was not kept only equality can be told, by its digest.
    fn unmet_unkept(&self, seen: Seen<'_>, place: &Place) -> Option<Unmet> {
        let text = self.0.equals.as_ref()?.at(place);
        let sha256 = digest([octets(&text)]);
        let actual = || told(seen.size, seen.sha256);
        (sha256 != seen.sha256).then(|| Unmet::new("body", quote(&text), actual()))
    }

    fn unmet_size(&self, seen: Seen<'_>) -> Option<Unmet> {
        let size = self.0.size.filter(|&size| size != seen.size)?;
        let words = |size| format!("{size} octets");
        Some(Unmet::new("body", words(size), words(seen.size)))
    }

    fn unmet_digest(
        &self,
        seen: Seen<'_>,
        of_request: &dyn Fn() -> (u64, String),
    ) -> Option<Unmet> {
        let (size, sha256) = match self.0.sha256.as_ref()? {
            Sha256::OfRequest => of_request(),
            Sha256::OfCounter => (seen.size, digest(counter(seen.size))),
            Sha256::Is(sha256) => (seen.size, sha256.clone()),
        };
        if size == seen.size && sha256 == seen.sha256 {
            return None;
        }
        let actual = told(seen.size, seen.sha256);
        Some(Unmet::new("body", told(size, &sha256), actual))
    }
}

type TextTest = fn(&str, &str) -> bool;

/// Size and digest as a report shows them.
fn told(size: u64, sha256: &str) -> String {
    let short: String = sha256.chars().take(16).collect();
    match short.is_empty() {
        true => format!("{size} octets"),
        false => format!("{size} octets, sha256 {short}…"),
    }
}
