//! A virtual environment with packages, made once and kept with the build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The environment of this name with these packages, or why there is none.
pub fn environment(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    // Two tests of one process make it once.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let complete = home.join("complete");
    if complete.exists() {
        return Ok(home);
    }
    let mut venv = Command::new("python3");
    run(venv.args(["-m", "venv", "--clear"]).arg(&home))?;
    if !packages.is_empty() {
        let mut pip = Command::new(home.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        run(pip.args(["--retries", "1"]).args(packages))?;
    }
    std::fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(home)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
