//! Reloading: the same process and the same sockets, with everything else anew.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::python::Site;
use support::{Peer, Responses, Server};
use tempfile::TempDir;

/// A server with an ini file of these lines.
fn server(lines: &[&str]) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), lines);
    let ini = folder.path().join("app.ini");
    let server = Server::start(&[ini.to_str().unwrap()]);
    (folder, server)
}

fn configure(folder: &Path, lines: &[&str]) {
    let text = ["[uwsgi]", "probe = true"].iter().chain(lines);
    let text: Vec<_> = text.copied().collect();
    std::fs::write(folder.join("app.ini"), text.join("\n")).unwrap();
}

#[track_caller]
fn get(address: &str, probe: &str) -> support::Response {
    let mut responses = Responses::on(Peer::to(address));
    responses.peer.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: {probe}\r\n\r\n"
    ));
    responses.next("GET")
}

const HTTP: &str = "http-socket = 127.0.0.1:0";

#[test]
fn a_reload_keeps_process_and_port_and_replaces_the_workers() {
    let (_folder, mut server) = server(&[HTTP, "processes = 2"]);
    let (master, address) = (server.pid(), server.addresses[0].clone());
    let before = server.workers();
    for _ in 0..2 {
        server.signal(Signal::SIGHUP);
        server.line("...gracefully killing workers...");
        server.line("buried after");
        server.line("buried after");
        server.line("binary reloading gateserve...");
        let inherited = server.line("http socket 0 inherited INET address");
        assert!(inherited.contains(&address), "{inherited}");
        let respawned = server.line("gracefully (RE)spawned gateserve master process");
        assert_eq!(support::pid_in(&respawned, "(pid: "), master);
        server.line("gateserve is ready");
    }
    let after = server.workers();
    assert!(!before.iter().any(|pid| after[2..].contains(pid)));
    assert_eq!(get(&address, "body=alive").body, b"alive");
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
}

#[test]
fn a_reload_reads_the_configuration_anew() {
    let (folder, mut server) = server(&[HTTP, "limit-post = 10"]);
    let address = server.addresses[0].clone();
    let post = || {
        let mut responses = Responses::on(Peer::to(&address));
        let request =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789";
        responses.peer.send(request);
        responses.next("POST").head.status
    };
    assert_eq!(post(), 413);
    configure(folder.path(), &[HTTP, "limit-post = 30", "processes = 3"]);
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    let ready = server.line("gateserve is ready");
    assert!(ready.contains("workers 3"), "{ready}");
    assert_eq!(post(), 200);
}

#[test]
fn addresses_that_stay_are_kept_and_others_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [gone, stays, comes] = ["gone", "stays", "comes"].map(path);
    let listen = |path: &str| format!("http-socket = {path}");
    configure(folder.path(), &[&listen(&gone), &listen(&stays)]);
    let mut server = Server::start(&[&path("app.ini")]);
    configure(folder.path(), &[&listen(&comes), &listen(&stays)]);
    server.signal(Signal::SIGHUP);
    server.line(&format!("{gone} is not listened on any more"));
    server.line(&format!("bound to UNIX address {comes}"));
    server.line(&format!("inherited UNIX address {stays}"));
    server.line("gateserve is ready");
    assert_eq!(get(&comes, "body=new").body, b"new");
    assert_eq!(get(&stays, "body=old").body, b"old");
    assert!(!Path::new(&gone).exists());
}

#[test]
fn a_configuration_that_cannot_be_used_leaves_the_running_server_alone() {
    let (folder, mut server) = server(&[HTTP]);
    let worker = server.workers()[0];
    configure(folder.path(), &[HTTP, "socket = host:"]);
    server.signal(Signal::SIGHUP);
    server.line("has no valid port");
    server.line("*** reload refused, the running server goes on");
    let report = get(&server.addresses[0], "").report();
    assert_eq!(report.pid(), u64::from(worker.as_raw().unsigned_abs()));
    configure(folder.path(), &[HTTP]);
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
}

#[test]
fn a_request_that_runs_is_finished_before_the_reload() {
    let (_folder, mut server) = server(&[HTTP]);
    let mut responses = Responses::on(server.connect());
    let probe = "X-Probe: chunks=2; pause=500ms; body=ab";
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{probe}\r\n\r\n");
    responses.peer.send(request);
    responses.head();
    server.signal(Signal::SIGHUP);
    let worker = server.workers()[0];
    server.line(&format!("Gracefully killing worker 1 (pid: {worker})..."));
    let rest = String::from_utf8(responses.peer.rest()).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    server.line("gracefully (RE)spawned");
}

#[test]
fn idle_connections_go_on_with_the_workers_that_come_after() {
    let (_folder, mut server) = server(&[HTTP, "processes = 2"]);
    let get = |responses: &mut Responses| {
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        responses.next("GET").report().pid()
    };
    let mut idle: Vec<_> = (0..20).map(|_| Responses::on(server.connect())).collect();
    let before: Vec<_> = idle.iter_mut().skip(1).map(get).collect();
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    // The first has not sent anything before.
    for responses in &mut idle {
        let pid = get(responses);
        assert!(!before.contains(&pid), "{pid} has ended");
    }
}

#[test]
fn a_request_that_outlasts_the_mercy_is_cut_off() {
    let (_folder, mut server) = server(&[HTTP, "worker-reload-mercy = 1"]);
    let mut responses = Responses::on(server.connect());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: chunks=100; pause=1s; size=100\r\n\r\n";
    responses.peer.send(request);
    responses.head();
    server.signal(Signal::SIGHUP);
    server.line("is taking too much time to die...NO MERCY !!!");
    server.line("gracefully (RE)spawned");
    assert!(responses.peer.ends());
}

#[test]
fn the_sockets_of_the_figures_are_kept_as_well() {
    let (_folder, mut server) = server(&[HTTP, "stats = 127.0.0.1:0", "metrics = 127.0.0.1:0"]);
    let address = |line: String| {
        let words: Vec<_> = line.split(' ').collect();
        words[5].to_owned()
    };
    let figures = ["Stats server enabled on", "Metrics server enabled on"];
    let before = figures.map(|what| address(server.earlier(what)));
    server.signal(Signal::SIGHUP);
    server.line("binary reloading gateserve...");
    // These wait in the queues.
    let peers = before.each_ref().map(|address| Peer::to(address));
    assert_eq!(figures.map(|what| address(server.line(what))), before);
    for mut peer in peers {
        assert!(!peer.rest().is_empty());
    }
}

/// Sends requests, each on a connection of its own, until told to stop; counts them.
fn load(address: String, stop: Arc<AtomicBool>, answered: Arc<AtomicU32>) {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(&address).expect("no connection is refused");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let request = b"GET / HTTP/1.0\r\nX-Probe: body=whole\r\n\r\n";
        stream.write_all(request).expect("the request is taken");
        let mut reply = String::new();
        stream
            .read_to_string(&mut reply)
            .expect("the connection is not reset");
        assert!(reply.ends_with("\r\n\r\nwhole"), "{reply:?}");
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn no_request_is_refused_or_lost_while_the_server_reloads() {
    let (_folder, mut server) = server(&[HTTP, "processes = 2", "disable-logging = true"]);
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let address = server.addresses[0].clone();
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || load(address, stop, answered))
        })
        .collect();
    let some_more = || {
        let enough = answered.load(Ordering::Relaxed) + 50;
        let deadline = Instant::now() + Duration::from_secs(30);
        while answered.load(Ordering::Relaxed) < enough && Instant::now() < deadline {
            assert!(!clients.iter().any(thread::JoinHandle::is_finished));
            thread::sleep(Duration::from_millis(1));
        }
    };
    some_more();
    for _ in 0..3 {
        server.signal(Signal::SIGHUP);
        server.line("gracefully (RE)spawned");
        server.line("gateserve is ready");
        some_more();
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("every request was answered in full");
    }
}

#[test]
fn under_exit_on_reload_the_server_ends_instead() {
    let (_folder, mut server) = server(&[HTTP, "exit-on-reload = true"]);
    server.signal(Signal::SIGHUP);
    server.line("GAME OVER (insert coin)");
    assert!(server.wait().success());
}

#[test]
fn the_program_is_found_again_from_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let chdir = folder.path().to_str().unwrap();
    let args = ["--http-socket", "127.0.0.1:0", "--probe", "--chdir", chdir];
    let mut server = Server::start(&args);
    for _ in 0..2 {
        server.signal(Signal::SIGHUP);
        server.line("gracefully (RE)spawned");
        server.line("gateserve is ready");
    }
    assert_eq!(get(&server.addresses[0], "body=x").body, b"x");
}

#[test]
fn variables_that_are_set_no_more_are_gone_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("env");
    let hook = format!("hook-pre-app = exec:env > {}", told.display());
    let set = ["env = ADDED=1", "unenv = OUTER", "env = OTHER=new"];
    configure(folder.path(), &[&[HTTP, &hook], &set[..]].concat());
    let ini = folder.path().join("app.ini");
    let outer = ["env", "OUTER=here", "OTHER=old"];
    let mut server = Server::start_by(&outer, &[ini.to_str().unwrap()]);
    let has = |line: &str| {
        let env = std::fs::read_to_string(&told).unwrap();
        env.lines().any(|it| it == line)
    };
    assert!(has("ADDED=1") && has("OTHER=new") && !has("OUTER=here"));
    configure(folder.path(), &[HTTP, &hook]);
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    assert!(!has("ADDED=1") && has("OTHER=old") && has("OUTER=here"));
}

#[test]
fn an_application_sees_the_environment_of_the_new_configuration() {
    needs_python!();
    let site = Site::new(
        "import os\ndef application(environ, start_response):\n    \
         start_response('200 OK', [])\n    \
         return [os.environ.get('ADDED', 'none').encode()]\n",
    );
    let ini = site.folder.path().join("app.ini");
    let configure = |line: &str| std::fs::write(&ini, format!("[uwsgi]\n{line}\n")).unwrap();
    configure("env = ADDED=once");
    let mut server = site.serve(&["--http-socket", "127.0.0.1:0", ini.to_str().unwrap()]);
    assert_eq!(get(&server.addresses[0], "").body, b"once");
    configure("");
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    assert_eq!(get(&server.addresses[0], "").body, b"none");
}

#[test]
fn a_link_that_leads_to_another_program_by_then_is_followed_anew() {
    needs_python!();
    let app = "def application(environ, start_response):\n    start_response('200 OK', [])\n    \
               return [b'here']\n";
    let site = Site::new(app);
    let program = env!("CARGO_BIN_EXE_gateserve");
    let link = site.folder.path().join("gateserve");
    std::os::unix::fs::symlink(program, &link).unwrap();
    let args = [&site.options()[..], &["--http-socket", "127.0.0.1:0"]].concat();
    let mut server = Server::start_of(&link, &args);
    let next = site.folder.path().join("next");
    let script = format!("#!/bin/sh\necho the next version >&2\nexec {program} \"$@\"\n");
    std::fs::write(&next, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&next, executable).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&next, &link).unwrap();
    server.signal(Signal::SIGHUP);
    server.line("the next version");
    server.line("gracefully (RE)spawned");
    assert_eq!(get(&server.addresses[0], "").body, b"here");
}

#[test]
fn new_code_takes_effect_and_code_that_does_not_load_leaves_the_old_service() {
    needs_python!();
    let code = |version: &str| {
        format!(
            "def application(environ, start_response):\n    start_response('200 OK', [])\n    \
             return [b'{version}']\n"
        )
    };
    let site = Site::new(&code("one"));
    let app = site.folder.path().join("app.py");
    let mut server = site.serve(&["--http-socket", "127.0.0.1:0"]);
    let served = |server: &Server| get(&server.addresses[0], "").body;
    assert_eq!(served(&server), b"one");
    std::fs::write(&app, "this is no Python").unwrap();
    server.signal(Signal::SIGHUP);
    server.line("SyntaxError");
    server.line("*** reload refused, the running server goes on");
    assert_eq!(served(&server), b"one");
    std::fs::write(&app, code("version two")).unwrap();
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    server.line("gateserve is ready");
    assert_eq!(served(&server), b"version two");
}

#[test]
fn without_a_trial_code_that_does_not_load_ends_the_server_with_22() {
    needs_python!();
    let site = Site::new("def application(environ, start_response): pass");
    let mut server = site.serve(&["--http-socket", "127.0.0.1:0", "--no-reload-trial"]);
    std::fs::write(site.folder.path().join("app.py"), "this is no Python").unwrap();
    server.signal(Signal::SIGHUP);
    server.line("binary reloading gateserve...");
    assert_eq!(server.wait().code(), Some(22));
}

#[test]
fn chain_reload_brings_new_code_to_workers_that_load_their_own() {
    needs_python!();
    let code = |version: &str| {
        format!(
            "def application(environ, start_response):\n    start_response('200 OK', [])\n    \
             return [b'{version}']\n"
        )
    };
    let site = Site::new(&code("one"));
    let touched = site.folder.path().join("touch");
    let mut server = site.serve(&[
        "--http-socket=127.0.0.1:0",
        "--lazy-apps",
        "--processes=2",
        &format!("--touch-chain-reload={}", touched.display()),
    ]);
    std::fs::write(site.folder.path().join("app.py"), code("version two")).unwrap();
    std::fs::write(&touched, "").unwrap();
    server.line("chain reload starting...");
    server.line("chain reloading complete");
    for _ in 0..10 {
        assert_eq!(get(&server.addresses[0], "").body, b"version two");
    }
}

#[test]
fn an_application_that_no_worker_can_load_ends_the_server_with_22() {
    needs_python!();
    let site = Site::new("raise RuntimeError('not today')");
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command
        .args(site.options())
        .args(["--http-socket=127.0.0.1:0", "--lazy-apps"])
        .assert()
        .code(22);
    let log = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        log.contains("OOPS ! failed loading app in worker 1"),
        "{log}"
    );
    assert!(
        log.contains("need-app requested, destroying the instance..."),
        "{log}"
    );
}
