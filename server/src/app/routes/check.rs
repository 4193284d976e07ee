//! Whether a rule applies to a request.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use wire::environ::Environ;

use super::text::{filled, variable};
use crate::options::{Compared, Condition, OnDisk, Test};

/// The groups of the rule's pattern if it applies; none where it has no pattern.
pub(super) fn check(test: &Test, environ: &Environ) -> Option<Vec<String>> {
    match test {
        Test::Always => Some(Vec::new()),
        Test::Matches(subject, pattern) => pattern.captures(&variable(environ, subject)),
        Test::If(condition, expected) => {
            let groups = met(condition, environ);
            (groups.is_some() == *expected).then(|| groups.unwrap_or_default())
        }
    }
}

fn met(condition: &Condition, environ: &Environ) -> Option<Vec<String>> {
    let text = |text: &str| filled(text, &[], environ);
    let is_met = match condition {
        Condition::Matches(subject, pattern) => return pattern.captures(&text(subject)),
        Condition::Empty(subject) => text(subject).is_empty(),
        Condition::Compare(how, first, second) => compare(*how, &text(first), &text(second)),
        Condition::File(kind, path) => is_there(*kind, &text(path)),
    };
    is_met.then(Vec::new)
}

fn compare(how: Compared, first: &str, second: &str) -> bool {
    match how {
        Compared::Equal => first == second,
        Compared::StartsWith => first.starts_with(second),
        Compared::EndsWith => first.ends_with(second),
        Compared::Contains => first.contains(second),
        Compared::Higher => number(first) > number(second),
        Compared::HigherOrEqual => number(first) >= number(second),
        Compared::Lower => number(first) < number(second),
        Compared::LowerOrEqual => number(first) <= number(second),
    }
}

/// The leading digits, as uWSGI reads it.
fn number(text: &str) -> i64 {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.trim_start_matches(['-', '+']);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    sign * digits[..end].parse::<i64>().unwrap_or(0)
}

fn is_there(kind: OnDisk, path: &str) -> bool {
    let metadata = match kind {
        OnDisk::Link => fs::symlink_metadata(path),
        _ => fs::metadata(path),
    };
    metadata.is_ok_and(|found| match kind {
        OnDisk::Any => true,
        OnDisk::File => found.is_file(),
        OnDisk::Folder => found.is_dir(),
        OnDisk::Link => found.is_symlink(),
        OnDisk::Executable => found.is_file() && found.permissions().mode() & 0o111 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_their_leading_digits() {
        assert!(compare(Compared::Higher, "15000001", "15000000"));
        assert!(!compare(Compared::Higher, "", "0"));
        assert!(compare(Compared::LowerOrEqual, "9x", "9"));
    }
}
