//! One job of a codec, so many times, for a counter of instructions to look at.
//!
//! `gatebench-instructions` lists the jobs; `gatebench-instructions JOB TIMES` does one. The preparation
//! is the same for any number of times, so that the difference of two counts is the job alone.

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use bytes::BytesMut;
use gatebench_benches::{
    CGI_HEAD, FASTCGI, FASTCGI_REPLY, GATEWAY, HTTP, HTTP_REPLY, SCGI, UWSGI, application,
};
use wire::environ::Environ;
use wire::fastcgi::state::Client;
use wire::fastcgi::{Kind, record};
use wire::http::{self, ChunkedDecoder, LAST_CHUNK, Limits, Version, encode_chunk};
use wire::request::{SplitPath, Target, environ};
use wire::{cgi, scgi, uwsgi};

/// Prepares itself and is then done so many times.
type Job = fn(u32);

/// The names are those in `baseline.json`.
const JOBS: [(&str, Job); 15] = [
    ("decode/http-request", |times| {
        decode(times, HTTP, |buf| {
            http::decode_request(buf, &Limits::default())
        })
    }),
    ("decode/http-response", |times| {
        decode(times, HTTP_REPLY, |buf| {
            http::decode_response(buf, &Limits::default())
        })
    }),
    ("decode/cgi-head", |times| {
        decode(times, CGI_HEAD, |buf| {
            cgi::decode_head(buf, &Limits::default())
        })
    }),
    ("decode/uwsgi-request", |times| {
        decode(times, UWSGI, |buf| {
            uwsgi::decode_request(buf, uwsgi::MAX_BLOCK)
        })
    }),
    ("decode/scgi-request", |times| {
        decode(times, SCGI, |buf| scgi::decode_request(buf, 65536))
    }),
    ("decode/fastcgi-request", |times| {
        decode(times, FASTCGI, serve)
    }),
    ("decode/fastcgi-reply", |times| {
        decode(times, FASTCGI_REPLY, |buf| {
            while let Ok(Some(record)) = record::decode(buf) {
                black_box(record);
            }
        })
    }),
    ("decode/chunked", |times| decode(times, &chunked(), unchunk)),
    ("encode/uwsgi-request", |times| {
        let environ = variables();
        encode(times, |dst| uwsgi::encode_request(&environ, 0, 0, dst));
    }),
    ("encode/scgi-request", |times| {
        let environ = variables();
        encode(times, |dst| scgi::encode_request(&environ, 5, dst));
    }),
    ("encode/fastcgi-request", |times| {
        let environ = variables();
        encode(times, |dst| Client::begin(1, true, &environ, dst));
    }),
    ("encode/fastcgi-stdout", |times| {
        encode(times, |dst| {
            record::encode(Kind::STDOUT, 1, &[b'x'; 1024], dst)
        })
    }),
    ("encode/http-response", |times| {
        let head = cgi::decode_head(&mut CGI_HEAD.into(), &Limits::default())
            .expect("a head")
            .expect("whole");
        let response = head.to_response(Version::Http11).expect("a document");
        encode(times, |dst| response.encode(dst));
    }),
    ("environ/path", |times| {
        let head = head();
        (0..times).for_each(|_| drop(black_box(split(black_box(&head)))));
    }),
    ("environ/build", |times| {
        let head = head();
        let path = split(&head);
        (0..times).for_each(|_| drop(black_box(environ(&head, &path, Some(5), &GATEWAY))));
    }),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => JOBS.iter().for_each(|(name, _)| println!("{name}")),
        [name, times] => {
            let job = JOBS.iter().find(|(job, _)| job == name);
            let (Some((_, job)), Ok(times)) = (job, times.parse()) else {
                eprintln!(
                    "no job {name}, or {times} is no number; without arguments all are listed"
                );
                return ExitCode::from(2);
            };
            job(times);
        }
        _ => {
            eprintln!("expected JOB TIMES, or nothing for a list of the jobs");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn decode<T>(times: u32, input: &[u8], decoder: impl Fn(&mut BytesMut) -> T) {
    for _ in 0..times {
        let mut buf = BytesMut::from(black_box(input));
        black_box(decoder(&mut buf));
    }
}

fn encode<T>(times: u32, encoder: impl Fn(&mut BytesMut) -> T) {
    let mut dst = BytesMut::with_capacity(1 << 16);
    for _ in 0..times {
        dst.clear();
        black_box(encoder(black_box(&mut dst)));
    }
}

/// A whole request through the state of a connection.
fn serve(buf: &mut BytesMut) {
    let mut connection = application();
    let mut reply = BytesMut::new();
    while let Ok(Some(event)) = connection.receive(buf, &mut reply) {
        black_box(event);
    }
}

fn chunked() -> BytesMut {
    let mut wire = BytesMut::new();
    for _ in 0..16 {
        encode_chunk(&[b'x'; 64], &mut wire);
    }
    wire.extend_from_slice(LAST_CHUNK);
    wire
}

fn unchunk(buf: &mut BytesMut) {
    let mut decoder = ChunkedDecoder::new();
    while let Ok(Some(event)) = decoder.decode(buf) {
        black_box(event);
    }
}

/// What nginx sends with a POST.
fn variables() -> Environ {
    let (_, environ) = uwsgi::decode_request(&mut UWSGI.into(), uwsgi::MAX_BLOCK)
        .expect("a capture")
        .expect("whole");
    environ
}

fn head() -> http::RequestHead {
    http::decode_request(&mut HTTP.into(), &Limits::default())
        .expect("a request")
        .expect("whole")
}

fn split(head: &http::RequestHead) -> SplitPath {
    let path = Target::parse(&head.target)
        .and_then(|target| target.decoded_path())
        .expect("a path");
    SplitPath::at(&path, "/app").expect("a path in /app")
}
