//! Ini files as uWSGI reads them: `key = value` split at the first `=`, a key without a value has
//! an empty one, `;` and `#` begin a comment only as the first character of a line.

use super::Entry;

/// uWSGI's blanks.
const BLANK: [char; 3] = [' ', '\t', '\r'];

pub(super) fn parse(text: &str, wanted: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut section = "";
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_matches(BLANK);
        if let Some(rest) = line.strip_prefix('[') {
            // Whatever the last character is, it is taken for the bracket.
            let mut name = rest.chars();
            name.next_back();
            section = name.as_str();
        } else if section == wanted && !line.is_empty() && !line.starts_with([';', '#']) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            entries.push(Entry {
                key: key.trim_end_matches(BLANK).to_owned(),
                value: value.trim_matches(BLANK).to_owned(),
                line: index + 1,
                quoted: false,
            });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(text: &str, expected: &[(&str, &str)]) {
        let entries = parse(text, "uwsgi");
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str()))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn only_the_first_equals_sign_splits() {
        assert_reads("[uwsgi]\ncgi = /a=/srv/a=b", &[("cgi", "/a=/srv/a=b")]);
    }

    #[test]
    fn comments_stand_at_the_start_of_a_line() {
        assert_reads(
            "; x\n[uwsgi]\r\n# y\r\n  ; z\r\nprocesses = 4 # four\r\n",
            &[("processes", "4 # four")],
        );
    }

    #[test]
    fn a_bare_key_has_an_empty_value_like_a_key_with_nothing_behind_the_sign() {
        assert_reads(
            "[uwsgi]\nmaster\nendif=\n\tvacuum =  \n",
            &[("master", ""), ("endif", ""), ("vacuum", "")],
        );
    }

    #[test]
    fn marks_of_a_merge_are_keys() {
        assert_reads(
            "[uwsgi]\n<<<<<<< HEAD\n=======\n>>>>>>> x\n",
            &[("<<<<<<< HEAD", ""), ("", "======"), (">>>>>>> x", "")],
        );
    }

    #[test]
    fn a_section_goes_on_when_its_name_comes_again() {
        assert_reads(
            "[uwsgi]\na=1\n[x]\nb=2\n[uwsgi]\nc=3\n[]\nd=4\n",
            &[("a", "1"), ("c", "3")],
        );
    }
}
