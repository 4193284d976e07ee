//! Message framing and chunked bodies.

use crate::support::{decode_in_reads, refusal};
use bytes::{Bytes, BytesMut};
use wire::http::{
    ChunkEvent, ChunkedDecoder, Framing, Header, HttpError, LAST_CHUNK, Limits, RequestHead,
    ResponseHead, decode_request, decode_response, encode_chunk,
};

fn request(version: &str, fields: &str) -> RequestHead {
    let wire = format!("POST / HTTP/{version}\r\n{fields}\r\n");
    decode_request(&mut BytesMut::from(wire.as_str()), &Limits::default())
        .unwrap()
        .unwrap()
}

fn response(status: u16, fields: &str) -> ResponseHead {
    let wire = format!("HTTP/1.1 {status} x\r\n{fields}\r\n");
    decode_response(&mut BytesMut::from(wire.as_str()), &Limits::default())
        .unwrap()
        .unwrap()
}

#[test]
fn a_request_without_length_has_no_body() {
    assert_eq!(request("1.1", "").framing(), Ok(Framing::None));
    assert_eq!(
        request("1.1", "Content-Length: 0\r\n").framing(),
        Ok(Framing::Length(0))
    );
    assert_eq!(
        request("1.0", "Content-Length: 5\r\n").framing(),
        Ok(Framing::Length(5))
    );
    assert_eq!(
        request("1.1", "Transfer-Encoding: Chunked\r\n").framing(),
        Ok(Framing::Chunked)
    );
}

#[test]
fn lengths_that_contradict_are_refused() {
    let refused = |fields: &str| request("1.1", fields).framing().unwrap_err();
    for value in ["+5", "0x5", "5, 5", "", "-1", "18446744073709551616"] {
        let error = refused(&format!("Content-Length: {value}\r\n"));
        assert!(
            matches!(error, HttpError::BadLength(_)),
            "{value:?}: {error}"
        );
    }
    let twice = refused("Content-Length: 5\r\ncontent-length: 5\r\n");
    assert_eq!(twice, HttpError::RepeatedLength(2));
    let both = refused("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    assert_eq!((both.status(), both), (400, HttpError::LengthAndEncoding));
}

#[test]
fn only_a_single_final_chunked_is_understood() {
    let refused = |version, value: &str| {
        request(version, &format!("Transfer-Encoding: {value}\r\n"))
            .framing()
            .unwrap_err()
    };
    assert_eq!(refused("1.1", "gzip, chunked").status(), 501);
    for value in [
        "identity",
        "chunked, gzip",
        "chunked, chunked",
        "chunkedx",
        "",
        ",",
    ] {
        let error = refused("1.1", value);
        assert!(
            matches!(error, HttpError::EncodingWithoutEnd(_)),
            "{value:?}: {error}"
        );
    }
    assert_eq!(refused("1.0", "chunked"), HttpError::EncodingInHttp10);
    let on_two_lines = request(
        "1.1",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    );
    assert!(on_two_lines.framing().is_err());
}

#[test]
fn a_response_ends_by_status_method_length_or_close() {
    let with_length = response(200, "Content-Length: 5\r\n");
    assert_eq!(with_length.framing(b"GET"), Ok(Framing::Length(5)));
    assert_eq!(with_length.framing(b"HEAD"), Ok(Framing::None));
    assert_eq!(response(200, "").framing(b"GET"), Ok(Framing::UntilClose));
    assert_eq!(
        response(200, "").framing(b"CONNECT"),
        Ok(Framing::UntilClose)
    );
    assert_eq!(
        response(200, "Transfer-Encoding: chunked\r\n").framing(b"GET"),
        Ok(Framing::Chunked)
    );
    for bodiless in [100, 204, 304] {
        assert_eq!(
            response(bodiless, "Content-Length: 5\r\n").framing(b"GET"),
            Ok(Framing::None)
        );
    }
}

#[test]
fn connections_persist_by_version_and_option() {
    assert!(request("1.1", "").keep_alive());
    assert!(!request("1.1", "Connection: x, Close\r\n").keep_alive());
    assert!(!request("1.0", "").keep_alive());
    assert!(request("1.0", "Connection: Keep-Alive\r\n").keep_alive());
    assert!(!request("1.0", "Connection: keep-alive\r\nConnection: close\r\n").keep_alive());
    assert!(!response(200, "Connection: close\r\n").keep_alive());
}

#[test]
fn only_http11_clients_wait_for_continue() {
    assert!(request("1.1", "Expect: 100-Continue\r\n").expects_continue());
    assert!(!request("1.0", "Expect: 100-continue\r\n").expects_continue());
    assert!(!request("1.1", "Expect: x\r\n").expects_continue());
}

/// The body and trailers that `wire` carries, and what follows it.
fn dechunk(wire: &[u8], read_size: usize) -> Result<(Vec<u8>, Vec<Header>, BytesMut), HttpError> {
    let mut decoder = ChunkedDecoder::new();
    let (events, rest) = decode_in_reads(wire, read_size, |buf| decoder.decode(buf))?;
    let (mut body, mut end) = (Vec::new(), None);
    for event in events {
        assert_eq!(end, None, "nothing comes after the end");
        match event {
            ChunkEvent::Data(data) => body.extend_from_slice(&data),
            ChunkEvent::End { trailers } => end = Some(trailers),
        }
    }
    Ok((body, end.expect("the body ends"), rest))
}

#[track_caller]
fn assert_body(wire: &[u8], expected: &[u8], trailers: &[Header]) {
    for read_size in [wire.len(), 1] {
        let (body, seen, rest) = dechunk(wire, read_size).unwrap();
        assert_eq!(
            (Bytes::from(body), &seen[..]),
            (Bytes::copy_from_slice(expected), trailers)
        );
        assert!(rest.is_empty());
    }
}

#[test]
fn chunks_make_a_body() {
    assert_body(b"0\r\n\r\n", b"", &[]);
    assert_body(
        b"5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n",
        b"hello world",
        &[],
    );
    assert_body(
        b"A;x=\"y\";z\r\n0123456789\r\n000\r\n\r\n",
        b"0123456789",
        &[],
    );
    assert_body(b"1 \t;x\r\na\r\n0\r\n\r\n", b"a", &[]);
}

#[test]
fn trailers_come_with_the_end() {
    let trailers = [Header::new("A", "b"), Header::new("C", "")];
    assert_body(b"1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", b"x", &trailers);
}

#[test]
fn the_next_request_stays_in_the_buffer() {
    let (body, _, rest) = dechunk(b"1\r\nx\r\n0\r\n\r\nGET /", 64).unwrap();
    assert_eq!((&body[..], &rest[..]), (&b"x"[..], &b"GET /"[..]));
}

#[test]
fn malformed_chunks_are_refused() {
    let refused = |wire: &[u8]| {
        refusal(wire, || {
            let mut decoder = ChunkedDecoder::new();
            move |buf: &mut BytesMut| decoder.decode(buf)
        })
    };
    for size in [
        &b"\r\n"[..],
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"0x1\r\n",
        b"1,\r\n",
        b"1;\x01\r\n",
    ] {
        assert!(matches!(refused(size), HttpError::ChunkSize(_)), "{size:?}");
    }
    assert!(matches!(
        refused(b"10000000000000000\r\n"),
        HttpError::ChunkSize(_)
    ));
    assert!(matches!(refused(b"1\na\r\n"), HttpError::BareLineFeed(_)));
    for end in [&b"1\r\nab\r\n"[..], b"1\r\na\n", b"1\r\na\rb"] {
        assert!(matches!(refused(end), HttpError::ChunkEnd(_)), "{end:?}");
    }
    assert!(matches!(
        refused(&[b'0'; 1024]),
        HttpError::ChunkSizeTooLong(_)
    ));
    assert!(matches!(
        refused(b"0\r\nA : b\r\n\r\n"),
        HttpError::Field { .. }
    ));
}

#[test]
fn trailers_beyond_the_limits_are_refused() {
    let decode = |wire: Vec<u8>| dechunk(&wire, wire.len()).map(|_| ());
    let endless = [b"0\r\nA: ", &[b'x'; 16 * 1024][..]].concat();
    assert_eq!(decode(endless), Err(HttpError::HeadTooLarge(16 * 1024)));
    let trailers = |count| [b"0\r\n", b"A:\r\n".repeat(count).as_slice(), b"\r\n"].concat();
    assert_eq!(decode(trailers(64)), Ok(()));
    assert_eq!(decode(trailers(65)), Err(HttpError::TooManyHeaders(64)));
}

#[test]
fn the_largest_chunk_size_is_taken() {
    let mut decoder = ChunkedDecoder::new();
    let mut buf = BytesMut::from(&b"ffffffffffffffff\r\nabc"[..]);
    assert_eq!(
        decoder.decode(&mut buf),
        Ok(Some(ChunkEvent::Data("abc".into())))
    );
    assert_eq!(decoder.decode(&mut buf), Ok(None));
}

#[test]
fn encoded_chunks_decode_to_the_same() {
    let mut wire = BytesMut::new();
    encode_chunk(b"hello", &mut wire);
    encode_chunk(b"", &mut wire);
    encode_chunk(&[b'x'; 300], &mut wire);
    wire.extend_from_slice(LAST_CHUNK);
    assert!(wire.starts_with(b"5\r\nhello\r\n12c\r\nxxx"));
    let body = [&b"hello"[..], &[b'x'; 300]].concat();
    assert_body(&wire, &body, &[]);
}
