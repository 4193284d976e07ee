//! What a call of a WSGI application costs over what the server does for any request: one request after the other on a
//! kept FastCGI connection, answered by the native probe, and by applications of growing demands.
//!
//! Needs `cargo build --release -p gateserve -p gateserve-python` and python3; without them it is left out, by name.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};
use wire::environ::Environ;
use wire::fastcgi::{BeginRequest, Kind, params, record};

/// 13 octets each way; what the names say is done besides.
const APPS: &str = "
HEAD = [('Content-Type', 'text/plain'), ('Content-Length', '13')]

def hello(environ, start_response):
    start_response('200 OK', HEAD)
    return [b'Hello, world\\n']

def environ_read(environ, start_response):
    for name in environ: environ[name]
    start_response('200 OK', HEAD)
    return [b'Hello, world\\n']

def body_read(environ, start_response):
    environ['wsgi.input'].read()
    start_response('200 OK', HEAD)
    return [b'Hello, world\\n']

def in_13_blocks(environ, start_response):
    start_response('200 OK', HEAD)
    for at in range(13): yield b'Hello, world\\n'[at:at + 1]

def application(environ, start_response):
    return globals()[environ['QUERY_STRING']](environ, start_response)
";

/// A server with one worker, ended on drop.
struct Server(Child);

impl Server {
    fn start(program: &Path, socket: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.arg("--fastcgi-socket").arg(socket).args(options);
        command.args(["--processes", "1", "--disable-logging"]);
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program was built");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.starts_with("gateserve is ready"));
        assert!(is_ready, "gateserve does not start");
        // What it says later is of no interest, and must not fill the pipe.
        std::thread::spawn(move || lines.count());
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT);
        let _ = self.0.wait();
    }
}

/// A POST of 13 octets, on a connection that is kept.
fn request(query: &str) -> BytesMut {
    let environ: Environ = [
        ("QUERY_STRING", query),
        ("REQUEST_METHOD", "POST"),
        ("CONTENT_LENGTH", "13"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/"),
        ("REQUEST_URI", "/"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("HTTP_HOST", "localhost"),
        ("HTTP_USER_AGENT", "bench"),
        ("HTTP_ACCEPT", "*/*"),
        ("HTTP_X_PROBE", "body=Hello, world."),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .collect();
    let (role, flags) = (BeginRequest::RESPONDER, BeginRequest::KEEP_CONN);
    let mut bytes = BytesMut::new();
    record::encode(
        Kind::BEGIN_REQUEST,
        1,
        &BeginRequest { role, flags }.encode(),
        &mut bytes,
    );
    params::encode(1, &environ, &mut bytes);
    record::encode_stream(Kind::STDIN, 1, b"Hello, world\n", &mut bytes);
    record::encode_end(Kind::STDIN, 1, &mut bytes);
    bytes
}

/// One exchange; the octets of its output.
fn ask(stream: &mut UnixStream, request: &[u8]) -> usize {
    stream.write_all(request).expect("the server takes it");
    let (mut buf, mut piece, mut output) = (BytesMut::new(), [0; 4096], 0);
    loop {
        while let Some(record) = record::decode(&mut buf).expect("the server speaks FastCGI") {
            match record.kind {
                Kind::END_REQUEST => return output,
                _ => output += record.content.len(),
            }
        }
        let count = stream.read(&mut piece).expect("the server answers");
        assert!(count > 0, "the server has closed");
        buf.extend_from_slice(&piece[..count]);
    }
}

/// Where cargo puts programs: beside the folder of this one.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("it runs");
    let folder = own.ancestors().nth(2).expect("target/release/deps/wsgi");
    folder.join("gateserve")
}

fn wsgi(c: &mut Criterion) {
    let program = program();
    let library = program.with_file_name("libgateserve_python.so");
    if !program.is_file() || !library.is_file() {
        let what = "cargo build --release -p gateserve -p gateserve-python";
        return eprintln!("wsgi: left out, gateserve is not built: {what}");
    }
    let folder = std::env::temp_dir().join(format!("gateserve-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let app = folder.join("app.py");
    fs::write(&app, APPS).expect("a file can be written");
    let socket = |name: &str| folder.join(name);
    let python = [
        "--wsgi-file",
        app.to_str().expect("temporary paths are text"),
    ];
    let native = Server::start(&program, &socket("native"), &["--probe"]);
    let wsgi = Server::start(&program, &socket("wsgi"), &python);
    let mut group = c.benchmark_group("wsgi");
    let ways = [
        ("native", "native"),
        ("hello", "wsgi"),
        ("environ_read", "wsgi"),
        ("body_read", "wsgi"),
        ("in_13_blocks", "wsgi"),
    ];
    for (name, server) in ways {
        let mut stream = UnixStream::connect(socket(server)).expect("the server listens");
        let request = request(name);
        assert!(ask(&mut stream, &request) > 13, "{name} answers");
        group.bench_function(name, |b| b.iter(|| ask(&mut stream, &request)));
    }
    group.finish();
    drop((native, wsgi));
    // Left behind at worst, in a folder for what may be.
    let _ = fs::remove_dir_all(&folder);
}

criterion_group!(benches, wsgi);
criterion_main!(benches);
