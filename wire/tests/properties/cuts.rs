//! Whatever the bytes, a decoder gives the same values, and refuses for the same
//! reason, however the bytes were cut into reads. None panics.

use std::fmt::Debug;
use std::mem::discriminant;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use wire::fastcgi::record;
use wire::fastcgi::state::{Application, Client, Limits as AppLimits};
use wire::fastcgi::values::Capacity;
use wire::http::{self, ChunkEvent, ChunkedDecoder, Limits};
use wire::request::Target;
use wire::{cgi, scgi, uwsgi};

/// The values decoded from `bytes` in reads of `read_size`, and the error if there was one.
fn run<T, E>(
    bytes: &[u8],
    read_size: usize,
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
) -> (Vec<T>, Option<E>) {
    let (mut buf, mut seen) = (BytesMut::new(), Vec::new());
    for read in bytes.chunks(read_size) {
        buf.extend_from_slice(read);
        loop {
            match decode(&mut buf) {
                Ok(Some(value)) => seen.push(value),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, None)
}

#[track_caller]
fn assert_same<T, E, D>(bytes: &[u8], read_size: usize, decoder: impl Fn() -> D)
where
    T: Debug + PartialEq,
    E: Debug,
    D: FnMut(&mut BytesMut) -> Result<Option<T>, E>,
{
    let (whole, whole_error) = run(bytes, bytes.len().max(1), decoder());
    let (cut, cut_error) = run(bytes, read_size, decoder());
    assert_eq!(cut, whole, "in reads of {read_size} bytes");
    let kinds = [&cut_error, &whole_error].map(|error| error.as_ref().map(discriminant));
    assert_eq!(
        kinds[0], kinds[1],
        "{cut_error:?} in reads of {read_size} bytes, {whole_error:?} whole"
    );
}

/// Bytes that look like lines: mostly the characters that matter to a parser.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "\r\n", "\n", "\r", ":", " ", "\t", "\0", "GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Host: h\r\n",
            "Status: 404 x\n", "Location: /x\n", "Content-Length: 5\r\n", "\r\n\r\n", "5\r\nhello\r\n", "0\r\n", ";",
            "a", "24:CONTENT_LENGTH\x000\0SCGI\x001\0,", "1", "9", ",",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Bytes that look like FastCGI records: valid headers with small, odd contents.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![
        Just(Vec::new()),
        Just(vec![0, 1, 1, 0, 0, 0, 0, 0]),
        Just(b"\x01\x01AB".to_vec()),
        vec(any::<u8>(), 0..12),
    ];
    let record = (0..14u8, 0..3u8, content, 0..4u8).prop_map(|(kind, id, content, padding)| {
        let header = [1, kind, 0, id, 0, content.len() as u8, padding, 0];
        [&header, &content[..], &vec![0xff; usize::from(padding)]].concat()
    });
    vec(record, 0..12).prop_map(|records| records.concat())
}

proptest! {
    #[test]
    fn http_heads_are_cut_anywhere(bytes in lines(), read_size in 1..20usize) {
        let limits = Limits { head_bytes: 120, headers: 4 };
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| http::decode_request(buf, &limits));
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| http::decode_response(buf, &limits));
    }

    #[test]
    fn cgi_heads_are_cut_anywhere(bytes in lines(), read_size in 1..20usize) {
        let limits = Limits { head_bytes: 120, headers: 4 };
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| cgi::decode_head(buf, &limits));
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| cgi::decode_either(buf, &limits));
    }

    #[test]
    fn scgi_requests_are_cut_anywhere(bytes in lines(), read_size in 1..20usize) {
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| scgi::decode_request(buf, 100));
    }

    #[test]
    fn uwsgi_requests_are_cut_anywhere(bytes in vec(0..6u8, 0..60), read_size in 1..20usize) {
        assert_same(&bytes, read_size, || |buf: &mut BytesMut| uwsgi::decode_request(buf, 600));
    }

    #[test]
    fn fastcgi_records_are_cut_anywhere(bytes in records(), read_size in 1..20usize) {
        assert_same(&bytes, read_size, || record::decode);
    }

    #[test]
    fn fastcgi_connections_are_cut_anywhere(bytes in records(), read_size in 1..20usize) {
        let capacity = Capacity { max_conns: 1, max_reqs: 2, mpxs: true };
        assert_same(&bytes, read_size, || {
            let mut application = Application::new(AppLimits { params_bytes: 40, capacity });
            move |buf: &mut BytesMut| application.receive(buf, &mut BytesMut::new())
        });
        assert_same(&bytes, read_size, || {
            let mut client = Client::begin(1, true, &Default::default(), &mut BytesMut::new());
            move |buf: &mut BytesMut| client.receive(buf)
        });
    }

    /// Chunks may be cut, so the body is compared and not its pieces.
    #[test]
    fn chunked_bodies_are_cut_anywhere(bytes in lines(), read_size in 1..20usize) {
        let body = |read_size| {
            let mut decoder = ChunkedDecoder::new();
            let (events, error) = run(&bytes, read_size, |buf| decoder.decode(buf));
            let (mut body, mut end) = (Vec::new(), None);
            for event in events {
                match event {
                    ChunkEvent::Data(data) => body.extend_from_slice(&data),
                    ChunkEvent::End { trailers } => end = Some(trailers),
                }
            }
            (body, end, error.as_ref().map(discriminant))
        };
        prop_assert_eq!(body(read_size), body(bytes.len().max(1)));
    }

    #[test]
    fn a_mapped_path_stays_below_the_root(path in "/([./a]|%2[eEfF]|%41){0,20}") {
        let target = Target::parse(path.as_bytes()).unwrap();
        if let Ok(decoded) = target.decoded_path() {
            prop_assert!(decoded.starts_with(b"/"));
            let climbs = decoded.split(|&b| b == b'/').any(|segment| segment == b".." || segment == b".");
            prop_assert!(!climbs, "{decoded:?}");
        }
    }

    #[test]
    fn any_target_is_parsed_or_refused(target: Vec<u8>) {
        if let Ok(target) = Target::parse(&target) {
            // Reaching this line is the point: nothing panicked.
            let _ = target.decoded_path();
        }
    }
}
