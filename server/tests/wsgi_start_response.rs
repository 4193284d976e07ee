//! `start_response` as PEP 3333 has it.

mod support;

use support::python::{HTTP, Site, get};

const START: &str = r"
import sys, gc, weakref

def tried(environ, start_response):
    'What start_response says to the arguments that the query holds.'
    from urllib.parse import unquote
    try:
        start_response(*eval(unquote(environ['QUERY_STRING'])))
        said = 'accepted'
    except Exception as error:
        said = '%s: %s' % (type(error).__name__, error)
    try:
        raise KeyError('told instead')
    except KeyError:
        start_response('200 OK', [], sys.exc_info())
    return [said.encode()]

def twice(environ, start_response):
    start_response('200 OK', [])
    start_response('200 OK', [])
    return [b'never']

def twice_after_failure(environ, start_response):
    try:
        start_response('bad', [])
    except ValueError:
        pass
    start_response('200 OK', [])
    return [b'never']

def replaced(environ, start_response):
    start_response('200 OK', [('X-Old', '1'), ('Content-Length', '999')])
    yield b''
    try:
        raise KeyError('x')
    except KeyError:
        start_response('500 Replaced', [('X-New', '1')], sys.exc_info())
    yield b'new'

def reraised(environ, start_response):
    start_response('200 OK', [])
    yield b'x'
    try:
        raise KeyError('the original')
    except KeyError as original:
        try:
            start_response('500 Late', [], sys.exc_info())
        except KeyError as again:
            environ['wsgi.errors'].write('same %s traced %s\n' % (
                again is original, again.__traceback__ is not None))
            raise

class Kept(Exception):
    pass

def unreferenced(environ, start_response):
    start_response('200 OK', [])
    def failing():
        try:
            raise Kept()
        except Kept as error:
            start_response('500 Kept', [], sys.exc_info())
            return weakref.ref(error)
    reference = failing()
    gc.collect()
    return [b'gone' if reference() is None else b'kept']

def in_generator(environ, start_response):
    start_response('201 In Generator', [('X-Here', 'yes')])
    yield b'body'

class in_class:
    def __init__(self, environ, start_response):
        self.start_response = start_response
    def __iter__(self):
        self.start_response('202 In Class', [])
        yield b'body'

def reason(environ, start_response):
    start_response('299 It\xe9 Custom', [('X-Latin', '\xe9'), ('Set-Cookie', 'a=1'),
                                       ('Set-Cookie', 'b=2'), ('cOnTeNt-LeNgTh', '4')])
    return [b'body']

def bare(environ, start_response):
    start_response('200 OK', [('Status', '500 Nope')])
    return []

def never(environ, start_response):
    return [b'body']

def never_at_all(environ, start_response):
    return []

def both(environ, start_response):
    write = start_response('200 OK', [])
    write(b'a')
    write(b'')
    write(b'b')
    return [b'c', b'd']

def write_text(environ, start_response):
    write = start_response('200 OK', [])
    try:
        write('text')
    except TypeError as error:
        return [str(error).encode()]
";

#[test]
fn wrong_arguments_are_refused_at_once_and_say_why() {
    needs_python!();
    let site = Site::by_path(START);
    let server = site.serve(&HTTP);
    for (args, said) in [
        ("'200%20OK',[('A','b')]", "accepted"),
        ("'299%20',[('A','b\\tc')]", "accepted"),
        ("'200',[]", "ValueError: status must be three digits"),
        ("'200OK',[]", "ValueError"),
        ("'%20200%20OK',[]", "ValueError"),
        ("'200%20OK%20',[]", "ValueError"),
        ("'200%20OK\\r\\nX:y',[]", "ValueError"),
        ("'abc%20def',[]", "ValueError"),
        ("'103%20Hints',[]", "ValueError"),
        (
            "'200%20\\u20ac',[]",
            "ValueError: status '200 €' has characters that ISO-8859-1 lacks",
        ),
        ("200,[]", "TypeError: status must be a str, not int"),
        (
            "b'200%20OK',[]",
            "TypeError: status must be a str, not bytes",
        ),
        (
            "'200%20OK',(('A','b'),)",
            "TypeError: response headers must be a list, not tuple",
        ),
        ("'200%20OK',{}.items()", "TypeError"),
        (
            "'200%20OK',[['A','b']]",
            "TypeError: each response header must be a tuple",
        ),
        ("'200%20OK',[('A','b','c')]", "TypeError"),
        (
            "'200%20OK',[(b'A','b')]",
            "TypeError: header name must be a str, not bytes",
        ),
        (
            "'200%20OK',[('A',1)]",
            "TypeError: header value must be a str, not int",
        ),
        (
            "'200%20OK',[('A%20B','c')]",
            "ValueError: header name 'A B' is not a token",
        ),
        ("'200%20OK',[('A:','c')]", "ValueError"),
        ("'200%20OK',[('','c')]", "ValueError"),
        ("'200%20OK',[('A\\r\\nB','c')]", "ValueError"),
        (
            "'200%20OK',[('A','b\\r\\nC:d')]",
            "ValueError: the value of header 'A' has a control",
        ),
        ("'200%20OK',[('A','b\\n')]", "ValueError"),
        ("'200%20OK',[('A','b\\0')]", "ValueError"),
        (
            "'200%20OK',[('A','\\u20ac')]",
            "ValueError: header value '€' has characters",
        ),
        ("'200%20OK',[('A','\\ud800')]", "ValueError"),
        (
            "'200%20OK',[('Connection','close')]",
            "ValueError: header 'Connection' concerns",
        ),
        ("'200%20OK',[('keep-alive','1')]", "ValueError"),
        ("'200%20OK',[('TE','x')]", "ValueError"),
        ("'200%20OK',[('Trailer','x')]", "ValueError"),
        ("'200%20OK',[('Transfer-Encoding','chunked')]", "ValueError"),
        ("'200%20OK',[('Upgrade','x')]", "ValueError"),
        ("'200%20OK',[('Proxy-Authenticate','x')]", "ValueError"),
        ("'200%20OK',[('Proxy-Authorization','x')]", "ValueError"),
        (
            "'200%20OK',[('Content-Length','x')]",
            "ValueError: Content-Length must be a number",
        ),
        ("'200%20OK',[('Content-Length','-1')]", "ValueError"),
        (
            "'200%20OK',[('Content-Length','1'),('content-length','1')]",
            "ValueError",
        ),
    ] {
        let response = get(&server, &format!("/tried?{args}"));
        assert!(
            response.text().starts_with(said),
            "{args}: {}",
            response.text()
        );
    }
}

#[test]
fn a_second_call_is_fatal_even_if_the_first_failed() {
    needs_python!();
    let site = Site::by_path(START);
    let mut server = site.serve(&HTTP);
    for path in ["/twice", "/twice_after_failure"] {
        assert_eq!(get(&server, path).head.status, 500, "{path}");
        server.line("AssertionError: start_response was called before");
    }
}

#[test]
fn exc_info_replaces_a_head_that_has_not_gone_out() {
    needs_python!();
    let site = Site::by_path(START);
    let response = get(&site.serve(&HTTP), "/replaced");
    assert_eq!((response.head.status, response.text()), (500, "new"));
    assert_eq!(response.head.reason, "Replaced");
    assert_eq!(response.field("x-new"), Some("1"));
    assert_eq!(
        (response.field("x-old"), response.field("content-length")),
        (None, None)
    );
}

#[test]
fn exc_info_is_raised_again_where_the_head_has_gone_out() {
    needs_python!();
    let site = Site::by_path(START);
    let mut server = site.serve(&HTTP);
    let reply = support::python::raw(&server, "GET /reraised HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(reply.ends_with("1\r\nx\r\n"), "{reply}");
    server.line("same True traced True");
    server.line("KeyError: 'the original'");
}

#[test]
fn no_reference_to_exc_info_is_kept() {
    needs_python!();
    let site = Site::by_path(START);
    assert_eq!(get(&site.serve(&HTTP), "/unreferenced").text(), "gone");
}

#[test]
fn it_may_be_called_while_the_body_is_iterated() {
    needs_python!();
    let site = Site::by_path(START);
    let server = site.serve(&HTTP);
    let response = get(&server, "/in_generator");
    assert_eq!((response.head.status, response.text()), (201, "body"));
    assert_eq!(response.field("x-here"), Some("yes"));
    assert_eq!(get(&server, "/in_class").head.status, 202);
}

#[test]
fn reason_and_fields_go_out_as_they_were_given() {
    needs_python!();
    let site = Site::by_path(START);
    let response = get(&site.serve(&HTTP), "/reason");
    assert_eq!(&response.head.reason[..], b"It\xe9 Custom");
    assert_eq!(&response.head.header("x-latin").unwrap()[..], b"\xe9");
    let cookies: Vec<_> = response.head.all("set-cookie").collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.head.all("content-length").count(), 1);
}

#[test]
fn a_field_named_status_does_not_become_the_status() {
    needs_python!();
    let site = Site::by_path(START);
    for way in support::site::Way::all(&site.options()) {
        let response = way.get("/bare");
        assert_eq!(response.head.status, 200, "{}", way.name);
        assert_eq!(response.field("status"), None, "{}", way.name);
    }
}

#[test]
fn a_reply_without_start_response_is_an_error() {
    needs_python!();
    let site = Site::by_path(START);
    let server = site.serve(&HTTP);
    assert_eq!(get(&server, "/never").head.status, 500);
    assert_eq!(get(&server, "/never_at_all").head.status, 500);
}

#[test]
fn write_sends_before_what_is_returned_and_takes_bytes_alone() {
    needs_python!();
    let site = Site::by_path(START);
    let server = site.serve(&HTTP);
    assert_eq!(get(&server, "/both").text(), "abcd");
    assert_eq!(
        get(&server, "/write_text").text(),
        "write() expects bytes, not str"
    );
}
