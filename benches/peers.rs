//! Our codecs beside the crates that do the same job, on the same bytes.
//!
//! The FastCGI crates have no entry that takes bytes, only streams: there both sides read a slice in
//! memory through `AsyncRead`, on the same runtime, so that no socket is in the figure.

use std::hint::black_box;
use std::io::Read;

use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use fastcgi_client::{Client as PeerClient, Params, Request as PeerRequest, io};
use gatebench_benches::{FASTCGI, FASTCGI_BODY, FASTCGI_REPLY, HTTP, HTTP_REPLY, application};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, join, sink};
use tokio::runtime::Runtime;
use tokio_fastcgi::{RequestResult, Requests};
use wire::environ::Environ;
use wire::fastcgi::state::{AppEvent, Client, ClientEvent};
use wire::fastcgi::{EndRequest, Kind, ProtocolStatus, record};
use wire::http::{self, Limits};

criterion_group!(benches, http_heads, fastcgi_server, fastcgi_client);
criterion_main!(benches);

/// `httparse` borrows from the buffer; ours gives a head that outlives it.
fn http_heads(c: &mut Criterion) {
    let limits = Limits::default();
    let mut group = c.benchmark_group("peers/http-request");
    group.bench_function("gatebench-wire", |b| {
        b.iter_batched_ref(
            || BytesMut::from(HTTP),
            |buf| http::decode_request(buf, &limits),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("httparse", |b| b.iter(|| parse_request(black_box(HTTP))));
    group.finish();

    let mut group = c.benchmark_group("peers/http-response");
    group.bench_function("gatebench-wire", |b| {
        b.iter_batched_ref(
            || BytesMut::from(HTTP_REPLY),
            |buf| http::decode_response(buf, &limits),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("httparse", |b| {
        b.iter(|| parse_response(black_box(HTTP_REPLY)));
    });
    group.finish();
}

/// The room that hyper gives a head as well: 100 fields.
const FIELDS: usize = 100;

fn parse_request(head: &[u8]) -> usize {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let end = request.parse(head).expect("a request");
    black_box(&request);
    end.unwrap()
}

fn parse_response(head: &[u8]) -> usize {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let end = response.parse(head).expect("a response");
    black_box(&response);
    end.unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

/// A whole request as an application server takes it: parameters, body, an empty reply.
fn fastcgi_server(c: &mut Criterion) {
    let runtime = runtime();
    for (size, input, body_len) in [("5", FASTCGI, 5), ("40000", FASTCGI_BODY, 40_000)] {
        let seen = runtime.block_on(async { (serve(input).await, peer_serves(input).await) });
        assert_eq!(seen, (body_len, body_len), "both read the whole body");
        let mut group = c.benchmark_group("peers/fastcgi-server");
        group.bench_function(BenchmarkId::new("gatebench-wire", size), |b| {
            b.iter(|| runtime.block_on(serve(black_box(input))));
        });
        group.bench_function(BenchmarkId::new("tokio-fastcgi", size), |b| {
            b.iter(|| runtime.block_on(peer_serves(black_box(input))));
        });
        group.finish();
    }
}

/// Reads what there is.
async fn more(input: &mut (impl AsyncRead + Unpin), buf: &mut BytesMut) {
    let read = input.read_buf(buf).await.expect("a slice");
    assert_ne!(read, 0, "the capture is whole");
}

/// Gives the length of the body.
async fn serve(mut input: &[u8]) -> usize {
    let mut connection = application();
    let (mut buf, mut reply, mut body) = (BytesMut::new(), BytesMut::new(), Vec::new());
    loop {
        while let Some(event) = connection.receive(&mut buf, &mut reply).expect("records") {
            match event {
                AppEvent::Request { environ, .. } => drop(black_box(environ)),
                AppEvent::Stdin { data, .. } => body.extend_from_slice(&data),
                AppEvent::StdinEnd { id } => return answer(id, &mut reply, &body).await,
                other => panic!("{other:?}"),
            }
        }
        more(&mut input, &mut buf).await;
    }
}

async fn answer(id: u16, reply: &mut BytesMut, body: &[u8]) -> usize {
    let end = EndRequest {
        app_status: 0,
        protocol_status: ProtocolStatus::REQUEST_COMPLETE,
    };
    record::encode_end(Kind::STDOUT, id, reply);
    record::encode(Kind::END_REQUEST, id, &end.encode(), reply);
    sink().write_all(reply).await.expect("a sink");
    black_box(body).len()
}

async fn peer_serves(input: &[u8]) -> usize {
    let mut requests = Requests::new(input, sink(), 1, 1);
    let request = requests.next().await.expect("records").expect("a request");
    let mut body = Vec::new();
    let process = request.process(|request| {
        black_box(request.get_param("request_method"));
        let read = request.get_stdin().read_to_end(&mut body);
        read.expect("a body in memory");
        async { RequestResult::Complete(0) }
    });
    process.await.expect("a sink");
    black_box(&body).len()
}

/// What a gateway does: a request with nine parameters goes out, php-cgi's reply comes in.
fn fastcgi_client(c: &mut Criterion) {
    let runtime = runtime();
    let seen = runtime.block_on(async { (ask().await, peer_asks().await) });
    assert_eq!(seen.0, seen.1, "both read the same reply");
    let mut group = c.benchmark_group("peers/fastcgi-client");
    group.bench_function("gatebench-wire", |b| b.iter(|| runtime.block_on(ask())));
    group.bench_function("fastcgi-client", |b| {
        b.iter(|| runtime.block_on(peer_asks()));
    });
    group.finish();
}

const VARIABLES: [(&str, &str); 9] = [
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("REQUEST_METHOD", "GET"),
    ("SCRIPT_FILENAME", "/srv/www/index.php"),
    ("SCRIPT_NAME", "/index.php"),
    ("REQUEST_URI", "/index.php?page=2"),
    ("QUERY_STRING", "page=2"),
    ("SERVER_NAME", "www.example.test"),
    ("SERVER_PORT", "80"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
];

/// Standard output of the reply.
async fn ask() -> Vec<u8> {
    let mut environ = Environ::with_capacity(VARIABLES.len());
    for (name, value) in black_box(VARIABLES) {
        environ.push(name, value);
    }
    let mut out = BytesMut::new();
    let mut client = Client::begin(1, false, &environ, &mut out);
    client.stdin_end(&mut out);
    sink().write_all(&out).await.expect("a sink");
    let (mut input, mut buf, mut stdout) = (FASTCGI_REPLY, BytesMut::new(), Vec::new());
    loop {
        while let Some(event) = client.receive(&mut buf).expect("records") {
            match event {
                ClientEvent::Stdout(data) => stdout.extend_from_slice(&data),
                ClientEvent::End(_) => return stdout,
                ClientEvent::Stderr(_) | ClientEvent::StdoutEnd => {}
            }
        }
        more(&mut input, &mut buf).await;
    }
}

async fn peer_asks() -> Vec<u8> {
    let mut params = Params::default();
    for (name, value) in black_box(VARIABLES) {
        params.insert(name.into(), value.into());
    }
    let client = PeerClient::new_tokio(join(FASTCGI_REPLY, sink()));
    let request = PeerRequest::new(params, io::empty());
    let reply = client.execute_once(request).await.expect("a reply");
    reply.stdout.expect("standard output")
}
