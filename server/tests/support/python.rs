//! The Python side under test: its library, built when first wanted, and applications in files.

use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::Server;

/// Why no Python test can run here, if none can.
pub fn missing() -> Option<String> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    MISSING
        .get_or_init(|| {
            let version = "import sys; sys.exit(sys.version_info < (3, 9))";
            match Command::new("python3").args(["-c", version]).status() {
                Ok(status) if status.success() => build().err(),
                Ok(_) => Some("python3 is older than 3.9".into()),
                Err(error) => Some(format!("python3 does not run: {error}")),
            }
        })
        .clone()
}

/// `cargo test` builds no library that is only loaded by a program.
fn build() -> Result<(), String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "gateserve-python"]);
    let built = cargo.status().map_err(|error| error.to_string())?;
    assert!(built.success(), "the Python side does not build");
    Ok(())
}

/// Leaves the test, saying why, where Python cannot run.
#[macro_export]
macro_rules! needs_python {
    () => {
        if let Some(why) = support::python::missing() {
            return eprintln!("skipped: {why}");
        }
    };
}

/// A folder with `app.py`, and a server that serves it.
pub struct Site {
    /// The application's folder, which is the server's working directory.
    pub folder: TempDir,
}

impl Site {
    /// An application of this source.
    pub fn new(source: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::fs::write(folder.path().join("app.py"), source).expect("a file can be written");
        Self { folder }
    }

    /// Serves module `app` with these arguments in addition.
    pub fn serve(&self, args: &[&str]) -> Server {
        let folder = self
            .folder
            .path()
            .to_str()
            .expect("temporary paths are text");
        let first = ["--chdir", folder, "--module", "app"];
        Server::start(&[&first, args].concat())
    }
}
