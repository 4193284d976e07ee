//! A folder of CGI programs, and the ways by which a request gets there.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::{Peer, Response, Responses, Server};

/// A folder of CGI programs, among them `probe`.
pub struct Site {
    folder: TempDir,
}

/// A way from an HTTP client to an application: straight, or through the built-in gateway.
pub struct Way {
    pub name: &'static str,
    /// The server that runs the application.
    pub server: Server,
    gateway: Option<Server>,
    _folder: TempDir,
}

/// The ways: the protocol that the application's server speaks.
pub const WAYS: [&str; 4] = ["http", "uwsgi", "fastcgi", "scgi"];

impl Site {
    pub fn new() -> Self {
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        site.install("probe");
        site
    }

    /// Puts the probe there under this name.
    pub fn install(&self, name: &str) {
        // Not by this process: a descriptor open for writing could be in the hands of a process
        // just being spawned, and then the file would be busy.
        let copied = Command::new("cp")
            .arg(&*PROBE)
            .arg(self.path(name))
            .status();
        assert!(copied.unwrap().success());
    }

    /// Puts a shell script there.
    pub fn script(&self, name: &str, text: &str) {
        self.program(name, format!("#!/bin/sh\n{text}\n").as_bytes());
    }

    /// Puts a program of these bytes there, for the reason above by way of a shell.
    pub fn program(&self, name: &str, bytes: &[u8]) {
        let script = "cat > \"$1\" && chmod 755 \"$1\"";
        let mut shell = Command::new("sh");
        let shell = shell
            .args(["-c", script, "sh"])
            .arg(self.path(name))
            .stdin(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(bytes).unwrap();
        assert!(shell.wait().unwrap().success());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// The option that mounts it at `/cgi`.
    pub fn option(&self) -> String {
        format!("/cgi={}", self.folder.path().display())
    }
}

impl Way {
    /// Starts the servers of one way; `args` are for the one that runs the application.
    pub fn start(name: &'static str, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if name == "http" {
            let server = Server::start(&[&["--http-socket", "127.0.0.1:0"], args].concat());
            return Self {
                name,
                server,
                gateway: None,
                _folder: folder,
            };
        }
        let socket = folder.path().join("socket").display().to_string();
        let option = format!("--{name}-socket");
        let server = Server::start(&[&[option.as_str(), &socket], args].concat());
        let to = format!("--{name}-to");
        let gateway = Server::start(&["--http", "127.0.0.1:0", &to, &socket]);
        Self {
            name,
            server,
            gateway: Some(gateway),
            _folder: folder,
        }
    }

    /// All ways.
    pub fn all(args: &[&str]) -> Vec<Self> {
        WAYS.map(|name| Self::start(name, args)).into()
    }

    /// A connection to its HTTP end.
    pub fn connect(&self) -> Peer {
        self.gateway.as_ref().unwrap_or(&self.server).connect()
    }

    /// One request with an empty body on a connection of its own.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, fields: &str) -> Response {
        let mut responses = Responses::on(self.connect());
        responses.peer.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"
        ));
        responses.next(method)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.ask("GET", path, "")
    }

    /// Asks the probe.
    #[track_caller]
    pub fn probe(&self, path: &str, commands: &str) -> Response {
        self.ask("GET", path, &format!("X-Probe: {commands}\r\n"))
    }
}

/// The probe as a CGI program, built where this test's programs are.
static PROBE: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = Path::new(env!("CARGO_BIN_EXE_gateserve"))
        .parent()
        .expect("it is in a folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "gatebench-probe", "--target-dir"]);
    build.arg(built.parent().expect("it is in a folder"));
    if built.ends_with("release") {
        build.arg("--release");
    }
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        status.expect("cargo runs").success(),
        "gatebench-probe does not build"
    );
    built.join("gatebench-probe")
});
