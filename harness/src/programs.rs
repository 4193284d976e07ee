//! Where the project's own programs are: beside `gatebench`, else on PATH.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// A program of the project that is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{name} was not found in {} nor on PATH; `cargo build --release` builds it beside gatebench",
    .beside.display()
)]
pub struct Missing {
    name: &'static str,
    beside: PathBuf,
}

/// The programs that the bench brings along.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The application server and built-in gateway.
    pub gateserve: PathBuf,
    /// The probe as a CGI program.
    pub probe: PathBuf,
}

impl Programs {
    /// Finds both.
    ///
    /// # Errors
    /// Names the one that is missing and where it was looked for.
    pub fn find() -> Result<Self, Missing> {
        Ok(Self {
            gateserve: find("gateserve")?,
            probe: find("gatebench-probe")?,
        })
    }
}

fn find(name: &'static str) -> Result<PathBuf, Missing> {
    let beside = beside();
    let here = beside.join(name);
    if here.is_file() {
        return Ok(here);
    }
    on_path(name).ok_or(Missing { name, beside })
}

/// The folder of this program; for a test binary (`target/debug/deps`) the one above.
fn beside() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or_else(|| Path::new("."));
    match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder).to_owned(),
        _ => folder.to_owned(),
    }
}

/// First executable of that name on PATH.
pub fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let name = name.as_ref();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
