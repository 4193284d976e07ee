//! Django, Flask and Falcon behind nginx, over uwsgi, FastCGI and HTTP: pages, uploads, streams and
//! downloads.

mod support;

use std::fs;
use std::path::Path;

use support::nginx::{self, Nginx};
use support::{Peer, Response, Responses, Server, packages, payload};
use tempfile::TempDir;

/// The protocols between nginx and gateserve.
const PROTOCOLS: [&str; 3] = ["uwsgi", "fastcgi", "http"];

const DOWNLOAD_SIZE: usize = 300 * 1024;
const UPLOAD_SIZE: usize = 5 * 1024 * 1024;

/// What nginx is to tell an application server (its own manual's way for PATH_INFO).
const VARIABLES: [(&str, &str); 9] = [
    ("REQUEST_METHOD", "$request_method"),
    ("QUERY_STRING", "$query_string"),
    ("CONTENT_TYPE", "$content_type"),
    ("CONTENT_LENGTH", "$content_length"),
    ("PATH_INFO", "$document_uri"),
    ("REQUEST_URI", "$request_uri"),
    ("SERVER_PROTOCOL", "$server_protocol"),
    ("SERVER_NAME", "$server_name"),
    ("SERVER_PORT", "80"),
];

/// nginx and gateserve with the application of one framework.
struct Stack {
    folder: TempDir,
    _server: Server,
    _nginx: Nginx,
}

impl Stack {
    /// `None`, and why is told, where something is missing.
    fn start(framework: &str) -> Option<Self> {
        let home = match packages::environment("frameworks", &["django", "flask", "falcon"]) {
            Ok(home) => home,
            Err(why) => {
                eprintln!("skipped: no virtual environment with the frameworks: {why}");
                return None;
            }
        };
        if nginx::program().is_none() {
            eprintln!("skipped: there is no nginx");
            return None;
        }
        let folder = site();
        let server = serve(folder.path(), framework, &home);
        let nginx = Nginx::start(
            folder.path(),
            &configuration(folder.path()),
            &front(folder.path(), "http"),
        )?;
        Some(Self {
            folder,
            _server: server,
            _nginx: nginx,
        })
    }

    #[track_caller]
    fn ask(&self, protocol: &str, request: &[u8]) -> Response {
        let socket = front(self.folder.path(), protocol);
        let mut responses = Responses::on(Peer::to(socket.to_str().unwrap()));
        responses.peer.send(request);
        responses.next("GET")
    }

    #[track_caller]
    fn get(&self, protocol: &str, path: &str) -> Response {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.ask(protocol, request.as_bytes())
    }
}

/// A folder with the applications and the file that they offer.
fn site() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frameworks");
    for source in fs::read_dir(sources).unwrap() {
        let source = source.unwrap();
        fs::copy(source.path(), folder.path().join(source.file_name())).unwrap();
    }
    fs::write(folder.path().join("download.bin"), payload(DOWNLOAD_SIZE)).unwrap();
    folder
}

fn serve(folder: &Path, framework: &str, home: &Path) -> Server {
    let module = format!("{framework}_app");
    let sockets = PROTOCOLS.map(|protocol| back(folder, protocol));
    let [uwsgi, fastcgi, http] = sockets.each_ref().map(String::as_str);
    Server::start(&[
        "--chdir",
        folder.to_str().unwrap(),
        "--virtualenv",
        home.to_str().unwrap(),
        "--module",
        &module,
        "--processes",
        "2",
        "--uwsgi-socket",
        uwsgi,
        "--fastcgi-socket",
        fastcgi,
        "--http-socket",
        http,
    ])
}

fn back(folder: &Path, protocol: &str) -> String {
    format!("{}/back-{protocol}.sock", folder.display())
}

fn front(folder: &Path, protocol: &str) -> std::path::PathBuf {
    folder.join(format!("front-{protocol}.sock"))
}

fn configuration(folder: &Path) -> String {
    let server = |protocol: &str| {
        let (front, back) = (front(folder, protocol), back(folder, protocol));
        let variables = |directive: &str| -> String {
            let lines = VARIABLES.map(|(name, value)| format!("{directive} {name} {value};\n"));
            lines.concat()
        };
        let pass = match protocol {
            "uwsgi" => format!("{} uwsgi_pass unix:{back};", variables("uwsgi_param")),
            "fastcgi" => format!("{} fastcgi_pass unix:{back};", variables("fastcgi_param")),
            _ => format!("proxy_http_version 1.1; proxy_pass http://unix:{back}:;"),
        };
        format!(
            "server {{ listen unix:{}; client_max_body_size 20m; location / {{ {pass} }} }}\n",
            front.display()
        )
    };
    PROTOCOLS.map(server).concat()
}

/// A form with a title and a file.
fn upload() -> Vec<u8> {
    let mut form =
        b"--sep\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nbig\r\n".to_vec();
    form.extend(
        b"--sep\r\nContent-Disposition: form-data; name=\"file\"; filename=\"up.bin\"\r\n\
          Content-Type: application/octet-stream\r\n\r\n",
    );
    form.extend(payload(UPLOAD_SIZE));
    form.extend(b"\r\n--sep--\r\n");
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=sep\r\n\r\n",
        form.len()
    );
    [head.as_bytes(), &form].concat()
}

/// Every kind of request over every protocol.
fn assert_serves(framework: &str) {
    needs_python!();
    let Some(stack) = Stack::start(framework) else {
        return;
    };
    let streamed: Vec<u8> = (0..50)
        .flat_map(|number| format!("{number} ").repeat(100).into_bytes())
        .collect();
    for protocol in PROTOCOLS {
        let case = format!("{framework} over {protocol}");
        let hello = stack.get(protocol, "/hello?name=you");
        assert_eq!(hello.head.status, 200, "{case}");
        assert_eq!(hello.body, b"hello you", "{case}");
        let uploaded = stack.ask(protocol, &upload());
        let verdict = format!("big up.bin {UPLOAD_SIZE} True");
        assert_eq!(String::from_utf8_lossy(&uploaded.body), verdict, "{case}");
        assert_eq!(stack.get(protocol, "/stream").body, streamed, "{case}");
        let download = stack.get(protocol, "/download");
        assert_eq!(download.body, payload(DOWNLOAD_SIZE), "{case}");
        let length = DOWNLOAD_SIZE.to_string();
        assert_eq!(download.field("content-length"), Some(&*length), "{case}");
        let disposition = download.field("content-disposition").unwrap();
        assert!(
            disposition.contains("download.bin"),
            "{case}: {disposition}"
        );
    }
}

#[test]
fn django_serves_pages_uploads_streams_and_downloads() {
    assert_serves("django");
}

#[test]
fn flask_serves_pages_uploads_streams_and_downloads() {
    assert_serves("flask");
}

#[test]
fn falcon_serves_pages_uploads_streams_and_downloads() {
    assert_serves("falcon");
}
