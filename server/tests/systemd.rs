//! What the server tells its service manager, with a socket of the test in place of systemd's.

mod support;

use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use support::{Peer, Server};

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

/// Starts a server as systemd does: with these sockets from descriptor 3 on.
fn activated(sockets: &[BorrowedFd<'_>], args: &[&str]) -> Server {
    let mut handed = String::new();
    for (at, socket) in sockets.iter().enumerate() {
        fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        // Moved out of the way first: a descriptor of the test may be one of those wanted.
        handed += &format!("exec {}<&{}; ", 50 + at, socket.as_raw_fd());
    }
    for at in 0..sockets.len() {
        handed += &format!("exec {}<&{}; ", 3 + at, 50 + at);
    }
    let count = sockets.len();
    let command = format!("{handed} LISTEN_PID=$$ LISTEN_FDS={count} exec \"$0\" \"$@\"");
    Server::start_by(&["bash", "-c", &command], args)
}

#[test]
fn sockets_of_the_service_manager_are_taken_over_by_their_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixListener::bind(&path).unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let server = activated(
        &[unix.as_fd(), tcp.as_fd()],
        &[
            "--http-socket",
            &address,
            "--http-socket",
            path.to_str().unwrap(),
            "--probe",
            "--vacuum",
        ],
    );
    drop((tcp, unix));
    let told = server.told();
    assert!(told.contains("inherited INET address"), "{told}");
    assert!(told.contains("inherited UNIX address"), "{told}");
    let answer = |address: &str| {
        let mut peer = Peer::to(address);
        peer.send("GET / HTTP/1.0\r\nX-Probe: body=here\r\n\r\n");
        assert!(peer.rest().ends_with(b"here"));
    };
    answer(&address);
    answer(path.to_str().unwrap());
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    // It is the service manager's.
    assert!(path.exists());
}

#[test]
fn sockets_of_the_service_manager_outlast_a_reload() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let mut server = activated(&[tcp.as_fd()], &["--http-socket", &address, "--probe"]);
    drop(tcp);
    server.signal(Signal::SIGHUP);
    server.line("(RE)spawned");
    server.line("gateserve is ready");
    let mut peer = Peer::to(&address);
    peer.send("GET / HTTP/1.0\r\nX-Probe: body=here\r\n\r\n");
    assert!(peer.rest().ends_with(b"here"));
}

#[test]
fn the_file_of_the_service_managers_socket_outlasts_a_reload_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let address = path.to_str().unwrap();
    let unix = UnixListener::bind(&path).unwrap();
    let args = ["--http-socket", address, "--probe", "--vacuum"];
    let mut server = activated(&[unix.as_fd()], &args);
    drop(unix);
    for _ in 0..2 {
        server.signal(Signal::SIGHUP);
        server.line("inherited UNIX address");
        server.line("gateserve is ready");
    }
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    assert!(path.exists());
}

#[test]
fn the_file_of_the_service_managers_socket_stays_when_a_reload_drops_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let ini = folder.path().join("app.ini");
    let configure = |address: &str| {
        let text = format!("[uwsgi]\nprobe = true\nhttp-socket = {address}\n");
        std::fs::write(&ini, text).unwrap();
    };
    configure(path.to_str().unwrap());
    let unix = UnixListener::bind(&path).unwrap();
    let mut server = activated(&[unix.as_fd()], &[ini.to_str().unwrap()]);
    drop(unix);
    configure("127.0.0.1:0");
    server.signal(Signal::SIGHUP);
    server.line("app.sock is not listened on any more");
    server.line("gateserve is ready");
    assert!(path.exists());
}

#[test]
fn a_socket_of_the_service_manager_may_be_named_by_its_descriptor() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = activated(&[tcp.as_fd()], &["--http-socket", "fd://3", "--probe"]);
    assert_eq!(server.addresses[0], tcp.local_addr().unwrap().to_string());
    drop(tcp);
    server.connect();
}
