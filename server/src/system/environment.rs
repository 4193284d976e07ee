//! The process's own environment variables.

#![allow(unsafe_code)]

use std::ffi::OsString;

use crate::socket::Handover;

/// The environment as this process was given it, without what a server before it has left for it
/// alone. To be asked before anything changes it.
pub(crate) fn of_the_start() -> Vec<(OsString, OsString)> {
    let variables = std::env::vars_os();
    variables
        .filter(|(name, _)| name != Handover::VARIABLE)
        .collect()
}

/// Sets variables, or removes those without a value, in order. Names that no variable can have
/// (empty, or with `=` or a NUL in them) are left out.
///
/// The caller must be the only thread of its process: the C library hands out pointers into the
/// environment.
pub fn change(changes: &[(String, Option<String>)]) {
    for (name, value) in changes {
        if name.is_empty() || name.contains(['=', '\0']) {
            continue;
        }
        match value.as_deref().filter(|value| !value.contains('\0')) {
            // SAFETY: no other thread runs, so none reads the environment meanwhile.
            Some(value) => unsafe { std::env::set_var(name, value) },
            // SAFETY: as above.
            None => unsafe { std::env::remove_var(name) },
        }
    }
}
