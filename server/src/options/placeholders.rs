//! Placeholders in ini values: `%(key)`, `$(ENV)`, the magic letters, and `%%`.

use std::path::Path;

use super::ini::Entry;

/// How deep placeholders may name each other.
const MAX_DEPTH: usize = 16;

/// What placeholders can stand for in one file.
pub(super) struct Placeholders<'a> {
    file: &'a Path,
    entries: &'a [Entry],
}

impl<'a> Placeholders<'a> {
    pub(super) fn new(file: &'a Path, entries: &'a [Entry]) -> Self {
        Self { file, entries }
    }

    /// Whether some value holds `%(key)`.
    pub(super) fn uses(&self, key: &str) -> bool {
        let placeholder = format!("%({key})");
        self.entries
            .iter()
            .any(|entry| entry.value.contains(&placeholder))
    }

    /// `value` with its placeholders filled in. One that stands for nothing stays as it is
    /// written, as in uWSGI: log formats are full of them.
    pub(super) fn expand(&self, value: &str) -> String {
        self.expand_to(value, MAX_DEPTH)
    }

    fn expand_to(&self, value: &str, depth: usize) -> String {
        let mut expanded = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find(['%', '$']) {
            expanded.push_str(&rest[..at]);
            rest = &rest[at..];
            let (text, taken) = self
                .placeholder(rest, depth)
                .unwrap_or_else(|| (rest[..1].to_owned(), 1));
            expanded.push_str(&text);
            rest = &rest[taken..];
        }
        expanded.push_str(rest);
        expanded
    }

    /// What the placeholder at the start of `text` stands for, and its length.
    fn placeholder(&self, text: &str, depth: usize) -> Option<(String, usize)> {
        if let Some(name) = bracketed(text, "$(") {
            return Some((std::env::var(name).ok()?, name.len() + 3));
        }
        if let Some(name) = bracketed(text, "%(") {
            let entry = self.entries.iter().rev().find(|entry| entry.key == name)?;
            let depth = depth.checked_sub(1)?;
            return Some((self.expand_to(&entry.value, depth), name.len() + 3));
        }
        let letter = text.strip_prefix('%')?.chars().next()?;
        Some((self.magic(letter)?, 1 + letter.len_utf8()))
    }

    /// uWSGI's one-letter variables, those about the file and the machine.
    fn magic(&self, letter: char) -> Option<String> {
        let path = || std::path::absolute(self.file).ok();
        let text = |part: Option<&std::ffi::OsStr>| Some(part?.to_string_lossy().into_owned());
        match letter {
            '%' => Some("%".to_owned()),
            'p' => Some(path()?.display().to_string()),
            // With a slash at its end.
            'd' => Some(path()?.parent()?.join("").display().to_string()),
            'c' => text(path()?.parent()?.file_name()),
            's' => text(self.file.file_name()),
            'n' => text(self.file.file_stem()),
            'e' => text(self.file.extension()),
            'k' => Some(std::thread::available_parallelism().ok()?.to_string()),
            _ => None,
        }
    }
}

/// The name in `$(name)` or `%(name)` at the start of `text`.
fn bracketed<'t>(text: &'t str, opening: &str) -> Option<&'t str> {
    text.strip_prefix(opening)?
        .split_once(')')
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_expands(value: &str, expected: &str) {
        let placeholders = Placeholders::new(Path::new("/etc/apps/shop.ini"), &[]);
        assert_eq!(placeholders.expand(value), expected);
    }

    #[test]
    fn magic_letters_tell_of_the_file() {
        assert_expands("%d%n.sock", "/etc/apps/shop.sock");
        assert_expands("%p", "/etc/apps/shop.ini");
        assert_expands("%s %e %c", "shop.ini ini apps");
    }

    #[test]
    fn a_doubled_sign_is_one() {
        assert_expands("100%%", "100%");
    }

    #[test]
    fn what_stands_for_nothing_stays() {
        assert_expands(
            "%(method) $(NO_SUCH_VARIABLE) $HOME 5% %",
            "%(method) $(NO_SUCH_VARIABLE) $HOME 5% %",
        );
    }

    #[test]
    fn the_environment_is_read() {
        let path = std::env::var("PATH").unwrap();
        assert_expands("a$(PATH)b", &format!("a{path}b"));
    }
}
