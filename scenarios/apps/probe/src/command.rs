//! The text form of probe commands: `key=value; key=value`, percent-encoded.

use std::time::Duration;

/// A command that the probe does not have, or a value it cannot use.
///
/// Shown to the client with status 400. Names and values are spelled with one
/// character per byte (ISO-8859-1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No command has this name.
    #[error("unknown probe command: {0}")]
    Command(String),
    /// The command is known, its value is not of the form it takes.
    #[error("bad value for {name}: {value}")]
    Value {
        /// The command's name.
        name: &'static str,
        /// The value as it was sent, before percent-decoding.
        value: String,
    },
}

/// One command as it stands in the header: a name and an undecoded value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// What stands before the first `=`, without surrounding white space.
    pub name: &'a [u8],
    /// What stands after it, `None` where there is no `=`.
    pub value: Option<&'a [u8]>,
}

/// Splits a header value at `;` into commands; empty ones are skipped.
pub fn split(header: &[u8]) -> impl Iterator<Item = Command<'_>> {
    header
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|text| !text.is_empty())
        .map(command)
}

fn command(text: &[u8]) -> Command<'_> {
    match text.iter().position(|&byte| byte == b'=') {
        None => Command {
            name: text,
            value: None,
        },
        Some(equals) => Command {
            name: text[..equals].trim_ascii(),
            value: Some(text[equals + 1..].trim_ascii()),
        },
    }
}

/// Spells bytes as text, one character per byte (ISO-8859-1).
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Spells bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let digits = bytes
        .iter()
        .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}

/// Undoes percent-encoding, or `None` where a `%` is not followed by two hexadecimal digits.
pub fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            decoded.push(byte);
            rest = tail;
            continue;
        }
        let [high, low, ..] = *tail else { return None };
        decoded.push(hex_digit(high)? << 4 | hex_digit(low)?);
        rest = &tail[2..];
    }
    Some(decoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Reads a number of decimal digits only: no sign, no space.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a time such as `300ms` or `2s`.
pub fn duration(text: &[u8]) -> Option<Duration> {
    if let Some(digits) = text.strip_suffix(b"ms") {
        return number(digits).map(Duration::from_millis);
    }
    number(text.strip_suffix(b"s")?).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_and_trimmed() {
        let commands: Vec<_> = split(b" status = 404 Not Found ;; echo; body=a=b;").collect();
        assert_eq!(
            commands,
            [
                Command {
                    name: b"status",
                    value: Some(b"404 Not Found")
                },
                Command {
                    name: b"echo",
                    value: None
                },
                Command {
                    name: b"body",
                    value: Some(b"a=b")
                },
            ]
        );
    }

    #[test]
    fn percent_encoding_carries_any_byte() {
        assert_eq!(percent_decode(b"a%3Bb%0a%00%FF").unwrap(), b"a;b\n\0\xff");
    }

    #[test]
    fn a_percent_sign_needs_two_digits() {
        for broken in [&b"%"[..], b"%1", b"%zz", b"a%2"] {
            assert_eq!(percent_decode(broken), None, "{}", latin1(broken));
        }
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number(b"042"), Some(42));
        for text in [
            &b""[..],
            b"+5",
            b"-1",
            b" 5",
            b"5x",
            b"99999999999999999999",
        ] {
            assert_eq!(number(text), None, "{}", latin1(text));
        }
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(duration(b"300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration(b"2s"), Some(Duration::from_secs(2)));
        for text in [&b"5"[..], b"ms", b"s", b"1m", b"0.5s"] {
            assert_eq!(duration(text), None, "{}", latin1(text));
        }
    }
}
