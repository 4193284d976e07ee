//! Error text of applications, cut into lines that say whose they are.

use bytes::{Bytes, BytesMut};

/// A line longer than this is handed on in parts.
pub(super) const LONGEST: usize = 4096;

/// Error text as it comes in, in pieces that end anywhere.
#[derive(Debug)]
pub(super) struct Lines {
    name: String,
    pub(super) text: BytesMut,
}

impl Lines {
    /// Lines that begin with `name` and a colon.
    pub(super) fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: BytesMut::new(),
        }
    }

    /// The lines that are complete, if any; an overlong one counts.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        let end = self
            .text
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map(|at| at + 1);
        let lines = match end {
            _ if self.text.len() >= LONGEST => self.text.split(),
            Some(end) => self.text.split_to(end),
            None => return None,
        };
        Some(self.labelled(&lines))
    }

    /// What is left at the end of the text.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        let rest = self.text.split();
        (!rest.is_empty()).then(|| self.labelled(&rest))
    }

    fn labelled(&self, lines: &[u8]) -> Bytes {
        let mut labelled = BytesMut::with_capacity(lines.len() + 64);
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            labelled.extend_from_slice(self.name.as_bytes());
            labelled.extend_from_slice(b": ");
            labelled.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            labelled.extend_from_slice(b"\n");
        }
        labelled.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        Lines {
            name: "a.sh".into(),
            text: text.into(),
        }
    }

    #[test]
    fn lines_are_handed_on_whole_and_named() {
        let mut lines = lines("one\n\nthr");
        assert_eq!(lines.whole().unwrap(), "a.sh: one\na.sh: \n");
        assert_eq!(lines.whole(), None);
        lines.text.extend_from_slice(b"ee\n");
        assert_eq!(lines.whole().unwrap(), "a.sh: three\n");
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(lines("one\ntwo").rest().unwrap(), "a.sh: one\na.sh: two\n");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let cut = lines(&"x".repeat(LONGEST)).whole().unwrap();
        assert_eq!(cut.len(), "a.sh: \n".len() + LONGEST);
    }
}
