//! What tests of a started server have in common.

// Each test file uses its own part of this.
#![allow(dead_code, unreachable_pub, unused_imports)]

pub mod gateway;
pub mod load;
pub mod nginx;
pub mod packages;
mod peer;
pub mod probe;
pub mod python;
mod response;
pub mod scripts;
mod server;
pub mod silent;
pub mod site;
pub mod uwsgi;

use std::time::{Duration, Instant};

use bytes::Bytes;
use wire::environ::Environ;

pub use peer::Peer;
pub use response::{Report, Response, Responses};
pub use server::{Ended, Server, pid_in};

/// Longer than anything here should take, and shorter than a person's patience.
const PATIENCE: Duration = Duration::from_secs(20);

/// The variables of a request to the probe, as a gateway sends them.
pub fn environ(method: &str, probe: &str, body_length: usize) -> Environ {
    let mut environ = Environ::new();
    environ.push("CONTENT_LENGTH", body_length.to_string());
    environ.push("REQUEST_METHOD", method.to_owned());
    for (name, value) in [
        ("REQUEST_URI", "/probe/a?b=c"),
        ("QUERY_STRING", "b=c"),
        ("SCRIPT_NAME", "/probe"),
        ("PATH_INFO", "/a"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "192.0.2.1"),
    ] {
        environ.push(name, value);
    }
    if !probe.is_empty() {
        environ.push("HTTP_X_PROBE", probe.to_owned());
    }
    environ
}

/// The bytes that the probe's `size=N` asks for.
pub fn counter(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

/// A body that is unlike the probe's own.
pub fn payload(size: usize) -> Bytes {
    (0..size).map(|at| (at * 7 % 253) as u8).collect()
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lines for the report, added to the file that `GATESERVE_FIGURES` names, if it does.
pub fn figures(lines: &str) {
    let Some(file) = std::env::var_os("GATESERVE_FIGURES") else {
        return;
    };
    let mut options = std::fs::File::options();
    let mut file = options.append(true).create(true).open(file).unwrap();
    std::io::Write::write_all(&mut file, format!("{lines}\n").as_bytes()).unwrap();
}
