//! Text for people: wire octets made visible, columns measured, lines wrapped.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::UnicodeWidthStr as _;

/// Spells out control and invisible characters, so that octets from the wire can neither move
/// the cursor, nor colour the terminal, nor reverse the reading order.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => escape(&mut out, c),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Like [`visible`], with line ends and tabs left alone: for wire transcripts.
pub fn visible_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let cells = line.split('\t').map(visible);
        cells.collect::<Vec<_>>().join("\t")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn escape(out: &mut String, c: char) {
    let code = u32::from(c);
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        _ => write!(out, "\\u{{{code:x}}}"),
    };
    written.expect("a String takes everything");
}

/// Whether a terminal or a browser obeys a character instead of showing it.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to `limit` columns and says so with an ellipsis.
pub fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let (head, _) = split_at_width(text, limit.saturating_sub(1));
    Cow::Owned(format!("{head}…"))
}

/// Breaks a text at spaces into lines of at most `limit` columns; longer words are cut.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > limit {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while width(word) > limit {
            let (head, rest) = split_at_width(word, limit);
            lines.push(head.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn split_at_width(text: &str, limit: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > limit {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(visible("a\x1b[31mb\r\n\u{9b}c"), r"a\x1b[31mb\r\n\x9bc");
        assert_eq!(visible("\u{202e}txt\u{200b}"), r"\u{202e}txt\u{200b}");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert!(matches!(visible("/a b/ü/日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn transcripts_keep_their_lines_and_tabs() {
        assert_eq!(visible_lines("a\tb\r\n\x00c"), "a\tb\\r\n\\x00c");
    }

    #[test]
    fn wrapping_cuts_words_that_are_longer_than_a_line() {
        assert_eq!(
            wrap("one two aaaaaaaaaaaaaaaaaaaa end", 10),
            ["one two", "aaaaaaaaaa", "aaaaaaaaaa", "end"]
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(clip("日本語日本語", 7), "日本語…");
    }
}
