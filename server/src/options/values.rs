//! Option texts to typed values.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid, User};

use super::error::OptionError;
use super::given::{Gathered, Given};

impl Given {
    /// The value as `T`, or an error that says what the option takes.
    pub(super) fn read<T>(
        &self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, OptionError> {
        read(&self.value).ok_or_else(|| self.refuse(expected))
    }

    pub(super) fn refuse(&self, expected: &str) -> OptionError {
        OptionError::BadValue {
            name: self.opt.name,
            expected: expected.to_owned(),
            value: self.value.clone(),
            origin: self.origin.clone(),
        }
    }
}

impl Gathered {
    /// A flag; off unless given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, OptionError> {
        self.last(name)
            .map_or(Ok(false), |given| given.read("true or false", boolean))
    }

    /// A number within bounds, `default` unless given.
    pub(super) fn number(
        &self,
        name: &str,
        default: u32,
        min: u32,
        max: u32,
    ) -> Result<u32, OptionError> {
        self.last(name).map_or(Ok(default), |given| {
            let within = |value: &str| number(value).filter(|n| (min..=max).contains(n));
            given.read(&format!("a number from {min} to {max}"), within)
        })
    }

    /// A time in whole seconds, 60 unless given.
    pub(super) fn seconds(&self, name: &str) -> Result<Duration, OptionError> {
        const DAY: u32 = 24 * 60 * 60;
        Ok(Duration::from_secs(self.number(name, 60, 1, DAY)?.into()))
    }

    /// A file or folder.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.last(name).map(|given| PathBuf::from(&given.value))
    }

    /// All values of a repeatable option, in order.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(|given| given.value.clone()).collect()
    }

    /// The values of a repeatable option whose values are `NAME=VALUE`, which `expected` spells.
    pub(super) fn pairs(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Vec<(String, String)>, OptionError> {
        let pair = |value: &str| {
            let (name, value) = value.split_once('=').filter(|(name, _)| !name.is_empty())?;
            Some((name.to_owned(), value.to_owned()))
        };
        let pairs = self.all(name).map(|given| given.read(expected, pair));
        pairs.collect()
    }
}

/// A URL prefix without a slash at its end, empty if there is none, and what is mounted there.
pub(super) fn mounted(value: &str) -> (&str, &str) {
    match value.split_once('=') {
        Some((prefix, rest)) if prefix.starts_with('/') => (prefix.trim_end_matches('/'), rest),
        _ => ("", value),
    }
}

/// uWSGI's words for yes and no, with any comment behind them left out.
fn boolean(value: &str) -> Option<bool> {
    match without_comment(value).to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Decimal digits alone: `parse` would take a plus sign.
pub(super) fn number<T: FromStr>(value: &str) -> Option<T> {
    let value = without_comment(value);
    value
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| value.parse().ok())?
}

/// Numbers and flags in real ini files carry comments, which uWSGI's own parser happens to skip.
fn without_comment(value: &str) -> &str {
    let end = value
        .find([' ', '\t'])
        .filter(|&at| value[at..].trim_start().starts_with(['#', ';']));
    value[..end.unwrap_or(value.len())].trim()
}

/// Three octal digits, as in `660`.
pub(super) fn mode(value: &str) -> Option<u32> {
    (value.len() == 3).then(|| u32::from_str_radix(value, 8).ok())?
}

/// A user by name or number.
pub(super) fn user(value: &str) -> Option<Uid> {
    let named = || User::from_name(value).ok().flatten().map(|user| user.uid);
    number(value).map(Uid::from_raw).or_else(named)
}

/// A group by name or number.
pub(super) fn group(value: &str) -> Option<Gid> {
    let named = || {
        Group::from_name(value)
            .ok()
            .flatten()
            .map(|group| group.gid)
    };
    number(value).map(Gid::from_raw).or_else(named)
}

/// `USER`, `USER:GROUP` or `:GROUP`.
pub(super) fn owner(value: &str) -> Option<(Option<Uid>, Option<Gid>)> {
    let (name, group_name) = value.split_once(':').unwrap_or((value, ""));
    let uid = if name.is_empty() {
        None
    } else {
        Some(user(name)?)
    };
    let gid = if group_name.is_empty() {
        None
    } else {
        Some(group(group_name)?)
    };
    Some((uid, gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_flags_may_carry_a_comment() {
        assert_eq!(number("65536  # large"), Some(65536));
        assert_eq!(boolean("false ; not yet"), Some(false));
        assert_eq!(number::<u32>("4 5"), None);
    }

    #[test]
    fn flags_are_uwsgis_words() {
        assert_eq!(boolean("True"), Some(true));
        assert_eq!(boolean("1"), Some(true));
        assert_eq!(boolean("off"), Some(false));
        assert_eq!(boolean("maybe"), None);
    }

    #[test]
    fn a_mode_is_three_octal_digits() {
        assert_eq!(mode("660"), Some(0o660));
        assert_eq!(mode("0660"), None);
        assert_eq!(mode("668"), None);
    }

    #[test]
    fn an_owner_is_a_user_a_group_or_both() {
        let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(7));
        assert_eq!(owner("root:7"), Some((Some(uid), Some(gid))));
        assert_eq!(owner("0"), Some((Some(uid), None)));
        assert_eq!(owner(":7"), Some((None, Some(gid))));
        assert_eq!(owner("no-such-user-here"), None);
    }
}
