//! What CGI programs may do, how many run at a time, and that nothing of them is left behind.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use support::gateway::Gateway;
use support::site::{Site, Way};
use support::{Responses, Server, pid_in};

const PLAIN: &str = "echo 'Content-Type: text/plain'; echo;";

fn plain(script: &str) -> String {
    format!("{PLAIN} {script}")
}

/// A site over HTTP with these options.
fn way(site: &Site, options: &[&str]) -> Way {
    Way::start("http", &[&["--cgi", &site.option()], options].concat())
}

#[track_caller]
fn text(way: &Way, path: &str) -> String {
    let response = way.get(path);
    assert_eq!(response.head.status, 200, "{path}");
    String::from_utf8(response.body).unwrap()
}

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.trim().parse().unwrap())
}

/// Waits until nothing of this process is left but perhaps a zombie of somebody else's.
#[track_caller]
fn ended(process: Pid) {
    eventually("the process still runs", || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map_or("gone", |(_, fields)| fields);
        state == "gone" || state.starts_with('Z')
    });
}

fn worker(way: &Way) -> Pid {
    let told = way.server.told();
    let line = told
        .lines()
        .find(|it| it.contains("spawned gateserve worker 1"));
    pid_in(line.unwrap(), "(pid: ")
}

/// A request whose answer is not read yet.
fn ask(way: &Way, path: &str) -> Responses {
    let mut responses = Responses::on(way.connect());
    responses
        .peer
        .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    responses
}

/// A program that waits until the file `go` is there, and says that it is there by the file `on`.
fn waiting() -> Site {
    let site = Site::new();
    let script = "echo . >> on; while [ ! -e go ]; do sleep 0.01; done; echo done";
    site.script("wait", &plain(script));
    site
}

#[test]
fn beyond_places_and_queue_a_request_is_asked_to_come_again() {
    let site = waiting();
    let options = ["--cgi-concurrency", "1", "--cgi-queue", "1"];
    let mut way = way(&site, &options);
    let mut first = ask(&way, "/cgi/wait");
    eventually("the program runs", || site.path("on").exists());
    // The one of these that comes second finds the queue full.
    let mut others = [ask(&way, "/cgi/wait"), ask(&way, "/cgi/wait")];
    way.server
        .line("1 CGI programs run (cgi-concurrency) and 1 requests wait (cgi-queue)");
    fs::write(site.path("go"), "").unwrap();
    assert_eq!(first.next("GET").body, b"done\n");
    let others = others.each_mut().map(|it| it.next("GET"));
    let mut statuses = others.each_ref().map(|it| it.head.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    let refused = others.iter().find(|it| it.head.status == 503).unwrap();
    assert_eq!(refused.field("retry-after"), Some("1"));
    assert_eq!(
        fs::read(site.path("on")).unwrap(),
        b".\n.\n",
        "two programs ran"
    );
}

#[test]
fn nobody_waits_longer_than_cgi_queue_timeout() {
    let site = waiting();
    let options = ["--cgi-concurrency", "1", "--cgi-queue-timeout", "1"];
    let way = way(&site, &options);
    let _first = ask(&way, "/cgi/wait");
    eventually("the program runs", || site.path("on").exists());
    assert_eq!(way.get("/cgi/wait").head.status, 503);
    fs::write(site.path("go"), "").unwrap();
}

#[test]
fn each_mount_has_its_mask_and_limits() {
    let site = Site::new();
    site.script("tell", &plain("echo $(umask) $(ulimit -n) $(ulimit -t)"));
    let other = format!("/other={}", site.path("").display());
    let options = [
        "--cgi",
        &other,
        "--cgi-set",
        "umask=077",
        "--cgi-set",
        "/other=umask=027,nofile=99,cpu=7",
    ];
    let way = way(&site, &options);
    assert_eq!(text(&way, "/other/tell"), "0027 99 7\n");
    assert!(text(&way, "/cgi/tell").starts_with("0077 "));
}

#[test]
fn a_mount_may_have_a_user_of_its_own() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root may give programs a user");
        return;
    }
    let site = Site::new();
    fs::set_permissions(site.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    site.script("who", &plain("id -u; id -g; id -G"));
    let way = way(&site, &["--cgi-set", "uid=65534,gid=65534"]);
    assert_eq!(text(&way, "/cgi/who"), "65534\n65534\n65534\n");
}

#[test]
fn a_user_that_cannot_be_taken_is_told_of() {
    let site = Site::new();
    site.script("who", &plain("id -u"));
    let ended = support::Ended::of(&[
        "--http-socket",
        ":0",
        "--cgi",
        "/",
        "--cgi-set",
        "uid=no-such",
    ]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.log.contains("`cgi-set` takes"), "{}", ended.log);
}

#[test]
fn variables_of_the_configuration_reach_programs_and_cgi_unset_takes_some_away() {
    let site = Site::new();
    site.script("tell", &plain("echo \"$FROM_INI|$BOTH|$HTTP_X|$HTTP_Y\""));
    let ini = site.path("app.ini");
    let lines = "[uwsgi]\nenv = FROM_INI=a\nenv = BOTH=b\ncgi-env = BOTH=c\ncgi-unset = HTTP_X\n";
    fs::write(&ini, lines).unwrap();
    let way = way(&site, &["--ini", ini.to_str().unwrap()]);
    let response = way.ask("GET", "/cgi/tell", "X: 1\r\nY: 2\r\n");
    assert_eq!(response.body, b"a|c||2\n");
}

#[test]
fn a_link_out_of_the_folder_leads_where_cgi_safe_says() {
    let (site, other) = (Site::new(), Site::new());
    other.script("hello", &plain("echo hello"));
    symlink(other.path("hello"), site.path("link")).unwrap();
    assert_eq!(way(&site, &[]).get("/cgi/link").head.status, 403);
    let folder = other.path("").display().to_string();
    assert_eq!(
        text(&way(&site, &["--cgi-safe", &folder]), "/cgi/link"),
        "hello\n"
    );
}

#[test]
fn a_head_that_is_too_long_is_a_bad_gateway() {
    let site = Site::new();
    site.script(
        "long",
        "echo \"X-Long: $(head -c 5000 /dev/zero | tr '\\0' x)\"; echo; echo",
    );
    assert_eq!(way(&site, &[]).get("/cgi/long").head.status, 200);
    let short = way(&site, &["--cgi-buffer-size", "1024"]);
    assert_eq!(short.get("/cgi/long").head.status, 502);
}

#[test]
fn programs_below_the_document_root_of_the_request_run() {
    let site = Site::new();
    site.script("tell", &plain("echo \"$SCRIPT_NAME|$PATH_INFO\""));
    let folder = site.path("").display().to_string();
    let ask = |options: &[&str]| {
        let socket = ["--fastcgi-socket", "127.0.0.1:0", "--cgi-from-docroot"];
        let server = Server::start(&[&socket, options].concat());
        let variables = [
            ("DOCUMENT_ROOT", folder.trim_end_matches('/')),
            ("SCRIPT_NAME", "/tell/more"),
        ];
        let mut gateway = Gateway::begin(&server.addresses[0], &variables);
        gateway.end();
        gateway.answer().text().to_owned()
    };
    assert_eq!(ask(&[]), "/tell|/more\n");
    assert_eq!(ask(&["--cgi-path-info"]), "/tell|\n");
}

#[test]
fn what_a_program_leaves_behind_is_ended_with_its_request() {
    let site = Site::new();
    let script = "sleep 3600 < /dev/null > /dev/null 2>&1 & echo $!";
    site.script("leave", &plain(script));
    ended(pid(&text(&way(&site, &[]), "/cgi/leave")));
    let keeping = way(&site, &["--cgi-keep-children"]);
    let kept = pid(&text(&keeping, "/cgi/leave"));
    assert_eq!(kill(kept, None), Ok(()));
    kill(kept, Signal::SIGKILL).unwrap();
}

#[test]
fn a_worker_that_is_killed_takes_its_programs_along() {
    let site = Site::new();
    let script = "trap '' TERM; sleep 3600 & echo $! > child; echo $$ > self; wait; sleep 3600";
    site.script("stay", &plain(script));
    let mut way = way(&site, &[]);
    let worker = worker(&way);
    let _request = ask(&way, "/cgi/stay");
    eventually("the program runs", || {
        fs::read_to_string(site.path("self")).is_ok_and(|text| text.ends_with('\n'))
    });
    kill(worker, Signal::SIGKILL).unwrap();
    way.server.line("died, killed by signal 9");
    for file in ["self", "child"] {
        ended(pid(&fs::read_to_string(site.path(file)).unwrap()));
    }
}

#[test]
fn requests_leave_no_descriptor_and_no_zombie() {
    let site = Site::new();
    site.script("quick", &plain("echo oops >&2; echo hello"));
    let way = way(&site, &[]);
    let worker = worker(&way);
    let open = || fs::read_dir(format!("/proc/{worker}/fd")).unwrap().count();
    text(&way, "/cgi/quick");
    eventually("the first connection is closed", || open() > 0);
    let before = open();
    for _ in 0..20 {
        text(&way, "/cgi/quick");
    }
    eventually("descriptors are left open", || open() <= before);
    let children = format!("/proc/{worker}/task/{worker}/children");
    eventually("a child is left", || {
        fs::read_to_string(&children).is_ok_and(|pids| pids.is_empty())
    });
}
