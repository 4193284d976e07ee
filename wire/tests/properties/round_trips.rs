//! What is encoded decodes to itself.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wire::cgi::{self, CgiHead};
use wire::environ::Environ;
use wire::fastcgi::pairs::Decoder;
use wire::fastcgi::state::{AppEvent, Application, Client, Limits as AppLimits};
use wire::fastcgi::values::Capacity;
use wire::fastcgi::{Kind, record};
use wire::http::{
    self, ChunkEvent, ChunkedDecoder, LAST_CHUNK, Limits, RequestHead, ResponseHead, Version,
    encode_chunk, percent_decode,
};
use wire::{scgi, uwsgi};

use crate::values::{body, environ, headers};

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::Http10), Just(Version::Http11)]
}

proptest! {
    #[test]
    fn uwsgi_requests(environ in environ(), modifier1: u8, modifier2: u8, rest: Vec<u8>) {
        // "PATC" and its like are refused as HTTP; modifiers below the letters never are.
        let modifier1 = modifier1 % 64;
        let mut buf = BytesMut::new();
        uwsgi::encode_request(&environ, modifier1, modifier2, &mut buf).unwrap();
        buf.extend_from_slice(&rest);
        let (header, decoded) = uwsgi::decode_request(&mut buf, uwsgi::MAX_BLOCK).unwrap().unwrap();
        prop_assert_eq!((header.modifier1, header.modifier2), (modifier1, modifier2));
        prop_assert_eq!(decoded, environ);
        prop_assert_eq!(buf, rest);
    }

    #[test]
    fn scgi_requests(environ in environ(), length: u64, rest: Vec<u8>) {
        let mut buf = BytesMut::new();
        scgi::encode_request(&environ, length, &mut buf).unwrap();
        buf.extend_from_slice(&rest);
        let mut decoded = scgi::decode_request(&mut buf, usize::MAX).unwrap().unwrap();
        prop_assert_eq!(decoded.content_length(), Ok(Some(length)));
        decoded.remove("CONTENT_LENGTH");
        decoded.remove("SCGI");
        prop_assert_eq!(decoded, environ);
        prop_assert_eq!(buf, rest);
    }

    #[test]
    fn fastcgi_requests(environ in environ(), (body, piece) in body(), id in 1..=u16::MAX, keep: bool) {
        let mut buf = BytesMut::new();
        let client = Client::begin(id, keep, &environ, &mut buf);
        for piece in body.chunks(piece) {
            client.stdin(piece, &mut buf);
        }
        client.stdin_end(&mut buf);
        let (seen, seen_body) = serve_one(&mut buf);
        let request = AppEvent::Request { id, keep_conn: keep, role: 1, environ };
        prop_assert_eq!(seen, [request, AppEvent::StdinEnd { id }]);
        prop_assert_eq!(seen_body, body);
    }

    #[test]
    fn fastcgi_pairs_in_records_of_any_length(environ in environ(), record_len in 1..50usize) {
        let mut stream = BytesMut::new();
        for (name, value) in environ.iter() {
            wire::fastcgi::pairs::encode(name, value, &mut stream);
        }
        let (mut decoder, mut seen) = (Decoder::new(), Environ::new());
        for content in stream.chunks(record_len) {
            decoder.push(Bytes::copy_from_slice(content));
            while let Some(pair) = decoder.next_pair() {
                seen.push(pair.name, pair.value);
            }
        }
        prop_assert_eq!(decoder.finish(), Ok(()));
        prop_assert_eq!(seen, environ);
    }

    #[test]
    fn fastcgi_records(kind: u8, id: u16, content: Vec<u8>) {
        let mut buf = BytesMut::new();
        record::encode(Kind(kind), id, &content, &mut buf);
        prop_assert_eq!(buf.len() % 8, 0);
        let decoded = record::decode(&mut buf).unwrap().unwrap();
        prop_assert_eq!((decoded.kind, decoded.request_id), (Kind(kind), id));
        prop_assert_eq!(decoded.content, content);
        prop_assert!(buf.is_empty());
    }

    #[test]
    fn http_requests(headers in headers(), target in "/[!-\"$-~]{0,40}", version in version()) {
        let head = RequestHead { method: "PROPFIND".into(), target: target.into(), version, headers };
        let mut buf = BytesMut::new();
        head.encode(&mut buf);
        prop_assert_eq!(http::decode_request(&mut buf, &Limits::default()), Ok(Some(head)));
        prop_assert!(buf.is_empty());
    }

    #[test]
    fn http_responses(headers in headers(), status in 100..=999u16, reason in "[ -~]{0,20}") {
        let version = Version::Http11;
        let head = ResponseHead { version, status, reason: reason.into(), headers };
        let mut buf = BytesMut::new();
        head.encode(&mut buf);
        prop_assert_eq!(http::decode_response(&mut buf, &Limits::default()), Ok(Some(head)));
        prop_assert!(buf.is_empty());
    }

    #[test]
    fn cgi_heads(fields in headers(), status in 200..=999u16) {
        let head = CgiHead { fields, ..CgiHead::new(status) };
        let mut buf = BytesMut::new();
        head.encode(&mut buf);
        prop_assert_eq!(cgi::decode_head(&mut buf, &Limits::default()), Ok(Some(head.clone())));
        prop_assert!(buf.is_empty());
        let response = head.to_response(Version::Http11).unwrap();
        prop_assert_eq!(CgiHead::from_response(&response), head);
    }

    #[test]
    fn chunked_bodies((body, piece) in body(), rest: Vec<u8>) {
        let mut buf = BytesMut::new();
        for piece in body.chunks(piece) {
            encode_chunk(piece, &mut buf);
        }
        buf.extend_from_slice(LAST_CHUNK);
        buf.extend_from_slice(&rest);
        let (mut decoder, mut seen) = (ChunkedDecoder::new(), Vec::new());
        while let Some(ChunkEvent::Data(data)) = decoder.decode(&mut buf).unwrap() {
            seen.extend_from_slice(&data);
        }
        prop_assert_eq!(seen, body);
        prop_assert_eq!(buf, rest);
    }

    #[test]
    fn percent_escapes(octets: Vec<u8>) {
        let escaped: String = octets.iter().map(|octet| format!("%{octet:02x}")).collect();
        prop_assert_eq!(percent_decode(escaped.as_bytes()), octets);
    }
}

/// What an application server makes of one request: the events but for the body, and the body.
fn serve_one(buf: &mut BytesMut) -> (Vec<AppEvent>, Vec<u8>) {
    let capacity = Capacity {
        max_conns: 1,
        max_reqs: 1,
        mpxs: false,
    };
    let mut application = Application::new(AppLimits {
        params_bytes: 1 << 20,
        capacity,
    });
    let (mut reply, mut events, mut body) = (BytesMut::new(), Vec::new(), Vec::new());
    while let Some(event) = application.receive(buf, &mut reply).unwrap() {
        match event {
            AppEvent::Stdin { data, .. } => body.extend_from_slice(&data),
            other => events.push(other),
        }
    }
    assert!(buf.is_empty() && reply.is_empty());
    (events, body)
}
