//! Workers that take too much memory.

mod support;

use std::time::{Duration, Instant};

use support::python::Site;
use support::{Responses, Server, pid_in};

/// Answers with its process id; `/grow` keeps 64 MB more, and `/stuck` then never ends.
const LEAK: &str = "
import os, threading, time
kept = []

def application(environ, start_response):
    path = environ['PATH_INFO']
    if path in ('/grow', '/stuck'):
        kept.append(b'x' * (64 << 20))
    if path == '/stuck':
        time.sleep(60)
    if path == '/later':
        threading.Timer(0.5, lambda: kept.append(b'x' * (64 << 20))).start()
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
";

const HTTP: [&str; 2] = ["--http-socket", "127.0.0.1:0"];

/// Megabytes that a worker may take where one of this application fits easily, and one that has
/// grown does not.
const LIMIT: &str = "80";

fn get(server: &Server, path: &str) -> Responses {
    let mut responses = Responses::on(server.connect());
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    responses.peer.send(request);
    responses
}

/// The process that answers.
fn pid(server: &Server, path: &str) -> String {
    String::from_utf8(get(server, path).next("GET").body).unwrap()
}

/// Asks until another process than `old` answers.
#[track_caller]
fn assert_replaced(server: &Server, old: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while pid(server, "/") == old {
        assert!(Instant::now() < deadline, "{old} still answers");
    }
}

#[test]
fn a_worker_that_has_grown_is_replaced_after_its_request() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--reload-on-rss", LIMIT, "--min-worker-lifetime", "0"];
    let mut server = site.serve(&[&HTTP[..], &args].concat());
    let first = pid(&server, "/");
    assert_eq!(pid(&server, "/"), first, "it is small");
    assert_eq!(pid(&server, "/grow"), first);
    let line = server.line("...The work of process ");
    let told = format!("...The work of process {first} is done (reload-on-rss limit reached (");
    assert!(line.starts_with(&told), "{line}");
    assert!(
        line.ends_with(&format!(" >= {})). Seeya!", 80 << 20)),
        "{line}"
    );
    assert_replaced(&server, &first);
}

#[test]
fn a_worker_is_not_replaced_before_it_is_old_enough() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--reload-on-rss", LIMIT, "--min-worker-lifetime", "3600"];
    let server = site.serve(&[&HTTP[..], &args].concat());
    let first = pid(&server, "/grow");
    assert_eq!(pid(&server, "/"), first);
}

#[test]
fn the_address_space_is_limited_as_well() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--reload-on-as", "1", "--min-worker-lifetime", "0"];
    let mut server = site.serve(&[&HTTP[..], &args].concat());
    let first = pid(&server, "/");
    server.line(&format!(
        "...The work of process {first} is done (reload-on-as limit reached ("
    ));
    assert_replaced(&server, &first);
}

#[test]
fn a_worker_that_grows_while_it_is_idle_is_replaced_too() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--reload-on-rss", LIMIT, "--min-worker-lifetime", "0"];
    let often = ["--mem-collector-freq", "1", "--enable-threads"];
    let mut server = site.serve(&[&HTTP[..], &args, &often].concat());
    let first = pid(&server, "/later");
    let line = server.line("is idle: reload-on-rss limit reached (");
    assert_eq!(pid_in(&line, "(pid: ").to_string(), first);
    assert_replaced(&server, &first);
}

#[test]
fn an_evil_reload_kills_a_worker_in_the_middle_of_its_request() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--evil-reload-on-rss", LIMIT, "--mem-collector-freq", "1"];
    let mut server = site.serve(&[&HTTP[..], &args].concat());
    let first = pid(&server, "/");
    let mut stuck = get(&server, "/stuck");
    let line = server.line("*** EVIL RELOAD ON WORKER 1 RSS: ");
    assert!(line.ends_with(&format!(" (pid: {first}) ***")), "{line}");
    server.line(&format!(
        "DAMN ! worker 1 (pid: {first}) died, killed by signal 9"
    ));
    assert!(stuck.peer.ends());
    assert_ne!(pid(&server, "/"), first);
}

#[test]
fn an_evil_reload_looks_at_the_address_space_as_well() {
    needs_python!();
    let site = Site::new(LEAK);
    let args = ["--evil-reload-on-as", "1"];
    let mut server = site.serve(&[&HTTP[..], &args].concat());
    server.line("*** EVIL RELOAD ON WORKER 1 ADDRESS SPACE: ");
    server.line("DAMN ! worker 1 ");
}

#[test]
fn a_memory_report_stands_before_the_line_of_each_request() {
    let args = ["--http-socket", "127.0.0.1:0", "--probe", "--memory-report"];
    let mut server = Server::start(&args);
    assert_eq!(get(&server, "/").next("GET").head.status, 200);
    let line = server.line("=> generated ");
    let (report, line) = line.split_once("[pid: ").unwrap();
    assert!(line.contains("|req: 1/1] 127.0.0.1 () {"), "{line}");
    let numbers: Vec<u64> = report
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [vsz, vsz_mb, rss, rss_mb] = numbers[..] else {
        panic!("{report}");
    };
    assert_eq!((vsz >> 20, rss >> 20), (vsz_mb, rss_mb));
    assert!(vsz > rss && rss > 1 << 20, "{report}");
    let words = "{address space usage: N bytes/NMB} {rss usage: N bytes/NMB} ";
    let found = report
        .split(|it: char| it.is_ascii_digit())
        .filter(|it| !it.is_empty());
    assert_eq!(found.collect::<Vec<_>>().join("N"), words);
}
