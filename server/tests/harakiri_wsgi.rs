//! Python applications that take too long: the worker answers in their place and dies.

mod support;

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use support::python::Site;
use support::{Peer, Responses, Server, environ};
use wire::fastcgi::{BeginRequest, Kind, params, record};
use wire::http::Framing;

const APP: &str = "
import ctypes, sys, time

def sleep():
    print('asleep', file=sys.stderr, flush=True)
    time.sleep(60)

def hold_the_lock():
    # PyDLL keeps the interpreter's lock during the call.
    ctypes.PyDLL(None).sleep(60)

def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/sleep':
        sleep()
    if path == '/lock':
        hold_the_lock()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('X-Test', 'yes')])
    if path == '/part':
        return part()
    return [b'done']

def part():
    yield b'part'
    sleep()
";

/// A server on these sockets that limits requests to a second.
fn server(site: &Site, args: &[&str]) -> Server {
    site.serve(&[args, &["--harakiri", "1"]].concat())
}

const HTTP: [&str; 2] = ["--http-socket", "127.0.0.1:0"];

/// Sends a GET over HTTP; the reply is still to come.
fn get(server: &Server, path: &str) -> Responses {
    let mut responses = Responses::on(server.connect());
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    responses.peer.send(request);
    responses
}

/// The variables of a request for `path`.
fn variables(path: &str) -> wire::environ::Environ {
    let mut variables = environ("GET", "", 0);
    variables.set("PATH_INFO", path.to_owned());
    variables.set("REQUEST_URI", path.to_owned());
    variables
}

/// Waits for uWSGI's lines on a worker that was killed and replaced.
#[track_caller]
fn assert_replaced(server: &mut Server, uri: &str) {
    let pid = *server.workers().first().unwrap();
    let line = server.line("*** HARAKIRI ON WORKER 1 (");
    assert!(line.ends_with(&format!(
        " - *** HARAKIRI ON WORKER 1 (pid: {pid}, try: 1, graceful: no) ***"
    )));
    server.line(" - HARAKIRI !!! worker 1 status !!!");
    server.line(&format!(
        " - HARAKIRI [core 0] 127.0.0.1 - GET {uri} since 1"
    ));
    server.line(" - HARAKIRI !!! end of worker 1 status !!!");
    server.line(" - HARAKIRI triggered by worker 1 core 0 !!!");
    server.line(&format!(
        "DAMN ! worker 1 (pid: {pid}) died, killed by signal 9 :( trying respawn ..."
    ));
    server.line("Respawned uWSGI worker 1 (new pid: ");
}

#[test]
fn a_stuck_worker_answers_504_and_is_replaced() {
    needs_python!();
    let site = Site::new(APP);
    for path in ["/sleep", "/lock"] {
        let mut server = server(&site, &HTTP);
        let began = Instant::now();
        let response = get(&server, path).next("GET");
        let took = began.elapsed();
        assert_eq!(response.head.status, 504, "{path}");
        assert_eq!(response.field("connection"), Some("close"));
        assert!(took >= Duration::from_secs(1), "{path} after {took:?}");
        assert_replaced(&mut server, path);
        assert_eq!(get(&server, "/").next("GET").body, b"done");
    }
}

#[test]
fn a_reply_that_has_begun_is_cut_off() {
    needs_python!();
    let site = Site::new(APP);
    let mut server = server(&site, &HTTP);
    let mut responses = get(&server, "/part");
    assert_eq!(responses.head().framing(b"GET").unwrap(), Framing::Chunked);
    let mut rest = Vec::new();
    // The reset may come after what was sent, or with it.
    if let Err(error) = responses.peer.read_to_end(&mut rest) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the reply looks whole");
    assert_replaced(&mut server, "/part");
}

#[test]
fn over_uwsgi_a_stuck_worker_answers_in_http() {
    needs_python!();
    let site = Site::new(APP);
    let server = server(&site, &["--uwsgi-socket", "127.0.0.1:0"]);
    let mut peer = server.connect();
    let mut packet = BytesMut::new();
    wire::uwsgi::encode_request(&variables("/lock"), 0, 0, &mut packet).unwrap();
    peer.send(packet);
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"),
        "{reply}"
    );
}

#[test]
fn over_scgi_a_stuck_worker_answers_in_cgi() {
    needs_python!();
    let site = Site::new(APP);
    let server = server(&site, &["--scgi-socket", "127.0.0.1:0"]);
    let mut peer = server.connect();
    let mut packet = BytesMut::new();
    wire::scgi::encode_request(&variables("/lock"), 0, &mut packet).unwrap();
    peer.send(packet);
    let reply = String::from_utf8(peer.rest()).unwrap();
    assert!(
        reply.starts_with("Status: 504 Gateway Timeout\r\n"),
        "{reply}"
    );
}

fn fastcgi_request(id: u16, path: &str) -> BytesMut {
    let mut bytes = BytesMut::new();
    let begin = BeginRequest {
        role: BeginRequest::RESPONDER,
        flags: BeginRequest::KEEP_CONN,
    };
    record::encode(Kind::BEGIN_REQUEST, id, &begin.encode(), &mut bytes);
    params::encode(id, &variables(path), &mut bytes);
    record::encode_end(Kind::STDIN, id, &mut bytes);
    bytes
}

/// What each request of a FastCGI connection got until the server closed it: its output, and
/// whether it was ended.
fn fastcgi_replies(peer: &mut Peer) -> std::collections::BTreeMap<u16, (String, bool)> {
    let mut wire = BytesMut::from(peer.rest().as_slice());
    let mut replies = std::collections::BTreeMap::<u16, (String, bool)>::new();
    while let Some(record) = record::decode(&mut wire).unwrap() {
        let reply = replies.entry(record.request_id).or_default();
        assert!(!reply.1, "a record behind END_REQUEST");
        reply.0.push_str(&String::from_utf8_lossy(&record.content));
        if record.kind == Kind::END_REQUEST {
            *reply = (std::mem::take(&mut reply.0), true);
        }
    }
    assert!(wire.is_empty(), "half a record");
    replies
}

#[test]
fn over_fastcgi_each_request_of_a_stuck_worker_is_answered_and_ended() {
    needs_python!();
    let site = Site::new(APP);
    for threads in ["1", "3"] {
        let args = ["--fastcgi-socket", "127.0.0.1:0", "--threads", threads];
        let server = server(&site, &args);
        let mut peer = server.connect();
        // In one write, so that both have arrived before the first one blocks.
        let both = [fastcgi_request(7, "/lock"), fastcgi_request(8, "/sleep")].concat();
        peer.send(both);
        let replies = fastcgi_replies(&mut peer);
        // Which of them is the first to be too late is up to the threads.
        let is_late = |id| replies[&id].0.starts_with("Status: 504 ");
        assert!(is_late(7) || threads != "1" && is_late(8), "{replies:?}");
        for (reply, ended) in [&replies[&7], &replies[&8]] {
            assert!(reply.starts_with("Status: 50") && *ended, "{replies:?}");
        }
    }
}

#[test]
fn a_request_that_waits_behind_a_stuck_one_is_refused_or_served_by_another() {
    needs_python!();
    let site = Site::new(APP);
    let server = server(&site, &[&HTTP[..], &["--processes", "2"]].concat());
    let mut stuck = get(&server, "/lock");
    for _ in 0..8 {
        assert_eq!(get(&server, "/").next("GET").head.status, 200);
    }
    assert_eq!(stuck.next("GET").head.status, 504);
}

#[test]
fn one_stuck_thread_of_many_ends_the_worker() {
    needs_python!();
    let site = Site::new(APP);
    let mut server = server(&site, &[&HTTP[..], &["--threads", "2"]].concat());
    let mut stuck = get(&server, "/sleep");
    assert_eq!(get(&server, "/").next("GET").head.status, 200);
    assert_eq!(stuck.next("GET").head.status, 504);
    server.line("DAMN ! worker 1 ");
    assert_eq!(get(&server, "/").next("GET").head.status, 200);
}

#[test]
fn whoever_connects_while_a_worker_dies_is_answered_by_the_next_one() {
    needs_python!();
    let site = Site::new(APP);
    let args = [&HTTP[..], &["--threads", "4", "--forkbomb-delay", "0"]].concat();
    let server = server(&site, &args);
    for _ in 0..4 {
        // The dying worker waits up to 100 ms for this peer to close.
        let mut stuck = get(&server, "/sleep");
        assert_eq!(stuck.next("GET").head.status, 504);
        let answered = Instant::now();
        while answered.elapsed() < Duration::from_millis(300) {
            assert_eq!(get(&server, "/").next("GET").body, b"done");
        }
    }
}

#[test]
fn verbose_tells_the_call_the_channel_and_the_python_stack() {
    needs_python!();
    let site = Site::new(APP);
    for path in ["/sleep", "/lock"] {
        let mut server = server(&site, &[&HTTP[..], &["--harakiri-verbose"]].concat());
        assert_eq!(get(&server, path).next("GET").head.status, 504);
        assert_tells_what_it_was_doing(&mut server, path);
    }
}

#[track_caller]
fn assert_tells_what_it_was_doing(server: &mut Server, path: &str) {
    server.line("*** HARAKIRI ON WORKER 1 (");
    let raw = server.line("HARAKIRI: -- syscall> ");
    assert!(raw.contains(" 0x"), "{raw}");
    let call = server.line("HARAKIRI: -- syscall> ");
    assert!(
        call.contains("nanosleep(") && call.contains("request=0x"),
        "{call}"
    );
    server.line("HARAKIRI: -- wchan> ");
    server.line("HARAKIRI: -- python> Stack (most recent call first):");
    let function = if path == "/lock" {
        "hold_the_lock"
    } else {
        "sleep"
    };
    let frame = server.line("HARAKIRI: -- python>   File ");
    assert!(frame.contains("/app.py\", line ") && frame.ends_with(&format!(" in {function}")));
    server.line("HARAKIRI !!! worker 1 status !!!");
}

#[test]
fn verbose_tells_as_much_of_a_worker_that_gave_up_roots_rights() {
    needs_python!();
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: only root can start a server that changes its user");
    }
    // The interpreter's own modules may be out of reach for others than root.
    let site = Site::new(
        APP.replace("import ctypes, sys, time", "import sys, time")
            .as_str(),
    );
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(site.folder.path(), open).unwrap();
    let args = ["--harakiri-verbose", "--uid", "65534", "--gid", "65534"];
    let mut server = server(&site, &[&HTTP[..], &args].concat());
    assert_eq!(get(&server, "/sleep").next("GET").head.status, 504);
    assert_tells_what_it_was_doing(&mut server, "/sleep");
}

#[test]
fn with_several_threads_the_one_that_is_stuck_is_told_of() {
    needs_python!();
    let site = Site::new(APP);
    let args = ["--harakiri-verbose", "--threads", "3"];
    let mut server = server(&site, &[&HTTP[..], &args].concat());
    assert_eq!(get(&server, "/sleep").next("GET").head.status, 504);
    assert_tells_what_it_was_doing(&mut server, "/sleep");
}

const SURVIVOR: &str = "
import signal, time

class TooLong(Exception):
    pass

def give_up(signum, frame):
    raise TooLong

signal.signal(signal.SIGALRM, give_up)

def application(environ, start_response):
    try:
        time.sleep(60)
    except TooLong:
        if environ['PATH_INFO'] == '/stubborn':
            time.sleep(60)
    start_response('503 Busy', [('Content-Type', 'text/plain')])
    return [b'gave up']
";

#[test]
fn a_graceful_signal_lets_the_application_answer_and_a_stubborn_one_is_killed() {
    needs_python!();
    let site = Site::new(SURVIVOR);
    let args = [
        "--harakiri-graceful-timeout",
        "1",
        "--harakiri-graceful-signal",
        "14",
    ];
    let mut server = server(&site, &[&HTTP[..], &args].concat());
    let response = get(&server, "/").next("GET");
    assert_eq!(
        (response.head.status, response.body),
        (503, b"gave up".to_vec())
    );
    let line = server.line("*** HARAKIRI ON WORKER 1 (pid: ");
    assert!(line.ends_with(", try: 1, graceful: yes) ***"), "{line}");
    server
        .line("HARAKIRI: graceful termination attempt on worker 1 with signal 14. Next harakiri: ");
    let stubborn = get(&server, "/stubborn").next("GET");
    assert_eq!(stubborn.head.status, 504);
    let line = server.line("try: 2");
    assert!(line.contains(", try: 2, graceful: no) ***"), "{line}");
    server.line("Respawned uWSGI worker 1 ");
}

#[test]
fn nobody_is_killed_while_too_few_connections_wait() {
    needs_python!();
    let site = Site::new(APP);
    let args = ["--harakiri-queue-threshold", "3"];
    let mut server = server(&site, &[&HTTP[..], &args].concat());
    let mut stuck = get(&server, "/sleep");
    server.line("HARAKIRI: Skipping harakiri on worker 1. Listen queue is smaller than the threshold (0 < 3)");
    let _waiting: Vec<_> = (0..5).map(|_| get(&server, "/")).collect();
    assert_eq!(stuck.next("GET").head.status, 504);
    server.line("HARAKIRI triggered by worker 1 core 0 !!!");
}

/// Waits until the process has told that it sleeps and does so.
fn sleeps(pid: nix::unistd::Pid) {
    let sleep = format!("{} ", libc::SYS_clock_nanosleep);
    let call = || std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
    while !call().starts_with(&sleep) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_worker_that_was_stopped_as_a_whole_is_killed_by_the_master() {
    needs_python!();
    let site = Site::new(APP);
    let mut server = server(&site, &[&HTTP[..], &["--harakiri-verbose"]].concat());
    let mut stuck = get(&server, "/sleep");
    let worker = server.workers()[0];
    server.line("asleep");
    sleeps(worker);
    nix::sys::signal::kill(worker, nix::sys::signal::Signal::SIGSTOP).unwrap();
    server.line("HARAKIRI: -- syscall> clock_nanosleep(");
    server.line(" - HARAKIRI [core 0] 127.0.0.1 - GET /sleep since 1");
    server.line(&format!(
        "DAMN ! worker 1 (pid: {worker}) died, killed by signal 9"
    ));
    assert!(stuck.peer.ends());
}

const USER: &str = "
import time, uwsgi

def application(environ, start_response):
    path = environ['PATH_INFO']
    uwsgi.set_user_harakiri(1)
    if path == '/back':
        uwsgi.set_user_harakiri(0)
        time.sleep(2)
    if path == '/slow':
        time.sleep(60)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'done']
";

#[test]
fn an_application_limits_its_own_request_and_takes_the_limit_back() {
    needs_python!();
    let site = Site::new(USER);
    for threads in ["1", "2"] {
        let mut server = site.serve(&[&HTTP[..], &["--threads", threads]].concat());
        assert_eq!(get(&server, "/back").next("GET").body, b"done");
        assert_eq!(get(&server, "/slow").next("GET").head.status, 504);
        server.line("GET /slow since ");
        server.line("Respawned uWSGI worker 1 ");
        // A limit ends with its request.
        assert_eq!(get(&server, "/").next("GET").body, b"done");
        assert_eq!(get(&server, "/back").next("GET").body, b"done");
    }
}

#[test]
fn a_body_that_was_not_read_does_not_take_the_answer_with_it() {
    needs_python!();
    let site = Site::new(APP);
    let server = server(&site, &HTTP);
    let mut responses = Responses::on(server.connect());
    let body = "x".repeat(100_000);
    responses.peer.send(format!(
        "POST /lock HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{body}"
    ));
    assert_eq!(responses.next("POST").head.status, 504);
}

const RAISING: &str = "
import uwsgi

def application(environ, start_response):
    if environ['PATH_INFO'] == '/raise':
        raise RuntimeError('on purpose')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    worker = uwsgi.workers()[0]
    return [('%d %d' % (worker['exceptions'], worker['harakiri_count'])).encode()]
";

#[test]
fn exceptions_are_counted_on_the_scoreboard() {
    needs_python!();
    let site = Site::new(RAISING);
    let server = site.serve(&HTTP);
    assert_eq!(get(&server, "/").next("GET").body, b"0 0");
    assert_eq!(get(&server, "/raise").next("GET").head.status, 500);
    assert_eq!(get(&server, "/").next("GET").body, b"1 0");
}
