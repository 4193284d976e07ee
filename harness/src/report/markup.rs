//! Values put into Markdown, as text and never as markup.

use super::text::{clip, visible};

/// Columns of a value that are shown in a code span.
const LONGEST: usize = 300;

/// Text in which nothing is markup.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Text for a place where Markdown is not read, only HTML.
pub(super) fn html(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// A code span, whatever backticks are in it.
pub(super) fn code(text: &str) -> String {
    let text = clip(&visible(text), LONGEST).into_owned();
    let mut fence = String::from("`");
    while text.contains(&fence) {
        fence.push('`');
    }
    let edge = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if edge || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_is_fenced_by_more_backticks_than_it_holds() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("`x`` y"), "``` `x`` y ```");
    }

    #[test]
    fn markup_in_values_is_shown_and_not_taken() {
        assert_eq!(plain("<b>*|\u{1b}"), r"&lt;b&gt;\*\|\\x1b");
    }
}
