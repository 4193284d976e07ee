//! What one message costs to decode and to encode.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gatebench_benches::{CGI_HEAD, FASTCGI, FASTCGI_BODY, HTTP, SCGI, UWSGI, application};
use wire::cgi;
use wire::fastcgi::state::Client;
use wire::fastcgi::{Kind, record};
use wire::http::{self, ChunkedDecoder, LAST_CHUNK, Limits, Version, encode_chunk};
use wire::{scgi, uwsgi};

criterion_group!(
    benches,
    decoding,
    encoding,
    fastcgi_connection,
    chunked_body
);
criterion_main!(benches);

/// Times a decoder on a fresh copy of `input`; copying is not counted.
fn decode<T>(c: &mut Criterion, name: &str, input: &[u8], decoder: impl Fn(&mut BytesMut) -> T) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(input.len() as u64));
    group.bench_function(name, |b| {
        b.iter_batched_ref(
            || BytesMut::from(input),
            |buf| decoder(buf),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let limits = Limits::default();
    decode(c, "http-request", HTTP, |buf| {
        http::decode_request(buf, &limits)
    });
    decode(c, "cgi-head", CGI_HEAD, |buf| {
        cgi::decode_head(buf, &limits)
    });
    decode(c, "uwsgi-request", UWSGI, |buf| {
        uwsgi::decode_request(buf, uwsgi::MAX_BLOCK)
    });
    decode(c, "scgi-request", SCGI, |buf| {
        scgi::decode_request(buf, 65536)
    });
    decode(c, "fastcgi-records", FASTCGI, |buf| {
        while let Ok(Some(_)) = record::decode(buf) {}
    });
}

fn encoding(c: &mut Criterion) {
    let (_, environ) = uwsgi::decode_request(&mut UWSGI.into(), uwsgi::MAX_BLOCK)
        .expect("a capture")
        .expect("whole");
    let head = cgi::decode_head(&mut CGI_HEAD.into(), &Limits::default())
        .expect("a head")
        .expect("whole");
    let response = head.to_response(Version::Http11).expect("a document");
    encode(c, "uwsgi-request", |dst| {
        uwsgi::encode_request(&environ, 0, 0, dst).is_ok()
    });
    encode(c, "scgi-request", |dst| {
        scgi::encode_request(&environ, 5, dst).is_ok()
    });
    encode(c, "fastcgi-request", |dst| {
        Client::begin(1, true, &environ, dst)
    });
    encode(c, "fastcgi-stdout-16k", |dst| {
        record::encode(Kind::STDOUT, 1, &[b'x'; 16384], dst)
    });
    encode(c, "http-response", |dst| response.encode(dst));
    encode(c, "cgi-head", |dst| head.encode(dst));
}

/// Times an encoder into a buffer that has its room already.
fn encode<T>(c: &mut Criterion, name: &str, encoder: impl Fn(&mut BytesMut) -> T) {
    let mut dst = BytesMut::with_capacity(1 << 16);
    c.bench_function(&format!("encode/{name}"), |b| {
        b.iter(|| {
            dst.clear();
            black_box(encoder(black_box(&mut dst)));
        });
    });
}

/// A whole request through the state of a connection: records, parameters, body.
fn fastcgi_connection(c: &mut Criterion) {
    let serve = |buf: &mut BytesMut| {
        let mut connection = application();
        let mut reply = BytesMut::new();
        while let Ok(Some(event)) = connection.receive(buf, &mut reply) {
            black_box(event);
        }
    };
    decode(c, "fastcgi-request", FASTCGI, serve);
    decode(c, "fastcgi-request-40k", FASTCGI_BODY, serve);
}

fn chunked_body(c: &mut Criterion) {
    let mut wire = BytesMut::new();
    for _ in 0..16 {
        encode_chunk(&[b'x'; 4096], &mut wire);
    }
    wire.extend_from_slice(LAST_CHUNK);
    let wire = Bytes::from(wire);
    decode(c, "chunked-64k", &wire, |buf| {
        let mut decoder = ChunkedDecoder::new();
        while let Ok(Some(event)) = decoder.decode(buf) {
            black_box(event);
        }
    });
    encode(c, "chunk-4k", |dst| encode_chunk(&[b'x'; 4096], dst));
}
