//! CGI meta-variables in order, with names and values as the octets that came.

use bytes::Bytes;

use crate::excerpt::excerpt;

/// The meta-variables of one request (RFC 3875 section 4.1).
///
/// Order and duplicates are kept, so that what a peer sent can be looked at as it
/// was; nothing is decoded and no character set is assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environ {
    variables: Vec<(Bytes, Bytes)>,
}

/// A `CONTENT_LENGTH` that is no length: the gateway's fault.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadLength {
    /// Something else than decimal digits, or a number beyond 64 bits.
    #[error("gateway sent CONTENT_LENGTH {0}, expected decimal digits below 2^64")]
    NotANumber(String),
    /// The variable came twice with different values.
    #[error("gateway sent CONTENT_LENGTH twice, as {0} and as {1}")]
    Conflict(String, String),
}

impl Environ {
    /// An empty environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty environment with room for `n` variables.
    pub fn with_capacity(n: usize) -> Self {
        Self {
            variables: Vec::with_capacity(n),
        }
    }

    /// Appends a variable, whether or not the name is there already.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.variables.push((name.into(), value.into()));
    }

    /// Gives `name` this one value: replaces the first of that name and drops the
    /// others, or appends.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl Into<Bytes>) {
        let name = name.as_ref();
        let Some(first) = self.variables.iter().position(|(n, _)| n == name) else {
            return self.push(Bytes::copy_from_slice(name), value);
        };
        self.variables[first].1 = value.into();
        let mut index = 0;
        self.variables.retain(|(n, _)| {
            index += 1;
            index <= first + 1 || n != name
        });
    }

    /// Removes every variable of that name; says whether there was one.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> bool {
        let before = self.len();
        self.variables.retain(|(n, _)| n != name.as_ref());
        self.len() < before
    }

    /// The first value of that name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        let name = name.as_ref();
        self.variables
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// Every value of that name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.variables
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// The first value of that name as text, or `None` if it is absent or not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The length of the request body in bytes; `None` if the variable is absent
    /// or empty, which mean the same (CGI-4.1-NULL-UNSET).
    ///
    /// # Errors
    /// Anything but decimal digits (CGI-4.1.2-CL-SYNTAX), and values that
    /// contradict each other, since two readers would then see two bodies.
    pub fn content_length(&self) -> Result<Option<u64>, BadLength> {
        let mut values = self.all("CONTENT_LENGTH");
        let Some(first) = values.next() else {
            return Ok(None);
        };
        if let Some(other) = values.find(|&other| other != first) {
            return Err(BadLength::Conflict(excerpt(first), excerpt(other)));
        }
        if first.is_empty() {
            return Ok(None);
        }
        let length = decimal(first).ok_or_else(|| BadLength::NotANumber(excerpt(first)))?;
        Ok(Some(length))
    }

    /// The variables in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    /// How many variables there are, duplicates counted.
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Whether there is no variable at all.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }
}

impl<N: Into<Bytes>, V: Into<Bytes>> FromIterator<(N, V)> for Environ {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let variables = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self { variables }
    }
}

/// A number of decimal digits alone: no sign, no space, no overflow.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Environ {
        [("A", "1"), ("B", "2"), ("A", "3"), ("C", "4"), ("A", "5")]
            .into_iter()
            .collect()
    }

    #[test]
    fn order_and_duplicates_are_kept() {
        let names: Vec<_> = sample().iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["A", "B", "A", "C", "A"]);
        assert_eq!(sample().get("A").unwrap(), "1");
        assert_eq!(sample().all("A").collect::<Vec<_>>(), ["1", "3", "5"]);
    }

    #[test]
    fn set_leaves_one_value_in_the_first_place() {
        let mut environ = sample();
        environ.set("A", "new");
        environ.set("D", "6");
        let expected = [("A", "new"), ("B", "2"), ("C", "4"), ("D", "6")];
        assert_eq!(environ, expected.into_iter().collect());
    }

    #[test]
    fn remove_takes_every_duplicate() {
        let mut environ = sample();
        assert!(environ.remove("A"));
        assert!(!environ.remove("A"));
        assert_eq!(environ.len(), 2);
    }

    #[test]
    fn text_is_none_for_other_encodings() {
        let environ: Environ = [("PATH_INFO", &b"/\xff"[..])].into_iter().collect();
        assert_eq!(environ.text("PATH_INFO"), None);
        assert_eq!(environ.get("PATH_INFO").unwrap(), &b"/\xff"[..]);
    }

    #[track_caller]
    fn assert_length(value: &'static str, expected: Option<Option<u64>>) {
        let environ: Environ = [("CONTENT_LENGTH", value)].into_iter().collect();
        assert_eq!(environ.content_length().ok(), expected, "for {value:?}");
    }

    #[test]
    fn content_length_takes_digits_only() {
        assert_length("", Some(None));
        assert_length("0", Some(Some(0)));
        assert_length("0042", Some(Some(42)));
        assert_length("18446744073709551615", Some(Some(u64::MAX)));
        for bad in [
            "18446744073709551616",
            "+5",
            "-1",
            " 5",
            "5 ",
            "0x5",
            "5, 5",
            "5x",
        ] {
            assert_length(bad, None);
        }
        assert_eq!(Environ::new().content_length(), Ok(None));
    }

    #[test]
    fn contradicting_lengths_are_refused() {
        let twice = |first, second| -> Environ {
            [("CONTENT_LENGTH", first), ("CONTENT_LENGTH", second)]
                .into_iter()
                .collect()
        };
        assert_eq!(twice("5", "5").content_length(), Ok(Some(5)));
        assert!(matches!(
            twice("5", "6").content_length(),
            Err(BadLength::Conflict(..))
        ));
    }
}
