//! What a worker holds while long bodies stream through it, and after many requests.
//!
//! `GATESERVE_STREAM` (bytes, 64 MiB) and `GATESERVE_REQUESTS` (2000) ask for more.

mod support;

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::unistd::Pid;
use support::probe::server;
use support::{Peer, Responses, Server};
use tempfile::TempDir;

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

/// A server that keeps large bodies in files, and its folder with `tmp` for these and `cgi/true`.
fn busy_server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for name in ["tmp", "cgi"] {
        std::fs::create_dir(here.join(name)).unwrap();
    }
    let script = here.join("cgi/true");
    std::fs::write(&script, "#!/bin/sh\necho 'Status: 200 OK'\necho\n").unwrap();
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let (temporary, cgi) = (
        format!("TMPDIR={}/tmp", here.display()),
        format!("/cgi={}/cgi", here.display()),
    );
    let options = ["--probe", "--post-buffering", "4096", "--cgi", &cgi];
    let server = Server::start_by(
        &["env", &temporary],
        &[&["--http-socket", "127.0.0.1:0"], &options[..]].concat(),
    );
    (folder, server)
}

/// What could be left behind besides memory: descriptors of the worker, processes below the server (a
/// zombie is one), files that it made, System V segments of the machine.
fn remains(server: &Server, worker: Pid, folder: &TempDir) -> [usize; 4] {
    let entries = |path: PathBuf| std::fs::read_dir(path).unwrap().count();
    let lines = |path: &str| std::fs::read_to_string(path).map_or(0, |text| text.lines().count());
    [
        descriptors(worker),
        children(server.pid()) + children(worker),
        entries(folder.path().join("tmp")),
        lines("/proc/sysvipc/shm") + lines("/proc/sysvipc/sem"),
    ]
}

fn children(pid: Pid) -> usize {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace().count()
}

/// An ordinary request, one that runs a program, one whose body goes to a file.
fn nth(number: u64) -> (&'static str, usize) {
    match number % 50 {
        0 => ("/cgi/true", 1),
        25 => ("/", 20_000),
        _ => ("/", 1),
    }
}

#[test]
fn many_requests_leave_nothing_behind() {
    let (folder, server) = busy_server();
    let worker = server.workers()[0];
    warm(server.connect());
    let ask = |number| {
        let (path, length) = nth(number);
        let mut responses = Responses::on(server.connect());
        responses.peer.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        ));
        assert_eq!(responses.next("POST").head.status, 200);
        assert!(responses.peer.is_closed());
    };
    (0..100).for_each(ask);
    let (before, held) = (peak(worker), remains(&server, worker, &folder));
    let requests = asked("GATESERVE_REQUESTS", 2000);
    (0..requests).for_each(ask);
    let grown = peak(worker) - before;
    println!("{requests} requests: the worker grew by {grown} kB; before and after {held:?}");
    assert!(grown < BOUND_KB, "{requests} requests: {grown} kB more");
    support::eventually("nothing is left behind", || {
        let now = remains(&server, worker, &folder);
        now.iter().zip(&held).all(|(now, before)| now <= before)
    });
}
