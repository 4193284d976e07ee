//! CGI response heads and what a client gets for them.

use std::slice;

use bytes::BytesMut;
use wire::cgi::{CgiError, CgiHead, ReplyKind, decode_either, decode_head};
use wire::field::FieldFault;
use wire::http::{Header, Limits, ResponseHead, Version};

use crate::support::{assert_decodes, refusal};

fn heads() -> impl FnMut(&mut BytesMut) -> Result<Option<CgiHead>, CgiError> {
    |buf| decode_head(buf, &Limits::default())
}

/// The one head in `text`.
fn head(text: &str) -> CgiHead {
    decode_head(&mut BytesMut::from(text), &Limits::default())
        .unwrap()
        .unwrap()
}

fn response(text: &str) -> Result<ResponseHead, CgiError> {
    head(text).to_response(Version::Http11)
}

#[track_caller]
fn assert_status(text: &str, status: u16, reason: &str) {
    let response = response(text).unwrap();
    assert_eq!(
        (response.status, &response.reason[..]),
        (status, reason.as_bytes()),
        "{text:?}"
    );
    assert_eq!(
        response.header("status"),
        None,
        "Status does not go to the client"
    );
}

#[test]
fn lines_end_in_lf_or_crlf() {
    let expected = CgiHead::default()
        .with("Content-Type", "text/plain")
        .with("X-A", "b");
    for wire in [
        "Content-Type: text/plain\nX-A:b\n\n",
        "Content-Type: text/plain\r\nX-A: b \r\n\r\n",
        "Content-Type:\ttext/plain\r\nX-A: b\n\r\n",
        "Content-Type: text/plain\nX-A: b\r\n\n",
    ] {
        assert_decodes(wire.as_bytes(), slice::from_ref(&expected), heads);
    }
}

#[test]
fn the_body_stays_in_the_buffer() {
    let mut buf = BytesMut::from("A: b\n\n\nbody");
    decode_head(&mut buf, &Limits::default()).unwrap().unwrap();
    assert_eq!(buf, "\nbody");
}

#[test]
fn status_stands_anywhere_and_in_any_case() {
    assert_status(
        "Status: 404 Not Found\nContent-Type: text/plain\n\n",
        404,
        "Not Found",
    );
    assert_status(
        "Content-Type: text/plain\nSTATUS:404 Not Found\n\n",
        404,
        "Not Found",
    );
    assert_status(
        "X-A: b\nstatus:\t404 Not Found  \nX-B: c\n\n",
        404,
        "Not Found",
    );
}

#[test]
fn the_reason_may_be_missing() {
    assert_status("Status: 404\n\n", 404, "");
    assert_status("Status: 404 \n\n", 404, "");
    assert_status("Status: 599 \u{fc}\n\n", 599, "\u{fc}");
}

#[test]
fn status_is_200_by_default() {
    assert_status("Content-Type: text/plain\n\n", 200, "OK");
    assert_status("Status:\nContent-Type: text/plain\n\n", 200, "OK");
    assert_status("Location:\nContent-Type: text/plain\n\n", 200, "OK");
}

#[test]
fn malformed_statuses_are_refused() {
    for status in [
        "0404",
        "40",
        "4040",
        "abc",
        "-1",
        "99",
        "099",
        "200OK",
        "HTTP/1.1 404 Not Found",
        "4 4",
    ] {
        let error = refusal(format!("Status: {status}\n\n").as_bytes(), heads);
        assert!(matches!(error, CgiError::Status(_)), "{status}: {error}");
    }
}

#[test]
fn an_interim_status_is_no_response() {
    assert_eq!(
        response("Status: 103 Early Hints\n\n"),
        Err(CgiError::Interim(103))
    );
}

#[test]
fn malformed_lines_are_refused() {
    for (line, fault) in [
        ("Hello", FieldFault::NoColon),
        ("A : b", FieldFault::SpaceBeforeColon),
        ("A: b\n c", FieldFault::Folded),
        (": b", FieldFault::BadName),
        ("A: b\rSet-Cookie: c", FieldFault::Control),
        ("A: b\0", FieldFault::Control),
    ] {
        let error = refusal(format!("{line}\n\n").as_bytes(), heads);
        assert!(
            matches!(error, CgiError::Field { fault: f, .. } if f == fault),
            "{line}: {error}"
        );
    }
    assert_eq!(refusal(b"\nbody", heads), CgiError::NoField);
    assert_eq!(refusal(b"\r\nbody", heads), CgiError::NoField);
}

#[test]
fn single_fields_do_not_come_twice() {
    for (name, value) in [
        ("Status", "200 OK"),
        ("Content-Type", "a/b"),
        ("Location", "/x"),
        ("Content-Length", "1"),
    ] {
        let wire = format!("{name}: {value}\n{}: {value}\n\n", name.to_lowercase());
        assert_eq!(refusal(wire.as_bytes(), heads), CgiError::Duplicate(name));
    }
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let limits = Limits {
        head_bytes: 12,
        headers: 2,
    };
    let limited = || move |buf: &mut BytesMut| decode_head(buf, &limits);
    assert_eq!(
        refusal(b"A: 0123456789", limited),
        CgiError::HeadTooLarge(12)
    );
    assert_eq!(
        refusal(b"A:\nB:\nC:\n\n", limited),
        CgiError::TooManyFields(2)
    );
    assert_decodes(
        b"A: 0123456\n\n",
        &[CgiHead::default().with("A", "0123456")],
        limited,
    );
}

#[track_caller]
fn assert_kind(text: &str, expected: ReplyKind) {
    assert_eq!(head(text).kind(), Ok(expected), "{text:?}");
}

#[test]
fn the_four_responses_are_told_apart() {
    assert_kind("Content-Type: a/b\n\n", ReplyKind::Document);
    assert_kind(
        "Location: /x?y\n\n",
        ReplyKind::LocalRedirect("/x?y".into()),
    );
    for uri in ["http://h/x#frag", "ftp://h/", "mailto:a@b", "HTTP://H/"] {
        assert_kind(
            &format!("Location: {uri}\n\n"),
            ReplyKind::ClientRedirect(uri.to_owned().into()),
        );
    }
    assert_kind(
        "Status: 303 See Other\nLocation: http://h/x\nContent-Type: a/b\n\n",
        ReplyKind::ClientRedirectDocument("http://h/x".into()),
    );
}

#[test]
fn a_path_with_a_redirect_status_goes_to_the_client() {
    assert_kind(
        "Status: 302 Found\nLocation: /x\n\n",
        ReplyKind::ClientRedirectDocument("/x".into()),
    );
    assert_status("Status: 301 Moved\nLocation: ../x\n\n", 301, "Moved");
}

#[test]
fn a_location_beside_another_status_is_a_field() {
    assert_kind(
        "Status: 201 Created\nLocation: /x\nContent-Type: a/b\n\n",
        ReplyKind::Document,
    );
}

#[test]
fn a_location_that_is_neither_uri_nor_path_is_refused() {
    for location in ["x", "?q", "/x#f", ":", "1:x", "a/b:c"] {
        let error = head(&format!("Location: {location}\n\n"))
            .kind()
            .unwrap_err();
        assert!(
            matches!(error, CgiError::Location(_)),
            "{location}: {error}"
        );
    }
}

#[test]
fn a_redirect_is_302_by_default() {
    assert_status("Location: http://h/x\n\n", 302, "Found");
    assert_status("Location: http://h/x\nContent-Type: a/b\n\n", 302, "Found");
}

#[test]
fn other_fields_pass_unchanged_and_in_order() {
    let response = response("Set-Cookie: a\nETag: \"x\"\nset-cookie: b\nX-Empty:\n\n").unwrap();
    let expected = [
        ("Set-Cookie", "a"),
        ("ETag", "\"x\""),
        ("set-cookie", "b"),
        ("X-Empty", ""),
    ];
    assert_eq!(
        response.headers,
        expected.map(|(name, value)| Header::new(name, value))
    );
}

#[test]
fn fields_of_one_connection_do_not_pass() {
    let text = "Connection: close\nTransfer-Encoding: chunked\nKeep-Alive: x\nUpgrade: y\nContent-Type:\nX: z\n\n";
    assert_eq!(response(text).unwrap().headers, [Header::new("X", "z")]);
}

#[test]
fn a_content_length_that_is_no_number_is_refused() {
    for length in ["", "-1", "5, 5", "0x5", "18446744073709551616"] {
        let error = response(&format!("Content-Length: {length}\n\n")).unwrap_err();
        assert!(matches!(error, CgiError::Length(_)), "{length:?}: {error}");
    }
}

#[test]
fn a_head_encodes_as_an_application_writes_it() {
    let mut wire = BytesMut::new();
    CgiHead::new(404)
        .with("Content-Type", "text/plain")
        .with("X-A", "b\nc")
        .encode(&mut wire);
    assert_eq!(
        wire,
        "Status: 404 Not Found\r\nContent-Type: text/plain\r\nX-A: b c\r\n\r\n"
    );
}

#[test]
fn an_http_response_is_a_head_as_well() {
    let expected = CgiHead::new(404).with("X-A", "b");
    let either = || |buf: &mut BytesMut| decode_either(buf, &Limits::default());
    assert_decodes(
        b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nX-A: b\r\n\r\n",
        slice::from_ref(&expected),
        either,
    );
    assert_decodes(b"Status: 404 Not Found\nX-A: b\n\n", &[expected], either);
    assert!(matches!(
        refusal(b"HTTP/1.1 4 x\r\n\r\n", either),
        CgiError::Http(_)
    ));
}

#[test]
fn a_response_with_two_lengths_is_no_response() {
    let mut wire =
        BytesMut::from("HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n");
    let head = decode_either(&mut wire, &Limits::default())
        .unwrap()
        .unwrap();
    assert_eq!(
        head.to_response(Version::Http11),
        Err(CgiError::Duplicate("Content-Length"))
    );
}
