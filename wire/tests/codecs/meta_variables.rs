//! HTTP requests to CGI meta-variables.

use bytes::{Bytes, BytesMut};
use wire::environ::Environ;
use wire::http::{Limits, decode_request};
use wire::request::{Gateway, RequestError, SplitPath, Target, environ};

const GATEWAY: Gateway<'static> = Gateway {
    server_software: "test/1",
    server_name: "fallback",
    server_port: 8081,
    remote_addr: "192.0.2.7",
    remote_port: 4711,
    server_addr: "192.0.2.1",
    https: false,
    document_root: Some("/srv/"),
};

/// The variables of `head` for an application mounted at `/app`.
fn variables_of(
    head: &str,
    body_length: Option<u64>,
    gateway: &Gateway<'_>,
) -> Result<Environ, RequestError> {
    let mut buf = BytesMut::from(head);
    let head = decode_request(&mut buf, &Limits::default())
        .unwrap()
        .unwrap();
    let path = Target::parse(&head.target)?.decoded_path()?;
    let split = SplitPath::at(&path, "/app").unwrap_or_default();
    environ(&head, &split, body_length, gateway)
}

fn variables(head: &str) -> Environ {
    variables_of(head, None, &GATEWAY).unwrap()
}

#[track_caller]
fn assert_variable(head: &str, name: &str, expected: Option<&[u8]>) {
    let environ = variables(head);
    assert_eq!(environ.get(name).map(Bytes::as_ref), expected, "{name}");
    assert!(environ.all(name).count() < 2, "{name} is there once");
}

fn with_fields(fields: &str) -> String {
    format!("GET /app HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n")
}

#[test]
fn a_request_has_the_variables_of_the_specification() {
    let head = "POST /app/a%2fb%20c?q=%41 HTTP/1.1\r\nHost: Example.test:99\r\nContent-Type: text/plain\r\n\r\n";
    let environ = variables_of(head, Some(5), &GATEWAY).unwrap();
    for (name, expected) in [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/app/a%2fb%20c?q=%41"),
        ("QUERY_STRING", "q=%41"),
        ("CONTENT_LENGTH", "5"),
        ("CONTENT_TYPE", "text/plain"),
        ("SCRIPT_NAME", "/app"),
        ("PATH_INFO", "/a/b c"),
        ("DOCUMENT_ROOT", "/srv"),
        ("PATH_TRANSLATED", "/srv/a/b c"),
        ("SERVER_NAME", "Example.test"),
        ("SERVER_PORT", "8081"),
        ("SERVER_SOFTWARE", "test/1"),
        ("SERVER_ADDR", "192.0.2.1"),
        ("REQUEST_SCHEME", "http"),
        ("REDIRECT_STATUS", "200"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REMOTE_HOST", "192.0.2.7"),
        ("REMOTE_PORT", "4711"),
        ("HTTP_HOST", "Example.test:99"),
    ] {
        assert_eq!(environ.text(name), Some(expected), "{name}");
    }
    assert_eq!(environ.len(), 21, "nothing else is there");
}

#[test]
fn query_and_script_name_are_there_even_if_empty() {
    assert_variable(
        "GET /app HTTP/1.1\r\nHost: h\r\n\r\n",
        "QUERY_STRING",
        Some(b""),
    );
    assert_variable(
        "GET /app? HTTP/1.1\r\nHost: h\r\n\r\n",
        "QUERY_STRING",
        Some(b""),
    );
    assert_variable(
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "SCRIPT_NAME",
        Some(b""),
    );
}

#[test]
fn no_body_and_no_type_leave_no_variable() {
    let head = with_fields("X-A: b");
    for absent in ["CONTENT_LENGTH", "CONTENT_TYPE", "PATH_TRANSLATED", "HTTPS"] {
        assert_variable(&head, absent, None);
    }
}

#[test]
fn tls_sets_https_and_the_scheme() {
    let gateway = Gateway {
        https: true,
        ..GATEWAY
    };
    let environ = variables_of(&with_fields("X-A: b"), None, &gateway).unwrap();
    assert_eq!(environ.text("HTTPS"), Some("on"));
    assert_eq!(environ.text("REQUEST_SCHEME"), Some("https"));
}

#[test]
fn a_unix_socket_has_no_ports_to_report() {
    let gateway = Gateway {
        remote_addr: "",
        remote_port: 0,
        server_addr: "",
        ..GATEWAY
    };
    let environ = variables_of(&with_fields("X-A: b"), None, &gateway).unwrap();
    assert_eq!(environ.get("REMOTE_PORT"), None);
    assert_eq!(environ.get("SERVER_ADDR"), None);
    assert_eq!(environ.text("REMOTE_ADDR"), Some(""));
}

#[test]
fn header_names_are_mapped() {
    assert_variable(&with_fields("x-foo-1: b"), "HTTP_X_FOO_1", Some(b"b"));
    assert_variable(
        &with_fields("X-A: \u{e9}"),
        "HTTP_X_A",
        Some("\u{e9}".as_bytes()),
    );
    assert_variable(
        &with_fields("Authorization: Basic eDp5"),
        "HTTP_AUTHORIZATION",
        Some(b"Basic eDp5"),
    );
}

#[test]
fn repeated_fields_become_one_value() {
    assert_variable(
        &with_fields("X-A: 1\r\nY: 2\r\nx-a: 3\r\nX-A: 4"),
        "HTTP_X_A",
        Some(b"1, 3, 4"),
    );
    assert_variable(
        &with_fields("Cookie: a=1\r\nCOOKIE: b=2"),
        "HTTP_COOKIE",
        Some(b"a=1; b=2"),
    );
}

#[test]
fn fields_that_mislead_are_left_out() {
    for (field, variable) in [
        ("Proxy: http://evil", "HTTP_PROXY"),
        ("pRoXy: http://evil", "HTTP_PROXY"),
        ("X_Foo: evil", "HTTP_X_FOO"),
        ("X.Foo: evil", "HTTP_X_FOO"),
        ("Content-Length: 5", "HTTP_CONTENT_LENGTH"),
        ("Content-Type: a/b", "HTTP_CONTENT_TYPE"),
        ("Transfer-Encoding: chunked", "HTTP_TRANSFER_ENCODING"),
        ("Connection: close", "HTTP_CONNECTION"),
        ("Upgrade: websocket", "HTTP_UPGRADE"),
        (
            "Proxy-Authorization: Basic eDp5",
            "HTTP_PROXY_AUTHORIZATION",
        ),
    ] {
        assert_variable(&with_fields(field), variable, None);
    }
}

#[test]
fn no_header_makes_another_variable() {
    let spoofed =
        "REMOTE-USER: root\r\nHTTPS: on\r\nUWSGI-FILE: x\r\nSCRIPT-FILENAME: y\r\nPHP-VALUE: z";
    let environ = variables(&with_fields(spoofed));
    for (name, _) in environ
        .iter()
        .filter(|(name, _)| !name.starts_with(b"HTTP_"))
    {
        let spoofable: [&[u8]; 5] = [
            b"REMOTE_USER",
            b"HTTPS",
            b"UWSGI_FILE",
            b"SCRIPT_FILENAME",
            b"PHP_VALUE",
        ];
        assert!(!spoofable.contains(&&name[..]), "{name:?}");
    }
}

#[test]
fn the_target_beats_host() {
    let head = "GET http://a:80/app?q HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_variable(head, "HTTP_HOST", Some(b"a:80"));
    assert_variable(head, "SERVER_NAME", Some(b"a"));
    assert_variable(head, "REQUEST_URI", Some(b"http://a:80/app?q"));
    assert_variable(head, "QUERY_STRING", Some(b"q"));
}

#[test]
fn server_name_falls_back_where_no_host_is_named() {
    assert_variable(
        "GET /app HTTP/1.0\r\n\r\n",
        "SERVER_NAME",
        Some(b"fallback"),
    );
    assert_variable("GET /app HTTP/1.0\r\n\r\n", "HTTP_HOST", None);
    assert_variable(
        "GET /app HTTP/1.1\r\nHost:\r\n\r\n",
        "SERVER_NAME",
        Some(b"fallback"),
    );
    assert_variable(
        "GET /app HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "SERVER_NAME",
        Some(b"[::1]"),
    );
}

#[test]
fn hosts_that_cannot_be_trusted_are_refused() {
    let refusal = |head| variables_of(head, None, &GATEWAY).unwrap_err();
    assert_eq!(refusal("GET /app HTTP/1.1\r\n\r\n"), RequestError::NoHost);
    assert_eq!(
        refusal("GET /app HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        RequestError::RepeatedHost(2)
    );
    let hostile = refusal("GET /app HTTP/1.1\r\nHost: a/b\r\n\r\n");
    assert!(matches!(hostile, RequestError::Host(_)));
    assert_eq!(hostile.status(), 400);
}
