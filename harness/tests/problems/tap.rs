//! The tap's own sockets, and the commands that read octets and logs.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
};

use super::kit::{LIMIT, Room, answers, ask, fastcgi, finding, gatebench, read_fastcgi, serve};

/// A FastCGI request for / as nginx sends it.
const REQUEST: &[u8] = include_bytes!("../../../wire/testdata/nginx-fastcgi-get.bin");

#[test]
fn octets_pass_unchanged_over_unix_and_tcp() {
    let mut room = Room::new();
    answers(
        &room.path("app.sock"),
        "Content-Type: text/plain\r\n\r\nhello",
    );
    // A port that is free now; where somebody is faster, the next.
    let app = room.text("app.sock");
    let mut free = || {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Some((port, room.try_tap(&port.to_string(), &app, &[]).ok()?))
    };
    let (port, tap) = (0..5).find_map(|_| free()).expect("a free port");
    let mut client = TcpStream::connect(port).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.write_all(REQUEST).unwrap();
    let mut came = Vec::new();
    client.read_to_end(&mut came).unwrap();
    assert_eq!(came, fastcgi("Content-Type: text/plain\r\n\r\nhello"));
    assert_eq!(tap.next()["status"], 200);
    room.end_last();
    let tap = room.tap("app.sock", &[]);
    let came = ask(&room.path("tap.sock"), REQUEST);
    assert!(came.contains("hello"));
    assert_eq!(tap.next()["protocol"], "fastcgi");
}

#[test]
fn a_half_close_is_passed_on_and_the_reply_still_comes() {
    let mut room = Room::new();
    serve(&room.path("app.sock"), |mut stream| {
        let mut all = Vec::new();
        // The end of what the client sends is seen before the answer.
        stream.read_to_end(&mut all).ok();
        write!(stream, "HTTP/1.0 200 OK\r\n\r\ngot {}", all.len()).ok();
    });
    let tap = room.tap("app.sock", &[]);
    let mut client = UnixStream::connect(room.path("tap.sock")).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut came = String::new();
    client.read_to_string(&mut came).unwrap();
    assert!(came.ends_with("got 18"), "{came}");
    assert_eq!(tap.next()["ending"]["how"], "complete");
}

#[test]
fn a_gateway_that_hangs_up_is_passed_on_to_the_server() {
    let mut room = Room::new();
    serve(&room.path("app.sock"), |mut stream| {
        if read_fastcgi(&mut stream) {
            stream.read_to_end(&mut Vec::new()).ok();
        }
    });
    let tap = room.tap("app.sock", &[]);
    let mut client = UnixStream::connect(room.path("tap.sock")).unwrap();
    client.write_all(REQUEST).unwrap();
    drop(client);
    assert_eq!(tap.next()["ending"]["how"], "gateway-closed");
}

#[test]
fn the_reply_of_a_server_that_goes_without_reading_all_arrives_and_ends() {
    let mut room = Room::new();
    serve(&room.path("app.sock"), |mut stream| {
        stream.read_exact(&mut [0; 4]).ok();
        // What it has not read makes its close a reset.
        stream.write_all(b"HTTP/1.0 413 No\r\n\r\n").ok();
    });
    let tap = room.tap("app.sock", &[]);
    for _ in 0..20 {
        let mut client = UnixStream::connect(room.path("tap.sock")).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client
            .write_all(b"POST / HTTP/1.0\r\nContent-Length: 9\r\n\r\n123")
            .unwrap();
        let mut came = [0; 19];
        client.read_exact(&mut came).unwrap();
        assert_eq!(&came, b"HTTP/1.0 413 No\r\n\r\n");
        let end = client.read(&mut [0]);
        let is_end = match &end {
            Ok(size) => *size == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(is_end, "{end:?}");
        assert_eq!(tap.next()["status"], 413);
    }
}

#[test]
fn a_server_that_is_not_there_is_told_and_the_gateway_is_closed() {
    let mut room = Room::new();
    let tap = room.tap("none.sock", &[]);
    assert_eq!(ask(&room.path("tap.sock"), REQUEST), "");
    assert!(
        finding(&tap.next(), "not-connected")
            .0
            .contains("no socket at that path")
    );
}

#[test]
fn the_socket_is_open_to_every_user_and_gone_at_the_end() {
    use std::os::unix::fs::PermissionsExt;
    let mut room = Room::new();
    answers(&room.path("app.sock"), "Content-Type: text/plain\r\n\r\n");
    let tap = room.tap("app.sock", &[]);
    let mode = fs::metadata(room.path("tap.sock"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o666);
    room.end_last();
    assert!(!room.path("tap.sock").exists());
    assert!(
        tap.told
            .recv_timeout(LIMIT)
            .unwrap()
            .contains("0 exchanges")
    );
}

#[test]
fn an_address_that_is_taken_is_bad_input() {
    let room = Room::new();
    answers(&room.path("app.sock"), "");
    let taken = room.text("app.sock");
    let (code, said) = gatebench(&["tap", "--listen", &taken, "--to", "/tmp/no-such-socket"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("cannot listen on") && said.contains(&taken),
        "{said}"
    );
    let (code, said) = gatebench(&["tap", "--listen", &taken, "--to", &taken]);
    assert_eq!(code, 2);
    assert!(said.contains("talk to itself"), "{said}");
}

#[test]
fn a_filter_leaves_out_what_does_not_fit() {
    let mut room = Room::new();
    answers(
        &room.path("app.sock"),
        "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno",
    );
    let tap = room.tap("app.sock", &["--filter", "status=200"]);
    ask(&room.path("tap.sock"), REQUEST);
    room.end_last();
    assert!(
        tap.told
            .recv_timeout(LIMIT)
            .unwrap()
            .contains("1 exchanges, 0 shown")
    );
}

#[test]
fn octets_of_a_file_are_decoded_field_by_field() {
    let room = Room::new();
    let hex = room.write(
        "a.hex",
        "00 0e 00 00 09 00 50 41 54 48 5f 49 4e 46 4f 01 00 2f",
    );
    let (code, told) = gatebench(&["decode", "--brief", hex.to_str().unwrap()]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told);
    let (code, told) = gatebench(&["decode", "--format", "json", hex.to_str().unwrap()]);
    assert_eq!(code, 0);
    let tree: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&tree["protocol"], &tree["recognised"]),
        (&"uwsgi".into(), &true.into())
    );
}

#[test]
fn octets_of_no_protocol_are_bad_input() {
    let room = Room::new();
    let file = room.write("a.bin", "\u{16}\u{3}nothing of the kind");
    let (code, said) = gatebench(&["decode", file.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(said.contains("say --protocol"), "{said}");
}

#[test]
fn a_log_line_is_explained_with_cause_cure_and_scenarios() {
    let (code, told) = gatebench(&[
        "explain",
        "invalid request block size: 21573 (max 4096)...skip",
    ]);
    assert_eq!(code, 0);
    let (about, scenarios) = told.split_once("  see ").unwrap();
    insta::assert_snapshot!(about);
    assert!(
        scenarios.contains("gatebench replay uwsgi/header/"),
        "{scenarios}"
    );
    let (code, said) = gatebench(&["explain", "all is well"]);
    assert_eq!(code, 1);
    assert!(said.contains("not known"), "{said}");
}
