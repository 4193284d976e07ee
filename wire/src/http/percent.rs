//! Percent-encoding (RFC 3986 section 2.1).

/// `path` with every `%XX` replaced by its octet, once; `+` stays a plus
/// (DF-PATH-PLUS) and a `%` without two hexadecimal digits stays as it is.
pub fn percent_decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = if byte == b'%' { octet(after) } else { None };
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    decoded
}

/// The octet that two hexadecimal digits at the front of `digits` spell.
pub(crate) fn octet(digits: &[u8]) -> Option<u8> {
    let &[high, low] = digits.first_chunk()?;
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// The value of one hexadecimal digit in either case.
pub fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        assert_eq!(percent_decode(b"/%41%2f%c3%A9"), b"/A/\xc3\xa9");
        assert_eq!(percent_decode(b"/%2525"), b"/%25");
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(percent_decode(b"/a+b%zz%4"), b"/a+b%zz%4");
        assert_eq!(percent_decode(b"%"), b"%");
    }
}
