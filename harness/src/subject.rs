//! How gateways and backends are named: `name[@version][:variant]`.

use std::{fmt, str::FromStr};

/// A subject as the user asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubjectId {
    /// Plain name, for example `nginx`.
    pub name: String,
    /// Version, where one is asked for or known.
    pub version: Option<String>,
    /// Named configuration.
    pub variant: Option<String>,
}

/// A subject id that does not read as one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no subject id; they read name[@version][:variant], for example nginx@1.22:stock")]
pub struct BadSubject(String);

impl SubjectId {
    /// A subject by its name alone.
    pub fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            variant: None,
        }
    }

    /// Whether it is a name alone.
    pub fn is_plain(&self) -> bool {
        self.version.is_none() && self.variant.is_none()
    }

    /// Whether a subject that tells `version` is the one that is meant: `1.22` means any 1.22.x.
    pub fn means(&self, version: Option<&str>) -> bool {
        let Some(asked) = &self.version else {
            return true;
        };
        let rest = version.and_then(|told| told.strip_prefix(asked.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+', ' ']))
    }
}

impl FromStr for SubjectId {
    type Err = BadSubject;

    fn from_str(text: &str) -> Result<Self, BadSubject> {
        let (rest, variant) = cut(text, ':');
        let (name, version) = cut(rest, '@');
        let empty = |part: &Option<String>| part.as_deref() == Some("");
        if name.is_empty() || empty(&version) || empty(&variant) {
            return Err(BadSubject(text.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            version,
            variant,
        })
    }
}

fn cut(text: &str, at: char) -> (&str, Option<String>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after.to_owned())),
        None => (text, None),
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, "@{version}")?;
        }
        if let Some(variant) = &self.variant {
            write!(f, ":{variant}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printed_as_they_were_read() {
        for text in ["nginx", "nginx@1.22", "nginx:stock", "nginx@1.22.1:stock"] {
            assert_eq!(text.parse::<SubjectId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_version_means_what_begins_with_it() {
        let id: SubjectId = "nginx@1.22".parse().unwrap();
        assert!(id.means(Some("1.22")));
        assert!(id.means(Some("1.22.1")));
        assert!(!id.means(Some("1.221")));
        assert!(!id.means(None));
        assert!(SubjectId::plain("nginx").means(None));
    }

    #[test]
    fn empty_parts_are_refused() {
        for text in ["", "@1", "nginx@", "nginx:", ":stock"] {
            assert_eq!(text.parse::<SubjectId>(), Err(BadSubject(text.to_owned())));
        }
    }
}
