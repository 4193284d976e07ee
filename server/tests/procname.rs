//! Process names, as `ps` shows them.

mod support;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use support::Server;
use support::python::Site;

fn server(extra: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], extra].concat())
}

/// What `ps -o args` shows: the words of the command line, joined by spaces.
#[track_caller]
fn shown(pid: Pid) -> String {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).expect("the process runs");
    let words = String::from_utf8(words).unwrap();
    words.trim_end_matches('\0').replace('\0', " ")
}

#[track_caller]
fn assert_shown(extra: &[&str], master: &str, worker: &str) {
    let server = server(extra);
    assert_eq!(shown(server.pid()), master);
    assert_eq!(shown(server.workers()[0]), worker);
}

#[test]
fn without_an_option_the_command_line_stays() {
    let server = server(&[]);
    for pid in [server.pid(), server.workers()[0]] {
        assert!(shown(pid).ends_with("--probe"), "{}", shown(pid));
    }
}

#[test]
fn the_command_line_of_the_start_is_shown_where_an_interpreter_runs_it() {
    needs_python!();
    let site = Site::new("def application(environ, start_response): pass");
    let server = site.serve(&["--http-socket", "127.0.0.1:0"]);
    for pid in [server.pid(), server.workers()[0]] {
        let shown = shown(pid);
        let program = shown.split(' ').next().unwrap();
        assert!(program.ends_with("/gateserve"), "{shown}");
        assert!(shown.contains(" --http-socket 127.0.0.1:0"), "{shown}");
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(comm, "gateserve\n");
    }
}

#[test]
fn auto_procname_tells_master_from_workers() {
    let server = server(&["--auto-procname", "--processes", "2"]);
    assert_eq!(shown(server.pid()), "gateserve master");
    let workers: Vec<_> = server.workers().into_iter().map(shown).collect();
    assert_eq!(workers, ["gateserve worker 1", "gateserve worker 2"]);
}

#[test]
fn a_worker_that_replaces_another_is_named_too() {
    let mut server = server(&["--auto-procname"]);
    nix::sys::signal::kill(server.workers()[0], Signal::SIGKILL).unwrap();
    let line = server.line("Respawned uWSGI worker 1");
    let pid = support::pid_in(&line, "(new pid: ");
    // It is named before it accepts, so an answer comes from a named one.
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.0\r\n\r\n");
    peer.rest();
    assert_eq!(shown(pid), "gateserve worker 1");
}

#[test]
fn procname_names_all_processes() {
    assert_shown(&["--procname", "web"], "web", "web");
}

#[test]
fn procname_master_turns_names_on_for_the_workers_too() {
    assert_shown(
        &["--procname-master", "web boss"],
        "web boss",
        "gateserve worker 1",
    );
}

#[test]
fn prefix_and_appendix_are_joined_without_a_space() {
    assert_shown(
        &["--procname-prefix", "ls-", "--procname-append", " [x]"],
        "ls-gateserve master [x]",
        "ls-gateserve worker 1 [x]",
    );
}

#[test]
fn a_spaced_prefix_has_its_space() {
    assert_shown(
        &["--procname-prefix-spaced", "[site.com]"],
        "[site.com] gateserve master",
        "[site.com] gateserve worker 1",
    );
}

#[test]
fn a_name_longer_than_the_command_line_leaves_the_environment_whole() {
    let long = "x".repeat(600);
    let server = Server::start_by(
        &["env", &format!("UWSGI_OTHER={}", "y".repeat(800))],
        &[
            "--http-socket",
            "127.0.0.1:0",
            "--probe",
            "--procname-prefix",
            &long,
            "--hook-post-fork",
            "exec:test ${#UWSGI_OTHER} = 800",
        ],
    );
    assert_eq!(shown(server.pid()), format!("{long}gateserve master"));
}

#[test]
fn the_short_name_is_the_beginning_of_the_long_one() {
    let server = server(&["--procname", "web"]);
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", server.pid())).unwrap();
    assert_eq!(comm, "web\n");
}
