//! The package for pip: `pip install ./server/python` gives the command `gateserve`.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::python::{HTTP, Site, get};
use support::{Server, packages};

const PREFIX: &str = "
import os, sys
def application(environ, start_response):
    start_response('200 OK', [])
    return [('%s %s %s' % (sys.prefix, os.environ.get('TOLD'), sys.argv)).encode()]
";

/// An environment with the package, built without optimisation.
fn installed() -> Result<PathBuf, String> {
    let home = packages::environment("packaged", &["maturin"])?;
    let mut pip = Command::new(home.join("bin/pip"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--force-reinstall",
    ])
    .args([
        "--no-build-isolation",
        "--config-settings=build-args=--profile=dev",
    ])
    .arg(sources)
    .env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheel"),
    )
    .env("PATH", search_path(&home));
    let output = pip.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Ok(home)
}

/// maturin is in the environment.
fn search_path(home: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [home.join("bin")].into_iter();
    std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap()
}

#[test]
#[ignore = "builds everything once more, which takes minutes"]
fn the_package_has_a_command_that_serves_from_its_own_environment() {
    needs_python!();
    let home = match installed() {
        Ok(home) => home,
        Err(why) => return eprintln!("skipped: no environment with maturin: {why}"),
    };
    let program = home.join("bin/gateserve");
    let help = Command::new(&program).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).starts_with("gateserve "));

    let site = Site::new(PREFIX);
    let told = [&site.options()[..], &HTTP, &["--env", "TOLD=yes"]].concat();
    let mut server = Server::start_of(&program, &told);
    let seen = || format!("{} yes ['uwsgi']", home.display());
    assert_eq!(String::from_utf8_lossy(&get(&server, "/").body), seen());
    server.signal(nix::sys::signal::Signal::SIGHUP);
    server.line("gateserve is ready");
    assert_eq!(String::from_utf8_lossy(&get(&server, "/").body), seen());

    let other = packages::environment("empty", &[]).unwrap();
    let elsewhere = [&told[..], &["--home", other.to_str().unwrap()]].concat();
    let server = Server::start_of(&program, &elsewhere);
    let body = get(&server, "/").body;
    let prefix = format!("{} yes", other.display());
    assert!(
        String::from_utf8_lossy(&body).starts_with(&prefix),
        "{body:?}"
    );
}
