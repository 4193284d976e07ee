//! CGI scripts that are forked from a booted interpreter: what is seen of the interpreter itself.

mod support;

use std::fs;
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::site::{Site, Way};

/// Leaves the test where there is no Python; else gives the file of one.
macro_rules! python {
    () => {
        match support::scripts::python() {
            Some(python) => python,
            None => return eprintln!("skipped: no python3 from 3.9 on"),
        }
    };
}

/// A script that says its head first.
fn script(site: &Site, first: &str, name: &str, text: &str) {
    let text = format!("{first}\nprint('Content-Type: text/plain\\n', flush=True)\n{text}\n");
    site.program(name, text.as_bytes());
}

fn python_script(site: &Site, python: &str, name: &str, text: &str) {
    script(site, &format!("#!{python}"), name, text);
}

fn warm(site: &Site, args: &[&str]) -> Way {
    let option = site.option();
    Way::start(
        "http",
        &[&["--cgi", &option, "--cgi-mode", "warm"], args].concat(),
    )
}

fn text(way: &Way, path: &str) -> String {
    String::from_utf8(way.get(path).body)
        .unwrap()
        .trim()
        .to_owned()
}

/// Waits for something to become so.
#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// State and parent of a process, unless it is gone.
fn process(pid: i32) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.to_owned();
    Some((state, fields.next()?.parse().ok()?))
}

/// The processes of this parent, zombies among them.
fn children(parent: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| process(pid).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// Whether a process is gateserve itself.
fn is_server(pid: i32) -> bool {
    let program = fs::read_link(format!("/proc/{pid}/exe"));
    program.unwrap_or_default().ends_with("gateserve")
}

const PARENT: &str = "import os; print(os.getppid(), os.getpid())";

fn pids(way: &Way, path: &str) -> (i32, i32) {
    let text = text(way, path);
    let (parent, own) = text.split_once(' ').expect("two process ids");
    (parent.parse().unwrap(), own.parse().unwrap())
}

#[test]
fn each_request_is_a_fresh_process_of_one_interpreter() {
    let (python, site) = (python!(), Site::new());
    python_script(&site, &python, "parent", PARENT);
    let way = warm(&site, &[]);
    let (first, second) = (pids(&way, "/cgi/parent"), pids(&way, "/cgi/parent"));
    assert_eq!(first.0, second.0, "the interpreter");
    assert_ne!(first.1, second.1, "the processes");
    assert!(!is_server(first.0));
    eventually("what has ended is reaped", || children(first.0).is_empty());
}

#[test]
fn nothing_stays_behind_for_the_next_request() {
    let (python, site) = (python!(), Site::new());
    let state = "import os, sys, signal, builtins\n\
        print(os.environ.get('LEFT'), os.getcwd(), os.umask(0o77), hasattr(builtins, 'left'))\n\
        print('json' in sys.modules, sys.path[0], signal.getsignal(signal.SIGTERM), globals().get('left'))\n\
        os.environ['LEFT'] = builtins.left = left = 'x'\n\
        os.chdir('/'); sys.path.insert(0, '/left'); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        import json\n";
    python_script(&site, &python, "state", state);
    let way = warm(&site, &[]);
    let first = text(&way, "/cgi/state");
    assert!(first.starts_with("None "), "{first}");
    assert_eq!(first, text(&way, "/cgi/state"));
}

#[test]
fn a_script_that_has_changed_is_compiled_anew() {
    let (python, site) = (python!(), Site::new());
    let way = warm(&site, &[]);
    for number in ["1", "22", "333"] {
        python_script(&site, &python, "number", &format!("print({number})"));
        assert_eq!(text(&way, "/cgi/number"), number);
    }
}

#[test]
fn options_and_other_languages_run_by_exec() {
    let (python, site) = (python!(), Site::new());
    script(&site, &format!("#!{python} -u"), "options", PARENT);
    site.script("shell", "echo 'Content-Type: a/b'; echo; echo $PPID $$");
    let way = warm(&site, &[]);
    for path in ["/cgi/options", "/cgi/shell"] {
        assert!(is_server(pids(&way, path).0), "{path}");
    }
}

#[test]
fn a_helper_that_is_a_python_is_warm_too() {
    let (python, site) = (python!(), Site::new());
    script(&site, "", "parent.py", PARENT);
    let helper = format!(".py={python}");
    let way = warm(&site, &["--cgi-helper", &helper]);
    let (first, second) = (pids(&way, "/cgi/parent.py"), pids(&way, "/cgi/parent.py"));
    assert_eq!(first.0, second.0);
    assert!(!is_server(first.0));
}

#[test]
fn a_file_that_is_a_script_itself_is_no_interpreter() {
    let (python, site) = (python!(), Site::new());
    site.script("python3", &format!("exec {python} \"$@\""));
    let wrapper = site.path("python3").display().to_string();
    python_script(&site, &wrapper, "parent", PARENT);
    let mut way = warm(&site, &[]);
    assert!(is_server(pids(&way, "/cgi/parent").0));
    way.server
        .line("is a script itself; its scripts run by exec");
}

#[test]
fn an_interpreter_that_does_not_boot_is_told_once_and_scripts_run_by_exec() {
    let site = Site::new();
    // Of that name, and no Python at all: it ends at once when asked for a command.
    let copied = fs::copy("/bin/false", site.path("python3"));
    copied.expect("a program can be copied");
    let first = format!("#!{}", site.path("python3").display());
    script(&site, &first, "page", "");
    let mut way = warm(&site, &[]);
    for _ in 0..2 {
        // By exec too, it gives no head.
        assert_eq!(way.get("/cgi/page").head.status, 502);
    }
    let log = way.server.lines_until("(GET /cgi/page)");
    let log = [log, way.server.lines_until("(GET /cgi/page)")].concat();
    let told = log.iter().filter(|line| line.contains("cgi-mode warm:"));
    assert_eq!(told.count(), 1, "{log:?}");
}

#[test]
fn an_interpreter_that_was_killed_is_replaced() {
    let (python, site) = (python!(), Site::new());
    python_script(&site, &python, "parent", PARENT);
    let mut way = warm(&site, &[]);
    let (first, _) = pids(&way, "/cgi/parent");
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    eventually("the interpreter is reaped", || process(first).is_none());
    let (second, _) = pids(&way, "/cgi/parent");
    assert_ne!(first, second);
    way.server.line("has ended, starting another");
}

#[test]
fn the_end_of_the_interpreter_ends_no_request_in_silence() {
    let (python, site) = (python!(), Site::new());
    let text = "import os, time; os.kill(os.getppid(), 9); os.close(1); time.sleep(60)";
    python_script(&site, &python, "kills", text);
    let mut way = warm(&site, &["--cgi-timeout", "2"]);
    let mut peer = way.connect();
    peer.send("GET /cgi/kills HTTP/1.0\r\n\r\n");
    // Cut short, with or without a reset.
    let read = peer.read_to_end(&mut Vec::new());
    assert_ne!(
        read.map_err(|error| error.kind()),
        Err(ErrorKind::WouldBlock)
    );
    way.server.line("its warm interpreter has ended");
}

#[test]
fn the_interpreter_ends_with_its_worker() {
    let (python, site) = (python!(), Site::new());
    python_script(&site, &python, "parent", PARENT);
    let way = warm(&site, &[]);
    let (interpreter, _) = pids(&way, "/cgi/parent");
    kill(way.server.pid(), Signal::SIGKILL).unwrap();
    eventually("the interpreter ends", || {
        process(interpreter).is_none_or(|(state, _)| state == "Z")
    });
}

#[test]
fn a_silent_script_is_killed_with_its_group() {
    let (python, site) = (python!(), Site::new());
    let text = "import os, time, signal\nsignal.signal(15, signal.SIG_IGN)\nopen('pid', 'w').write(str(os.getpid()))\nos.fork(); time.sleep(600)";
    let text = format!("import sys\nsys.stdout.flush()\n{text}");
    site.program("silent", format!("#!{python}\n{text}\n").as_bytes());
    let way = warm(&site, &["--cgi-timeout", "1"]);
    assert_eq!(way.get("/cgi/silent").head.status, 504);
    let pid: i32 = fs::read_to_string(site.path("pid"))
        .unwrap()
        .parse()
        .unwrap();
    let group = Pid::from_raw(pid);
    eventually("the whole group is gone", || {
        nix::sys::signal::killpg(group, None).is_err()
    });
}

#[test]
fn modules_are_there_before_the_first_request() {
    let (python, site) = (python!(), Site::new());
    python_script(
        &site,
        &python,
        "modules",
        "import sys; print('json' in sys.modules)",
    );
    let mut way = warm(&site, &["--cgi-preload", "json,no_such_module"]);
    assert_eq!(text(&way, "/cgi/modules"), "True");
    way.server
        .line("cgi-preload no_such_module: ModuleNotFoundError");
}

#[test]
fn a_mode_that_is_none_is_refused() {
    let site = Site::new();
    let ended = support::Ended::of(&[
        "--http-socket",
        ":0",
        "--cgi",
        &site.option(),
        "--cgi-mode",
        "hot",
    ]);
    assert!(ended.log.contains("exec or warm"), "{}", ended.log);
}

#[test]
fn what_differs_from_exec_is_what_the_manual_says() {
    let (python, site) = (python!(), Site::new());
    let text = "import sys, os\nprint(hash('a'), sys._getframe(1) is not None, open('/proc/self/cmdline').read().split(chr(0))[1], 'select' in sys.modules)";
    python_script(&site, &python, "differs", text);
    let way = warm(&site, &[]);
    let seen = self::text(&way, "/cgi/differs");
    let again = self::text(&way, "/cgi/differs");
    assert_eq!(seen, again, "one hash seed");
    assert!(seen.contains(" True -c True"), "{seen}");
}

#[test]
fn many_requests_at_once_all_get_their_own_answer() {
    let (python, site) = (python!(), Site::new());
    python_script(
        &site,
        &python,
        "echo",
        "import os; print(os.environ['QUERY_STRING'])",
    );
    let way = warm(&site, &[]);
    let ask = |number| {
        let mut peer = way.connect();
        peer.send(format!("GET /cgi/echo?n={number}. HTTP/1.0\r\n\r\n"));
        peer
    };
    let asked: Vec<_> = (0..20).map(ask).collect();
    for (number, mut peer) in asked.into_iter().enumerate() {
        let answer = String::from_utf8(peer.rest()).unwrap();
        assert!(answer.ends_with(&format!("\nn={number}.\n")), "{answer}");
    }
}
