//! What an application returns, and how it is sent.

mod support;

use std::io::Read;

use bytes::BytesMut;
use support::Responses;
use support::python::{HTTP, Site, get, raw, request};
use support::site::Way;

const ITERATE: &str = r"
import sys, threading

gate = threading.Event()
closed = []

class Closing:
    def __init__(self, pieces, name):
        self.pieces, self.name = pieces, name
    def __iter__(self):
        return iter(self.pieces)
    def close(self):
        sys.stderr.write('closed %s\n' % self.name)

def ok(start_response, *fields):
    start_response('200 OK', list(fields))

def one(environ, start_response):
    ok(start_response)
    return [b'hello']

def several(environ, start_response):
    ok(start_response)
    return (b'a', b'', b'bc')

def nothing(environ, start_response):
    ok(start_response)
    return []

def bare(environ, start_response):
    ok(start_response)
    return b'hello'

def generated(environ, start_response):
    ok(start_response)
    yield b''
    yield b'a'
    yield b''
    yield b'b'

def written(environ, start_response):
    start_response('200 OK', [])(b'a')
    return [b'b']

def large(environ, start_response):
    ok(start_response)
    return [b'x' * 300000, b'y' * 300000]

def octets(environ, start_response):
    ok(start_response)
    return [bytes(range(256)), b'\r\n\n\r']

class Counted:
    def __len__(self):
        return 1
    def __iter__(self):
        return iter([b'hello'])

def counted(environ, start_response):
    ok(start_response)
    return Counted()

def stepping(environ, start_response):
    'Each piece is sent although the next one is long in coming.'
    ok(start_response)
    yield b'first'
    from os import path
    import time
    while not path.exists(environ['QUERY_STRING']):
        time.sleep(0.01)
    yield b'second'

def excess(environ, start_response):
    ok(start_response, ('Content-Length', '5'))
    return Closing([b'1234', b'56789', b'never'], 'excess')

def excess_list(environ, start_response):
    ok(start_response, ('Content-Length', '5'))
    return [b'1234', b'56789']

def excess_written(environ, start_response):
    write = start_response('200 OK', [('Content-Length', '5')])
    try:
        write(b'123456')
    except AssertionError as error:
        sys.stderr.write('said: %s\n' % error)
    return []

def short(environ, start_response):
    ok(start_response, ('Content-Length', '10'))
    return [b'12345']

def short_generated(environ, start_response):
    ok(start_response, ('Content-Length', '10'))
    yield b'12345'

def headed(environ, start_response):
    ok(start_response, ('Content-Length', '5'))
    return Closing([b'hello', b'more'], 'headed')

def announced(environ, start_response):
    start_response('204 No Content', [('Content-Length', '5')])
    return [b'hello']

def status(environ, start_response):
    start_response(environ['QUERY_STRING'] + ' X', [('Content-Type', 'text/plain')])
    return Closing([b'dropped'], 'status')

def delegated(environ, start_response):
    ok(start_response, ('Content-Length', '100'), ('X-Accel-Redirect', '/file'))
    return []

def delegated_in_vain(environ, start_response):
    ok(start_response, ('Content-Length', '5'), ('X-Sendfile', '/file'))
    return [b'hello']

def wrong(environ, start_response):
    ok(start_response)
    return eval(environ['QUERY_STRING'])

def endless(environ, start_response):
    ok(start_response)
    def pieces():
        try:
            while True:
                yield b'x' * 65536
        finally:
            sys.stderr.write('generator ended\n')
    return pieces()

def fails(environ, start_response):
    ok(start_response)
    class Failing(Closing):
        def close(self):
            super().close()
            raise RuntimeError('in close')
    return Failing([b'whole'], 'fails')

class other:
    'close() of the object itself, not of its iterator.'
    def __init__(self, environ, start_response):
        ok(start_response)
    def __iter__(self):
        return Closing([b'x'], 'the iterator').__iter__()
    def close(self):
        sys.stderr.write('closed the object\n')

class curious:
    'Tells of every attribute that is asked for.'
    def __init__(self, environ, start_response):
        ok(start_response)
    def __getattr__(self, name):
        sys.stderr.write('asked for %s\n' % name)
        raise AttributeError(name)
    def __iter__(self):
        return iter([b'x'])
";

const STEPS: [(&str, &str, Option<&str>); 8] = [
    ("/one", "hello", Some("5")),
    ("/several", "abc", Some("3")),
    ("/nothing", "", Some("0")),
    ("/bare", "hello", Some("5")),
    ("/counted", "hello", Some("5")),
    ("/generated", "ab", None),
    ("/written", "ab", None),
    ("/stepping?/", "firstsecond", None),
];

#[test]
fn a_length_is_told_where_it_is_known_and_never_made_up() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let server = site.serve(&HTTP);
    for (path, body, length) in STEPS {
        let response = get(&server, path);
        assert_eq!(
            (response.text(), response.field("content-length")),
            (body, length),
            "{path}"
        );
    }
}

#[test]
fn bodies_arrive_unaltered_over_every_protocol_and_with_threads() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let threads = [&site.options()[..], &["--threads", "2"]].concat();
    for args in [&site.options()[..], &threads] {
        for way in Way::all(args) {
            for (path, body, _) in STEPS {
                assert_eq!(way.get(path).text(), body, "{path} over {}", way.name);
            }
            let octets: Vec<u8> = (0..=255).chain(*b"\r\n\n\r").collect();
            assert_eq!(way.get("/octets").body, octets, "{}", way.name);
            let large = way.get("/large").body;
            assert_eq!(large.len(), 600_000, "{}", way.name);
            assert!(large[..300_000].iter().all(|&b| b == b'x') && large[599_999] == b'y');
        }
    }
}

#[test]
fn each_piece_is_sent_before_the_next_is_asked_for() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for args in [&[][..], &["--threads", "2"]] {
        let server = site.serve(&[&HTTP[..], args].concat());
        let flag = site.folder.path().join(format!("flag{}", args.len()));
        let mut peer = server.connect();
        let path = format!("/stepping?{}", flag.display());
        peer.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        let mut seen = BytesMut::new();
        while !seen.ends_with(b"first") {
            assert!(peer.more(&mut seen), "{seen:?}");
        }
        std::fs::write(&flag, "").unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"second");
    }
}

#[test]
fn no_more_than_the_announced_length_is_sent() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for way in Way::all(&site.options()) {
        for path in ["/excess", "/excess_list", "/excess_written"] {
            let response = way.get(path);
            assert_eq!(response.body.len(), 5, "{path} over {}", way.name);
        }
    }
    let mut server = site.serve(&HTTP);
    let mut responses = Responses::on(server.connect());
    for _ in 0..2 {
        responses.peer.send(request("GET", "/excess", "", ""));
        assert_eq!(responses.next("GET").text(), "12345");
        server.line("more than the 5 bytes of its Content-Length");
        server.line("closed excess");
    }
    get(&server, "/excess_written");
    server.line("said: write() goes beyond the Content-Length");
}

#[test]
fn a_body_that_is_too_short_is_visibly_cut() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for args in [&[][..], &["--threads", "2"]] {
        let mut server = site.serve(&[&HTTP[..], args].concat());
        for path in ["/short", "/short_generated"] {
            let reply = raw(&server, &request("GET", path, "", ""));
            assert!(reply.ends_with("\r\n\r\n12345"), "{reply}");
            server.line("application sent 5 of the 10 bytes of its Content-Length");
        }
    }
}

#[test]
fn a_body_that_the_gateway_supplies_is_not_missed() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let server = site.serve(&[
        "--uwsgi-socket",
        "127.0.0.1:0",
        "--http-socket",
        "127.0.0.1:0",
    ]);
    let reply = {
        let mut peer = support::Peer::to(&server.addresses[1]);
        peer.send("GET /delegated HTTP/1.0\r\n\r\n");
        peer.rest()
    };
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n"), "{reply}");
    assert!(reply.contains("X-Accel-Redirect: /file\r\n"), "{reply}");
}

#[test]
fn a_body_beside_a_field_that_delegates_it_is_sent() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let server = site.serve(&HTTP);
    let mut peer = support::Peer::to(&server.addresses[0]);
    peer.send("GET /delegated_in_vain HTTP/1.0\r\n\r\n");
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(reply.ends_with("\r\n\r\nhello"), "{reply}");
}

#[test]
fn head_gets_the_head_of_a_get_and_no_body() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let mut server = site.serve(&HTTP);
    let mut responses = Responses::on(server.connect());
    for (path, length) in [
        ("/headed", Some("5")),
        ("/one", Some("5")),
        ("/nothing", None),
    ] {
        responses.peer.send(request("HEAD", path, "", ""));
        let response = responses.next("HEAD");
        assert_eq!(
            (response.head.status, response.field("content-length")),
            (200, length),
            "{path}"
        );
    }
    server.line("closed headed");
    for way in Way::all(&site.options()) {
        assert_eq!(
            way.ask("HEAD", "/one", "").field("content-length"),
            Some("5"),
            "{}",
            way.name
        );
    }
}

#[test]
fn statuses_without_a_body_have_none() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for way in Way::all(&site.options()) {
        for status in ["204", "304"] {
            let mut responses = Responses::on(way.connect());
            for _ in 0..2 {
                responses
                    .peer
                    .send(request("GET", &format!("/status?{status}"), "", ""));
                let response = responses.next("GET");
                assert_eq!(response.head.status.to_string(), status, "{}", way.name);
                assert_eq!(response.field("content-length"), None, "{}", way.name);
                assert_eq!(response.field("transfer-encoding"), None, "{}", way.name);
            }
        }
    }
}

#[test]
fn a_length_that_is_announced_for_no_content_is_not_passed_on() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for way in Way::all(&site.options()) {
        let response = way.ask("GET", "/announced", "");
        assert_eq!(response.head.status.to_string(), "204", "{}", way.name);
        assert_eq!(response.field("content-length"), None, "{}", way.name);
    }
}

#[test]
fn what_is_no_iterable_of_bytes_is_an_error() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let mut server = site.serve(&HTTP);
    for (value, said) in [
        (
            "None",
            "TypeError: an application must return an iterable of bytes, not NoneType",
        ),
        (
            "'text'",
            "TypeError: an application must return an iterable of bytes, not str",
        ),
        ("5", "TypeError: 'int' object is not iterable"),
        (
            "['text']",
            "TypeError: the body of a response must be bytes, not str",
        ),
        (
            "[b'a',None]",
            "TypeError: the body of a response must be bytes, not NoneType",
        ),
        (
            "iter([bytearray(b'a')])",
            "TypeError: the body of a response must be bytes, not bytearray",
        ),
    ] {
        assert_eq!(
            get(&server, &format!("/wrong?{value}")).head.status,
            500,
            "{value}"
        );
        server.line(said);
    }
}

#[test]
fn close_is_called_whatever_happens() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/other").text(), "x");
    server.line("closed the object");
    // A reply that was whole before an exception in close() is whole after it.
    assert_eq!(get(&server, "/fails").text(), "whole");
    server.line("closed fails");
    server.line("RuntimeError: in close");
}

#[test]
fn a_client_that_goes_away_ends_the_iteration() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    for args in [&[][..], &["--threads", "2"]] {
        let mut server = site.serve(&[&HTTP[..], args].concat());
        let mut peer = server.connect();
        peer.send(request("GET", "/endless", "", ""));
        peer.read_exact(&mut [0; 4096]).unwrap();
        drop(peer);
        server.line("generator ended");
        server.line("OSError: write error");
        assert_eq!(get(&server, "/one").text(), "hello");
    }
}

#[test]
fn an_application_goes_on_for_a_client_that_left_where_options_say_so() {
    needs_python!();
    let site = Site::by_path(
        "import sys
def going_on(environ, start_response):
    start_response('200 OK', [])
    for piece in range(200):
        yield b'x' * 65536
    sys.stderr.write('went to its end\\n')
",
    );
    for option in ["--disable-write-exception", "--write-errors-tolerance=1000"] {
        let mut server = site.serve(&[&HTTP[..], &[option]].concat());
        let mut peer = server.connect();
        peer.send(request("GET", "/going_on", "", ""));
        peer.read_exact(&mut [0; 4096]).unwrap();
        drop(peer);
        server.line("went to its end");
    }
}

#[test]
fn nothing_but_length_iteration_and_close_is_asked_for() {
    needs_python!();
    let site = Site::by_path(ITERATE);
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/curious").text(), "x");
    get(&server, "/fails");
    let asked = server.lines_until("closed fails");
    let asked: Vec<_> = asked
        .iter()
        .filter(|line| line.starts_with("asked for"))
        .collect();
    assert_eq!(asked, ["asked for close"]);
}
