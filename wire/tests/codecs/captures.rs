//! Traffic captured from real gateways and application servers; `testdata/README.md`
//! says how and what.

use std::fs;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use wire::cgi::{ReplyKind, decode_head};
use wire::environ::Environ;
use wire::fastcgi::state::{AppEvent, Application, Client, ClientEvent, Limits as AppLimits};
use wire::fastcgi::values::Capacity;
use wire::fastcgi::{EndRequest, ProtocolStatus};
use wire::http::{Limits, Version};
use wire::{scgi, uwsgi};

use crate::support::decode_in_reads;

/// A request as an application gets it.
type Seen = (Environ, Vec<u8>);

fn capture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all captured requests over a protocol, without ending.
fn requests(protocol: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|file| file.strip_suffix(".bin").map(str::to_owned));
    names
        .filter(|name| name.contains(&format!("-{protocol}-")) && !name.ends_with("-reply"))
        .collect()
}

/// Checks what the client had sent in this case, whatever the gateway.
#[track_caller]
fn assert_request(name: &str, (environ, body): Seen) {
    let case = name.rsplit('-').next().unwrap();
    let (method, expected_body) = match case {
        "get" | "long" => ("GET", Vec::new()),
        "post" => ("POST", b"hello".to_vec()),
        "chunked" => ("POST", b"chunked body".to_vec()),
        "big" => ("POST", vec![b'x'; 40_000]),
        other => panic!("unknown case {other}"),
    };
    assert_eq!(environ.text("REQUEST_METHOD"), Some(method), "{name}");
    assert_eq!(
        Bytes::from(body),
        Bytes::from(expected_body.clone()),
        "{name}"
    );
    let length = environ.content_length().unwrap().unwrap_or_default();
    assert_eq!(length, expected_body.len() as u64, "{name}");
    match case {
        "get" => assert!(
            environ
                .text("REQUEST_URI")
                .unwrap()
                .ends_with("/a%20b%2Fc%C3%A9?x=%41+b&&y"),
            "{name}"
        ),
        "post" => assert_eq!(environ.text("CONTENT_TYPE"), Some("text/plain"), "{name}"),
        "long" => {
            assert_eq!(
                environ.text("HTTP_X_LONG"),
                Some(&*"v".repeat(300)),
                "{name}"
            );
            assert_eq!(environ.get("HTTP_X_LATIN").unwrap(), &b"\xe9"[..], "{name}");
            let cookies: Vec<_> = environ.all("HTTP_COOKIE").map(Bytes::as_ref).collect();
            assert_eq!(
                cookies
                    .concat()
                    .iter()
                    .filter(|byte| byte.is_ascii_digit())
                    .count(),
                2,
                "{name}"
            );
        }
        _ => {}
    }
}

/// Checks all captures of a protocol, read whole, in pieces and singly.
fn assert_requests(protocol: &str, at_least: usize, decode: impl Fn(&[u8], usize) -> Seen) {
    let names = requests(protocol);
    assert!(names.len() >= at_least, "captures are there: {names:?}");
    for name in names {
        let wire = capture(&format!("{name}.bin"));
        for read_size in [wire.len(), 1000, 1] {
            assert_request(&name, decode(&wire, read_size));
        }
    }
}

#[test]
fn uwsgi_requests_of_real_gateways() {
    assert_requests("uwsgi", 10, |wire, read_size| {
        let mut requests = decode_one(|buf| uwsgi::decode_request(buf, uwsgi::MAX_BLOCK));
        let (mut seen, body) = decode_in_reads(wire, read_size, &mut requests).unwrap();
        let (header, environ) = seen.remove(0);
        assert_eq!((header.modifier1, header.modifier2), (0, 0));
        (environ, body.to_vec())
    });
}

#[test]
fn scgi_requests_of_real_gateways() {
    assert_requests("scgi", 11, |wire, read_size| {
        let mut requests = decode_one(|buf| scgi::decode_request(buf, 65536));
        let (mut seen, body) = decode_in_reads(wire, read_size, &mut requests).unwrap();
        (seen.remove(0), body.to_vec())
    });
}

/// A decoder that stops after its first value, since what follows is a body.
fn decode_one<T, E>(
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
) -> impl FnMut(&mut BytesMut) -> Result<Option<T>, E> {
    let mut done = false;
    move |buf| {
        let value = if done { None } else { decode(buf)? };
        done |= value.is_some();
        Ok(value)
    }
}

#[test]
fn fastcgi_requests_of_real_gateways() {
    assert_requests("fastcgi", 18, |wire, read_size| {
        let capacity = Capacity {
            max_conns: 1,
            max_reqs: 1,
            mpxs: false,
        };
        let mut application = Application::new(AppLimits {
            params_bytes: 65536,
            capacity,
        });
        let mut reply = BytesMut::new();
        let (events, rest) =
            decode_in_reads(wire, read_size, |buf| application.receive(buf, &mut reply)).unwrap();
        assert!(rest.is_empty() && reply.is_empty());
        fastcgi_request(events)
    });
}

/// The one request in `events`, whose body must have ended.
fn fastcgi_request(events: Vec<AppEvent>) -> Seen {
    let (mut seen, mut body, mut ended) = (None, Vec::new(), false);
    for event in events {
        match event {
            AppEvent::Request { environ, .. } => seen = Some(environ),
            AppEvent::Stdin { data, .. } => body.extend_from_slice(&data),
            AppEvent::StdinEnd { .. } => ended = true,
            AppEvent::Refused { .. } | AppEvent::Abort { .. } => panic!("{event:?}"),
        }
    }
    assert!(ended, "the body has an end");
    (seen.expect("a request"), body)
}

#[test]
fn fastcgi_replies_of_real_application_servers() {
    for server in ["php", "fcgiwrap"] {
        let wire = capture(&format!("{server}-fastcgi-reply.bin"));
        for read_size in [wire.len(), 1] {
            let (stdout, stderr, end) = fastcgi_reply(&wire, read_size);
            assert_eq!(stderr.trim_ascii_end(), b"warning", "{server}");
            assert_eq!(
                end,
                EndRequest {
                    app_status: 0,
                    protocol_status: ProtocolStatus::REQUEST_COMPLETE
                }
            );
            assert_reply(stdout);
        }
    }
}

/// The streams and the end of a reply.
fn fastcgi_reply(wire: &[u8], read_size: usize) -> (BytesMut, Vec<u8>, EndRequest) {
    let mut client = Client::begin(1, false, &Environ::new(), &mut BytesMut::new());
    let (events, rest) = decode_in_reads(wire, read_size, |buf| client.receive(buf)).unwrap();
    assert!(rest.is_empty());
    let (mut stdout, mut stderr, mut end) = (BytesMut::new(), Vec::new(), None);
    for event in events {
        match event {
            ClientEvent::Stdout(data) => stdout.extend_from_slice(&data),
            ClientEvent::Stderr(data) => stderr.extend_from_slice(&data),
            ClientEvent::StdoutEnd => {}
            ClientEvent::End(request) => end = Some(request),
        }
    }
    (stdout, stderr, end.expect("the request ends"))
}

#[track_caller]
fn assert_reply(mut stdout: BytesMut) {
    let head = decode_head(&mut stdout, &Limits::default())
        .unwrap()
        .unwrap();
    assert_eq!(head.kind(), Ok(ReplyKind::Document));
    assert_eq!(head.to_response(Version::Http11).unwrap().status, 404);
    assert_eq!(stdout, "read hello");
}
