//! Ini files as uWSGI reads them: `key = value` split at the first `=`, a bare key is `true`,
//! `;` and `#` begin a comment only at the start of a line, a key may be repeated.

use std::path::Path;
use std::sync::Arc;

use super::error::OptionError;
use super::given::{Gathered, Given, Origin};
use super::placeholders::Placeholders;
use super::{foreign, table};

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;

/// One `key = value` of the chosen section, in place of its `ini = …` the included ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    file: Arc<str>,
    line: usize,
}

impl Entry {
    fn origin(&self) -> Origin {
        Origin::File {
            path: Arc::clone(&self.file),
            line: self.line,
        }
    }
}

/// Reads `FILE` or `FILE:SECTION`, with everything that it includes.
///
/// # Errors
/// A file that cannot be read, a section that is not there, or a construct not supported.
pub(super) fn read(spec: &str) -> Result<Gathered, OptionError> {
    let (file, section) = split_spec(spec);
    let entries = include(file, section, 0)?;
    let placeholders = Placeholders::new(Path::new(file), &entries);
    let mut gathered = Gathered::default();
    for entry in &entries {
        sort_in(entry, &placeholders, &mut gathered)?;
    }
    Ok(gathered)
}

/// `FILE` and `SECTION`, which is `uwsgi` unless named.
fn split_spec(spec: &str) -> (&str, &str) {
    match spec.rsplit_once(':') {
        Some((file, section)) if !section.is_empty() => (file, section),
        _ => (spec, "uwsgi"),
    }
}

fn include(file: &str, section: &str, depth: usize) -> Result<Vec<Entry>, OptionError> {
    if depth > MAX_DEPTH {
        return Err(OptionError::TooDeep(MAX_DEPTH));
    }
    let text = std::fs::read_to_string(file).map_err(|source| OptionError::Unreadable {
        path: file.into(),
        source,
    })?;
    let own = parse(&text, section, file).ok_or_else(|| OptionError::NoSection {
        path: file.into(),
        section: section.to_owned(),
    })?;
    let mut entries = Vec::with_capacity(own.len());
    for entry in own {
        if entry.key == "ini" {
            let value = Placeholders::new(Path::new(file), &entries).expand(&entry.value);
            let (other, section) = split_spec(&value);
            // `ini = :base` is a section of the same file.
            let other = if other.is_empty() { file } else { other };
            entries.extend(include(other, section, depth + 1)?);
        } else {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The entries of one section; `None` if the text has no such section.
fn parse(text: &str, wanted: &str, file: &str) -> Option<Vec<Entry>> {
    let file: Arc<str> = file.into();
    let (mut entries, mut found, mut inside) = (Vec::new(), false, false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            inside = name == wanted;
            found |= inside;
        } else if inside && !line.is_empty() && !line.starts_with([';', '#']) {
            let (key, value) = line.split_once('=').unwrap_or((line, "true"));
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            entries.push(Entry {
                key,
                value,
                file: Arc::clone(&file),
                line: index + 1,
            });
        }
    }
    found.then_some(entries)
}

/// Files an entry under what its key is: our option, uWSGI's, a user variable, or nobody's.
fn sort_in(
    entry: &Entry,
    placeholders: &Placeholders<'_>,
    gathered: &mut Gathered,
) -> Result<(), OptionError> {
    let key = entry.key.as_str();
    if let Some(opt) = table::find(key) {
        let value = placeholders.expand(&entry.value);
        gathered.given.push(Given {
            opt,
            value,
            origin: entry.origin(),
        });
    } else if is_logic(key) {
        return Err(OptionError::Logic {
            name: key.to_owned(),
            origin: entry.origin(),
        });
    } else if foreign::find(key).is_some() {
        gathered.unsupported.push(key.to_owned());
    } else if !placeholders.uses(key) {
        gathered.unknown.push((key.to_owned(), entry.origin()));
    }
    Ok(())
}

fn is_logic(key: &str) -> bool {
    key.starts_with("if-")
        || key.starts_with("for-")
        || matches!(key, "for" | "else" | "endif" | "endfor")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What the text comes to as a file, as `name=value` in order.
    fn read_text(text: &str) -> Result<(Vec<String>, Gathered), OptionError> {
        let mut file = tempfile::Builder::new().suffix(".ini").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let gathered = read(file.path().to_str().unwrap())?;
        let pairs = gathered
            .given
            .iter()
            .map(|given| format!("{}={}", given.opt.name, given.value));
        Ok((pairs.collect(), gathered))
    }

    #[track_caller]
    fn assert_reads(text: &str, expected: &[&str]) {
        assert_eq!(read_text(text).unwrap().0, expected);
    }

    #[test]
    fn a_bare_key_is_true() {
        assert_reads(
            "[uwsgi]\nmaster\nvacuum = true\n",
            &["master=true", "vacuum=true"],
        );
    }

    #[test]
    fn only_the_first_equals_sign_splits() {
        assert_reads("[uwsgi]\ncgi = /a=/srv/a=b\n", &["cgi=/a=/srv/a=b"]);
    }

    #[test]
    fn comments_stand_at_the_start_of_a_line() {
        assert_reads(
            "; x\n[uwsgi]\r\n# y\r\n  ; z\r\nprocesses = 4 # four\r\n",
            &["processes=4 # four"],
        );
    }

    #[test]
    fn other_sections_are_left_out_unless_included() {
        let text = "[other]\nmaster\n[uwsgi]\nini = :base\nprobe\n[base]\nlisten=5\n";
        assert_reads(text, &["listen=5", "probe=true"]);
    }

    #[test]
    fn a_section_that_includes_itself_is_refused() {
        let error = read_text("[uwsgi]\nini = :uwsgi\n").unwrap_err();
        assert!(matches!(error, OptionError::TooDeep(_)), "{error}");
    }

    #[test]
    fn variables_of_the_user_are_not_taken_for_options() {
        let text = "[uwsgi]\nbase = /srv\nchdir = %(base)/app\nvaccum = true\nmules = 5\n";
        let (pairs, gathered) = read_text(text).unwrap();
        assert_eq!(pairs, ["chdir=/srv/app"]);
        assert_eq!(gathered.unsupported, ["mules"]);
        let unknown: Vec<_> = gathered
            .unknown
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(unknown, ["vaccum"]);
    }

    #[test]
    fn a_condition_is_refused_by_its_place() {
        let error = read_text("[uwsgi]\nif-env = X\n").unwrap_err().to_string();
        assert!(
            error.contains("if-env") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_section_is_named() {
        let error = read_text("[other]\n").unwrap_err().to_string();
        assert!(error.ends_with("has no section [uwsgi]"), "{error}");
    }
}
