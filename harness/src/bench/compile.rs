//! A program of the bench in C, compiled where a compiler and its library are at hand.

use std::{
    env, fs,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use crate::launch::choose::{executable, find_program};

/// The program of this name, made from `source` and linked to `libraries`; another source makes
/// another program. `None` where it cannot be made.
pub(super) fn program(name: &str, source: &str, libraries: &[&str]) -> Option<PathBuf> {
    let digest = Sha256::digest(source.as_bytes());
    let hash: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    let folder = env::temp_dir().join(format!("gatebench-compiled-{}", geteuid()));
    let program = own(&folder)?.join(format!("{name}-{hash}"));
    if executable(&program) {
        return Some(program);
    }
    let compiler = find_program("cc", env::var_os("PATH").as_deref())?;
    let made = tempfile::Builder::new().tempdir_in(&folder).ok()?;
    let (file, output) = (made.path().join("probe.c"), made.path().join(name));
    fs::write(&file, source).ok()?;
    let mut command = Command::new(compiler);
    command.args(["-O2", &format!("-DLIBFCGI_VERSION=\"{}\"", version())]);
    command.arg("-o").arg(&output).arg(&file).args(libraries);
    let ended = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !ended.ok()?.success() {
        return None;
    }
    // Whoever makes it at the same time makes the same.
    fs::rename(output, &program).ok()?;
    Some(program)
}

/// The folder, if it is nobody else's: what lies in it is executed.
fn own(folder: &Path) -> Option<&Path> {
    // It is looked at whether it was there or not.
    let _ = fs::DirBuilder::new().mode(0o700).create(folder);
    let about = fs::symlink_metadata(folder).ok()?;
    let is_own = about.is_dir() && about.uid() == geteuid().as_raw() && about.mode() & 0o022 == 0;
    is_own.then_some(folder)
}

/// The library's version, as its package tells it.
fn version() -> String {
    let told = Command::new("pkg-config")
        .args(["--modversion", "fcgi"])
        .output();
    let told = told.ok().filter(|told| told.status.success());
    let version = told.and_then(|told| String::from_utf8(told.stdout).ok());
    let version = version.map(|version| version.trim().to_owned());
    let is_plain = |version: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-+~".contains(c);
        !version.is_empty() && version.chars().all(plain)
    };
    version
        .filter(is_plain)
        .unwrap_or_else(|| "of unknown version".to_owned())
}
