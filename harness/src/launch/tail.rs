//! Follows log files: what was appended since the last look.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

/// Most bytes of one file that one look returns; more is cut at the front.
const KEPT: u64 = 1 << 20;

/// Several log files of one subject, read as one.
#[derive(Debug)]
pub(super) struct Tail {
    files: Vec<(PathBuf, u64)>,
}

impl Tail {
    /// Follows these files from where they end now: an earlier start may have written to them.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let end = |path: PathBuf| {
            let len = path.metadata().map_or(0, |about| about.len());
            (path, len)
        };
        Self {
            files: files.into_iter().map(end).collect(),
        }
    }

    /// What came since the last call, file by file; a file that is not there yet is empty.
    pub(super) fn read(&mut self) -> String {
        let mut text = String::new();
        for (path, read_to) in &mut self.files {
            let Ok(mut file) = File::open(path) else {
                continue;
            };
            let bytes = appended(&mut file, read_to).unwrap_or_default();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    }

    /// The last line that holds `word` as a whole, read or not.
    pub(super) fn last_line_with(&self, word: &str) -> Option<String> {
        let from_start = self.files.iter().map(|(path, _)| (path.clone(), 0));
        let text = Self {
            files: from_start.collect(),
        }
        .read();
        let line = text.lines().rev().find(|line| has_word(line, word))?;
        Some(line.trim().to_owned())
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric())
        .any(|w| w == word)
}

fn appended(file: &mut File, read_to: &mut u64) -> std::io::Result<Vec<u8>> {
    let len = file.metadata()?.len();
    let from = if len < *read_to { 0 } else { *read_to };
    let from = from.max(len.saturating_sub(KEPT));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(len - from).read_to_end(&mut bytes)?;
    *read_to = from + bytes.len() as u64;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn each_look_returns_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let [out, error] = ["out", "error"].map(|name| dir.path().join(name));
        let mut tail = Tail::new([out.clone(), error.clone()]);
        assert_eq!(tail.read(), "", "no file is there yet");

        fs::write(&out, "one\n").unwrap();
        assert_eq!(tail.read(), "one\n");
        let mut file = File::options().append(true).open(&out).unwrap();
        file.write_all(b"two\n").unwrap();
        fs::write(&error, "three\n").unwrap();
        assert_eq!(tail.read(), "two\nthree\n");
        assert_eq!(tail.read(), "");
    }

    #[test]
    fn what_an_earlier_start_logged_is_not_news() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "old\n").unwrap();
        let mut tail = Tail::new([path.clone()]);
        assert_eq!(tail.read(), "");
        fs::write(&path, "old\nnew\n").unwrap();
        assert_eq!(tail.read(), "new\n");
    }

    #[test]
    fn a_line_is_found_by_a_whole_word() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "worker 12 gone\nworker 123 came\n").unwrap();
        let mut tail = Tail::new([path]);
        tail.read();
        let found = tail.last_line_with("12");
        assert_eq!(found.as_deref(), Some("worker 12 gone"));
        assert_eq!(tail.last_line_with("1"), None);
    }

    #[test]
    fn a_truncated_file_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut tail = Tail::new([path.clone()]);
        fs::write(&path, "a long first line\n").unwrap();
        tail.read();
        fs::write(&path, "new\n").unwrap();
        assert_eq!(tail.read(), "new\n");
    }
}
