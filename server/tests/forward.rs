//! The built-in gateway in front of each kind of application server, and of some that misbehave.

mod support;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command};
use std::thread::JoinHandle;

use support::site::Way;
use support::{Responses, Server, counter, eventually, payload};
use tempfile::TempDir;
use wire::http::{LAST_CHUNK, encode_chunk};

/// The protocols that an upstream may speak.
const PROTOCOLS: [&str; 3] = ["uwsgi", "fastcgi", "scgi"];

fn on_every_way(check: impl Fn(&Way)) {
    for way in PROTOCOLS.map(|name| Way::start(name, &["--probe"])) {
        eprintln!("over {}", way.name);
        check(&way);
    }
}

/// A gateway whose upstream is what the test makes of each connection.
struct Double {
    gateway: Server,
    _folder: TempDir,
}

impl Double {
    /// `serve` gets each connection; the gateway is started with `args` as well.
    fn start(protocol: &str, args: &[&str], serve: impl Fn(UnixStream) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let _accepting: JoinHandle<()> = std::thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(&serve);
        });
        let to = format!("--{protocol}-to");
        let socket = socket.display().to_string();
        let gateway = Server::start(&[&["--http", "127.0.0.1:0", &to, &socket], args].concat());
        Self {
            gateway,
            _folder: folder,
        }
    }

    /// Reads what there is of a request, answers these bytes and closes.
    fn answering(protocol: &str, bytes: &'static [u8]) -> Self {
        Self::start(protocol, &[], move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(bytes).unwrap();
        })
    }

    fn status(&self) -> u16 {
        let mut responses = Responses::on(self.gateway.connect());
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        responses.next("GET").head.status
    }
}

#[test]
fn an_application_sees_the_request_as_it_came() {
    on_every_way(|way| {
        let fields = "X-A: 1\r\nProxy: evil\r\nConnection: keep-alive, X-Hop\r\nTE: trailers\r\n";
        let report = way.ask("GET", "/a%20b?x=%41", fields).report();
        for (name, value) in [
            ("PATH_INFO", Some("/a b")),
            ("QUERY_STRING", Some("x=%41")),
            ("REQUEST_URI", Some("/a%20b?x=%41")),
            ("REMOTE_ADDR", Some("127.0.0.1")),
            ("HTTP_X_A", Some("1")),
            ("HTTP_PROXY", None),
            ("HTTP_TE", None),
            ("HTTP_CONNECTION", None),
        ] {
            assert_eq!(report.var(name), value, "{name} over {}", way.name);
        }
    });
}

#[test]
fn a_client_keeps_its_connection() {
    on_every_way(|way| {
        let mut responses = Responses::on(way.connect());
        for size in [0, 1, 70_000, 500_000] {
            let commands = format!("size={size}; length=no");
            responses.peer.send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: {commands}\r\n\r\n"
            ));
            assert_eq!(responses.next("GET").body, counter(size));
        }
        responses
            .peer
            .send("HEAD / HTTP/1.1\r\nHost: a\r\nX-Probe: size=9\r\n\r\n");
        assert_eq!(responses.next("HEAD").field("content-length"), Some("9"));
        responses
            .peer
            .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: status=204 None\r\n\r\n");
        assert_eq!(responses.next("GET").head.status, 204);
    });
}

#[test]
fn a_chunked_body_is_announced_to_the_application() {
    let body = payload(300_000);
    let mut chunks = bytes::BytesMut::new();
    body.chunks(9_999)
        .for_each(|chunk| encode_chunk(chunk, &mut chunks));
    chunks.extend_from_slice(LAST_CHUNK);
    on_every_way(|way| {
        let mut responses = Responses::on(way.connect());
        responses
            .peer
            .send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        responses.peer.send(&chunks);
        let report = responses.next("PUT").report();
        assert_eq!(report.var("CONTENT_LENGTH"), Some("300000"));
        assert_eq!(report.body_size(), 300_000);
    });
}

#[test]
fn a_client_that_waits_is_asked_for_its_body() {
    on_every_way(|way| {
        let mut responses = Responses::on(way.connect());
        let head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
        responses.peer.send(head);
        assert_eq!(responses.head().status, 100);
        responses.peer.send("hello");
        assert_eq!(responses.next("PUT").report().body_size(), 5);
    });
}

#[test]
fn a_reply_flows_while_it_is_made() {
    on_every_way(|way| {
        let mut peer = way.connect();
        let commands = "chunks=2; pause=300ms; body=onetwo";
        peer.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: {commands}\r\n\r\n"
        ));
        let mut seen = bytes::BytesMut::new();
        while !seen.windows(3).any(|at| at == b"one") {
            assert!(peer.more(&mut seen));
        }
        assert!(
            !seen.windows(3).any(|at| at == b"two"),
            "both pieces came at once"
        );
    });
}

#[test]
fn control_headers_of_other_gateways_are_passed_on() {
    on_every_way(|way| {
        let response = way.probe(
            "/",
            "header=X-Accel-Redirect: /x; header=X-Sendfile: /y; body=z",
        );
        assert_eq!(response.field("x-accel-redirect"), Some("/x"));
        assert_eq!(response.field("x-sendfile"), Some("/y"));
        assert_eq!(response.body, b"z");
    });
}

#[test]
fn a_local_redirect_is_followed_by_the_gateway() {
    for name in ["fastcgi", "scgi"] {
        let way = Way::start(name, &["--probe"]);
        let response = way.ask(
            "POST",
            "/x",
            "X-Probe: location=/y?a=b\r\nContent-Length: 0\r\n",
        );
        assert_eq!(response.head.status, 200);
        assert_eq!(response.report().var("PATH_INFO"), Some("/y"));
        assert_eq!(response.report().var("REQUEST_METHOD"), Some("GET"));
    }
}

#[test]
fn a_reply_that_is_cut_off_is_seen_as_cut() {
    on_every_way(|way| {
        let mut responses = Responses::on(way.connect());
        responses
            .peer
            .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: die=after-head; size=9\r\n\r\n");
        responses.head();
        assert_eq!(responses.peer.rest(), b"");
    });
}

#[test]
fn a_record_that_never_comes_cuts_a_chunked_reply() {
    let head = b"\x01\x06\0\x01\0\x16\0\0Content-Type: a/b\n\nbod";
    let double = Double::answering("fastcgi", head);
    let mut peer = double.gateway.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = String::from_utf8(peer.rest()).unwrap();
    assert!(
        text.contains("chunked") && text.ends_with("bod\r\n"),
        "{text}"
    );
}

#[test]
fn an_upstream_that_is_not_there_is_502() {
    for protocol in PROTOCOLS {
        let to = format!("--{protocol}-to");
        let args = ["--http", "127.0.0.1:0", &to, "/nonexistent/socket"];
        let mut gateway = Server::start(&args);
        let mut responses = Responses::on(gateway.connect());
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(responses.next("GET").head.status, 502);
        gateway.line("upstream /nonexistent/socket: cannot connect: No such file or directory");
    }
}

#[test]
fn an_upstream_that_breaks_its_protocol_is_502() {
    for (protocol, bytes) in [
        ("uwsgi", &b""[..]),
        ("uwsgi", b"no colon\r\n\r\n"),
        ("uwsgi", b"HTTP/1.1 2000 Far too much\r\n\r\n"),
        (
            "uwsgi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
        ),
        ("scgi", b"Status: 200 OK\n"),
        ("fastcgi", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("fastcgi", b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0"),
        ("fastcgi", b"\x01\x06\0\x02\0\x08\0\0A: b\n\nxx"),
    ] {
        let double = Double::answering(protocol, bytes);
        assert_eq!(double.status(), 502, "{protocol} {}", bytes.escape_ascii());
    }
}

#[test]
fn an_overloaded_upstream_is_503() {
    let double = Double::answering("fastcgi", b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x02\0\0\0");
    assert_eq!(double.status(), 503);
}

#[test]
fn a_silent_upstream_is_504() {
    let double = Double::start("uwsgi", &["--http-timeout", "1"], |mut stream| {
        // Holds the connection until the gateway gives up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(double.status(), 504);
}

#[test]
fn variables_beyond_a_uwsgi_packet_are_431() {
    let way = Way::start("uwsgi", &["--probe"]);
    let fields: String = (0..12)
        .map(|at| format!("X-{at}: {}\r\n", "x".repeat(5_400)))
        .collect();
    assert_eq!(
        way.ask("GET", &format!("/{}", "y".repeat(600)), &fields)
            .head
            .status,
        431
    );
}

#[test]
fn an_early_reply_reaches_a_client_that_still_sends() {
    let refusal = b"HTTP/1.1 413 Too much\r\nContent-Length: 4\r\n\r\nstop";
    let double = Double::start("uwsgi", &[], |mut stream| {
        let _ = stream.read(&mut [0; 64]);
        stream.write_all(refusal).unwrap();
        // A polite upstream takes what is on its way.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut responses = Responses::on(double.gateway.connect());
    responses
        .peer
        .send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
    responses.peer.send(payload(1000));
    let response = responses.next("PUT");
    assert_eq!(
        (response.head.status, &response.body[..]),
        (413, &b"stop"[..])
    );
}

#[test]
fn many_clients_are_served_at_once() {
    on_every_way(|way| {
        let mut waiting: Vec<_> = (0..40).map(|_| Responses::on(way.connect())).collect();
        for (at, responses) in waiting.iter_mut().enumerate() {
            let commands = format!("delay=50ms; body={at}");
            responses.peer.send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: {commands}\r\n\r\n"
            ));
        }
        for (at, responses) in waiting.iter_mut().enumerate() {
            assert_eq!(responses.next("GET").body, at.to_string().as_bytes());
        }
    });
}

#[test]
fn a_plain_socket_speaks_the_protocol_that_it_is_told() {
    let speaks = |protocol: &str| {
        Server::start(&["--socket", "127.0.0.1:0", "--protocol", protocol, "--probe"])
    };
    let asks = |server: &Server| {
        let mut responses = Responses::on(server.connect());
        responses.peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(responses.next("GET").report().var("PATH_INFO"), Some("/x"));
    };
    asks(&speaks("http"));
    for protocol in PROTOCOLS {
        let server = speaks(protocol);
        let to = [format!("--{protocol}-to"), server.addresses[0].clone()];
        asks(&Server::start(&["--http", "127.0.0.1:0", &to[0], &to[1]]));
    }
}

/// A PHP interpreter that speaks FastCGI on a socket; ended when dropped.
struct Php(Child);

impl Drop for Php {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn php_files_are_found_behind_the_gateway() {
    let site = tempfile::tempdir().unwrap();
    let (root, socket) = (site.path().join("www"), site.path().join("php.sock"));
    std::fs::create_dir_all(root.join("admin")).unwrap();
    let tells = "<?php echo $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'] ?: '-';";
    for name in ["index.php", "a.php", "admin/index.php"] {
        std::fs::write(root.join(name), tells).unwrap();
    }
    std::fs::write(root.join("logo.txt"), "a file").unwrap();
    let started = Command::new("php-cgi").arg("-b").arg(&socket).spawn();
    let Ok(_php) = started.map(Php) else {
        return eprintln!("skipped: no php-cgi");
    };
    eventually("php-cgi listens", || UnixStream::connect(&socket).is_ok());
    let [socket, root] = [&socket, &root].map(|path| path.display().to_string());
    let gateway = Server::start(&[
        "--http",
        "127.0.0.1:0",
        "--fastcgi-to",
        &socket,
        "--fastcgi-root",
        &root,
        "--route",
        &format!("^/logo static:{root}/logo.txt"),
    ]);
    for (path, told) in [
        ("/a.php/more", "/a.php /more"),
        ("/admin/", "/admin/index.php -"),
        ("/blog/post", "/index.php /blog/post"),
        ("/logo", "a file"),
    ] {
        let mut responses = Responses::on(gateway.connect());
        responses
            .peer
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let body = responses.next("GET").body;
        assert_eq!(String::from_utf8(body).unwrap(), told, "{path}");
    }
}
