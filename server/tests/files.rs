//! Static files, as a client sees them.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::{Response, Responses, Server, counter};

/// A folder of files, and a server that knows it.
struct Site {
    folder: tempfile::TempDir,
    server: Server,
}

impl Site {
    /// `{}` in an option stands for the folder.
    fn new(files: &[(&str, &[u8])], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let server = Self::start(folder.path(), options);
        Self { folder, server }
    }

    fn start(folder: &Path, options: &[&str]) -> Server {
        let fixed = ["--http-socket", "127.0.0.1:0", "--probe"].map(str::to_owned);
        let filled = options
            .iter()
            .map(|option| option.replace("{}", folder.to_str().unwrap()));
        let arguments: Vec<String> = fixed.into_iter().chain(filled).collect();
        Server::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn request(&self, method: &str, path: &str, fields: &str) -> Response {
        let mut responses = Responses::on(self.server.connect());
        responses.peer.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"
        ));
        responses.next(method)
    }

    fn get(&self, path: &str) -> Response {
        self.request("GET", path, "")
    }

    /// Whether the application answers, and no file.
    fn is_left_to_the_application(&self, path: &str) -> bool {
        self.get(path).body.starts_with(b"{")
    }
}

const PAGE: (&str, &[u8]) = ("www/page.html", b"<p>page");

#[test]
fn a_mapped_folder_is_served_and_the_rest_is_the_applications() {
    let site = Site::new(
        &[PAGE, ("www/a/b.css", b"b")],
        &["--static-map", "/s={}/www"],
    );
    let page = site.get("/s/page.html");
    assert_eq!(page.body, b"<p>page");
    assert_eq!(page.field("Content-Type"), Some("text/html"));
    assert_eq!(page.field("Content-Length"), Some("7"));
    assert!(page.field("Last-Modified").unwrap().ends_with(" GMT"));
    assert_eq!(
        site.get("/s/a/b.css").field("Content-Type"),
        Some("text/css")
    );
    for path in [
        "/s/none.html",
        "/s/a",
        "/",
        "/page.html",
        "/s-private/page.html",
    ] {
        assert!(site.is_left_to_the_application(path), "{path}");
    }
}

#[test]
fn a_mapped_file_answers_its_url() {
    let site = Site::new(
        &[("conf/robots.txt", b"Disallow: /")],
        &["--static-map", "/robots.txt={}/conf/robots.txt"],
    );
    assert_eq!(site.get("/robots.txt").body, b"Disallow: /");
    assert!(site.is_left_to_the_application("/robots.txt/x"));
}

#[test]
fn static_map2_keeps_the_url_in_the_path() {
    let site = Site::new(&[("root/s/a.txt", b"a")], &["--static-map2", "/s={}/root"]);
    assert_eq!(site.get("/s/a.txt").body, b"a");
}

#[test]
fn check_static_looks_for_any_path() {
    let site = Site::new(
        &[PAGE],
        &["--check-static", "{}/www", "--static-index", "page.html"],
    );
    assert_eq!(site.get("/page.html").body, b"<p>page");
    assert_eq!(site.get("/").body, b"<p>page");
    assert!(site.is_left_to_the_application("/other"));
}

#[test]
fn a_head_has_the_length_and_no_body() {
    let site = Site::new(&[PAGE], &["--static-map", "/s={}/www"]);
    let head = site.request("HEAD", "/s/page.html", "");
    assert_eq!(head.field("Content-Length"), Some("7"));
    assert_eq!(head.body, b"");
}

#[test]
fn other_methods_are_the_applications() {
    let site = Site::new(&[PAGE], &["--static-map", "/s={}/www"]);
    let answer = site.request("POST", "/s/page.html", "Content-Length: 0\r\n");
    assert_eq!(answer.report().var("REQUEST_METHOD"), Some("POST"));
}

#[test]
fn a_file_that_did_not_change_is_not_sent_again() {
    let site = Site::new(&[PAGE], &["--static-map", "/s={}/www"]);
    let changed = site
        .get("/s/page.html")
        .field("Last-Modified")
        .unwrap()
        .to_owned();
    let since = |date: &str| {
        site.request(
            "GET",
            "/s/page.html",
            &format!("If-Modified-Since: {date}\r\n"),
        )
    };
    assert_eq!(since(&changed).head.status, 304);
    assert_eq!(since("Sun, 06 Nov 1994 08:49:37 GMT").head.status, 200);
}

#[test]
fn part_of_a_file_is_sent_where_that_is_asked_for() {
    let content = counter(200_000);
    let site = Site::new(&[("www/big", &content)], &["--static-map", "/s={}/www"]);
    let range = |range: &str| site.request("GET", "/s/big", &format!("Range: bytes={range}\r\n"));
    let part = range("100-150099");
    assert_eq!(part.head.status, 206);
    assert_eq!(part.field("Content-Range"), Some("bytes 100-150099/200000"));
    assert!(part.body == content[100..=150_099]);
    assert!(range("-10").body == content[199_990..]);
    let behind = range("200000-");
    assert_eq!(behind.head.status, 416);
    assert_eq!(behind.field("Content-Range"), Some("bytes */200000"));
}

#[test]
fn a_long_file_is_sent_whole_one_request_after_the_other() {
    let content = counter(5_000_000);
    let site = Site::new(&[("www/big", &content)], &["--static-map", "/s={}/www"]);
    let mut responses = Responses::on(site.server.connect());
    for _ in 0..2 {
        responses
            .peer
            .send("GET /s/big HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(responses.next("GET").body == content);
    }
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let mut site = Site::new(
        &[
            PAGE,
            ("secret.txt", b"secret"),
            ("www-private/a", b"secret"),
        ],
        &["--static-map", "/s={}/www"],
    );
    symlink(site.path("secret.txt"), site.path("www/link.txt")).unwrap();
    for path in [
        "/s/../secret.txt",
        "/s/%2e%2e/secret.txt",
        "/s/../www-private/a",
        "/s//etc/passwd",
        "/s/link.txt",
    ] {
        assert!(site.is_left_to_the_application(path), "{path}");
    }
    site.server.line("[uwsgi-fileserve] security error: ");
}

#[test]
fn a_link_may_lead_to_a_safe_path() {
    let site = Site::new(
        &[PAGE, ("media/a.txt", b"safe")],
        &["--static-map", "/s={}/www", "--static-safe", "{}/media"],
    );
    symlink(site.path("media/a.txt"), site.path("www/link.txt")).unwrap();
    assert_eq!(site.get("/s/link.txt").body, b"safe");
}

#[test]
fn static_skip_ext_leaves_files_to_the_application() {
    let site = Site::new(
        &[PAGE, ("www/a.py", b"code")],
        &["--static-map", "/s={}/www", "--static-skip-ext", ".py"],
    );
    assert!(site.is_left_to_the_application("/s/a.py"));
    assert_eq!(site.get("/s/page.html").head.status, 200);
}

#[test]
fn a_compressed_file_goes_to_clients_that_take_it() {
    let files: &[(&str, &[u8])] = &[
        ("www/a.js", b"plain"),
        ("www/a.js.gz", b"gzipped"),
        ("www/b.js", b"alone"),
    ];
    let site = Site::new(files, &["--static-map", "/s={}/www", "--static-gzip-all"]);
    let accepting = |path| site.request("GET", path, "Accept-Encoding: gzip, br\r\n");
    let gzipped = accepting("/s/a.js");
    assert_eq!(gzipped.body, b"gzipped");
    assert_eq!(gzipped.field("Content-Encoding"), Some("gzip"));
    assert_eq!(gzipped.field("Content-Type"), Some("text/javascript"));
    assert_eq!(gzipped.field("Vary"), Some("Accept-Encoding"));
    assert_eq!(site.get("/s/a.js").body, b"plain");
    assert_eq!(accepting("/s/b.js").body, b"alone");
}

#[test]
fn compressed_files_may_be_limited_to_an_extension_or_a_pattern() {
    let files: &[(&str, &[u8])] = &[
        ("www/a.js", b"js"),
        ("www/a.js.gz", b"z"),
        ("www/a.css", b"css"),
        ("www/a.css.gz", b"z"),
    ];
    for option in ["--static-gzip-ext=.css", "--static-gzip=\\.css$"] {
        let site = Site::new(files, &["--static-map", "/s={}/www", option]);
        let accepting = |path| site.request("GET", path, "Accept-Encoding: gzip\r\n").body;
        assert_eq!(accepting("/s/a.css"), b"z", "{option}");
        assert_eq!(accepting("/s/a.js"), b"js", "{option}");
    }
}

/// Seconds from the reply's Date to its Expires.
fn lifetime(response: &Response) -> Option<u64> {
    let date = |name| httpdate::parse_http_date(response.field(name)?).ok();
    let lifetime = date("Expires")?.duration_since(date("Date")?).ok()?;
    Some(lifetime.as_secs())
}

#[test]
fn files_expire_by_the_first_rule_that_matches() {
    let site = Site::new(
        &[PAGE, ("www/a.css", b"css"), ("www/a.txt", b"txt")],
        &[
            "--static-map",
            "/s={}/www",
            "--static-expires",
            "/www/.*\\.css$ 1000",
            "--static-expires-uri",
            "\\?v= 2000",
            "--static-expires-type",
            "text/html=3000",
        ],
    );
    let about = |path: &str, seconds: u64| {
        let found = lifetime(&site.get(path));
        assert!(
            found.is_some_and(|found| found.abs_diff(seconds) <= 2),
            "{path}: {found:?}"
        );
    };
    about("/s/a.css", 1000);
    about("/s/a.css?v=1", 1000);
    about("/s/a.txt?v=1", 2000);
    about("/s/page.html", 3000);
    assert_eq!(site.get("/s/a.txt").field("Expires"), None);
}

#[test]
fn the_web_server_in_front_may_be_asked_to_send_the_file() {
    for (mode, field) in [
        ("x-accel-redirect", "X-Accel-Redirect"),
        ("x-sendfile", "X-Sendfile"),
    ] {
        let site = Site::new(
            &[PAGE],
            &["--static-map", "/s={}/www", "--fileserve-mode", mode],
        );
        let reply = site.get("/s/page.html");
        let real = site.path("www/page.html").canonicalize().unwrap();
        assert_eq!(reply.field(field), real.to_str());
        assert_eq!(reply.body, b"");
    }
}

#[test]
fn media_types_come_from_the_file_named() {
    let site = Site::new(
        &[("www/a.xyz", b"a"), ("types", b"chemical/x-xyz xyz\n")],
        &["--static-map", "/s={}/www", "--mimefile", "{}/types"],
    );
    assert_eq!(
        site.get("/s/a.xyz").field("Content-Type"),
        Some("chemical/x-xyz")
    );
}

#[test]
fn files_go_out_over_every_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let content = counter(300_000);
    fs::write(folder.path().join("big"), &content).unwrap();
    let map = format!("/s={}", folder.path().display());
    for socket in ["--socket", "--scgi-socket"] {
        let server = Server::start(&[socket, "127.0.0.1:0", "--static-map", &map]);
        let mut environ = support::environ("GET", "", 0);
        environ.set("PATH_INFO", "/s/big");
        let mut bytes = bytes::BytesMut::new();
        match socket {
            "--socket" => wire::uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap(),
            _ => wire::scgi::encode_request(&environ, 0, &mut bytes).unwrap(),
        }
        let mut peer = server.connect();
        peer.send(&bytes);
        let reply = peer.rest();
        assert!(reply.ends_with(&content), "{socket}: {} bytes", reply.len());
    }
}

#[test]
fn offload_threads_send_long_files() {
    let content = counter(5_000_000);
    let mut site = Site::new(
        &[("www/big", &content), ("www/small", b"small")],
        &["--static-map", "/s={}/www", "--offload-threads", "1"],
    );
    let mut first = Responses::on(site.server.connect());
    first.peer.send("GET /s/big HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(first.head().status, 200);
    // The only thread is taken by a client that does not read, which holds up nobody.
    let mut second = Responses::on(site.server.connect());
    for (path, expected) in [("/s/big", &content[..]), ("/s/small", b"small")] {
        second
            .peer
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(second.next("GET").body == expected, "{path}");
    }
    assert!(first.body(5_000_000) == content);
    first.peer.send("GET /s/small HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(first.next("GET").body, b"small");
    site.server.line("via offload");
}

#[test]
fn a_pattern_that_is_none_is_refused_with_its_place() {
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args(["--probe", "--http", ":0", "--static-expires", "*( 10"])
        .output()
        .unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        told.contains("`static-expires` takes a regular expression ("),
        "{told}"
    );
}
