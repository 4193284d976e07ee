//! Values that read otherwise than they look.

use super::super::finding::Finding;
use super::super::foreign::{self, Reads};
use super::super::given::{Gathered, Given};
use super::super::opt::Takes;
use super::super::values::{boolean, leading_number};

/// Texts in which a semicolon, a `#` or a `$` means something.
const FREE: [&str; 8] = [
    "route",
    "log-format",
    "logformat",
    "log-encoder",
    "log-req-encoder",
    "hook-",
    "exec-",
    "print",
];

/// Texts that are command lines, patterns or lists with a grammar of their own.
const COMMANDS: [&str; 10] = [
    "attach-daemon",
    "smart-attach-daemon",
    "cron",
    "cron2",
    "unique-cron",
    "legion-",
    "if-",
    "for",
    "alarm",
    "add-header",
];

pub(super) fn look(gathered: &Gathered) -> Vec<Finding> {
    gathered.given.iter().flat_map(look_at).collect()
}

fn look_at(given: &Given) -> Option<Finding> {
    let value = given.value.as_str();
    let name = given.opt.name;
    let (says, warns) = match reads(given) {
        Reads::Flag => flag(value)?,
        Reads::Number => number(value)?,
        Reads::Number16 => large(value).or_else(|| number(value))?,
        Reads::Text if is_free(name) => return None,
        Reads::Text => text(value)?,
    };
    let finding = if warns {
        Finding::warning(&given.origin, name, says)
    } else {
        Finding::remark(&given.origin, name, says)
    };
    Some(finding)
}

/// How an option's value is read: as uWSGI reads it, or as an option of this server alone says.
fn reads(given: &Given) -> Reads {
    // Words are values of their own here.
    if given.opt.name == "processes" && given.value == "auto" {
        return Reads::Text;
    }
    let own = match given.opt.takes {
        Takes::Flag => Reads::Flag,
        Takes::One("N" | "SECONDS" | "BYTES" | "MB") => Reads::Number,
        _ => Reads::Text,
    };
    match foreign::of_uwsgi(given.opt.name).map(|uwsgis| uwsgis.reads) {
        None | Some(Reads::Text) => own,
        // `stats-http`, `need-app`: what uWSGI keeps as a flag may be more here.
        Some(Reads::Flag) if own != Reads::Flag => Reads::Text,
        Some(reads) => reads,
    }
}

fn is_free(name: &str) -> bool {
    FREE.iter()
        .chain(&COMMANDS)
        .any(|start| name.starts_with(start))
}

/// A sentence, and whether it is told on every start.
type Told = Option<(String, bool)>;

fn flag(value: &str) -> Told {
    let words = ["true", "false", "yes", "no", "on", "off", "1", "0"];
    if words.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return None;
    }
    let meant = value
        .split([' ', '\t', '#', ';'])
        .next()
        .unwrap_or_default();
    let reads = format!("`{value}` reads as true: only exactly false, off, no and 0 are false");
    Some(match comment(value) {
        _ if !boolean(meant) => (reads, true),
        Some(_) => (format!("reads as true; {NO_COMMENT}"), false),
        None => (reads, true),
    })
}

fn number(value: &str) -> Told {
    let trimmed = value.trim_start();
    let digits = trimmed.trim_start_matches(['+', '-']);
    let rest = digits.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let reads = leading_number(value);
    if rest.len() == digits.len() {
        let shown = if value.is_empty() {
            "no value".into()
        } else {
            format!("`{value}`")
        };
        return Some((format!("{shown} reads as 0: it is not a number"), true));
    }
    if rest.is_empty() {
        return None;
    }
    Some(match comment(value) {
        Some(_) => (format!("reads as {reads}; {NO_COMMENT}"), false),
        None => (
            format!("`{value}` reads as {reads}: what follows the digits is dropped"),
            true,
        ),
    })
}

/// A number that uWSGI keeps in 16 bits.
fn large(value: &str) -> Told {
    let says = || format!("`{value}` reads as 65535, the most that uWSGI keeps");
    (leading_number(value) > 65535).then(|| (says(), false))
}

const NO_COMMENT: &str = "text behind a value is no comment, it belongs to the value";

fn text(value: &str) -> Told {
    if let Some(text) = comment(value) {
        return Some((
            format!("`{text}` belongs to the value: a comment has a line of its own"),
            true,
        ));
    }
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if quoted('"') || quoted('\'') {
        return Some((format!("the quotes belong to the value `{value}`"), true));
    }
    if value.ends_with(';') {
        return Some((format!("the `;` belongs to the value `{value}`"), true));
    }
    if let Some(name) = bare_variable(value) {
        return Some((
            format!("`${name}` stays as it is: only `$({name})` is filled in"),
            true,
        ));
    }
    let placeholder = unfilled(value)?;
    Some((
        format!("`{placeholder}` stands for nothing and stays as it is"),
        true,
    ))
}

/// What looks like a comment behind a value.
fn comment(value: &str) -> Option<&str> {
    let starts = value.match_indices(['#', ';']).find(|(place, _)| {
        let before = &value[..*place];
        before.ends_with([' ', '\t']) && !value[place + 1..].is_empty()
    });
    starts.map(|(place, _)| &value[place..])
}

/// `PORT` of a `$PORT` without brackets.
fn bare_variable(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once('$')?;
    let end = rest.find(|letter: char| {
        !(letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit())
    });
    let name = &rest[..end.unwrap_or(rest.len())];
    let first = name.chars().next()?;
    (first.is_ascii_uppercase() || first == '_').then_some(name)
}

/// A placeholder that is still there.
fn unfilled(value: &str) -> Option<&str> {
    let start = value.find("$(").or_else(|| value.find("%("))?;
    let end = value[start..].find(')')?;
    Some(&value[start..=start + end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Origin, table};

    #[track_caller]
    fn told(name: &str, value: &str) -> Option<(String, bool)> {
        look_at(&Given {
            opt: table::find(name).unwrap(),
            value: value.to_owned(),
            origin: Origin::CommandLine,
        })
        .map(|finding| (finding.says, finding.warns))
    }

    #[track_caller]
    fn assert_warns(name: &str, value: &str, part: &str) {
        let (says, warns) = told(name, value).unwrap_or_default();
        assert!(warns && says.contains(part), "{says}");
    }

    #[track_caller]
    fn assert_remarks(name: &str, value: &str, part: &str) {
        let (says, warns) = told(name, value).unwrap_or_default();
        assert!(!warns && says.contains(part), "{says}");
    }

    #[test]
    fn a_number_that_is_none_reads_as_zero() {
        assert_warns("processes", "true", "reads as 0");
        assert_warns("processes", "", "no value reads as 0");
        assert_warns("limit-post", "5MB", "reads as 5: what follows");
        assert_remarks("processes", "4  # four", "reads as 4");
        assert_eq!(told("processes", "4"), None);
        assert_eq!(told("processes", "auto"), None);
    }

    #[test]
    fn a_size_of_16_bits_is_cut() {
        assert_remarks("buffer-size", "65536", "reads as 65535");
        assert_eq!(told("buffer-size", "65535"), None);
    }

    #[test]
    fn a_false_with_a_comment_is_true() {
        assert_warns("vacuum", "false ; for now", "reads as true: only exactly");
        assert_remarks("vacuum", "true ; always", "reads as true");
        assert_warns("vacuum", "maybe", "reads as true");
        for word in ["true", "False", "1", "on"] {
            assert_eq!(told("vacuum", word), None);
        }
    }

    #[test]
    fn a_text_is_all_that_stands_behind_the_sign() {
        assert_warns(
            "chdir",
            "/app # the code",
            "`# the code` belongs to the value",
        );
        assert_warns("socket", "localhost:8080;", "the `;` belongs");
        assert_warns("chdir", "\"/app\"", "the quotes belong");
        assert_warns("http", "0.0.0.0:$PORT", "only `$(PORT)` is filled in");
        assert_warns("chdir", "%(base)/app", "`%(base)` stands for nothing");
        assert_eq!(told("chdir", "/srv/a#b"), None);
    }
}
