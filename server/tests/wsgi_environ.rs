//! `environ` as PEP 3333 has it.

mod support;

use bytes::BytesMut;
use support::python::{HTTP, Site, ask, get};
use support::site::Way;
use support::{Response, Server};
use wire::environ::Environ;

const SHOW: &str = r"
import json, os

kept = []

def types(environ, start_response):
    out = {'dict': type(environ) is dict}
    for name in ('REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SERVER_NAME',
                 'SERVER_PORT', 'SERVER_PROTOCOL', 'wsgi.url_scheme'):
        out[name] = type(environ.get(name)) is str
    out['nonempty'] = all(environ[n] for n in ('SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'))
    out['all str'] = all(type(k) is str and type(v) is str for k, v in environ.items() if '.' not in k)
    out['version'] = environ['wsgi.version'] == (1, 0) and type(environ['wsgi.version']) is tuple
    for name in ('wsgi.input', 'wsgi.errors', 'wsgi.multithread', 'wsgi.multiprocess',
                 'wsgi.run_once'):
        out[name] = name in environ
    out['node'] = type(environ['uwsgi.node']) is bytes and type(environ['uwsgi.version']) is bytes
    out['terminated'] = environ['wsgi.input_terminated'] is True
    out['once'] = environ['wsgi.run_once'] is False
    out['leak'] = not any(name in environ for name in ('PATH', 'HOME', 'PWD'))
    return plain(start_response, 'wrong: ' + ' '.join(sorted(k for k, v in out.items() if not v)))

def show(environ, start_response):
    names = environ['QUERY_STRING'].split('&')
    return plain(start_response, json.dumps([environ.get(name) for name in names]))

def change(environ, start_response):
    environ['kept.key'] = 'x'
    environ['REQUEST_METHOD'] = 'BAD'
    del environ['wsgi.input'], environ['wsgi.errors'], environ['PATH_INFO']
    answer = plain(start_response, 'changed')
    environ.clear()
    return answer

def keep(environ, start_response):
    kept.append(environ)
    return plain(start_response, 'kept %s' % environ['wsgi.input'].read())

def again(environ, start_response):
    try:
        kept[0]['wsgi.input'].read(1)
        read = 'read'
    except OSError as error:
        read = str(error)
    kept[0]['wsgi.errors'].write('still here\n')
    return plain(start_response, read)
";

#[track_caller]
fn shown(server: &Server, names: &str, fields: &str) -> String {
    ask(server, "GET", &format!("/show?{names}"), fields, "")
        .text()
        .to_owned()
}

#[test]
fn every_required_key_is_there_and_of_its_type_over_every_protocol() {
    needs_python!();
    let site = Site::by_path(SHOW);
    for way in Way::all(&site.options()) {
        assert_eq!(way.get("/types").text(), "wrong: ", "{}", way.name);
    }
}

#[test]
fn bytes_arrive_as_latin_1_characters() {
    needs_python!();
    let site = Site::by_path(&format!(
        "{SHOW}\ndef p(environ, start_response):\n    return plain(start_response, ascii(environ[\
         'PATH_INFO'] + environ['QUERY_STRING']))\n"
    ));
    let server = site.serve(&HTTP);
    assert_eq!(
        get(&server, "/p/%C3%A9?%C3%A9").text(),
        r"'/p/\xc3\xa9%C3%A9'"
    );
}

#[test]
fn the_path_is_split_decoded_and_never_a_slash_as_script_name() {
    needs_python!();
    let site = Site::new(
        "def application(environ, start_response):\n    start_response('200 OK', [])\n    \
         return [repr((environ['SCRIPT_NAME'], environ['PATH_INFO'])).encode()]\n",
    );
    for way in Way::all(&site.options()) {
        assert_eq!(way.get("/").text(), "('', '/')", "{}", way.name);
        assert_eq!(way.get("/a%20b/").text(), "('', '/a b/')", "{}", way.name);
    }
}

#[test]
fn header_fields_are_joined_and_empty_ones_kept() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = site.serve(&HTTP);
    let fields = "X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX-Empty:\r\n";
    let shown = shown(
        &server,
        "HTTP_X_A&HTTP_COOKIE&HTTP_X_EMPTY&HTTP_X_ABSENT",
        fields,
    );
    assert_eq!(shown, r#"["1, 2", "a=1; b=2", "", null]"#);
}

#[test]
fn what_must_not_be_there_is_not() {
    needs_python!();
    let site = Site::by_path(SHOW);
    for way in Way::all(&site.options()) {
        let fields = "Proxy: evil\r\nContent-Type: text/x\r\n";
        let names = "HTTP_PROXY&HTTP_CONTENT_TYPE&HTTP_CONTENT_LENGTH&CONTENT_TYPE";
        let response = way.ask("POST", &format!("/show?{names}"), fields);
        assert_eq!(
            response.text(),
            r#"[null, null, null, "text/x"]"#,
            "{}",
            way.name
        );
    }
}

#[test]
fn an_application_may_do_what_it_likes_with_its_own_environ() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = site.serve(&HTTP);
    assert_eq!(get(&server, "/change").text(), "changed");
    assert_eq!(
        shown(&server, "kept.key&REQUEST_METHOD&SCRIPT_NAME", ""),
        r#"[null, "GET", ""]"#
    );
}

#[test]
fn an_environ_that_is_kept_does_no_harm() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = site.serve(&HTTP);
    let kept = ask(&server, "POST", "/keep", "", "body");
    assert_eq!(kept.text(), "kept b'body'");
    let again = ask(&server, "POST", "/again", "", "other");
    let text = again.text();
    assert!(
        text == "read" || text.contains("its request is over"),
        "{text}"
    );
}

#[test]
fn the_flags_tell_of_threads_and_processes() {
    needs_python!();
    let site = Site::by_path(SHOW);
    for (args, flags) in [
        (&[][..], "[false, false]"),
        (&["--threads", "2"], "[true, false]"),
        (&["--processes", "2"], "[false, true]"),
    ] {
        let server = site.serve(&[&HTTP[..], args].concat());
        assert_eq!(
            shown(&server, "wsgi.multithread&wsgi.multiprocess", ""),
            flags
        );
    }
}

/// One request over uwsgi with these variables.
#[track_caller]
fn over_uwsgi(server: &Server, variables: &[(&'static str, &'static str)]) -> Response {
    let environ: Environ = variables.iter().copied().collect();
    let mut bytes = BytesMut::new();
    wire::uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap();
    let mut responses = support::Responses::on(server.connect());
    responses.peer.send(&bytes);
    responses.next("GET")
}

fn uwsgi_server(site: &Site) -> Server {
    site.serve(&["--uwsgi-socket", "127.0.0.1:0"])
}

#[test]
fn the_gateway_says_the_scheme() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = uwsgi_server(&site);
    for (name, value, scheme) in [
        ("HTTPS", "on", "https"),
        ("HTTPS", "1", "https"),
        ("HTTPS", "off", "http"),
        ("REQUEST_SCHEME", "https", "https"),
        ("UWSGI_SCHEME", "https", "https"),
        // Anybody could have sent it.
        ("HTTP_X_FORWARDED_PROTO", "https", "http"),
    ] {
        let variables = [
            ("REQUEST_METHOD", "GET"),
            ("PATH_INFO", "/show"),
            ("QUERY_STRING", "wsgi.url_scheme"),
            (name, value),
        ];
        let response = over_uwsgi(&server, &variables);
        assert_eq!(response.text(), format!("[\"{scheme}\"]"), "{name}={value}");
    }
}

#[test]
fn what_a_gateway_leaves_out_is_completed() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = uwsgi_server(&site);
    let names = "SERVER_NAME&SERVER_PORT&SERVER_PROTOCOL&SCRIPT_NAME";
    let variables = [
        ("REQUEST_METHOD", "GET"),
        // As nginx's fastcgi_params say it: the whole path, and no PATH_INFO.
        ("SCRIPT_NAME", "/show"),
        ("QUERY_STRING", names),
        ("HTTP_HOST", "example.org:81"),
    ];
    let response = over_uwsgi(&server, &variables);
    assert_eq!(response.text(), r#"["example.org", "80", "HTTP/1.0", ""]"#);
}

#[test]
fn of_repeated_variables_the_last_counts_and_fields_are_joined() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = uwsgi_server(&site);
    let variables = [
        ("REQUEST_METHOD", "GET"),
        ("PATH_INFO", "/show"),
        ("QUERY_STRING", "SERVER_PORT&HTTP_X_A&HTTP_COOKIE"),
        ("SERVER_PORT", "80"),
        ("SERVER_PORT", "443"),
        ("HTTP_X_A", "1"),
        ("HTTP_X_A", "2"),
        ("HTTP_COOKIE", "a=1"),
        ("HTTP_COOKIE", "b=2"),
    ];
    let response = over_uwsgi(&server, &variables);
    assert_eq!(response.text(), r#"["443", "1, 2", "a=1; b=2"]"#);
}

#[test]
fn a_request_without_a_method_is_refused() {
    needs_python!();
    let site = Site::by_path(SHOW);
    let server = uwsgi_server(&site);
    assert_eq!(
        over_uwsgi(&server, &[("PATH_INFO", "/show")]).head.status,
        400
    );
}
