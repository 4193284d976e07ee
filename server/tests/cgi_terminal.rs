//! The terminal that a server was started on stays with the server: no CGI program gets it.

mod support;

use std::fs;

use support::Server;
use support::python::get;
use support::site::Site;

/// Runs what follows with a new terminal as its controlling one, and keeps both of its ends open.
const ON_A_TERMINAL: &str = "import fcntl, os, sys, termios
ends = os.openpty()
[os.set_inheritable(end, True) for end in ends]
os.setsid()
fcntl.ioctl(ends[1], termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])";

/// Tells whether it can open the terminal of its session.
const OPENS: &str = "#!/bin/sh
echo 'Content-Type: text/plain'; echo
if (: < /dev/tty) 2> /dev/null; then echo terminal; else echo none; fi";

const OPENS_IN_PYTHON: &str = "#!/usr/bin/env python3
print('Content-Type: text/plain\\n')
try:
    open('/dev/tty').close()
    print('terminal')
except OSError:
    print('none')";

/// Number of the controlling terminal of a process; 0 without one.
fn terminal_of(pid: i32) -> i64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').nth(4).unwrap().parse().unwrap()
}

fn server(site: &Site, more: &[&str]) -> Server {
    let option = site.option();
    let arguments = ["--http-socket", "127.0.0.1:0", "--cgi", &option];
    let arguments = [&arguments[..], more].concat();
    let server = Server::start_by(&["python3", "-c", ON_A_TERMINAL], &arguments);
    let [worker] = server.workers()[..] else {
        panic!("there is one worker")
    };
    assert_ne!(terminal_of(worker.as_raw()), 0, "the server has a terminal");
    server
}

#[test]
fn a_program_has_no_controlling_terminal() {
    let site = Site::new();
    site.program("opens", OPENS.as_bytes());
    let server = server(&site, &[]);
    assert_eq!(get(&server, "/cgi/opens").text(), "none\n");
}

#[test]
fn a_warm_script_has_none_either() {
    let site = Site::new();
    site.program("opens.py", OPENS_IN_PYTHON.as_bytes());
    let server = server(&site, &["--cgi-mode", "warm"]);
    assert_eq!(get(&server, "/cgi/opens.py").text(), "none\n");
}
