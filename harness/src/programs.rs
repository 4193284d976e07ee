//! Where the project's own programs are: beside `gatebench`, else on PATH.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::launch::choose::{executable, find_program};

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
#[derive(Clone, Debug, Default)]
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
        let program = env::current_exe().unwrap_or_default();
        Self::find_in(beside(&program), env::var_os("PATH").as_deref())
    }

    /// The program that talks to the recorder, where a gateway executes CGI itself.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn recorder() -> Result<PathBuf, Missing> {
        let program = env::current_exe().unwrap_or_default();
        let path = env::var_os("PATH");
        find(
            beside(&program),
            path.as_deref(),
            "gatebench-recorder-program",
        )
    }

    fn find_in(beside: &Path, path: Option<&OsStr>) -> Result<Self, Missing> {
        let find = |name| find(beside, path, name);
        Ok(Self {
            gateserve: find("gateserve")?,
            probe: find("gatebench-probe")?,
        })
    }
}

fn find(beside: &Path, path: Option<&OsStr>, name: &'static str) -> Result<PathBuf, Missing> {
    let here = Some(beside.join(name)).filter(|file| executable(file));
    let beside = beside.to_owned();
    here.or_else(|| find_program(name, path))
        .ok_or(Missing { name, beside })
}

/// The folder of a program; for a test binary (`target/debug/deps`) the one above.
fn beside(program: &Path) -> &Path {
    let folder = program.parent().unwrap_or_else(|| Path::new("."));
    match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder),
        _ => folder,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn install(folder: &Path, name: &str, mode: u32) {
        let file = folder.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_lies_beside_comes_before_the_path() {
        let [beside, path] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        install(beside.path(), "gateserve", 0o755);
        for name in ["gateserve", "gatebench-probe"] {
            install(path.path(), name, 0o755);
        }
        let found = Programs::find_in(beside.path(), Some(path.path().as_os_str())).unwrap();
        assert_eq!(found.gateserve, beside.path().join("gateserve"));
        assert_eq!(found.probe, path.path().join("gatebench-probe"));
    }

    #[test]
    fn a_missing_program_is_named_with_the_folder_and_a_way_out() {
        let beside = tempfile::tempdir().unwrap();
        install(beside.path(), "gateserve", 0o755);
        // A file that cannot be executed is none.
        install(beside.path(), "gatebench-probe", 0o644);
        let said = Programs::find_in(beside.path(), None)
            .unwrap_err()
            .to_string();
        let said = said.replace(&beside.path().display().to_string(), "[folder]");
        insta::assert_snapshot!(said, @"gatebench-probe was not found in [folder] nor on PATH; `cargo build --release` builds it beside gatebench");
    }

    #[test]
    fn a_test_binary_lies_one_folder_deeper() {
        let of = |program| beside(Path::new(program));
        assert_eq!(of("/t/debug/gatebench"), Path::new("/t/debug"));
        assert_eq!(of("/t/debug/deps/cli-1f"), Path::new("/t/debug"));
    }
}
