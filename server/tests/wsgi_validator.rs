//! `wsgiref.validate` round applications, over every protocol.

mod support;

use support::Responses;
use support::python::{Site, request};
use support::site::Way;

const VALIDATED: &str = r"
from wsgiref.validate import validator

def inner(environ, start_response):
    stream, how = environ['wsgi.input'], environ['PATH_INFO']
    if how == '/read':
        body = [stream.read(5), stream.read(100000)]
    elif how == '/lines':
        body = [stream.readline()] + stream.readlines() + [stream.read(1)]
    elif how == '/iterate':
        body = list(stream)
    elif how == '/write':
        start_response('200 OK', [('Content-Type', 'text/plain')])(stream.read(100000))
        return []
    elif how == '/none':
        start_response('204 No Content', [])
        return []
    environ['wsgi.errors'].write('read\n')
    environ['wsgi.errors'].writelines(['all\n'])
    environ['wsgi.errors'].flush()
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return body

application = validator(inner)
";

fn clean_over(name: &'static str) {
    let site = Site::new(VALIDATED);
    for threads in ["1", "2"] {
        let args = [&site.options()[..], &["--threads", threads]].concat();
        let way = Way::start(name, &args);
        let body = "first line\nsecond line\r\nlast";
        for path in ["/read", "/lines", "/iterate", "/write"] {
            for method in ["POST", "PUT"] {
                let mut responses = Responses::on(way.connect());
                responses
                    .peer
                    .send(request(method, path, "Content-Type: text/plain\r\n", body));
                let response = responses.next(method);
                assert_eq!(
                    (response.head.status, response.text()),
                    (200, body),
                    "{path}"
                );
            }
            for method in ["GET", "HEAD"] {
                let response = way.ask(method, path, "Cookie: a=b\r\n");
                assert_eq!((response.head.status, response.text()), (200, ""), "{path}");
            }
        }
        assert_eq!(way.get("/none").head.status, 204);
    }
}

#[test]
fn the_validator_is_content_over_http() {
    needs_python!();
    clean_over("http");
}

#[test]
fn the_validator_is_content_over_uwsgi() {
    needs_python!();
    clean_over("uwsgi");
}

#[test]
fn the_validator_is_content_over_fastcgi() {
    needs_python!();
    clean_over("fastcgi");
}

#[test]
fn the_validator_is_content_over_scgi() {
    needs_python!();
    clean_over("scgi");
}
