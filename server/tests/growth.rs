//! What a worker holds while long bodies stream through it, and after many requests.
//!
//! `GATESERVE_STREAM` (bytes, 64 MiB) and `GATESERVE_REQUESTS` (2000) ask for more.

mod support;

use std::io::{Read, Write};

use nix::unistd::Pid;
use support::probe::server;
use support::{Peer, Responses};

/// What a worker may grow by.
const BOUND_KB: u64 = 16 * 1024;

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The most memory that the process has had, in kB.
fn peak(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(pid: Pid) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

/// A first request, so that all is there that stays.
fn warm(peer: Peer) {
    support::probe::body(peer, "size=1000000");
}

#[test]
fn long_bodies_stream_through_without_growth() {
    let server = server(&[]);
    let worker = server.workers()[0];
    warm(server.connect());
    let (before, size) = (peak(worker), asked("GATESERVE_STREAM", 64 << 20));

    let mut peer = server.connect();
    let fields = "Host: a\r\nConnection: close\r\nX-Probe:";
    peer.send(format!(
        "POST / HTTP/1.1\r\n{fields} body=taken\r\nContent-Length: {size}\r\n\r\n"
    ));
    let piece = vec![b'x'; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        peer.write_all(&piece[..count as usize]).unwrap();
        left -= count;
    }
    assert!(peer.rest().ends_with(b"taken"));

    let mut peer = server.connect();
    peer.send(format!("GET / HTTP/1.1\r\n{fields} size={size}\r\n\r\n"));
    let (mut got, mut piece) = (0, vec![0; 64 * 1024]);
    while let Ok(count @ 1..) = peer.read(&mut piece) {
        got += count as u64;
    }
    assert!(got > size, "{got} of {size} bytes");

    let grown = peak(worker) - before;
    println!("{size} bytes each way: the worker grew by {grown} kB");
    assert!(grown < BOUND_KB, "{size} bytes each way: {grown} kB more");
}

#[test]
fn many_requests_leave_nothing_behind() {
    let server = server(&[]);
    let worker = server.workers()[0];
    warm(server.connect());
    let before = (peak(worker), descriptors(worker));
    let requests = asked("GATESERVE_REQUESTS", 2000);
    for _ in 0..requests {
        let mut responses = Responses::on(server.connect());
        responses
            .peer
            .send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(responses.next("POST").head.status, 200);
        assert!(responses.peer.is_closed());
    }
    let grown = peak(worker) - before.0;
    println!("{requests} requests: the worker grew by {grown} kB");
    assert!(grown < BOUND_KB, "{requests} requests: {grown} kB more");
    let now = descriptors(worker);
    assert!(now <= before.1, "{now} descriptors, before {}", before.1);
}
