//! Sockets that are not there, not open, full, or speak something else.

use std::{
    fs,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
};

use super::kit::{Room, answers, doctor, explained, finding};

const DIRECT: &str =
    "location / { include /etc/nginx/fastcgi_params; fastcgi_pass unix:ROOM/app.sock; }";
const TAPPED: &str =
    "location / { include /etc/nginx/fastcgi_params; fastcgi_pass unix:ROOM/tap.sock; }";

/// What tap, explain and doctor say of a socket that takes no connection.
fn told(room: &mut Room, number: &str, cure: &str) {
    let tap = room.tap("app.sock", &[]);
    if room.nginx(TAPPED).is_none() {
        return;
    }
    room.get("/");
    let found = tap.finds("not-connected");
    assert!(found.1.contains(cure), "{found:?}");
    room.end_last();
    fs::remove_file(room.path("web.sock")).ok();
    room.nginx(DIRECT).unwrap();
    assert!(room.get("/").contains("502"));
    let line = format!("({number}: ");
    let explained = explained(&room.error_log(&line), &line);
    assert!(explained.contains("cure"), "{explained}");
    let (code, report) = doctor(&[&room.text("app.sock")]);
    assert_eq!(code, 1);
    assert!(
        finding(&report, "not-connected").1.contains(cure),
        "{report:#}"
    );
}

#[test]
fn a_socket_that_is_not_there_is_told() {
    told(&mut Room::new(), "2", "the same path");
}

#[test]
fn a_socket_that_outlived_its_server_is_told() {
    let mut room = Room::new();
    drop(UnixListener::bind(room.path("app.sock")).unwrap());
    told(&mut room, "111", "a socket file that outlived its server");
}

#[test]
fn a_full_queue_is_told() {
    let mut room = Room::new();
    let listener =
        socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let address = socket2::SockAddr::unix(room.path("app.sock")).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let waiting: Vec<_> = std::iter::repeat_with(|| {
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(&address).map(|()| socket)
    })
    .take_while(Result::is_ok)
    .collect();
    assert!(!waiting.is_empty());
    told(&mut room, "11", "net.core.somaxconn");
}

#[test]
fn a_folder_that_is_closed_is_named() {
    let room = Room::new();
    fs::create_dir(room.path("closed")).unwrap();
    let _listener = UnixListener::bind(room.path("closed/app.sock")).unwrap();
    fs::set_permissions(room.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    // Whoever may everything is not refused, so the line of nginx's log speaks for others.
    let line = "connect() to unix:/run/app.sock failed (13: Permission denied) while connecting to upstream";
    assert!(explained(line, "13").contains("x bit"));
    if UnixStream::connect(room.path("closed/app.sock")).is_ok() {
        return;
    }
    let (_, report) = doctor(&[&room.text("closed/app.sock")]);
    assert!(
        finding(&report, "not-connected")
            .0
            .contains("others may not pass")
    );
}

#[test]
fn the_wrong_protocol_is_told_by_all_three() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--http-socket", &socket]);
    let tap = room.tap("app.sock", &[]);
    if room.nginx(TAPPED).is_none() {
        return;
    }
    assert!(room.get("/").contains("502"));
    let (cause, cure) = tap.finds("wrong-protocol");
    assert!(cause.contains("answers by http"), "{cause}");
    assert!(cure.contains("proxy_pass"), "{cure}");
    let told = explained(
        &room.error_log("unsupported FastCGI"),
        "unsupported FastCGI",
    );
    assert!(told.contains("H of `HTTP/1.1`"), "{told}");
    let (code, report) = doctor(&[&room.configuration("", DIRECT).display().to_string()]);
    assert_eq!(code, 1);
    assert!(
        finding(&report["parts"][0], "wrong-protocol")
            .1
            .contains("proxy_pass http://unix:")
    );
}

#[test]
fn http_to_a_uwsgi_socket_is_told() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve("app.sock", &["--probe", "--socket", &socket]);
    let tap = room.tap("app.sock", &["--protocol", "uwsgi"]);
    if room
        .nginx("location / { proxy_pass http://unix:ROOM/tap.sock:/; }")
        .is_none()
    {
        return;
    }
    room.get("/");
    let (cause, _) = tap.finds("wrong-protocol");
    assert!(
        cause.contains("http is spoken where uwsgi is expected"),
        "{cause}"
    );
    // What uWSGI writes for it; gateserve says it in words.
    let line = "invalid request block size: 21573 (max 4096)...skip";
    assert!(explained(line, "21573").contains("HTTP was sent"));
    let (code, report) = doctor(&[&format!("http://unix:{socket}")]);
    assert_eq!((code, &report["protocol"]), (1, &"uwsgi".into()));
    assert!(
        finding(&report, "wrong-protocol").1.contains("uwsgi_pass"),
        "{report:#}"
    );
}

#[test]
fn scgi_and_fastcgi_are_told_apart_from_the_gateways_side_too() {
    let mut room = Room::new();
    answers(
        &room.path("app.sock"),
        "Content-Type: text/plain\r\n\r\nhello",
    );
    let location = "location / { include /etc/nginx/scgi_params; scgi_pass unix:ROOM/app.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    let (_, report) = doctor(&[&room.text("nginx.conf")]);
    assert!(
        finding(&report["parts"][0], "wrong-protocol")
            .1
            .contains("fastcgi_pass unix:")
    );
}
