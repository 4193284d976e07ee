//! One param as it crossed the wire: its value, how often it came, how its length was spelled.

use serde::Deserialize;

use super::super::{
    Scene, Unmet,
    application::show,
    value::{Value, ValueTable},
};
use crate::scenario::{loose::Loose, text::Text};

/// A value, and the octets in which FastCGI spelled the lengths of name and value.
pub(super) type Given = (String, Option<(u8, u8)>);

/// A condition on one param. Every key that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Loose<ParamTable>")]
pub struct ParamExpect {
    value: Value,
    length_form: Option<u8>,
    name_form: Option<u8>,
    count: Option<usize>,
}

/// The keys of a value, and those of the wire.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ParamTable {
    length_form: Option<u8>,
    name_form: Option<u8>,
    count: Option<usize>,

    equals: Option<Text>,
    one_of: Option<Vec<Text>>,
    starts_with: Option<Text>,
    contains: Option<Text>,
    lacks: Option<Text>,
    matches: Option<String>,
    present: bool,
    absent: bool,
    null: bool,
}

impl TryFrom<Loose<ParamTable>> for ParamExpect {
    type Error = String;

    fn try_from(form: Loose<ParamTable>) -> Result<Self, String> {
        match form {
            Loose::Text(text) => {
                let equals = Text::try_from(text).map_err(|error| error.to_string())?;
                let table = ParamTable {
                    equals: Some(equals),
                    ..ParamTable::default()
                };
                table.expect()
            }
            Loose::Table(table) => table.expect(),
            _ => Err("expected a string or a table such as { contains = \"…\" }".to_owned()),
        }
    }
}

impl ParamTable {
    fn expect(self) -> Result<ParamExpect, String> {
        let forms = [self.length_form, self.name_form];
        if forms.iter().flatten().any(|form| ![1, 4].contains(form)) {
            return Err("a length takes 1 or 4 octets".to_owned());
        }
        let table = ValueTable {
            equals: self.equals,
            one_of: self.one_of,
            starts_with: self.starts_with,
            contains: self.contains,
            lacks: self.lacks,
            matches: self.matches,
            present: self.present,
            absent: self.absent,
            null: self.null,
        };
        Ok(ParamExpect {
            value: table.value()?,
            length_form: self.length_form,
            name_form: self.name_form,
            count: self.count,
        })
    }
}

impl ParamExpect {
    /// Whether a relay could not see it.
    pub(super) fn needs_recorder(&self) -> bool {
        self.length_form.is_some() || self.name_form.is_some()
    }

    /// The first difference.
    pub(super) fn unmet(&self, name: &str, given: &[Given], scene: &Scene<'_>) -> Option<Unmet> {
        let values: Vec<&str> = given.iter().map(|(value, _)| value.as_str()).collect();
        let first = values.first().copied();
        let forms = given.first().and_then(|(_, forms)| *forms);
        let what = format!("params.{name}");
        let unmet = self.value.unmet(first, scene.place);
        let times = || {
            let wanted = self.count.unwrap_or_else(|| values.len().min(1));
            let words = match wanted {
                1 => "one value".to_owned(),
                many => format!("{many} values"),
            };
            (values.len() != wanted).then_some(words)
        };
        if let Some(expected) = unmet.or_else(times) {
            return Some(Unmet::new(what, expected, show(&values)));
        }
        let form = |key: &str, wanted: Option<u8>, came: Option<u8>| {
            let wanted = wanted.filter(|wanted| Some(*wanted) != came)?;
            let actual = came.map_or_else(|| "absent".to_owned(), |came| came.to_string());
            Some(Unmet::new(
                format!("{what}.{key}"),
                wanted.to_string(),
                actual,
            ))
        };
        form(
            "length_form",
            self.length_form,
            forms.map(|(_, value)| value),
        )
        .or_else(|| form("name_form", self.name_form, forms.map(|(name, _)| name)))
    }
}
