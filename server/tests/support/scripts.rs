//! What tests of real scripts need of the machine.

use std::process::Command;

/// The file of `python3` itself, which may be another than a version manager's script of that name.
pub fn python() -> Option<String> {
    let file = "import sys; print(sys.executable) if sys.version_info >= (3, 9) else exit(1)";
    let output = Command::new("python3").args(["-c", file]).output().ok()?;
    let file = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| file.trim().to_owned())
}
