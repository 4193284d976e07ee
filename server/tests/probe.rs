//! The native probe and the probe as a CGI program: one behaviour, whatever carries the request.

mod support;

use support::site::{Site, Way};
use support::{Responses, Server, counter};

/// Status, reason, fields and body of a reply, without what each carrier adds by itself.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    status: u16,
    reason: String,
    fields: Vec<(String, String)>,
    body: String,
}

/// What a carrier adds.
const OWN: [&str; 3] = ["date", "connection", "transfer-encoding"];

/// The native probe at `/`, the CGI program at `/cgi/probe`, on every way.
struct Probes {
    ways: Vec<Way>,
    _site: Site,
}

impl Probes {
    fn start() -> Self {
        let site = Site::new();
        Self {
            ways: Way::all(&["--probe", "--cgi", &site.option()]),
            _site: site,
        }
    }

    /// Asks all and gives the reply that all of them give.
    #[track_caller]
    fn ask(&self, method: &str, commands: &str, body: &str) -> Shown {
        let mut agreed: Option<Shown> = None;
        for way in &self.ways {
            for path in ["/native", "/cgi/probe"] {
                let shown = ask(way, method, path, commands, body);
                let agreed = agreed.get_or_insert_with(|| shown.clone());
                assert_eq!(
                    &shown, agreed,
                    "{path} over {}, X-Probe: {commands}",
                    way.name
                );
            }
        }
        agreed.expect("there are ways")
    }

    #[track_caller]
    fn get(&self, commands: &str) -> Shown {
        self.ask("GET", commands, "")
    }
}

#[track_caller]
fn ask(way: &Way, method: &str, path: &str, commands: &str, body: &str) -> Shown {
    let mut responses = Responses::on(way.connect());
    let length = body.len();
    let line = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nX-Probe: {commands}\r\n");
    responses
        .peer
        .send(format!("{line}Content-Length: {length}\r\n\r\n{body}"));
    let response = responses.next(method);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields = response.head.headers.iter();
    let fields = fields.map(|field| (text(&field.name), text(&field.value)));
    Shown {
        status: response.head.status,
        reason: text(&response.head.reason),
        fields: fields
            .filter(|(name, _)| !OWN.contains(&name.to_lowercase().as_str()))
            .collect(),
        body: text(&response.body),
    }
}

#[test]
fn replies_are_alike_on_every_way() {
    let probes = Probes::start();
    for (commands, status, body) in [
        ("body=hello", 200, "hello"),
        ("status=404 Gone fishing; body=a%3Bb", 404, "a;b"),
        (
            "header=X-A: 1; header=Set-Cookie: a; header=Set-Cookie: b; body=",
            200,
            "",
        ),
        (
            "body=x; header=Content-Type: text/html; length=no",
            200,
            "x",
        ),
        ("status=204 No Content", 204, ""),
        (
            "status=303 See Other; header=Location: /x; body=moved",
            303,
            "moved",
        ),
        ("location=http://example.test/x", 302, ""),
        ("body=abcdef; chunks=3; pause=1ms", 200, "abcdef"),
        ("delay=20ms; body=late", 200, "late"),
        ("stderr=oops; body=x; exit=3", 200, "x"),
        (
            "colour=red",
            400,
            r#"{"probe":1,"error":"unknown probe command: colour"}"#,
        ),
    ] {
        let shown = probes.get(commands);
        assert_eq!(
            (shown.status, shown.body.as_str()),
            (status, body),
            "{commands}"
        );
    }
    let pattern = String::from_utf8_lossy(&counter(70_000)).into_owned();
    assert!(
        probes.get("size=70000; length=no").body == pattern,
        "the pattern differs"
    );
}

#[test]
fn bodies_are_echoed_alike() {
    let probes = Probes::start();
    let body = "0123456789".repeat(20_000);
    assert_eq!(probes.ask("POST", "echo", &body).body, body);
    assert_eq!(probes.ask("PUT", "echo; read=7", &body).body, "0123456");
    assert_eq!(probes.ask("DELETE", "body=x; read=none", "").body, "x");
}

#[test]
fn head_requests_are_answered_alike() {
    let probes = Probes::start();
    for commands in ["body=hello", "size=10", "status=404 Not Found; body=x"] {
        let head = probes.ask("HEAD", commands, "");
        assert_eq!(head.fields, probes.get(commands).fields);
        assert_eq!(head.body, "");
    }
}

#[test]
fn the_report_tells_each_interface() {
    let probes = Probes::start();
    for way in &probes.ways {
        for (path, interface) in [("/native", way.name), ("/cgi/probe", "cgi")] {
            let report: serde_json::Value = serde_json::from_slice(&way.get(path).body).unwrap();
            assert_eq!(report["interface"], interface, "{path} over {}", way.name);
            assert_eq!(report["argv"].is_null(), interface != "cgi");
        }
    }
}

#[test]
fn raw_output_reaches_a_gateway_that_reads_cgi_heads() {
    let raw = "raw=Status: 299 Odd%0AX-A: b%0A%0Abody";
    for (name, status) in [
        ("fastcgi", 299),
        ("scgi", 299),
        ("uwsgi", 501),
        ("http", 501),
    ] {
        let way = Way::start(name, &["--probe"]);
        assert_eq!(way.probe("/", raw).head.status, status, "{name}");
    }
}

#[test]
fn a_death_before_the_head_is_no_reply() {
    let mut server = Server::start(&["--http-socket", "127.0.0.1:0", "--probe"]);
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: die=before-head; body=x\r\n\r\n");
    assert_eq!(responses.next("GET").head.status, 502);
    server.line("probe ended before its head, as it was asked to");
}
