//! What the server tells its service manager, with a socket of the test in place of systemd's.

mod support;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::sys::signal::Signal;
use support::Server;

const PROBE: [&str; 3] = ["--http-socket", "127.0.0.1:0", "--probe"];

/// Reads messages until one holds `part`.
#[track_caller]
fn told(manager: &UnixDatagram, part: &str) -> String {
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut seen = Vec::new();
    let mut message = [0; 4096];
    loop {
        let size = match manager.recv(&mut message) {
            Ok(size) => size,
            Err(error) => panic!("{part} is not told ({error}) but {seen:?}"),
        };
        let text = String::from_utf8(message[..size].to_vec()).unwrap();
        if text.lines().any(|line| line == part) {
            return text;
        }
        seen.push(text);
    }
}

#[test]
fn the_service_manager_is_told_of_start_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let server = Server::start_by(&["env", &variable], &PROBE);
    let ready = told(&manager, "READY=1");
    assert!(
        ready.contains(&format!("MAINPID={}\n", server.pid())),
        "{ready}"
    );
    server.signal(Signal::SIGTERM);
    told(&manager, "STOPPING=1");
    assert!(server.wait().success());
}

#[test]
fn the_socket_may_have_an_abstract_name() {
    let name = format!("gateserve-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let variable = format!("NOTIFY_SOCKET=@{name}");
    let _server = Server::start_by(&["env", &variable], &PROBE);
    told(&manager, "READY=1");
}

#[test]
fn a_watchdog_sees_that_the_master_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let _server = Server::start_by(&["env", &variable, "WATCHDOG_USEC=200000"], &PROBE);
    told(&manager, "READY=1");
    for _ in 0..3 {
        told(&manager, "WATCHDOG=1");
    }
}

#[test]
fn a_service_manager_that_is_gone_does_not_hold_up_the_server() {
    let mut server = Server::start_by(&["env", "NOTIFY_SOCKET=/no/such/socket"], &PROBE);
    server.connect();
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
    assert!(
        server
            .told()
            .contains("NOTIFY_SOCKET /no/such/socket cannot be used")
    );
}

#[test]
fn the_service_manager_is_told_of_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let server = Server::start_by(&["env", &variable], &PROBE);
    told(&manager, "READY=1");
    server.signal(Signal::SIGHUP);
    let reloading = told(&manager, "RELOADING=1");
    assert!(reloading.contains("\nMONOTONIC_USEC="), "{reloading}");
    told(&manager, "READY=1");
}
