//! What becomes of the variables on their way to the application, whatever protocol brought them.

use wire::{environ::Environ, http::percent_decode};

use super::{Site, flaw::Flaw};

/// A change of the variables.
type Change = fn(&mut Environ);

const CHANGES: &[(Flaw, Change)] = &[
    (Flaw::PathDecodedAgain, |environ| {
        edit(environ, "PATH_INFO", percent_decode);
    }),
    (Flaw::HighBitsLost, |environ| {
        all(environ, |value| {
            value.iter().map(|octet| octet & 0x7f).collect()
        });
    }),
    (Flaw::ValuesEndAtLine, |environ| {
        all(environ, |value| {
            let line = value.split(|&octet| octet == b'\n').next();
            line.unwrap_or_default().to_vec()
        });
    }),
    (Flaw::ValuesLowerCased, |environ| {
        edit(environ, "HTTP_X_CASE", <[u8]>::to_ascii_lowercase);
    }),
    (Flaw::EmptyTypeFails, |environ| {
        if environ
            .get("CONTENT_TYPE")
            .is_some_and(|kind| kind.is_empty())
        {
            environ.set("HTTP_X_PROBE", "status=500 Internal Server Error");
        }
    }),
    (Flaw::RemoteAddrOfSocket, |environ| {
        environ.set("REMOTE_ADDR", "127.0.0.1");
    }),
    (Flaw::OwnNamesOnly, |environ| {
        let known = |name: &[u8]| {
            let begins = [
                &b"HTTP_"[..],
                b"CONTENT_",
                b"SERVER_",
                b"REMOTE_A",
                b"RE",
                b"Q",
                b"PATH_",
                b"SCRIPT_",
            ];
            begins.iter().any(|begin| name.starts_with(begin)) && name != b"REMOTE_USER"
        };
        let foreign: Vec<_> = environ.iter().map(|(name, _)| name.clone()).collect();
        for name in foreign.iter().filter(|name| !known(name)) {
            environ.remove(name);
        }
    }),
    (Flaw::BodyWithoutLength, |environ| {
        let is_post = environ.text("REQUEST_METHOD") == Some("POST");
        if is_post && environ.get("CONTENT_LENGTH").is_none() {
            environ.set("CONTENT_LENGTH", "5");
        }
    }),
    (Flaw::PhpValueObeyed, |environ| {
        if environ.get("PHP_VALUE").is_some() {
            environ.set("HTTP_X_PROBE", "body=prepended");
        }
    }),
    (Flaw::EmptyWithoutScript, |environ| {
        if environ
            .text("SCRIPT_FILENAME")
            .is_some_and(|script| script.starts_with("/nonexistent"))
        {
            environ.set("HTTP_X_PROBE", "body=");
        }
    }),
    (Flaw::ScriptNameLost, |environ| {
        environ.set("SCRIPT_NAME", "");
    }),
];

impl Site {
    /// Changes the variables as this double does.
    pub(super) fn change(&self, environ: &mut Environ) {
        for (flaw, change) in CHANGES {
            if self.does(*flaw) {
                change(environ);
            }
        }
    }
}

/// Changes the value of a variable that is there.
fn edit<V: AsRef<[u8]>>(environ: &mut Environ, name: &str, change: impl FnOnce(&[u8]) -> V)
where
    Vec<u8>: From<V>,
{
    if let Some(value) = environ.get(name).cloned() {
        environ.set(name, Vec::from(change(&value)));
    }
}

/// Changes all values.
fn all(environ: &mut Environ, change: impl Fn(&[u8]) -> Vec<u8>) {
    let names: Vec<_> = environ.iter().map(|(name, _)| name.clone()).collect();
    for name in names {
        if let Some(value) = environ.get(&name).cloned() {
            environ.set(&name, change(&value));
        }
    }
}
