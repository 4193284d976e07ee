//! Which of the timers fired: the application server's, or the gateway's.

use std::io::Read;

use super::kit::{Room, explained, read_fastcgi, serve};

#[test]
fn a_worker_that_harakiri_kills_is_told_as_the_servers_timer() {
    let mut room = Room::new();
    let socket = room.text("app.sock");
    room.gateserve(
        "app.sock",
        &[
            "--probe",
            "--master",
            "--socket",
            &socket,
            "--harakiri",
            "1",
        ],
    );
    let tap = room.tap("app.sock", &[]);
    let location = "location / { include /etc/nginx/uwsgi_params; uwsgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    room.ask("GET / HTTP/1.1\r\nHost: shop\r\nX-Probe: delay=60s\r\nConnection: close\r\n\r\n");
    let (cause, cure) = tap.finds("killed-by-timer");
    assert!(cause.contains("harakiri"), "{cause}");
    assert!(cure.contains("read timeout above"), "{cure}");
    let log = std::fs::read_to_string(room.path("gateserve.log")).unwrap();
    assert!(explained(&log, "HARAKIRI").contains("Raise harakiri"));
}

#[test]
fn a_gateway_that_gives_up_first_is_told_as_such() {
    let mut room = Room::new();
    serve(&room.path("app.sock"), |mut stream| {
        if read_fastcgi(&mut stream) {
            // Until the gateway goes.
            stream.read_to_end(&mut Vec::new()).ok();
        }
    });
    let tap = room.tap("app.sock", &[]);
    let location = "location / { include /etc/nginx/fastcgi_params; fastcgi_read_timeout 1s; fastcgi_pass unix:ROOM/tap.sock; }";
    if room.nginx(location).is_none() {
        return;
    }
    assert!(room.get("/").contains("504"));
    let (_, cure) = tap.finds("gateway-timeout");
    assert!(cure.contains("fastcgi_read_timeout above"), "{cure}");
    let told = explained(&room.error_log("upstream timed out"), "upstream timed out");
    assert!(told.contains("fastcgi_read_timeout"), "{told}");
}

/// The same directive under each module's name: 504 for who waited, and the next one is served.
#[test]
fn each_modules_read_timeout_ends_the_wait_and_nothing_else() {
    for (option, module) in [("--uwsgi-socket", "uwsgi"), ("--scgi-socket", "scgi")] {
        let mut room = Room::new();
        let socket = room.text("app.sock");
        room.gateserve(
            "app.sock",
            &["--probe", option, &socket, "--chmod-socket=666"],
        );
        let location = format!(
            "location / {{ include /etc/nginx/{module}_params; {module}_read_timeout 1s; \
             {module}_pass unix:ROOM/app.sock; }}"
        );
        if room.nginx(&location).is_none() {
            return;
        }
        let slow = "GET / HTTP/1.1\r\nHost: shop\r\nX-Probe: delay=3s\r\nConnection: close\r\n\r\n";
        assert!(room.ask(slow).contains("504"), "{module}");
        assert!(room.get("/").contains("200"), "{module}");
        let told = explained(&room.error_log("upstream timed out"), "upstream timed out");
        assert!(told.contains(&format!("{module}_read_timeout")), "{told}");
    }
}
