//! NUL-terminated strings in one block, as `exec` takes argv and the environment.

use std::ffi::c_char;

/// A string that no argv and no environment can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a NUL cannot stand in an argument or environment variable")]
pub struct HasNul;

/// Strings for `exec`, kept in one allocation.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Strings {
    /// No strings yet; room for `count` of them with `bytes` bytes in all.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes + count),
            starts: Vec::with_capacity(count),
        }
    }

    /// Appends one string, given in parts (`NAME`, `=`, `value`).
    ///
    /// # Errors
    /// A part holds a NUL (CGI-4.1-REPRESENTATION); then nothing is appended.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result<(), HasNul> {
        if parts.iter().any(|part| part.contains(&0)) {
            return Err(HasNul);
        }
        self.starts.push(self.bytes.len());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// The strings in order, without their NULs.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self
            .starts
            .iter()
            .skip(1)
            .copied()
            .chain([self.bytes.len()]);
        let ranges = self.starts.iter().zip(ends);
        ranges.map(|(&start, end)| &self.bytes[start..end - 1])
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Pointers to the strings with a null pointer at the end; valid while `self` is borrowed.
    pub(super) fn pointers(&self) -> Vec<*mut c_char> {
        let strings = self
            .starts
            .iter()
            .map(|&start| self.bytes[start..].as_ptr());
        let pointers = strings.map(|start| start.cast::<c_char>().cast_mut());
        pointers.chain([std::ptr::null_mut()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_joined_from_parts_and_kept_in_order() {
        let mut strings = Strings::default();
        strings.push(&[b"A", b"=", b"1"]).unwrap();
        strings.push(&[b"EMPTY="]).unwrap();
        assert_eq!(strings.iter().collect::<Vec<_>>(), [&b"A=1"[..], b"EMPTY="]);
        assert_eq!(strings.bytes, b"A=1\0EMPTY=\0");
    }

    #[test]
    fn a_nul_is_refused_and_leaves_no_half_string() {
        let mut strings = Strings::default();
        assert_eq!(strings.push(&[b"A=", b"1\x002"]), Err(HasNul));
        assert!(strings.is_empty());
    }
}
