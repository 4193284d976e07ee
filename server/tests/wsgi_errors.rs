//! Applications that fail, and `wsgi.errors`.

mod support;

use std::io::{ErrorKind, Read};

use bytes::BytesMut;
use support::python::{HTTP, Site, get, raw, request};
use support::site::Way;
use wire::environ::Environ;

const FAIL: &str = r"
import sys

def before(environ, start_response):
    raise RuntimeError('before start_response')

def after_start(environ, start_response):
    start_response('200 OK', [('X-Old', '1')])
    raise RuntimeError('after start_response')

def first(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    raise RuntimeError('in the first step')
    yield b'never'

def second(environ, start_response):
    start_response('200 OK', [])
    yield b'part'
    raise RuntimeError('in the second step')

def leaves(environ, start_response):
    sys.exit(7)

def interrupts(environ, start_response):
    raise KeyboardInterrupt()

def deep():
    try:
        raise RuntimeError('from below')
    finally:
        len('cleaned up')

def nested(environ, start_response):
    return deep()

def pid(environ, start_response):
    import os
    return plain(start_response, os.getpid())

def tells(environ, start_response):
    errors = environ['wsgi.errors']
    errors.write('one ')
    errors.write('line\n')
    errors.writelines(['two\n', 'three'])
    errors.write('\u20ac\ud800\U0001f600\n')
    errors.flush()
    return plain(start_response, 'told')
";

#[test]
fn an_exception_before_the_head_is_a_500_and_in_the_log() {
    needs_python!();
    let site = Site::by_path(FAIL);
    for args in [&[][..], &["--threads", "2"]] {
        let mut server = site.serve(&[&HTTP[..], args].concat());
        for (path, said) in [
            ("/before", "RuntimeError: before start_response"),
            ("/after_start", "RuntimeError: after start_response"),
            ("/first", "RuntimeError: in the first step"),
        ] {
            let response = get(&server, path);
            assert_eq!(response.head.status, 500, "{path}");
            assert_eq!(response.field("x-old"), None);
            assert!(!response.text().contains("Error:"), "{}", response.text());
            server.line("Traceback (most recent call last):");
            server.line(said);
        }
    }
}

#[test]
fn an_exception_after_the_head_cuts_the_reply() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let mut server = site.serve(&HTTP);
    let reply = raw(&server, &request("GET", "/second", "", ""));
    assert!(reply.ends_with("4\r\npart\r\n"), "{reply}");
    server.line("RuntimeError: in the second step");
    let way = Way::start("fastcgi", &site.options());
    let mut peer = way.connect();
    peer.send(request("GET", "/second", "", ""));
    let mut reply = BytesMut::new();
    while peer.more(&mut reply) {}
    assert!(!reply.ends_with(b"0\r\n\r\n"), "{reply:?}");
}

#[test]
fn a_cut_reply_that_only_a_close_would_end_is_a_reset() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let environ: Environ = [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/second")]
        .into_iter()
        .collect();
    let mut packet = BytesMut::new();
    wire::uwsgi::encode_request(&environ, 0, 0, &mut packet).unwrap();
    let server = site.serve(&["--uwsgi-socket", "127.0.0.1:0"]);
    let mut peer = server.connect();
    peer.send(&packet);
    let read = peer.read_to_end(&mut Vec::new());
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_worker_survives_whatever_is_raised() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let mut server = site.serve(&HTTP);
    let before = get(&server, "/pid").text().to_owned();
    for (path, said) in [
        ("/leaves", "SystemExit: 7"),
        ("/interrupts", "KeyboardInterrupt"),
    ] {
        assert_eq!(get(&server, path).head.status, 500, "{path}");
        server.line(said);
        assert_eq!(get(&server, "/pid").text(), before, "{path}");
    }
}

#[test]
fn a_traceback_in_the_log_names_every_frame() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let mut server = site.serve(&HTTP);
    assert_eq!(get(&server, "/nested").head.status, 500);
    let lines = server.lines_until("RuntimeError: from below");
    for function in ["in nested", "in deep"] {
        assert!(
            lines.iter().any(|line| line.ends_with(function)),
            "{lines:?}"
        );
    }
}

#[test]
fn tracebacks_go_to_the_client_only_where_an_option_says_so() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let args = [&site.options()[..], &["--catch-exceptions"]].concat();
    for way in Way::all(&args) {
        let response = way.get("/before");
        assert_eq!(response.head.status, 500, "{}", way.name);
        let text = response.text();
        assert!(
            text.starts_with("Traceback (most recent call last):"),
            "{text}"
        );
        assert!(
            text.ends_with("RuntimeError: before start_response\n"),
            "{text}"
        );
        assert_eq!(way.get("/after_start").field("x-old"), None);
    }
}

#[test]
fn the_error_stream_takes_any_text_and_none_of_it_reaches_the_client() {
    needs_python!();
    let site = Site::by_path(FAIL);
    for mut way in Way::all(&site.options()) {
        assert_eq!(way.get("/tells").text(), "told", "{}", way.name);
        way.server.line("one line");
        way.server.line("two");
        way.server.line("three");
    }
}

#[test]
fn the_error_stream_reaches_a_fastcgi_gateway() {
    needs_python!();
    let site = Site::by_path(FAIL);
    let socket = site.folder.path().join("socket").display().to_string();
    let _server = site.serve(&["--fastcgi-socket", &socket]);
    let mut gateway = support::Server::start(&["--http", "127.0.0.1:0", "--fastcgi-to", &socket]);
    assert_eq!(get(&gateway, "/tells").text(), "told");
    gateway.line("one line");
}
