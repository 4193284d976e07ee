//! What it costs to make meta-variables from an HTTP request and to look one up.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gatebench_benches::{GATEWAY, HTTP};
use wire::http::{Limits, RequestHead, decode_request};
use wire::request::{SplitPath, Target, environ};

criterion_group!(benches, building, reading);
criterion_main!(benches);

fn head() -> RequestHead {
    decode_request(&mut HTTP.into(), &Limits::default())
        .expect("a request")
        .expect("whole")
}

/// The path of a request, split as a router splits it.
fn split(head: &RequestHead) -> SplitPath {
    let path = Target::parse(&head.target)
        .and_then(|target| target.decoded_path())
        .expect("a path");
    SplitPath::at(&path, "/app").expect("a path in /app")
}

fn building(c: &mut Criterion) {
    let head = head();
    let path = split(&head);
    c.bench_function("environ/path", |b| b.iter(|| split(black_box(&head))));
    c.bench_function("environ/build", |b| {
        b.iter(|| environ(black_box(&head), &path, Some(5), &GATEWAY))
    });
}

fn reading(c: &mut Criterion) {
    let head = head();
    let environ = environ(&head, &split(&head), Some(5), &GATEWAY).expect("an environment");
    c.bench_function("environ/get", |b| {
        b.iter(|| environ.get(black_box("REQUEST_METHOD")))
    });
    c.bench_function("environ/content-length", |b| {
        b.iter(|| black_box(&environ).content_length())
    });
}
