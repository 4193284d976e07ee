//! Hooks: what runs at a point of the server's life.

mod support;

use std::fs::read_to_string;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Uid;
use support::Server;

const PROBE: [&str; 3] = ["--http-socket", "127.0.0.1:0", "--probe"];

fn server(extra: &[&str]) -> Server {
    Server::start(&[&PROBE, extra].concat())
}

fn refused(args: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command.args(PROBE).args(args).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), told)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn hooks_run_in_the_order_of_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order");
    let mut phases = vec!["asap", "pre-jail", "in-jail"];
    if Uid::effective().is_root() {
        phases.extend(["post-jail", "as-root", "as-user"]);
    }
    phases.extend(["pre-app", "post-app", "master-start", "post-fork"]);
    phases.extend([
        "accepting",
        "accepting-once",
        "accepting1",
        "accepting1-once",
    ]);
    let both: Vec<_> = phases
        .iter()
        .map(|phase| match *phase {
            "post-fork" | "master-start" => (*phase, false),
            phase => (phase, !phase.starts_with("accepting")),
        })
        .collect();
    let mut args = Vec::new();
    let mut expected = Vec::new();
    for (phase, exec) in both {
        args.push(format!("--hook-{phase}"));
        args.push(format!("appendn:{} hook-{phase}", file.display()));
        expected.push(format!("hook-{phase}"));
        if exec {
            args.push(format!("--exec-{phase}"));
            args.push(format!("echo exec-{phase} >> {}", file.display()));
            expected.push(format!("exec-{phase}"));
        }
    }
    // The order of the options is not that of the phases.
    args.push("--hook-as-user-atexit".into());
    args.push(format!("appendn:{} at the end", file.display()));
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let server = server(&args);
    let lines = || read_to_string(&file).unwrap();
    assert_eq!(lines().lines().collect::<Vec<_>>(), expected);
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    assert!(lines().ends_with("at the end\n"));
}

#[test]
fn accepting_hooks_tell_first_workers_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order");
    let append = |what: &str| format!("appendn:{} {what}", file.display());
    let mut server = server(&[
        "--processes",
        "2",
        "--hook-accepting",
        &append("each"),
        "--hook-accepting-once",
        &append("each-once"),
        "--hook-accepting1",
        &append("first"),
        "--hook-accepting1-once",
        &append("first-once"),
    ]);
    let count = |what: &str| {
        let lines = read_to_string(&file).unwrap();
        lines.lines().filter(|line| *line == what).count()
    };
    let counts = || ["each", "each-once", "first", "first-once"].map(count);
    assert_eq!(counts(), [2, 2, 1, 1]);
    kill(server.workers()[0], Signal::SIGKILL).unwrap();
    server.line("Respawned uWSGI worker 1");
    server.line("(accepting1)...");
    // The hook is told before it runs; the worker is ready after it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while counts() != [3, 2, 2, 1] {
        assert!(std::time::Instant::now() < deadline, "{:?}", counts());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_command_that_fails_stops_the_start() {
    for phase in ["asap", "pre-jail", "in-jail", "pre-app", "post-app"] {
        let (code, told) = refused(&[&format!("--exec-{phase}"), "exit 3"]);
        assert_eq!(code, 1);
        let line = "command \"exit 3\" exited with non-zero code: 3";
        assert!(told.contains(line), "{phase}: {told}");
        assert!(!told.contains("gateserve is ready"), "{phase}: {told}");
    }
}

#[test]
fn a_command_that_may_fail_does_not_stop_the_start() {
    let mut server = server(&["--hook-pre-app", "safeexec:exit 3"]);
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
}

#[test]
fn a_hook_that_fails_in_a_worker_ends_the_server() {
    let (_, told) = refused(&["--hook-post-fork", "exec:exit 3"]);
    assert!(
        told.contains("FATAL hook failed, destroying instance"),
        "{told}"
    );
}

#[test]
fn actions_make_change_and_remove_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (made, kept, gone) = (path("made"), path("kept"), path("gone"));
    std::fs::write(&gone, "").unwrap();
    let hooks = [
        format!("mkdir:{}", made.display()),
        format!("chdir:{}", made.display()),
        "write:inside one".into(),
        "append:inside , two".into(),
        "chmod:inside 640".into(),
        format!("touch:{}", kept.display()),
        format!("unlink:{}", gone.display()),
        "putenv:SAID=hello there".into(),
        "exec:printf %s \"$SAID\" > said".into(),
    ];
    let args: Vec<_> = hooks
        .iter()
        .flat_map(|hook| ["--hook-asap", hook])
        .collect();
    let _server = server(&args);
    assert_eq!(read_to_string(made.join("inside")).unwrap(), "one, two");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &made.join("inside").metadata().unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(read_to_string(made.join("said")).unwrap(), "hello there");
    assert!(kept.exists() && !gone.exists());
}

#[test]
fn the_log_tells_of_hooks_unless_they_are_private() {
    let mut server = server(&[
        "--hook-post-app",
        "print:all is loaded",
        "--hook-post-app",
        "!print:shh",
    ]);
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
    let told = server.told();
    assert!(
        told.contains("running \"print:all is loaded\" (post app)...\nall is loaded\n"),
        "{told}"
    );
    assert!(
        told.contains("running --- PRIVATE HOOK --- (post app)...\nshh\n"),
        "{told}"
    );
}

#[test]
fn an_action_that_is_none_is_refused_by_name() {
    let (_, told) = refused(&["--hook-asap", "exce:true"]);
    assert!(
        told.contains("`hook-asap`") && told.contains("`exce:true`"),
        "{told}"
    );
}

#[test]
fn a_signal_may_get_the_meaning_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let ini = folder.path().join("app.ini");
    let options = "http-socket = 127.0.0.1:0\nprobe = true\n\
                   term-reloads = true\n\
                   hook-master-start = unix_signal:15 gracefully_kill_them_all\n";
    std::fs::write(&ini, format!("[uwsgi]\n{options}")).unwrap();
    let mut server = Server::start(&[text(&ini)]);
    server.signal(Signal::SIGTERM);
    server.line("graceful shutdown triggered");
    assert!(server.wait().success());
}
