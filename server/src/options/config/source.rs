//! Where the text of a configuration comes from: a file, standard input, a descriptor, a command.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::RawFd;
use std::process::{Command, Stdio};

use super::super::error::OptionError;
use super::super::given::Origin;

/// Schemes of uWSGI that are not read here.
const OTHER_SCHEMES: [&str; 7] = [
    "emperor", "http", "data", "sym", "section", "call", "callint",
];

/// Whether a name is `scheme://…`, with one of uWSGI's schemes.
pub(super) fn has_scheme(name: &str) -> bool {
    let scheme = name.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| matches!(scheme, "fd" | "exec") || OTHER_SCHEMES.contains(&scheme))
}

/// Reads `FILE`, `-`, `fd://N` or `exec://COMMAND`.
///
/// # Errors
/// What cannot be read, with where it was asked for.
pub(super) fn read(name: &str, origin: &Origin) -> Result<String, OptionError> {
    let bytes = match name.split_once("://").filter(|_| has_scheme(name)) {
        Some(("fd", number)) => read_descriptor(number),
        Some(("exec", command)) => read_command(command),
        Some((scheme, _)) => Err(io::Error::other(format!(
            "uWSGI's scheme {scheme}:// is not supported"
        ))),
        None if name == "-" => read_all(io::stdin()),
        None => std::fs::read(name),
    };
    bytes
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|source| OptionError::Unreadable {
            path: name.into(),
            origin: matches!(origin, Origin::File { .. }).then(|| origin.clone()),
            source,
        })
}

fn read_all(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_descriptor(number: &str) -> io::Result<Vec<u8>> {
    let number: RawFd = super::super::values::number(number).unwrap_or(-1);
    read_all(File::open(format!("/proc/self/fd/{number}"))?)
}

/// What a shell command prints; its exit status does not matter, as in uWSGI.
fn read_command(command: &str) -> io::Result<Vec<u8>> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null());
    Ok(shell.stderr(Stdio::inherit()).output()?.stdout)
}
