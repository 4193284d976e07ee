//! Option texts to typed values, read as uWSGI 2.0.31 reads them (`uwsgi_opt_true`,
//! `uwsgi_opt_set_int`, `uwsgi_opt_set_16bit`, `uwsgi_opt_set_64bit`).

use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid, User};

use super::error::OptionError;
use super::given::{Gathered, Given};

/// The longest time that an option can name, in seconds: a year.
const MOST_SECONDS: u32 = 365 * 24 * 60 * 60;

impl Given {
    /// The value as `T`, or an error that says what the option takes.
    pub(super) fn read<T>(
        &self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, OptionError> {
        read(&self.value).ok_or_else(|| self.refuse(expected))
    }

    /// The value as a number that is not negative.
    ///
    /// # Errors
    /// A negative number, which stops uWSGI as well.
    pub(super) fn number(&self) -> Result<u64, OptionError> {
        u64::try_from(leading_number(&self.value)).map_err(|_| self.refuse("a number from 0 up"))
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

/// Values of one option. What is out of bounds is brought inside them and told, because a server
/// that uWSGI would start is to start here as well.
impl Gathered {
    /// A flag; off unless given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, OptionError> {
        Ok(self.switch(name, false))
    }

    /// A flag that is `default` unless given.
    pub(super) fn switch(&self, name: &str, default: bool) -> bool {
        self.last(name)
            .map_or(default, |given| boolean(&given.value))
    }

    /// A number within bounds, `default` unless given.
    ///
    /// # Errors
    /// A negative number, as in uWSGI.
    pub(super) fn number(
        &self,
        name: &str,
        default: u32,
        min: u32,
        max: u32,
    ) -> Result<u32, OptionError> {
        let Some(given) = self.last(name) else {
            return Ok(default);
        };
        let read = given.number()?;
        let used = u32::try_from(read).unwrap_or(u32::MAX).clamp(min, max);
        if u64::from(used) != read {
            let Given { value, origin, .. } = given;
            self.note(format!(
                "`{name} = {value}` ({origin}) reads as {read}; {used} is used instead (it takes \
                 {min} to {max})"
            ));
        }
        Ok(used)
    }

    /// A number that means something only if it is given and not 0.
    pub(super) fn nonzero(&self, name: &str) -> Result<Option<u32>, OptionError> {
        let number = self.number(name, 0, 0, u32::MAX)?;
        Ok((number > 0).then_some(number))
    }

    /// A time in whole seconds, 60 unless given.
    pub(super) fn seconds(&self, name: &str) -> Result<Duration, OptionError> {
        self.seconds_or(name, 60)
    }

    /// A time of at least one second, `default` seconds unless given.
    pub(super) fn seconds_or(&self, name: &str, default: u32) -> Result<Duration, OptionError> {
        let seconds = self.number(name, default, 1, MOST_SECONDS)?;
        Ok(Duration::from_secs(seconds.into()))
    }

    /// A time in whole seconds; none unless given, and none if 0.
    pub(super) fn seconds_if(&self, name: &str) -> Result<Option<Duration>, OptionError> {
        let seconds = self.number(name, 0, 0, MOST_SECONDS)?;
        Ok((seconds > 0).then(|| Duration::from_secs(seconds.into())))
    }

    /// A number of bytes of any size; none unless given, and none if 0.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, OptionError> {
        let bytes = self.last(name).map(Given::number).transpose()?;
        Ok(bytes.filter(|&bytes| bytes > 0))
    }

    /// A number that uWSGI keeps in 16 bits: what is larger than 65535 is 65535.
    pub(super) fn size16(&self, name: &str, default: u16) -> Result<u16, OptionError> {
        let read = self.last(name).map(Given::number).transpose()?;
        Ok(read.map_or(default, |read| u16::try_from(read).unwrap_or(u16::MAX)))
    }

    /// A size that is given in megabytes (of 1,048,576 bytes), in bytes; none if 0.
    pub(super) fn megabytes(&self, name: &str) -> Result<Option<u64>, OptionError> {
        let size = self.size(name)?;
        Ok(size.map(|megabytes| megabytes.saturating_mul(1024 * 1024)))
    }

    /// The text that counts.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.last(name).map(|given| given.value.clone())
    }

    /// All values of a repeatable option, in order.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(|given| given.value.clone()).collect()
    }

    /// A file or folder.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.last(name).map(|given| PathBuf::from(&given.value))
    }

    /// All files or folders of a repeatable option, in order.
    pub(super) fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.all(name)
            .map(|given| PathBuf::from(&given.value))
            .collect()
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

/// A flag as `uwsgi_opt_true` reads it: off if the whole text is one of four words, else on.
/// `false ; for now` is on.
pub(super) fn boolean(value: &str) -> bool {
    let off = ["false", "off", "no", "0"];
    !off.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// A number as `atoi` reads it: leading blanks, a sign, digits; the rest is not looked at, and
/// where there are no digits it is 0.
pub(super) fn leading_number(value: &str) -> i64 {
    let value = value.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let number = digits
        .bytes()
        .take_while(u8::is_ascii_digit)
        .fold(0_i64, |number, digit| {
            let digit = i64::from(digit - b'0');
            number.saturating_mul(10).saturating_add(digit)
        });
    if negative { -number } else { number }
}

/// The same, as another type of number; `None` where it does not fit.
pub(super) fn number<T: TryFrom<i64>>(value: &str) -> Option<T> {
    T::try_from(leading_number(value)).ok()
}

/// A user or group id: digits alone, as uWSGI wants them.
fn id(value: &str) -> Option<u32> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().ok())?
}

/// Three octal digits, as in `660`.
pub(super) fn mode(value: &str) -> Option<u32> {
    (value.len() == 3).then(|| u32::from_str_radix(value, 8).ok())?
}

/// A user by name or number.
pub(super) fn user(value: &str) -> Option<Uid> {
    let named = || User::from_name(value).ok().flatten().map(|user| user.uid);
    id(value).map(Uid::from_raw).or_else(named)
}

/// A group by name or number.
pub(super) fn group(value: &str) -> Option<Gid> {
    let named = || {
        Group::from_name(value)
            .ok()
            .flatten()
            .map(|group| group.gid)
    };
    id(value).map(Gid::from_raw).or_else(named)
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
    use crate::options::given::Origin;
    use crate::options::table;

    fn given(name: &str, value: &str) -> Gathered {
        Gathered {
            given: vec![Given {
                opt: table::find(name).unwrap(),
                value: value.to_owned(),
                origin: Origin::CommandLine,
            }],
            ..Gathered::default()
        }
    }

    #[test]
    fn a_number_ends_where_its_digits_end() {
        for (value, expected) in [
            ("65536  # large", 65536),
            ("  7", 7),
            ("4 5", 4),
            ("300MB", 300),
            ("+3", 3),
            ("true", 0),
            ("", 0),
            ("99999999999999999999", i64::MAX),
        ] {
            assert_eq!(leading_number(value), expected, "{value}");
        }
    }

    #[test]
    fn a_flag_is_off_only_for_four_words() {
        for off in ["false", "False", "OFF", "no", "0"] {
            assert!(!boolean(off), "{off}");
        }
        for on in ["true", "1", "", "maybe", "false ; not yet", "00", "False "] {
            assert!(boolean(on), "{on}");
        }
    }

    #[test]
    fn a_number_out_of_bounds_is_brought_inside_and_told() {
        let gathered = given("processes", "many");
        assert_eq!(gathered.number("processes", 1, 1, 1024).unwrap(), 1);
        assert_eq!(
            gathered.notes(),
            [
                "`processes = many` (command line) reads as 0; 1 is used instead (it takes 1 to 1024)"
            ]
        );
    }

    #[test]
    fn a_negative_number_is_refused() {
        let refused = given("processes", "-1").number("processes", 1, 1, 1024);
        assert!(refused.unwrap_err().to_string().contains("from 0 up"));
    }

    #[test]
    fn sizes_of_16_bits_end_at_65535() {
        assert_eq!(
            given("buffer-size", "65536")
                .size16("buffer-size", 1)
                .unwrap(),
            65535
        );
        assert_eq!(
            given("buffer-size", "true")
                .size16("buffer-size", 1)
                .unwrap(),
            0
        );
        assert_eq!(
            Gathered::default().size16("buffer-size", 4096).unwrap(),
            4096
        );
    }

    #[test]
    fn megabytes_are_counted_in_bytes() {
        let gathered = given("limit-post", "300 # MB");
        assert_eq!(gathered.megabytes("limit-post").unwrap(), Some(300 << 20));
        assert_eq!(gathered.size("limit-post").unwrap(), Some(300));
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
