//! WSGI applications in pre-forked workers.

mod support;

use std::time::{Duration, Instant};

use support::python::Site;
use support::{Responses, Server};

const ECHO: &str = "
import threading
loaded_in = __import__('os').getpid()

def application(environ, start_response):
    body = environ['wsgi.input'].read()
    in_main = threading.current_thread() is threading.main_thread()
    start_response('200 Fine', [('X-Main', str(in_main)), ('X-Loaded-In', str(loaded_in))])
    return [body, b'!']
";

const HTTP: [&str; 2] = ["--http-socket", "127.0.0.1:0"];

fn post(server: &Server, body: &str) -> support::Response {
    let mut responses = Responses::on(server.connect());
    let length = body.len();
    responses.peer.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    responses.next("POST")
}

#[test]
fn an_application_reads_the_body_and_replies_on_the_main_thread() {
    needs_python!();
    let site = Site::new(ECHO);
    let server = site.serve(&HTTP);
    let response = post(&server, "hello");
    assert_eq!(response.head.status, 200);
    assert_eq!(response.head.reason, "Fine");
    assert_eq!(response.body, b"hello!");
    assert_eq!(response.field("x-main"), Some("True"));
}

#[test]
fn threads_answer_where_there_are_many() {
    needs_python!();
    let site = Site::new(ECHO);
    let server = site.serve(&[&HTTP[..], &["--threads", "3"]].concat());
    let response = post(&server, "hello");
    assert_eq!(response.body, b"hello!");
    assert_eq!(response.field("x-main"), Some("False"));
}

#[test]
fn the_master_loads_the_application_unless_it_is_lazy() {
    needs_python!();
    let loader_of = |args: &[&str]| {
        let site = Site::new(ECHO);
        let server = site.serve(&[&HTTP[..], args].concat());
        let pid: i32 = post(&server, "")
            .field("x-loaded-in")
            .unwrap()
            .parse()
            .unwrap();
        pid == server.pid().as_raw()
    };
    assert!(loader_of(&[]));
    assert!(!loader_of(&["--lazy-apps"]));
}

#[test]
fn a_thread_keeps_its_own_variables_from_request_to_request() {
    needs_python!();
    let site = Site::new(
        "import threading
own = threading.local()
def application(environ, start_response):
    own.count = getattr(own, 'count', 0) + 1
    start_response('200 OK', [('X-Thread', str(threading.get_ident()))])
    return [str(own.count).encode()]
",
    );
    let server = site.serve(&[&HTTP[..], &["--threads", "2"]].concat());
    let mut counts = std::collections::HashMap::new();
    for _ in 0..6 {
        let response = post(&server, "");
        let count: u32 = std::str::from_utf8(&response.body)
            .unwrap()
            .parse()
            .unwrap();
        counts.insert(response.field("x-thread").unwrap().to_owned(), count);
    }
    assert_eq!(counts.values().sum::<u32>(), 6, "{counts:?}");
}

#[test]
fn the_configuration_is_read_once() {
    needs_python!();
    let site = Site::new(ECHO);
    let counter = site.folder.path().join("runs");
    let program = site.folder.path().join("address");
    let script = format!(
        "#!/bin/sh\necho run >> {}\necho 127.0.0.1:0\n",
        counter.display()
    );
    std::fs::write(&program, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    let ini = site.folder.path().join("app.ini");
    let text = format!("[uwsgi]\nhttp-socket = @(exec://{})\n", program.display());
    std::fs::write(&ini, text).unwrap();
    let server = site.serve(&["--ini", ini.to_str().unwrap()]);
    assert_eq!(post(&server, "x").body, b"x!");
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "run\n");
}

const BACKGROUND: &str = "
import threading, time
count = 0

def work():
    global count
    while True:
        count += 1
        time.sleep(0.001)

def application(environ, start_response):
    if threading.active_count() == 1:
        threading.Thread(target=work, daemon=True).start()
    start_response('200 OK', [])
    return [str(count).encode()]
";

#[test]
fn threads_of_the_application_run_while_no_request_does() {
    needs_python!();
    let site = Site::new(BACKGROUND);
    let server = site.serve(&[&HTTP[..], &["--enable-threads"]].concat());
    let count = || String::from_utf8(post(&server, "").body).unwrap();
    let count = || count().parse::<u64>().unwrap();
    let first = count();
    let deadline = Instant::now() + Duration::from_secs(20);
    while count() <= first + 10 {
        assert!(Instant::now() < deadline, "the thread stands still");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn gevent_becomes_threads_up_to_a_bound() {
    needs_python!();
    let site = Site::new(ECHO);
    for (asked, threads) in [("3", 3), ("400", 64)] {
        let mut server = site.serve(&[&HTTP[..], &["--gevent", asked]].concat());
        assert_eq!(post(&server, "x").field("x-main"), Some("False"));
        let line = server.earlier("spawned gateserve worker 1");
        assert!(line.ends_with(&format!("cores: {threads})")), "{line}");
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.line("goodbye");
    }
}
