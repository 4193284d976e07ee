//! Bodies that arrive empty, and answers that do not wait for them.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{Mutex, mpsc::channel},
};

use super::kit::{LIMIT, Room, ask, doctor, explained, fastcgi, finding, read_fastcgi, serve};

#[test]
fn a_chunked_body_is_empty_where_its_length_is_not_told() {
    let mut room = Room::new();
    let (came, has_come) = channel();
    let came = Mutex::new(came);
    let octets = fastcgi("Content-Type: text/plain\r\n\r\nhello");
    serve(&room.path("app.sock"), move |mut stream| {
        let mut begin = [0; 16];
        if stream.read_exact(&mut begin).is_ok() {
            came.lock().unwrap().send(()).ok();
            read_fastcgi(&mut stream);
            stream.write_all(&octets).ok();
        }
    });
    let tap = room.tap("app.sock", &[]);
    let location = "location / { include /etc/nginx/fastcgi_params; fastcgi_request_buffering off; fastcgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    let mut client = UnixStream::connect(room.path("web.sock")).unwrap();
    let head =
        b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    client.write_all(head).unwrap();
    // The body comes when its length can no longer be told.
    has_come.recv_timeout(LIMIT).unwrap();
    client.write_all(b"5\r\nhello\r\n0\r\n\r\n").unwrap();
    let (cause, cure) = tap.finds("body-without-length");
    assert!(cause.contains("5 octets"), "{cause}");
    assert!(cure.contains("fastcgi_request_buffering on"), "{cure}");
    let (_, report) = doctor(&[&room.text("nginx.conf")]);
    finding(&report["parts"][0], "unbuffered-upload");
}

#[test]
fn an_answer_before_the_whole_body_is_told() {
    let mut room = Room::new();
    let octets = fastcgi("Status: 413 Too Large\r\nContent-Type: text/plain\r\n\r\nno");
    serve(&room.path("app.sock"), move |mut stream| {
        stream.read_exact(&mut [0; 8]).ok();
        stream.write_all(&octets).ok();
    });
    let tap = room.tap("app.sock", &[]);
    let location =
        "location / { include /etc/nginx/fastcgi_params; fastcgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    let body = "a".repeat(8 << 20);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    ask(&room.path("web.sock"), (head + &body).as_bytes());
    assert!(
        tap.finds("answered-early")
            .1
            .contains("Read the body before answering")
    );
}

#[test]
fn the_line_that_nginx_writes_for_it_is_known() {
    let log =
        "*1 writev() failed (32: Broken pipe) while sending request to upstream, client: unix:";
    assert!(explained(log, "writev").contains("post-buffering"));
}
