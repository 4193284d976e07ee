//! HTTP/1.1 request and response heads.

use crate::support::{assert_decodes, refusal};
use bytes::BytesMut;
use wire::field::FieldFault;
use wire::http::{
    Header, HttpError, Limits, RequestHead, ResponseHead, Version, decode_request, decode_response,
};

fn requests() -> impl FnMut(&mut BytesMut) -> Result<Option<RequestHead>, HttpError> {
    |buf| decode_request(buf, &Limits::default())
}

fn responses() -> impl FnMut(&mut BytesMut) -> Result<Option<ResponseHead>, HttpError> {
    |buf| decode_response(buf, &Limits::default())
}

fn get(target: &'static str, headers: Vec<Header>) -> RequestHead {
    RequestHead {
        method: "GET".into(),
        target: target.into(),
        version: Version::Http11,
        headers,
    }
}

#[test]
fn a_request_head_is_taken_apart() {
    assert_decodes(
        b"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A:\t b c \r\nx-a:\r\n\r\n",
        &[get(
            "/a?b",
            vec![
                Header::new("Host", "h"),
                Header::new("X-A", "b c"),
                Header::new("x-a", ""),
            ],
        )],
        requests,
    );
}

#[test]
fn pipelined_requests_come_one_by_one() {
    assert_decodes(
        b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        &[get("/a", vec![]), get("/b", vec![])],
        requests,
    );
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    assert_decodes(
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        &[get("/", vec![])],
        requests,
    );
}

#[test]
fn the_body_stays_in_the_buffer() {
    let mut buf = BytesMut::from(&b"POST / HTTP/1.1\r\n\r\nbody"[..]);
    decode_request(&mut buf, &Limits::default())
        .unwrap()
        .unwrap();
    assert_eq!(buf, "body");
}

#[test]
fn a_minor_version_above_one_counts_as_one() {
    let mut buf = BytesMut::from(&b"GET / HTTP/1.7\r\n\r\n"[..]);
    let head = decode_request(&mut buf, &Limits::default())
        .unwrap()
        .unwrap();
    assert_eq!(head.version, Version::Http11);
}

#[test]
fn malformed_request_lines_are_refused() {
    let lines: [&[u8]; 12] = [
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET /a b HTTP/1.1",
        b"GET /a\x01 HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"G@T / HTTP/1.1",
        b" / HTTP/1.1",
        b"GET / http/1.1",
        b"GET / HTTP/1.10",
        b"GET / HTTP/1.1\r",
    ];
    for line in lines {
        let error = refusal(&[line, b"\r\n\r\n"].concat(), requests);
        assert!(matches!(error, HttpError::RequestLine(_)), "{error}");
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn another_major_version_is_refused_with_505() {
    let error = refusal(b"GET / HTTP/2.0\r\n\r\n", requests);
    assert_eq!(
        (error.status(), error),
        (505, HttpError::Version("\"HTTP/2.0\"".into()))
    );
}

#[test]
fn a_bare_line_feed_ends_no_line() {
    for wire in [
        &b"GET / HTTP/1.1\n\n"[..],
        b"GET / HTTP/1.1\r\nX: a\n\r\n",
        b"GET / HTTP/1.1\r\n\n",
    ] {
        assert!(matches!(
            refusal(wire, requests),
            HttpError::BareLineFeed(_)
        ));
    }
}

#[test]
fn ambiguous_fields_are_refused() {
    for (line, fault) in [
        (&b"X : a"[..], FieldFault::SpaceBeforeColon),
        (b" X: a", FieldFault::Folded),
        (b"X: a\r\n b", FieldFault::Folded),
        (b"X", FieldFault::NoColon),
        (b": a", FieldFault::BadName),
        (b"X: a\rY: b", FieldFault::Control),
        (b"X: a\0", FieldFault::Control),
    ] {
        let error = refusal(
            &[b"GET / HTTP/1.1\r\n", line, b"\r\n\r\n"].concat(),
            requests,
        );
        assert!(
            matches!(error, HttpError::Field { fault: f, .. } if f == fault),
            "{error}"
        );
    }
}

#[test]
fn limits_answer_with_414_and_431() {
    let limits = Limits {
        head_bytes: 40,
        headers: 2,
    };
    let limited = || move |buf: &mut BytesMut| decode_request(buf, &limits);
    let long_target = [b"GET /", &[b'a'; 40][..]].concat();
    assert_eq!(refusal(&long_target, limited).status(), 414);
    let long_field = [b"GET / HTTP/1.1\r\nX: ", &[b'a'; 40][..]].concat();
    assert_eq!(refusal(&long_field, limited).status(), 431);
    assert_eq!(
        refusal(b"GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n", limited).status(),
        431
    );
    let exactly_40 = b"GET / HTTP/1.1\r\nX-Long: 01234567890\r\n\r\n";
    assert_eq!(exactly_40.len(), 39);
    assert_decodes(
        exactly_40,
        &[get("/", vec![Header::new("X-Long", "01234567890")])],
        limited,
    );
}

#[test]
fn a_response_head_is_taken_apart() {
    let head = |status, reason: &'static str, headers| ResponseHead {
        version: Version::Http11,
        status,
        reason: reason.into(),
        headers,
    };
    assert_decodes(
        b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n",
        &[head(404, "Not Found", vec![Header::new("A", "b")])],
        responses,
    );
    assert_decodes(
        b"HTTP/1.1 200 \r\n\r\n",
        &[head(200, "", vec![])],
        responses,
    );
    assert_decodes(b"HTTP/1.1 299\r\n\r\n", &[head(299, "", vec![])], responses);
}

#[test]
fn malformed_status_lines_are_refused() {
    for line in [
        "HTTP/1.1",
        "HTTP/1.1 20",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 x",
        "HTTP/1.1  200 OK",
        "200 OK",
    ] {
        let error = refusal(format!("{line}\r\n\r\n").as_bytes(), responses);
        assert!(matches!(error, HttpError::StatusLine(_)), "{line}: {error}");
    }
}

#[test]
fn heads_encode_to_what_they_were() {
    let wire = b"POST /a HTTP/1.0\r\nA: b\r\n\r\n";
    let head = decode_request(&mut BytesMut::from(&wire[..]), &Limits::default())
        .unwrap()
        .unwrap();
    let mut encoded = BytesMut::new();
    head.encode(&mut encoded);
    assert_eq!(encoded, &wire[..]);

    let wire = b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\n\r\n";
    let head = decode_response(&mut BytesMut::from(&wire[..]), &Limits::default())
        .unwrap()
        .unwrap();
    let mut encoded = BytesMut::new();
    head.encode(&mut encoded);
    assert_eq!(encoded, &wire[..]);
}
