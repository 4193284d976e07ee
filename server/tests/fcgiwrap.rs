//! In fcgiwrap's place: its flags, its sockets, and none of its faults.

mod support;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::gateway::{Answer, Gateway};
use support::site::Site;
use support::{Peer, Server, payload};

/// A server with a socket of its own and a folder of programs that nothing mounts.
struct Wrapper {
    site: Site,
    server: Server,
    address: String,
}

impl Wrapper {
    /// Starts it with these flags.
    fn start(flags: &[&str]) -> Self {
        Self::on(Site::new(), flags)
    }

    fn on(site: Site, flags: &[&str]) -> Self {
        let address = site.path("socket").display().to_string();
        let socket = format!("unix:{address}");
        let server = Server::start(&[&["fcgiwrap", "-s", &socket], flags].concat());
        Self {
            site,
            server,
            address,
        }
    }

    /// Begins a request for the program of this name.
    fn begin(&self, name: &str, more: &[(&'static str, &str)]) -> Gateway {
        let file = self.site.path(name).display().to_string();
        let variables = [
            ("SCRIPT_FILENAME", file.as_str()),
            ("REQUEST_METHOD", "GET"),
        ];
        Gateway::begin(&self.address, &[&variables[..], more].concat())
    }

    /// Asks without a body.
    fn get(&self, name: &str, more: &[(&'static str, &str)]) -> Answer {
        let mut gateway = self.begin(name, more);
        gateway.end();
        gateway.answer()
    }
}

const PLAIN: &str = "echo 'Content-Type: text/plain'; echo;";

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until nothing of this process is left, not even a zombie.
#[track_caller]
fn gone(pid: &str) {
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    eventually("the process is still there", || {
        kill(pid, None) == Err(Errno::ESRCH)
    });
}

#[test]
fn a_program_anywhere_runs_with_what_the_gateway_sends() {
    let wrapper = Wrapper::start(&[]);
    wrapper.site.script(
        "tell",
        &format!("{PLAIN} pwd; echo \"$0 $QUERY_STRING\"; exit 3"),
    );
    let answer = wrapper.get("tell", &[("QUERY_STRING", "a=b")]);
    let folder = wrapper.site.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    assert_eq!(answer.text(), format!("{folder}\n{folder}/tell a=b\n"));
    assert_eq!((answer.status(), answer.exit_status), (200, 3));
}

#[test]
fn called_fcgiwrap_it_is_fcgiwrap() {
    let site = Site::new();
    site.script("hello", &format!("{PLAIN} echo hello"));
    let address = site.path("socket").display().to_string();
    let socket = format!("unix:{address}");
    let called = ["bash", "-c", "exec -a /usr/sbin/fcgiwrap \"$0\" \"$@\""];
    let _server = Server::start_by(&called, &["-f", "-c", "2", "-s", &socket]);
    let file = site.path("hello").display().to_string();
    let mut gateway = Gateway::begin(&address, &[("SCRIPT_FILENAME", &file)]);
    gateway.end();
    assert_eq!(gateway.answer().text(), "hello\n");
}

#[test]
fn it_listens_on_the_descriptor_0_that_it_inherits() {
    let site = Site::new();
    site.script("hello", &format!("{PLAIN} echo hello; cat"));
    let address = site.path("socket").display().to_string();
    let listener = OwnedFd::from(UnixListener::bind(&address).unwrap());
    let _server = Server::start_on(listener, &["fcgiwrap"]);
    let file = site.path("hello").display().to_string();
    for _ in 0..2 {
        let mut gateway = Gateway::begin(&address, &[("SCRIPT_FILENAME", &file)]);
        gateway.end();
        assert_eq!(gateway.answer().text(), "hello\n");
    }
}

#[test]
fn spawn_fcgi_starts_it() {
    if Command::new("spawn-fcgi")
        .arg("-v")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: there is no spawn-fcgi");
        return;
    }
    let site = Site::new();
    site.script("hello", &format!("{PLAIN} echo hello"));
    let (address, pidfile) = (site.path("socket"), site.path("pid"));
    let mut spawn = Command::new("spawn-fcgi");
    spawn
        .arg("-s")
        .arg(&address)
        .arg("-P")
        .arg(&pidfile)
        .arg("--");
    spawn
        .arg(env!("CARGO_BIN_EXE_gateserve"))
        .args(["fcgiwrap", "-f"]);
    assert!(spawn.stdout(Stdio::null()).status().unwrap().success());
    let file = site.path("hello").display().to_string();
    let address = address.display().to_string();
    let mut gateway = Gateway::begin(&address, &[("SCRIPT_FILENAME", &file)]);
    gateway.end();
    assert_eq!(gateway.answer().text(), "hello\n");
    let pid = std::fs::read_to_string(&pidfile).unwrap();
    kill(Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGTERM).unwrap();
    gone(&pid);
}

#[test]
fn a_program_may_write_before_it_reads() {
    let wrapper = Wrapper::start(&[]);
    let script = format!("{PLAIN} head -c 1000000 /dev/zero; cat");
    wrapper.site.script("eager", &script);
    let body = payload(1_000_000);
    let mut gateway = wrapper.begin("eager", &[("CONTENT_LENGTH", "1000000")]);
    gateway.peer.give_up_after(Duration::from_secs(20));
    let mut sender = Gateway::beside(&gateway);
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        sender.body(&sent);
        sender.end();
    });
    let answer = gateway.answer();
    sending.join().unwrap();
    assert_eq!(answer.body.len(), 2_000_000);
    assert!(answer.body[1_000_000..] == body);
}

#[test]
fn a_body_reaches_the_program_as_it_comes() {
    let wrapper = Wrapper::start(&[]);
    wrapper.site.script("echo", &format!("{PLAIN} cat"));
    let mut gateway = wrapper.begin("echo", &[("CONTENT_LENGTH", "8")]);
    gateway.body(b"one,");
    gateway.until("one,");
    gateway.body(b"two.");
    gateway.until("two.");
}

#[test]
fn an_abort_ends_the_program_and_its_children() {
    let wrapper = Wrapper::start(&[]);
    let script = format!("{PLAIN} sleep 3600 & echo $$ > self; echo $! > child; echo .; wait");
    wrapper.site.script("stay", &script);
    let mut gateway = wrapper.begin("stay", &[]);
    gateway.end();
    gateway.until(".\n");
    gateway.abort();
    for file in ["self", "child"] {
        gone(&std::fs::read_to_string(wrapper.site.path(file)).unwrap());
    }
}

#[test]
fn programs_end_with_the_server() {
    let wrapper = Wrapper::start(&[]);
    let script = format!("{PLAIN} trap '' TERM; sleep 3600 & echo $! > child; echo .; wait");
    wrapper.site.script("stay", &script);
    let mut gateway = wrapper.begin("stay", &[]);
    gateway.end();
    gateway.until(".\n");
    kill(wrapper.server.pid(), Signal::SIGINT).unwrap();
    let child = std::fs::read_to_string(wrapper.site.path("child")).unwrap();
    gone(&child);
}

#[test]
fn a_silent_program_is_given_up() {
    let wrapper = Wrapper::start(&["--", "--cgi-timeout", "1"]);
    wrapper
        .site
        .script("silent", "echo $$ > self; exec sleep 3600");
    assert_eq!(wrapper.get("silent", &[]).status(), 504);
    gone(&std::fs::read_to_string(wrapper.site.path("self")).unwrap());
}

#[test]
fn a_carriage_return_stays_what_it_is() {
    let wrapper = Wrapper::start(&[]);
    wrapper
        .site
        .script("body", &format!("{PLAIN} printf 'a\\rb\\r\\nc\\n'"));
    assert_eq!(wrapper.get("body", &[]).body, b"a\rb\r\nc\n");
    let split = "printf 'Content-Type: a/b\\nX-A: 1\\rX-B: 2\\n\\nbody'";
    wrapper.site.script("head", split);
    let answer = wrapper.get("head", &[]);
    assert!(
        !answer.head.contains("\r\nX-B") && !answer.head.contains("\nX-B"),
        "{answer:?}"
    );
}

#[test]
fn the_path_behind_the_program_is_path_info() {
    let wrapper = Wrapper::start(&[]);
    wrapper.site.script(
        "split",
        &format!("{PLAIN} echo \"$SCRIPT_NAME|$PATH_INFO\""),
    );
    let whole = wrapper.get("split/a/b", &[("SCRIPT_NAME", "/x/split/a/b")]);
    assert_eq!(whole.text(), "/x/split|/a/b\n");
    let known = wrapper.get("split", &[("SCRIPT_NAME", "/x"), ("PATH_INFO", "/a")]);
    assert_eq!(known.text(), "/x|/a\n");
    let folder = wrapper.site.path("").display().to_string();
    let joined = [
        ("DOCUMENT_ROOT", folder.trim_end_matches('/')),
        ("SCRIPT_NAME", "/split/c"),
    ];
    let mut gateway = Gateway::begin(&wrapper.address, &joined);
    gateway.end();
    assert_eq!(gateway.answer().text(), "/split|/c\n");
}

#[test]
fn missing_and_forbidden_programs_are_told_apart() {
    let site = Site::new();
    std::fs::write(site.path("data"), "").unwrap();
    let probe = site.path("probe").display().to_string();
    let wrapper = Wrapper::on(site, &["-p", &probe, "-p", "/bin/sh"]);
    assert_eq!(wrapper.get("none", &[]).status(), 404);
    assert_eq!(wrapper.get("data", &[]).status(), 403);
    wrapper.site.script("other", &format!("{PLAIN} echo other"));
    assert_eq!(wrapper.get("other", &[]).status(), 403);
    assert_eq!(wrapper.get("probe", &[]).status(), 200);
}

#[test]
fn error_text_goes_where_f_says() {
    for (flags, expected) in [(&["-f"][..], "say: oops\n"), (&[][..], "")] {
        let mut wrapper = Wrapper::start(flags);
        wrapper
            .site
            .script("say", &format!("echo oops >&2; {PLAIN} echo"));
        assert_eq!(wrapper.get("say", &[]).stderr, expected, "{flags:?}");
        wrapper.server.line("say: oops");
    }
}

#[test]
fn the_servers_environment_is_handed_on() {
    let site = Site::new();
    site.script(
        "tell",
        &format!("{PLAIN} echo \"$FROM_THE_UNIT|$QUERY_STRING\""),
    );
    let address = site.path("socket").display().to_string();
    let socket = format!("unix:{address}");
    let first = ["env", "FROM_THE_UNIT=yes"];
    let _server = Server::start_by(&first, &["fcgiwrap", "-s", &socket]);
    let file = site.path("tell").display().to_string();
    let variables = [("SCRIPT_FILENAME", file.as_str()), ("QUERY_STRING", "q")];
    let mut gateway = Gateway::begin(&address, &variables);
    gateway.end();
    assert_eq!(gateway.answer().text(), "yes|q\n");
}

#[test]
fn without_a_socket_it_says_so() {
    let ended = support::Ended::of(&["fcgiwrap", "-s", "/run/fcgiwrap.socket"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.log.contains("unix:/path, tcp:IPv4:port"),
        "{}",
        ended.log
    );
}

#[test]
fn tcp_and_tcp6_are_listened_on() {
    for socket in ["tcp:127.0.0.1:0", "tcp6:[::1]:0"] {
        let server = Server::start(&["fcgiwrap", "-s", socket]);
        let _peer = Peer::to(&server.addresses[0]);
    }
}
