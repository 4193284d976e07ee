//! Connections that end too soon, or later than one side thinks.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{Mutex, mpsc::channel},
};

use super::kit::{LIMIT, Room, doctor, explained, fastcgi, finding, read_fastcgi, serve};

const PASS: &str =
    "location / { include /etc/nginx/fastcgi_params; fastcgi_pass unix:ROOM/tap.sock; }";

#[test]
fn a_server_that_closes_before_it_answers_is_told() {
    let mut room = Room::new();
    serve(&room.path("app.sock"), |mut stream| {
        read_fastcgi(&mut stream);
    });
    let tap = room.tap("app.sock", &[]);
    if room.nginx(PASS).is_none() {
        return;
    }
    assert!(room.get("/").contains("502"));
    let (cause, cure) = tap.finds("closed-early");
    assert!(cause.contains("before a single octet"), "{cause}");
    assert!(cure.contains("log at this second"), "{cure}");
    let told = explained(&room.error_log("prematurely closed"), "prematurely closed");
    assert!(told.contains("crashed"), "{told}");
    let (_, report) = doctor(&[&room.text("app.sock")]);
    finding(&report, "no-protocol");
}

#[test]
fn a_server_that_dies_inside_its_reply_is_told_with_where() {
    for (said, place) in [
        ("Content-Ty", "inside the reply's head"),
        (
            "Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nhel",
            "inside the reply's body",
        ),
    ] {
        let mut room = Room::new();
        let whole = fastcgi(said);
        // The record of the output, without the end of the request.
        let octets = whole[..8 + said.len()].to_vec();
        serve(&room.path("app.sock"), move |mut stream| {
            if read_fastcgi(&mut stream) {
                stream.write_all(&octets).ok();
            }
        });
        let tap = room.tap("app.sock", &[]);
        if room.nginx(PASS).is_none() {
            return;
        }
        room.get("/");
        assert!(tap.finds("closed-early").0.contains(place), "{said}");
    }
}

#[test]
fn a_kept_connection_that_the_server_closes_is_told() {
    let mut room = Room::new();
    let octets = fastcgi("Content-Type: text/plain\r\n\r\nhello");
    serve(&room.path("app.sock"), move |mut stream| {
        if read_fastcgi(&mut stream) {
            stream.write_all(&octets).ok();
        }
    });
    let tap = room.tap("app.sock", &[]);
    let started = room.nginx_with(
        "upstream app { server unix:ROOM/tap.sock; keepalive 2; }",
        "location / { include /etc/nginx/fastcgi_params; fastcgi_keep_conn on; fastcgi_pass app; }",
    );
    if started.is_none() {
        return;
    }
    assert!(room.get("/").contains("hello"));
    assert_eq!(tap.next()["keep"], true);
    // The note of the connection comes behind its exchange.
    assert!(
        tap.finds("connection-not-kept")
            .1
            .contains("fastcgi_keep_conn")
    );
    let (_, report) = doctor(&[&room.text("app.sock")]);
    assert!(
        finding(&report, "connection-not-kept")
            .1
            .contains("fastcgi_keep_conn")
    );
    let (_, report) = doctor(&[&room.text("nginx.conf")]);
    assert!(
        finding(&report["parts"][0], "keep-conn")
            .1
            .contains("pm.max_children")
    );
}

#[test]
fn a_client_that_hangs_up_is_told_as_what_the_server_sees() {
    let mut room = Room::new();
    let (came, has_come) = channel();
    let came = Mutex::new(came);
    serve(&room.path("app.sock"), move |mut stream| {
        if read_fastcgi(&mut stream) {
            came.lock().unwrap().send(()).ok();
            // Until the gateway goes.
            stream.read_to_end(&mut Vec::new()).ok();
        }
    });
    let tap = room.tap("app.sock", &[]);
    if room.nginx(PASS).is_none() {
        return;
    }
    let mut client = UnixStream::connect(room.path("web.sock")).unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        .unwrap();
    has_come.recv_timeout(LIMIT).unwrap();
    drop(client);
    let (cause, cure) = tap.finds_any(&["gateway-closed", "gateway-timeout"]);
    assert!(cause.contains("hung up"), "{cause} {cure}");
}
