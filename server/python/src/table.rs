//! Strings of the environment that come again and again, made once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// The most names that are remembered: clients can make them up.
const MOST_NAMES: usize = 256;

/// Values that are longer, in bytes, are not remembered.
const MOST_VALUE: usize = 256;

/// Names whose values hardly ever come twice in a row, or are nobody's business after the request.
const FLEETING: [&[u8]; 8] = [
    b"HTTP_AUTHORIZATION",
    b"HTTP_COOKIE",
    b"PATH_INFO",
    b"QUERY_STRING",
    b"REMOTE_PORT",
    b"REQUEST_URI",
    b"DOCUMENT_URI",
    b"CONTENT_LENGTH",
];

/// Names as Python strings, each with its last value.
#[derive(Default)]
pub(crate) struct Table(Mutex<HashMap<Box<[u8]>, Known>>);

struct Known {
    name: Py<PyString>,
    is_fleeting: bool,
    last: Option<(Box<[u8]>, Py<PyString>)>,
}

/// The table while one dictionary is filled.
pub(crate) struct Open<'a>(MutexGuard<'a, HashMap<Box<[u8]>, Known>>);

impl Table {
    /// Nobody holds it for longer than it takes to fill a dictionary.
    pub(crate) fn open(&self) -> Open<'_> {
        Open(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Open<'_> {
    /// A name and its value as Python strings.
    pub(crate) fn pair<'py>(
        &mut self,
        py: Python<'py>,
        name: &[u8],
        value: &[u8],
    ) -> (Bound<'py, PyString>, Bound<'py, PyString>) {
        if let Some(known) = self.0.get_mut(name) {
            return (known.name.bind(py).clone(), known.value(py, value));
        }
        let (name_text, value_text) = (latin1(py, name), latin1(py, value));
        if self.0.len() < MOST_NAMES {
            let known = Known {
                name: name_text.clone().unbind(),
                is_fleeting: FLEETING.contains(&name),
                last: None,
            };
            self.0.insert(name.into(), known);
        }
        (name_text, value_text)
    }
}

impl Known {
    fn value<'py>(&mut self, py: Python<'py>, value: &[u8]) -> Bound<'py, PyString> {
        match &self.last {
            Some((last, text)) if **last == *value => return text.bind(py).clone(),
            _ => {}
        }
        let text = latin1(py, value);
        if !self.is_fleeting && value.len() <= MOST_VALUE {
            self.last = Some((value.into(), text.clone().unbind()));
        }
        text
    }
}

/// Bytes as the string of as many characters (WSGI-ENV-LATIN1).
pub(crate) fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            PyString::new(py, &text)
        }
    }
}
