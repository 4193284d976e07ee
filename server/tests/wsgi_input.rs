//! `wsgi.input` as PEP 3333 has it.

mod support;

use support::Responses;
use support::python::{HTTP, Site, ask, post, request};
use support::site::Way;

const READ: &str = r"
import io, threading

def run(environ, start_response):
    'Runs the calls that the query names, in order.'
    stream, seen = environ['wsgi.input'], []
    for call in environ['QUERY_STRING'].replace('%20', ' ').split(';'):
        value = eval(call, {'i': stream, 'io': io})
        pieces = value if isinstance(value, list) else [value]
        assert all(type(piece) in (bytes, bool, type(None)) for piece in pieces), pieces
        seen.append(value)
    return plain(start_response, repr(seen))

def failing(environ, start_response):
    try:
        environ['wsgi.input'].read(10)
        return plain(start_response, 'read')
    except OSError as error:
        environ['wsgi.errors'].write('seen: %s\n' % error)
        raise

def threaded(environ, start_response):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(environ['wsgi.input'].read()))
    thread.start()
    thread.join()
    return plain(start_response, len(seen[0]))

def lines(environ, start_response):
    return plain(start_response, max(len(line) for line in environ['wsgi.input']))

def unread(environ, start_response):
    return plain(start_response, 'unread')
";

#[test]
fn the_methods_of_a_stream_do_what_they_do_elsewhere() {
    needs_python!();
    let site = Site::by_path(READ);
    let server = site.serve(&HTTP);
    for (calls, body, seen) in [
        ("i.read();i.read()", "hello", "[b'hello', b'']"),
        (
            "i.read(2);i.read(0);i.read(100);i.read(1)",
            "hello",
            "[b'he', b'', b'llo', b'']",
        ),
        ("i.read(-1);i.read(None)", "hello", "[b'hello', b'']"),
        (
            "i.readline();i.readline();i.readline()",
            "a\nb",
            r"[b'a\n', b'b', b'']",
        ),
        (
            "i.readline(1);i.readline(9);i.readline(0)",
            "ab\nc",
            r"[b'a', b'b\n', b'']",
        ),
        (
            "i.readline(-1);i.readline(None)",
            "a\nb\n",
            r"[b'a\n', b'b\n']",
        ),
        (
            "i.readlines();i.readlines()",
            "a\r\n\nb",
            r"[[b'a\r\n', b'\n', b'b'], []]",
        ),
        (
            "i.readlines(1);i.readlines(-1)",
            "a\nb\nc\n",
            r"[[b'a\n'], [b'b\n', b'c\n']]",
        ),
        ("list(i);list(i)", "a\nb\n", r"[[b'a\n', b'b\n'], []]"),
        (
            "next(i);i.read(1);list(i)",
            "a\nbc\nd",
            r"[b'a\n', b'b', [b'c\n', b'd']]",
        ),
        ("i.close();i.read()", "a", "[None, b'a']"),
        (
            "i.read(10);i.readline();i.readlines();list(i)",
            "",
            "[b'', b'', [], []]",
        ),
        ("i.read1(2);i.read1()", "abc", "[b'ab', b'c']"),
        ("io.BufferedReader(i).read()", "abc", "[b'abc']"),
    ] {
        let response = post(&server, &format!("/run?{calls}"), body);
        assert_eq!(response.text(), seen, "{calls} of {body:?}");
    }
}

#[test]
fn a_read_waits_for_all_that_it_asks_for() {
    needs_python!();
    let site = Site::by_path(READ);
    for args in [&[][..], &["--threads", "2"]] {
        let server = site.serve(&[&HTTP[..], args].concat());
        let mut responses = Responses::on(server.connect());
        let whole = request(
            "POST",
            "/run?i.read(4);i.readline();i.read(1)",
            "",
            "abcdef\ng",
        );
        // Each byte in a packet of its own.
        responses.peer.send_in(whole.as_bytes(), 1);
        assert_eq!(responses.next("POST").text(), r"[b'abcd', b'ef\n', b'g']");
    }
}

#[test]
fn a_body_in_chunks_is_read_to_its_end() {
    needs_python!();
    let site = Site::by_path(READ);
    let server = site.serve(&HTTP);
    let mut responses = Responses::on(server.connect());
    responses.peer.send(
        "POST /run?i.readline();i.read();i.read() HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \
         chunked\r\n\r\n1\r\na\r\n3\r\n\nbc\r\n0\r\n\r\n",
    );
    assert_eq!(responses.next("POST").text(), r"[b'a\n', b'bc', b'']");
}

#[test]
fn large_bodies_arrive_whole_over_every_protocol() {
    needs_python!();
    let site = Site::by_path(&format!(
        "{READ}\nimport hashlib\ndef digest(environ, start_response):\n    return \
         plain(start_response, sum(environ['wsgi.input'].read()))\n"
    ));
    let body = "0123456789\n".repeat(100_000);
    let sum: u64 = body.bytes().map(u64::from).sum();
    for way in Way::all(&site.options()) {
        let mut responses = Responses::on(way.connect());
        responses.peer.send(request("POST", "/digest", "", &body));
        assert_eq!(
            responses.next("POST").text(),
            sum.to_string(),
            "{}",
            way.name
        );
        let mut responses = Responses::on(way.connect());
        responses.peer.send(request("POST", "/lines", "", &body));
        assert_eq!(responses.next("POST").text(), "11", "{}", way.name);
    }
}

#[test]
fn the_body_is_asked_for_when_it_is_read_and_not_before() {
    needs_python!();
    let site = Site::by_path(READ);
    let server = site.serve(&HTTP);
    let expecting = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
    };
    let mut responses = Responses::on(server.connect());
    responses.peer.send(expecting("/run?i.read()"));
    assert_eq!(responses.head().status, 100);
    responses.peer.send("ab");
    assert_eq!(responses.next("POST").text(), "[b'ab']");
}

#[test]
fn a_client_that_goes_away_is_an_oserror() {
    needs_python!();
    let site = Site::by_path(READ);
    let mut server = site.serve(&HTTP);
    let mut peer = server.connect();
    peer.send("POST /failing HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    peer.end_sending();
    server.line("seen: error during read(10) on wsgi.input: client closed the connection");
}

#[test]
fn a_client_that_stops_is_a_timeout_and_is_answered_408() {
    needs_python!();
    let site = Site::by_path(READ);
    let mut server = site.serve(&[&HTTP[..], &["--socket-timeout", "1"]].concat());
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("POST /failing HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    server.line("seen: timeout during read(10) on wsgi.input");
    assert_eq!(responses.next("POST").head.status, 408);
}

#[test]
fn a_body_that_nobody_reads_costs_neither_reply_nor_connection() {
    needs_python!();
    let site = Site::by_path(READ);
    let server = site.serve(&HTTP);
    let mut responses = Responses::on(server.connect());
    for _ in 0..2 {
        responses
            .peer
            .send(request("POST", "/unread", "", &"x".repeat(1000)));
        assert_eq!(responses.next("POST").text(), "unread");
    }
    let large = "x".repeat(10 * 1024 * 1024);
    assert_eq!(ask(&server, "POST", "/unread", "", &large).text(), "unread");
}

#[test]
fn a_thread_of_the_application_may_read() {
    needs_python!();
    let site = Site::by_path(READ);
    let body = "x".repeat(300_000);
    let server = site.serve(&[&HTTP[..], &["--threads", "2"]].concat());
    assert_eq!(post(&server, "/threaded", &body).text(), "300000");
}
