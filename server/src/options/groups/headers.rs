//! Header fields that every reply gets or loses.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::Many;
use crate::options::opt::Topic::Applications;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "add-header",
        Many("NAME: VALUE"),
        Applications,
        "Add a header field to every reply",
    ),
    opt(
        "rem-header",
        Many("NAME"),
        Applications,
        "Remove a header field from every reply",
    )
    .aliases(&["del-header"]),
];

/// Header fields that every reply gets or loses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderSettings {
    /// `add-header`: names and values, in order.
    pub add: Vec<(String, String)>,
    /// `rem-header`: names.
    pub remove: Vec<String>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<HeaderSettings, OptionError> {
    let add = gathered
        .all("add-header")
        .map(|given| given.read("a header field, as in `X-Name: value`", field));
    Ok(HeaderSettings {
        add: add.collect::<Result<_, _>>()?,
        remove: gathered.texts("rem-header"),
    })
}

/// A field as it is written in a head.
pub(crate) fn field(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = !name.is_empty() && name.bytes().all(is_token);
    let is_value = !value
        .bytes()
        .any(|byte| byte.is_ascii_control() && byte != b'\t');
    (is_name && is_value).then(|| (name.to_owned(), value.to_owned()))
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
