//! CGI programs that try to leave something behind: a session of its own, a double fork, a process
//! that ignores signals. Nothing of them outlives their request, and nobody else is harmed.

mod support;

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::site::{Site, Way};
use support::{Responses, eventually, pid_in};

const PLAIN: &str = "echo 'Content-Type: text/plain'; echo;";
const QUIET: &str = "< /dev/null > /dev/null 2>&1";

fn way(site: &Site, options: &[&str]) -> Way {
    Way::start("http", &[&["--cgi", &site.option()], options].concat())
}

/// Starts something in the background that writes its process id to `file`, and waits for that.
fn leave(site: &Site, file: &str, background: &str) -> String {
    let path = site.path(file).display().to_string();
    let wait = format!("until [ -s {path} ]; do sleep 0.01; done");
    format!(
        "{PLAIN} {} {wait}; echo left",
        background.replace("FILE", &path)
    )
}

fn pid(site: &Site, file: &str) -> Pid {
    let text = fs::read_to_string(site.path(file)).unwrap();
    Pid::from_raw(text.trim().parse().unwrap())
}

fn runs(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until the worker has no child, not even a dead one.
#[track_caller]
fn has_no_children(way: &Way) {
    let told = way.server.told();
    let line = told
        .lines()
        .find(|it| it.contains("spawned gateserve worker 1"));
    let worker = pid_in(line.unwrap(), "(pid: ");
    let children = format!("/proc/{worker}/task/{worker}/children");
    eventually("the worker has children left", || {
        fs::read_to_string(&children).is_ok_and(|pids| pids.is_empty())
    });
}

#[track_caller]
fn get(way: &Way, path: &str) -> String {
    let response = way.get(path);
    assert_eq!(response.head.status, 200, "{path}");
    String::from_utf8(response.body).unwrap()
}

/// Runs a program that leaves `background` behind, and waits until that has ended.
#[track_caller]
fn assert_ended(background: &str) {
    let site = Site::new();
    site.script("leave", &leave(&site, "pid", background));
    let way = way(&site, &[]);
    assert_eq!(get(&way, "/cgi/leave"), "left\n");
    let left = pid(&site, "pid");
    eventually("what was left behind still runs", || !runs(left));
    has_no_children(&way);
    assert_eq!(
        get(&way, "/cgi/leave"),
        "left\n",
        "the next request is answered"
    );
}

#[test]
fn a_session_of_its_own_is_no_way_out() {
    assert_ended(&format!(
        "setsid sh -c 'echo $$ > FILE; exec sleep 3600' {QUIET} &"
    ));
}

#[test]
fn a_daemon_that_forked_twice_is_ended() {
    assert_ended(&format!(
        "(setsid sh -c 'echo $$ > FILE; exec sleep 3600' {QUIET} &);"
    ));
}

#[test]
fn a_daemon_that_ignores_signals_is_ended() {
    let daemon = "trap \"\" TERM HUP INT; echo $$ > FILE; while :; do sleep 1; done";
    assert_ended(&format!("(setsid sh -c '{daemon}' {QUIET} &);"));
}

#[test]
fn what_a_daemon_started_is_ended_after_it() {
    let inner = "setsid sh -c \"echo \\$\\$ > FILE; exec sleep 3600\" & sleep 3600";
    assert_ended(&format!("(setsid sh -c '{inner}' {QUIET} &);"));
}

#[test]
fn a_program_that_still_runs_keeps_its_daemon() {
    let site = Site::new();
    let daemon = format!("(setsid sh -c 'echo $$ > FILE; exec sleep 3600' {QUIET} &);");
    let go = site.path("go").display().to_string();
    let helper = site.path("helper").display().to_string();
    let patient = leave(&site, "helper", &daemon).replace(
        "echo left",
        &format!("until [ -e {go} ]; do sleep 0.01; done; kill -0 $(cat {helper}) && echo alive"),
    );
    site.script("patient", &patient);
    site.script("leave", &leave(&site, "pid", &daemon));
    let way = way(&site, &[]);
    let mut responses = Responses::on(way.connect());
    let head = "GET /cgi/patient HTTP/1.1\r\nHost: a\r\n\r\n";
    responses.peer.send(head);
    eventually("the patient program runs", || {
        fs::read_to_string(site.path("helper")).is_ok_and(|text| text.ends_with('\n'))
    });
    for _ in 0..3 {
        assert_eq!(get(&way, "/cgi/leave"), "left\n");
        let left = pid(&site, "pid");
        eventually("what was left behind still runs", || !runs(left));
        fs::remove_file(site.path("pid")).unwrap();
    }
    let helper = pid(&site, "helper");
    assert!(runs(helper), "the daemon of a program that still runs");
    fs::write(site.path("go"), "").unwrap();
    assert_eq!(responses.next("GET").body, b"alive\n");
    eventually("the daemon outlived its program", || !runs(helper));
    has_no_children(&way);
}

#[test]
fn a_client_that_leaves_takes_everything_along() {
    let site = Site::new();
    let daemon = format!("(setsid sh -c 'echo $$ > FILE; exec sleep 3600' {QUIET} &);");
    let stay = leave(&site, "pid", &daemon).replace("echo left", "sleep 3600");
    site.script("stay", &stay);
    let way = way(&site, &[]);
    let mut responses = Responses::on(way.connect());
    responses
        .peer
        .send("GET /cgi/stay HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually("the program runs", || {
        fs::read_to_string(site.path("pid")).is_ok_and(|text| text.ends_with('\n'))
    });
    drop(responses);
    let left = pid(&site, "pid");
    eventually("the daemon outlived the request", || !runs(left));
    has_no_children(&way);
}

#[test]
fn what_may_run_on_is_waited_for_when_it_ends() {
    let site = Site::new();
    let daemon = format!("(setsid sh -c 'echo $$ > FILE; exec sleep 3600' {QUIET} &);");
    site.script("leave", &leave(&site, "pid", &daemon));
    site.script("other", &format!("{PLAIN} echo other"));
    let way = way(&site, &["--cgi-keep-children"]);
    assert_eq!(get(&way, "/cgi/leave"), "left\n");
    let left = pid(&site, "pid");
    // Another program's end is none of its business.
    assert_eq!(get(&way, "/cgi/other"), "other\n");
    assert!(runs(left));
    kill(left, Signal::SIGKILL).unwrap();
    eventually("it is a zombie", || {
        !fs::exists(format!("/proc/{left}")).unwrap()
    });
}
