//! Text from outside, made fit for a line of a log.

use std::fmt::Write;

/// Appends text from outside without letting it start a line of its own (DF-LOG-INJECTION).
pub(super) fn push_printable(line: &mut String, text: &[u8]) {
    for piece in text.utf8_chunks() {
        push_escaped(line, piece.valid(), |line, character| {
            line.extend(character.escape_default());
        });
        for byte in piece.invalid() {
            // Writing to memory cannot fail.
            let _ = write!(line, "\\x{byte:02x}");
        }
    }
}

/// Appends valid text; whole runs of what needs no escape are copied at once.
fn push_escaped(line: &mut String, text: &str, escape: impl Fn(&mut String, char)) {
    let mut rest = text;
    while let Some(at) = rest.find(char::is_control) {
        let (plain, tail) = rest.split_at(at);
        line.push_str(plain);
        let mut characters = tail.chars();
        characters
            .next()
            .into_iter()
            .for_each(|character| escape(line, character));
        rest = characters.as_str();
    }
    line.push_str(rest);
}

/// Appends text as the inside of a JSON string (RFC 8259 section 7). Bytes that are not UTF-8
/// become U+FFFD.
pub(super) fn push_json(line: &mut String, text: &[u8]) {
    for piece in text.utf8_chunks() {
        for character in piece.valid().chars() {
            match character {
                '"' => line.push_str("\\\""),
                '\\' => line.push_str("\\\\"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                other if other.is_control() => {
                    let _ = write!(line, "\\u{:04x}", u32::from(other));
                }
                other => line.push(other),
            }
        }
        if !piece.invalid().is_empty() {
            line.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// The same for text of several lines, each of which stays one.
pub(super) fn printable_lines(text: &[u8]) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        push_printable(&mut lines, line.strip_suffix(b"\n").unwrap_or(line));
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_on_its_line() {
        let mut line = String::new();
        push_printable(&mut line, b"a\r\nb\x1b[31m\xff \xc3\xa9");
        assert_eq!(line, "a\\r\\nb\\u{1b}[31m\\xff \u{e9}");
    }

    #[test]
    fn json_text_is_what_a_reader_of_json_takes() {
        let mut line = String::from("\"");
        push_json(&mut line, b"a\"b\\\n\x01\t\xc3\xa9\xff");
        line.push('"');
        assert_eq!(line, "\"a\\\"b\\\\\\n\\u0001\\t\u{e9}\u{fffd}\"");
        let read: String = serde_json::from_str(&line).unwrap();
        assert_eq!(read, "a\"b\\\n\u{1}\t\u{e9}\u{fffd}");
    }

    #[test]
    fn the_lines_of_an_application_stay_lines() {
        assert_eq!(
            printable_lines(b"one\n\ntwo\x1b\r\nthree"),
            "one\n\ntwo\\u{1b}\\r\nthree\n"
        );
        assert_eq!(printable_lines(b""), "");
    }
}
