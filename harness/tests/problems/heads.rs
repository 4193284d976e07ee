//! Heads that are too large, come behind something else, or begin a stream.

use super::kit::{Room, answers, doctor, explained, finding};

const PASS: &str =
    "location / { include /etc/nginx/fastcgi_params; fastcgi_pass unix:ROOM/tap.sock; }";

#[test]
fn a_head_that_does_not_fit_the_gateways_buffer_is_told_with_its_size() {
    let mut room = Room::new();
    if room.php().is_none() {
        return;
    }
    room.write(
        "www/a.php",
        "<?php header('X-Big: ' . str_repeat('a', 6000)); echo 'hello';",
    );
    let tap = room.tap("php.sock", &[]);
    let location = "location / { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root/a.php; fastcgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    assert!(room.get("/a.php").contains("502"));
    assert!(
        tap.finds("head-too-large")
            .1
            .contains("fastcgi_buffer_size 8k")
    );
    let told = explained(&room.error_log("too big header"), "too big header");
    assert!(told.contains("fastcgi_buffer_size"), "{told}");
    let (code, report) = doctor(&[&room.text("nginx.conf")]);
    assert_eq!(code, 1);
    let (cause, cure) = finding(&report["parts"][0], "head-too-large");
    assert!(cure.contains("fastcgi_buffer_size 8k"), "{cause} {cure}");
}

#[test]
fn cookies_beyond_buffer_size_are_told_with_the_size_of_the_block() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--socket", &socket]);
    let tap = room.tap("app.sock", &[]);
    let location = "location / { include /etc/nginx/uwsgi_params; uwsgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    room.ask(&format!(
        "GET / HTTP/1.1\r\nHost: shop\r\nCookie: {}\r\nConnection: close\r\n\r\n",
        "a".repeat(5000)
    ));
    let (cause, cure) = tap.finds("block-too-large");
    assert!(cause.contains("buffer-size"), "{cause}");
    assert!(cure.contains("buffer-size = 8192"), "{cure}");
    let log = std::fs::read_to_string(room.path("gateserve.log")).unwrap();
    assert!(explained(&log, "invalid request block size").contains("buffer-size"));
    let (_, report) = doctor(&[&socket]);
    assert!(finding(&report, "request-limit").1.contains("buffer-size"));
}

#[test]
fn output_in_front_of_the_head_is_shown_with_what_it_is() {
    for (output, what, cure) in [
        ("<html>\n<p>hello</p>\n\n", "markup", "before any markup"),
        (
            "\u{feff}Content-Type: text/html\r\n\r\nhello",
            "byte order mark",
            "without BOM",
        ),
        (
            "PHP Warning: x in a.php on line 3\n\nhello",
            "warning of the language",
            "display_errors",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
            "status line",
            "Status: 200 OK",
        ),
    ] {
        let mut room = Room::new();
        answers(&room.path("app.sock"), output);
        let tap = room.tap("app.sock", &[]);
        if room.nginx(PASS).is_none() {
            return;
        }
        room.get("/");
        let found = tap.finds("output-before-head");
        assert!(found.0.contains(what), "{output}: {found:?}");
        assert!(found.1.contains(cure), "{output}: {found:?}");
    }
}

#[test]
fn the_line_that_nginx_writes_for_such_output_is_known() {
    let mut room = Room::new();
    answers(&room.path("app.sock"), "no header at all\n\nhello");
    let tap = room.tap("app.sock", &[]);
    if room.nginx(PASS).is_none() {
        return;
    }
    assert!(room.get("/").contains("502"));
    tap.finds("output-before-head");
    let told = explained(&room.error_log("upstream sent"), "upstream sent");
    assert!(told.contains("Print the fields first"), "{told}");
}

#[test]
fn a_stream_of_events_that_is_collected_is_told() {
    let mut room = Room::new();
    answers(
        &room.path("app.sock"),
        "Content-Type: text/event-stream\r\n\r\ndata: 1\n\n",
    );
    let tap = room.tap("app.sock", &[]);
    if room.nginx(PASS).is_none() {
        return;
    }
    room.get("/");
    let (_, cure) = tap.finds("events-buffered");
    assert!(
        cure.contains("X-Accel-Buffering: no") && cure.contains("fastcgi_buffering off"),
        "{cure}"
    );
}
