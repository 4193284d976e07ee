//! SCGI request headers.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::scgi::{ScgiError, Unencodable, decode_request, encode_request};

use crate::support::{assert_decodes, refusal};

fn requests() -> impl FnMut(&mut BytesMut) -> Result<Option<Environ>, ScgiError> {
    |buf| decode_request(buf, 4096)
}

/// A netstring of these headers, `|` standing for NUL.
fn netstring(headers: &str) -> Vec<u8> {
    format!("{}:{headers},", headers.len())
        .replace('|', "\0")
        .into_bytes()
}

/// The example of the specification, without its body.
const DEEP_THOUGHT: &[u8] =
    b"70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,";

fn deep_thought() -> Environ {
    let headers = [
        ("CONTENT_LENGTH", "27"),
        ("SCGI", "1"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/deepthought"),
    ];
    headers.into_iter().collect()
}

#[test]
fn the_example_of_the_specification_is_read() {
    assert_decodes(DEEP_THOUGHT, &[deep_thought()], requests);
}

#[test]
fn the_body_stays_in_the_buffer() {
    let body = b"What is the answer to life?";
    let mut buf = BytesMut::from(&[DEEP_THOUGHT, body].concat()[..]);
    assert_eq!(decode_request(&mut buf, 4096), Ok(Some(deep_thought())));
    assert_eq!(buf, &body[..]);
}

#[test]
fn values_may_be_empty_or_hold_any_octet_but_nul() {
    let wire = netstring("CONTENT_LENGTH|0|A||B|,:=\r\n|SCGI|1|C||");
    let headers = [
        ("CONTENT_LENGTH", "0"),
        ("A", ""),
        ("B", ",:=\r\n"),
        ("SCGI", "1"),
        ("C", ""),
    ];
    assert_decodes(&wire, &[headers.into_iter().collect()], requests);
}

#[test]
fn what_is_no_netstring_is_refused_at_once() {
    for wire in [
        "GET / HTTP/1.0",
        ":",
        "+24:",
        "-1:",
        " 24:",
        "024:",
        "0x18:",
        "2a:",
        "00:,",
    ] {
        let error = refusal(wire.as_bytes(), requests);
        assert!(
            matches!(error, ScgiError::NoNetstring(_)),
            "{wire:?}: {error}"
        );
    }
}

#[test]
fn a_huge_length_is_refused_before_it_arrives() {
    for wire in [&b"4097"[..], b"999999999999", &[b'9'; 1000]] {
        assert_eq!(refusal(wire, requests), ScgiError::TooLarge(4096));
    }
}

#[test]
fn the_comma_is_checked() {
    for last in [b';', 0, b'W'] {
        let mut wire = DEEP_THOUGHT.to_vec();
        *wire.last_mut().unwrap() = last;
        assert_eq!(refusal(&wire, requests), ScgiError::NoComma(last));
    }
}

#[test]
fn headers_come_in_pairs_that_end_in_nul() {
    for headers in [
        "CONTENT_LENGTH|0|SCGI|1|A|",
        "CONTENT_LENGTH|0|SCGI|1",
        "CONTENT_LENGTH|",
        "x",
    ] {
        assert_eq!(
            refusal(&netstring(headers), requests),
            ScgiError::Unpaired,
            "{headers}"
        );
    }
}

#[test]
fn content_length_comes_first_and_is_a_number() {
    for headers in ["", "SCGI|1|CONTENT_LENGTH|0|", "content_length|0|SCGI|1|"] {
        let error = refusal(&netstring(headers), requests);
        assert!(
            matches!(error, ScgiError::LengthNotFirst(_)),
            "{headers}: {error}"
        );
    }
    for length in ["", "-1", "+1", "0x1", "1 "] {
        let error = refusal(
            &netstring(&format!("CONTENT_LENGTH|{length}|SCGI|1|")),
            requests,
        );
        assert!(matches!(error, ScgiError::Length(_)), "{length:?}: {error}");
    }
}

#[test]
fn scgi_is_1() {
    for headers in [
        "CONTENT_LENGTH|0|",
        "CONTENT_LENGTH|0|SCGI|2|",
        "CONTENT_LENGTH|0|SCGI||",
    ] {
        let error = refusal(&netstring(headers), requests);
        assert!(matches!(error, ScgiError::Version(_)), "{headers}: {error}");
    }
}

#[test]
fn length_and_version_do_not_come_twice() {
    for (headers, name) in [
        (
            "CONTENT_LENGTH|0|SCGI|1|CONTENT_LENGTH|5|",
            "CONTENT_LENGTH",
        ),
        ("CONTENT_LENGTH|0|SCGI|1|SCGI|1|", "SCGI"),
    ] {
        assert_eq!(
            refusal(&netstring(headers), requests),
            ScgiError::Duplicate(name)
        );
    }
    let twice = [
        ("CONTENT_LENGTH", "0"),
        ("SCGI", "1"),
        ("HTTP_COOKIE", "a"),
        ("HTTP_COOKIE", "b"),
    ];
    let wire = netstring("CONTENT_LENGTH|0|SCGI|1|HTTP_COOKIE|a|HTTP_COOKIE|b|");
    assert_decodes(&wire, &[twice.into_iter().collect()], requests);
}

#[test]
fn no_name_is_empty() {
    assert_eq!(
        refusal(&netstring("CONTENT_LENGTH|0|SCGI|1||x|"), requests),
        ScgiError::EmptyName
    );
}

#[test]
fn length_and_version_lead_whatever_the_environment_says() {
    let environ: Environ = [
        ("REQUEST_METHOD", "POST"),
        ("SCGI", "2"),
        ("REQUEST_URI", "/deepthought"),
        ("CONTENT_LENGTH", ""),
    ]
    .into_iter()
    .collect();
    let mut wire = BytesMut::new();
    encode_request(&environ, 27, &mut wire).unwrap();
    assert_eq!(wire, DEEP_THOUGHT);
    wire.clear();
    encode_request(&Environ::new(), 0, &mut wire).unwrap();
    assert_eq!(wire, &b"24:CONTENT_LENGTH\x000\0SCGI\x001\0,"[..]);
}

#[test]
fn what_the_format_cannot_carry_is_refused_whole() {
    let refused = |pairs: [(&'static str, &'static str); 2]| {
        let mut wire = BytesMut::new();
        let error = encode_request(&pairs.into_iter().collect(), 0, &mut wire).unwrap_err();
        assert!(wire.is_empty());
        error
    };
    assert_eq!(
        refused([("A", "x"), ("B", "a\0b")]),
        Unencodable::Nul("\"B\"".into())
    );
    assert_eq!(refused([("A", "x"), ("", "b")]), Unencodable::EmptyName);
    assert_eq!(
        refused([("A", "x"), ("A", "x")]),
        Unencodable::Duplicate("\"A\"".into())
    );
}
