//! The Python side under test: its library, built when first wanted, and applications in files.

use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{Peer, Response, Responses, Server};

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

/// Finds the function that the path names and asks it: one server for many applications.
pub const BY_PATH: &str = "
def application(environ, start_response):
    return globals()[environ['PATH_INFO'].split('/')[1]](environ, start_response)

def plain(start_response, text):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(text).encode('utf-8', 'backslashreplace')]
";

/// Reads the server's own socket, which is given first.
pub const HTTP: [&str; 2] = ["--http-socket", "127.0.0.1:0"];

impl Site {
    /// Applications by path, of this source.
    pub fn by_path(source: &str) -> Self {
        Self::new(&format!("{BY_PATH}\n{source}"))
    }

    /// What reaches its servers, whatever protocol they speak.
    pub fn options(&self) -> [&str; 4] {
        let folder = self.folder.path().to_str();
        let folder = folder.expect("temporary paths are text");
        ["--chdir", folder, "--module", "app"]
    }
}

/// One request on a connection of its own.
#[track_caller]
pub fn ask(server: &Server, method: &str, path: &str, fields: &str, body: &str) -> Response {
    let mut responses = Responses::on(server.connect());
    responses.peer.send(request(method, path, fields, body));
    responses.next(method)
}

/// A GET without a body.
#[track_caller]
pub fn get(server: &Server, path: &str) -> Response {
    ask(server, "GET", path, "", "")
}

/// A POST of a body.
#[track_caller]
pub fn post(server: &Server, path: &str, body: &str) -> Response {
    ask(server, "POST", path, "", body)
}

/// The bytes of an HTTP/1.1 request.
pub fn request(method: &str, path: &str, fields: &str, body: &str) -> String {
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: a:8080\r\n{fields}{length}\r\n{body}")
}

/// All that comes back until the server closes, or resets the connection.
pub fn raw(server: &Server, request: &str) -> String {
    use std::io::Read;
    let mut peer: Peer = server.connect();
    peer.send(request);
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = peer.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Response {
    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}
