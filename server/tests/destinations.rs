//! Where the log goes, seen from outside.

mod support;

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::silent::Silent;

const PATIENCE: Duration = Duration::from_secs(20);

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_log_file_is_relative_to_where_the_server_was_started() {
    let server = Silent::start(&["--logto", "app.log", "--chdir", "/"]);
    server.holds("app.log", "gateserve is ready");
}

#[test]
fn a_log_file_is_appended_to_and_only_emptied_on_demand() {
    for (option, kept) in [(None, true), (Some("--log-truncate"), false)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.log"), "from before\n").unwrap();
        let mut args = vec!["--logto", "app.log"];
        args.extend(option);
        let server = Silent::start_in(folder, &args);
        let text = server.holds("app.log", "gateserve is ready");
        assert_eq!(text.contains("from before"), kept, "{option:?}");
    }
}

#[test]
fn a_log_file_has_the_rights_that_were_asked_for() {
    let server = Silent::start(&["--logto", "app.log", "--logfile-chmod", "604"]);
    server.holds("app.log", "gateserve is ready");
    assert_eq!(mode(&server.folder.path().join("app.log")), 0o604);
}

#[test]
fn what_comes_after_the_drop_of_rights_goes_to_the_second_log() {
    let server = Silent::start(&["--logto", "first.log", "--logto2", "second.log"]);
    server.holds("second.log", "gateserve is ready");
    let first = server.text("first.log");
    assert!(first.contains("bound to"), "{first}");
    assert!(!first.contains("is ready"), "{first}");
}

#[test]
fn a_log_by_udp_is_a_datagram_a_line() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let server = Silent::start(&["--logto", &address]);
    let mut packet = [0; 2048];
    let mut next = || {
        let size = receiver.recv(&mut packet).expect("a datagram in time");
        String::from_utf8(packet[..size].to_vec()).unwrap()
    };
    while !next().starts_with("gateserve is ready") {}
    server.get("/by-udp");
    let line = next();
    assert!(line.contains("GET /by-udp => generated 1 bytes"), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
}

#[test]
fn a_log_file_that_cannot_be_opened_ends_the_start() {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--socket", "127.0.0.1:0", "--probe"])
        .args(["--logto", "/no/such/folder/app.log"])
        .assert()
        .code(1)
        .stderr(predicates::str::contains(
            "cannot open the log: /no/such/folder/app.log: ",
        ));
}
