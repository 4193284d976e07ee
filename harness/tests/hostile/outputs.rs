//! What a peer said must not act in any output.

use super::program::Ended;

/// Nothing of [`super::server::EVIL`] acts: not on the terminal, not in a file.
#[track_caller]
pub(crate) fn assert_tame(ended: &Ended) {
    for (name, octets) in ended.files() {
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::str::from_utf8(&octets);
        let text = text.unwrap_or_else(|error| panic!("{name} is no UTF-8: {error}"));
        let is_said = matches!(name.as_str(), "stdout" | "stderr");
        // The bench's own colours are on the terminal, and nowhere else; it titles no window.
        let escape = if is_said { "\x1b]" } else { "\x1b" };
        // JSON and TOML carry letters as they are; what reads them shows them.
        let is_data = text.starts_with('{') || name.ends_with("json") || name.ends_with("toml");
        let turning = if is_data { "\x07" } else { "\u{202e}" };
        for raw in [escape, "\x07", turning] {
            assert!(
                !text.contains(raw),
                "{name} holds {raw:?}: {}",
                around(text, raw)
            );
        }
        let acting = match name.rsplit('.').next() {
            Some("html" | "xml") => text.to_owned(),
            Some("md") => outside_code(text),
            _ => continue,
        };
        let script = "<script>alert";
        assert!(
            !acting.contains(script),
            "{name}: {}",
            around(&acting, script)
        );
    }
}

/// A little of a text on both sides of a place.
fn around(text: &str, part: &str) -> String {
    let at = text.find(part).unwrap_or(0);
    let before: Vec<char> = text[..at].chars().rev().take(80).collect();
    let behind = text[at..].chars().take(80);
    before
        .into_iter()
        .rev()
        .chain(behind)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

/// Markdown without its code spans: a run of backticks ends at the next run as long (CommonMark 6.1).
fn outside_code(text: &str) -> String {
    let mut outside = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            outside.push_str(&rest[..at]);
            let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            rest = &rest[at + run..];
            if let Some(end) = closing(rest, run) {
                rest = &rest[end..];
            }
        }
        outside.push_str(rest);
        outside.push('\n');
    }
    outside
}

/// Where a code span that `run` backticks opened is over.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        at = start + length;
        if length == run {
            return Some(at);
        }
    }
    None
}

#[test]
fn code_spans_are_told_from_text() {
    assert_eq!(outside_code("a `` b ` c `` d"), "a  d\n");
    assert_eq!(outside_code("a `b"), "a b\n");
}
