//! From meta-variables to the `environ` dictionary (PEP 3333, "environ Variables").

use gateserve::app::Call;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use wire::environ::Environ;

use crate::input::Input;
use crate::names::Names;

/// The dictionary of one request.
pub(crate) fn environ<'py>(
    py: Python<'py>,
    call: &Call,
    input: &Bound<'py, Input>,
    names: &Names,
) -> PyResult<Bound<'py, PyDict>> {
    let environ = names.template.bind(py).copy()?;
    for (name, value) in call.environ.iter() {
        environ.set_item(latin1(py, name), latin1(py, value))?;
    }
    environ.set_item(&names.input, input)?;
    let scheme = match is_https(&call.environ) {
        true => &names.https,
        false => &names.http,
    };
    environ.set_item(&names.url_scheme, scheme)?;
    Ok(environ)
}

/// Bytes as the string of as many characters (PEP 3333, "Unicode Issues").
pub(crate) fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => PyString::new(py, text),
        _ => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            PyString::new(py, &text)
        }
    }
}

/// What gateways say in `HTTPS` or `REQUEST_SCHEME`.
fn is_https(environ: &Environ) -> bool {
    let says = |name, words: &[&str]| {
        let value = environ.text(name);
        value.is_some_and(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
    };
    says("HTTPS", &["on", "1"]) || says("REQUEST_SCHEME", &["https"])
}
