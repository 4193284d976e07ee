//! The same request to uWSGI and to this server: the same line.
//!
//! Runs where `uwsgi` with its Python plugin built in is installed (`pip install uwsgi`).

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use support::python::Site;
use support::{Peer, Server};

const APP: &str = "
def application(environ, start_response):
    start_response('404 Gone', [('Content-Length', '5'), ('X-A', 'b')])
    return [b'hello']
";

/// Variables that do not depend on the process, the clock or the server's own variables.
const FORMAT: &str = "line|%(uri)|%(method)|%(user)|%(addr)|%(host)|%(proto)|%(uagent)|%(referer)|\
                      %(status)|%(rsize)|%(cl)|%(headers)|%(wid)|%(core)|%(switches)|%(modifier1)|\
                      %(var.HTTP_X_ID)|%(var.NONE)|%(nonsense)|100%%(status)|%(werr)|%(rerr)|%(ioerr)";

/// The uwsgi packet of a request.
fn packet() -> Vec<u8> {
    let mut vars = Vec::new();
    for (name, value) in [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a%20b?c=\"d\""),
        ("PATH_INFO", "/a b"),
        ("QUERY_STRING", "c=\"d\""),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "a.example"),
        ("SERVER_PORT", "80"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("HTTP_X_FORWARDED_FOR", "192.0.2.7, 10.0.0.1"),
        ("REMOTE_USER", "alice"),
        ("HTTP_HOST", "a.example"),
        ("HTTP_USER_AGENT", "test/1"),
        ("HTTP_X_ID", "42"),
        ("CONTENT_LENGTH", "3"),
    ] {
        for text in [name, value] {
            vars.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
            vars.extend(text.as_bytes());
        }
    }
    let [low, high] = u16::try_from(vars.len()).unwrap().to_le_bytes();
    [&[0, low, high, 0][..], &vars, b"abc"].concat()
}

struct Uwsgi(Child);

impl Drop for Uwsgi {
    fn drop(&mut self) {
        // It may have ended, which is as well. A worker that lost its master would live on.
        let group = Pid::from_raw(self.0.id() as i32);
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

fn line_of_uwsgi(site: &Site, options: &[&str]) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut child = Command::new("uwsgi")
        .process_group(0)
        .args(["--socket", &address, "--module", "app", "--need-app"])
        .args(options)
        .current_dir(site.folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let _uwsgi = Uwsgi(child);
    let mut next = |part: &str| {
        let found = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(part)));
        found.expect("uWSGI goes on").unwrap()
    };
    next("spawned uWSGI worker 1");
    let mut peer = Peer::to(&address);
    peer.send(packet());
    peer.rest();
    next("line|")
}

fn line_of_gateserve(site: &Site, options: &[&str]) -> String {
    let mut server: Server = site.serve(&[&["--socket", "127.0.0.1:0"], options].concat());
    let mut peer = server.connect();
    peer.send(packet());
    peer.rest();
    server.line("line|")
}

#[test]
fn a_request_is_told_as_uwsgi_tells_it() {
    needs_python!();
    // Debian's has Python in a package of its own, and without it no `--module`.
    let help = Command::new("uwsgi").arg("--help").output();
    let runs_python = |help: Output| String::from_utf8_lossy(&help.stdout).contains("--module ");
    if !help.is_ok_and(runs_python) {
        return eprintln!("skipped: uwsgi with Python is not installed");
    }
    let site = Site::new(APP);
    for more in [&[][..], &["--log-x-forwarded-for"]] {
        let options = [&["--master", "--log-format", FORMAT], more].concat();
        assert_eq!(
            line_of_gateserve(&site, &options),
            line_of_uwsgi(&site, &options),
            "{more:?}"
        );
    }
}
