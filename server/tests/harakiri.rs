//! Requests that take too long.

mod support;

use std::time::{Duration, Instant};

use support::site::Site;
use support::{Responses, Server};

/// Sends a GET over HTTP; the reply is still to come.
fn get(server: &Server, path: &str) -> Responses {
    let mut responses = Responses::on(server.connect());
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    responses.peer.send(request);
    responses
}

/// A server for CGI programs that limits requests to a second.
fn cgi(site: &Site) -> Server {
    let folder = site.option();
    Server::start(&[
        "--http-socket",
        "127.0.0.1:0",
        "--cgi",
        &folder,
        "--harakiri",
        "1",
    ])
}

#[test]
fn a_cgi_program_that_takes_too_long_is_killed_and_answered_for() {
    let site = Site::new();
    site.script("slow", "echo $$ > \"$0.pid\"; exec sleep 60");
    let mut server = cgi(&site);
    let began = Instant::now();
    let mut responses = get(&server, "/cgi/slow");
    assert_eq!(responses.next("GET").head.status, 504);
    assert!(began.elapsed() >= Duration::from_secs(1));
    let line = server.line("HARAKIRI [core 0] 127.0.0.1 - GET /cgi/slow since ");
    assert!(line.contains(" - HARAKIRI"), "{line} has no date");
    server.line("request took longer than 1 s (harakiri)");
    let pid = std::fs::read_to_string(site.path("slow.pid")).unwrap();
    let program = format!("/proc/{}", pid.trim());
    while std::path::Path::new(&program).exists() {
        assert!(began.elapsed() < Duration::from_secs(20), "{program} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The worker does not die for it.
    responses
        .peer
        .send("GET /cgi/probe HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(responses.next("GET").head.status, 200);
}

#[test]
fn the_reply_of_a_cgi_program_that_takes_too_long_half_way_is_cut_off() {
    let site = Site::new();
    site.script(
        "stuck",
        "printf 'Content-Type: text/plain\\n\\npart'; exec sleep 60",
    );
    let server = cgi(&site);
    let reply = String::from_utf8(get(&server, "/cgi/stuck").peer.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with("4\r\npart\r\n"), "{reply} has an end");
}

#[test]
fn the_probe_that_takes_too_long_is_answered_for() {
    let server = Server::start(&["--http-socket", "127.0.0.1:0", "--probe", "-t", "1"]);
    let mut responses = Responses::on(server.connect());
    responses
        .peer
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: delay=60s\r\n\r\n");
    assert_eq!(responses.next("GET").head.status, 504);
}

#[test]
fn without_harakiri_a_request_may_take_its_time() {
    let site = Site::new();
    site.script(
        "slow",
        "sleep 2; printf 'Content-Type: text/plain\\n\\ndone'",
    );
    let server = Server::start(&["--http-socket", "127.0.0.1:0", "--cgi", &site.option()]);
    assert_eq!(get(&server, "/cgi/slow").next("GET").body, b"done");
}
