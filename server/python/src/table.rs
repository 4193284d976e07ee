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
pub(crate) struct Table(Mutex<Names>);

/// Gateways send the same names in the same order: after one of them mostly comes the one that came
/// after it before.
#[derive(Default)]
struct Names {
    /// In the order in which they came first.
    known: Vec<Known>,
    /// Places in it.
    places: HashMap<Box<[u8]>, usize>,
}

struct Known {
    bytes: Box<[u8]>,
    name: Py<PyString>,
    is_fleeting: bool,
    last: Option<(Box<[u8]>, Py<PyString>)>,
}

/// The table while one dictionary is filled.
pub(crate) struct Open<'a> {
    names: MutexGuard<'a, Names>,
    /// Where the next name is expected.
    next: usize,
}

impl Table {
    /// Nobody holds it for longer than it takes to fill a dictionary.
    pub(crate) fn open(&self) -> Open<'_> {
        Open {
            names: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            next: 0,
        }
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
        let Some(place) = self.place(py, name) else {
            return (latin1(py, name), latin1(py, value));
        };
        self.next = place + 1;
        let known = &mut self.names.known[place];
        (known.name.bind(py).clone(), known.value(py, value))
    }

    /// Where a name is remembered; `None` if it is not and cannot be any more.
    fn place(&mut self, py: Python<'_>, name: &[u8]) -> Option<usize> {
        let names = &mut *self.names;
        let expected = names.known.get(self.next);
        if expected.is_some_and(|known| *known.bytes == *name) {
            return Some(self.next);
        }
        if let Some(&place) = names.places.get(name) {
            return Some(place);
        }
        if names.known.len() >= MOST_NAMES {
            return None;
        }
        names.known.push(Known {
            bytes: name.into(),
            name: interned(py, name),
            is_fleeting: FLEETING.contains(&name),
            last: None,
        });
        let place = names.known.len() - 1;
        names.places.insert(name.into(), place);
        Some(place)
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

/// A name as the very string that code which spells it out has.
fn interned(py: Python<'_>, name: &[u8]) -> Py<PyString> {
    match std::str::from_utf8(name) {
        Ok(text) if text.is_ascii() => PyString::intern(py, text).unbind(),
        _ => latin1(py, name).unbind(),
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
