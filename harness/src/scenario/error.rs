//! What is wrong with scenario files: file, line, and what was probably meant.

use std::{fmt, io, path::PathBuf};

/// Why the scenarios could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read scenarios from {}: {source}", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no scenario in the folder.
    #[error("no scenario in {}; scenarios are files <folder>/<topic>.toml in it", .0.display())]
    Empty(PathBuf),
    /// Files that break the vocabulary, all of them.
    #[error("{}", Flaws(.0))]
    Broken(Vec<Flaw>),
}

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// File, relative to the folder of scenarios.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what was probably meant.
    pub message: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Flaws, one a line.
struct Flaws<'a>(&'a [Flaw]);

impl fmt::Display for Flaws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, flaw) in self.0.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{flaw}")?;
        }
        Ok(())
    }
}

impl Flaw {
    /// A mistake at octet `at` of `text`.
    pub(super) fn at(file: &str, text: &str, at: usize, message: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            message: message.into(),
        }
    }

    /// What the TOML reader refused.
    pub(super) fn of(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        Self::at(file, text, at, reword(error.message()))
    }
}

/// Up to so many known words are all listed.
const FEW: usize = 6;

/// Turns the reader's `unknown field, expected one of …` into the nearest known name.
fn reword(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let Some((told, listed)) = first.split_once(", expected ") else {
        return first.to_owned();
    };
    let known: Vec<&str> = quoted(listed).collect();
    let Some(unknown) = quoted(told).next().filter(|_| told.starts_with("unknown ")) else {
        return first.to_owned();
    };
    let what = told.replacen("unknown field", "unknown key", 1).replacen(
        "unknown variant",
        "unknown word",
        1,
    );
    let hint = nearest(unknown, known.iter().copied())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    match known.len() <= FEW || hint.is_empty() {
        true => format!("{what}{hint} (known: {})", known.join(", ")),
        false => format!("{what}{hint}"),
    }
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The known word that is most like `unknown`, if any is like it.
pub(super) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let rated = known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(unknown, word), word));
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 > 0.7).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_named() {
        let known = ["name", "requirements", "level"];
        assert_eq!(nearest("requirement", known), Some("requirements"));
        assert_eq!(nearest("xyz", known), None);
    }

    #[test]
    fn lines_count_from_one() {
        let text = "a = 1\nb = 2\n";
        assert_eq!(Flaw::at("f", text, 0, "").line, 1);
        assert_eq!(Flaw::at("f", text, 6, "").line, 2);
    }

    #[test]
    fn other_messages_stay_as_they_are() {
        let message = "missing field `name`";
        assert_eq!(reword(message), message);
    }
}
