//! FastCGI records and PARAMS streams.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::fastcgi::{Kind, Malformed, Record, pairs, params, record};

use crate::support::{assert_decodes, decode_in_reads, refusal};

fn records() -> impl FnMut(&mut BytesMut) -> Result<Option<Record>, Malformed> {
    record::decode
}

fn record_of(kind: Kind, request_id: u16, content: &'static [u8], padding: u8) -> Record {
    Record {
        kind,
        request_id,
        content: content.into(),
        padding,
    }
}

#[test]
fn padding_is_dropped() {
    assert_decodes(
        b"\x01\x05\x01\x02\x00\x03\x05\x00abc\xff\xff\xff\xff\xff",
        &[record_of(Kind::STDIN, 0x0102, b"abc", 5)],
        records,
    );
}

#[test]
fn an_empty_record_may_be_padded() {
    assert_decodes(
        b"\x01\x06\x00\x01\x00\x00\x03\x00\xff\xff\xff\x01\x03\x00\x01\x00\x00\x00\x00",
        &[
            record_of(Kind::STDOUT, 1, b"", 3),
            record_of(Kind::END_REQUEST, 1, b"", 0),
        ],
        records,
    );
}

#[test]
fn the_reserved_byte_is_ignored() {
    assert_decodes(
        b"\x01\x05\x00\x01\x00\x01\x00\xffx",
        &[record_of(Kind::STDIN, 1, b"x", 0)],
        records,
    );
}

#[test]
fn unknown_types_are_records_too() {
    assert_decodes(
        b"\x01\xc8\x00\x00\x00\x01\x00\x00x",
        &[record_of(Kind(200), 0, b"x", 0)],
        records,
    );
    assert_eq!(Kind(200).name(), None);
    assert_eq!(Kind(0).name(), None);
    assert_eq!(Kind::UNKNOWN_TYPE.to_string(), "UNKNOWN_TYPE");
}

#[test]
fn the_largest_record_is_read() {
    let wire = [
        &b"\x01\x05\x00\x01\xff\xff\xff\x00"[..],
        &[b'x'; 65535],
        &[0; 255],
    ]
    .concat();
    let (seen, rest) = decode_in_reads(&wire, 1000, record::decode).unwrap();
    assert_eq!(
        (seen.len(), seen[0].content.len(), rest.len()),
        (1, 65535, 0)
    );
}

#[test]
fn another_version_is_refused_by_its_first_byte() {
    for version in [0, 2, 255] {
        assert_eq!(refusal(&[version], records), Malformed::Version(version));
    }
}

#[test]
fn records_are_padded_to_eight_bytes() {
    let mut wire = BytesMut::new();
    record::encode(Kind::STDIN, 1, b"hello", &mut wire);
    record::encode_end(Kind::STDIN, 1, &mut wire);
    assert_eq!(
        wire,
        &b"\x01\x05\x00\x01\x00\x05\x03\x00hello\0\0\0\x01\x05\x00\x01\x00\x00\x00\x00"[..]
    );
}

#[test]
fn a_long_stream_becomes_records_that_need_no_padding() {
    let data = vec![b'x'; 70_000];
    let mut wire = BytesMut::new();
    record::encode(Kind::STDOUT, 1, &data, &mut wire);
    let (seen, _) = decode_in_reads(&wire, wire.len(), record::decode).unwrap();
    let lengths: Vec<_> = seen
        .iter()
        .map(|record| (record.content.len(), record.padding))
        .collect();
    assert_eq!(lengths, [(65528, 0), (4472, 0)]);
}

/// The records of the PARAMS stream that carries `environ`.
fn params_records(environ: &Environ) -> Vec<Record> {
    let mut wire = BytesMut::new();
    params::encode(1, environ, &mut wire);
    let (seen, rest) = decode_in_reads(&wire, wire.len(), record::decode).unwrap();
    assert!(rest.is_empty());
    assert!(
        seen.iter()
            .all(|record| record.kind == Kind::PARAMS && record.request_id == 1)
    );
    seen
}

#[test]
fn an_environment_is_one_record_and_an_end() {
    let environ: Environ = [("SERVER_PORT", "80")].into_iter().collect();
    let seen = params_records(&environ);
    assert_eq!(
        seen,
        [
            record_of(Kind::PARAMS, 1, b"\x0b\x02SERVER_PORT80", 1),
            record_of(Kind::PARAMS, 1, b"", 0)
        ]
    );
}

#[test]
fn an_empty_environment_is_an_end_alone() {
    assert_eq!(
        params_records(&Environ::new()),
        [record_of(Kind::PARAMS, 1, b"", 0)]
    );
}

#[test]
fn pairs_stay_whole_as_long_as_they_fit() {
    let environ: Environ = (0..100)
        .map(|n| (format!("HTTP_X_{n}"), "v".repeat(2000)))
        .collect();
    let seen = params_records(&environ);
    assert_eq!(seen.len(), 5);
    let decoded = seen.iter().flat_map(|record| {
        let alone = pairs::decode_all(&record.content).expect("each record decodes on its own");
        alone
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Vec<_>>()
    });
    assert_eq!(decoded.collect::<Environ>(), environ);
}

#[test]
fn a_pair_that_no_record_holds_is_split() {
    let environ: Environ = [
        ("A", "1".to_owned()),
        ("BIG", "x".repeat(100_000)),
        ("Z", "2".to_owned()),
    ]
    .into_iter()
    .collect();
    let seen = params_records(&environ);
    let stream: Vec<u8> = seen
        .iter()
        .flat_map(|record| record.content.clone())
        .collect();
    assert_eq!(pairs::decode_all(&stream), Ok(environ));
    let (end, data) = seen.split_last().unwrap();
    assert!(end.content.is_empty() && data.iter().all(|record| !record.content.is_empty()));
}
