//! Programs that the master runs beside the workers.

mod support;

use std::fs::read_to_string;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::Server;
use tempfile::TempDir;

fn server(extra: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], extra].concat())
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Waits for something that no line of the log tells.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not so");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pid_in_file(file: &Path) -> Option<Pid> {
    let text = read_to_string(file).ok()?;
    Some(Pid::from_raw(text.strip_suffix('\n')?.parse().ok()?))
}

fn lives(pid: Pid) -> bool {
    let stat = read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Ends a daemon that outlives its server, once that cannot run it again.
fn end_after(server: Server, daemon: Pid) {
    drop(server);
    kill(daemon, Signal::SIGKILL).unwrap();
}

/// A command that tells its process id in a file and stays.
fn staying(file: &Path) -> String {
    format!(
        "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000",
        file.display()
    )
}

#[test]
fn a_daemon_runs_beside_the_workers_and_stops_with_the_server() {
    let folder = folder();
    let file = folder.path().join("pid");
    let command = staying(&file);
    let mut server = server(&["--attach-daemon", &command]);
    let pid = wait_for("the daemon runs", || pid_in_file(&file));
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
    let told = server.told();
    assert!(
        told.contains(&format!("[uwsgi-daemons] spawning \"{command}\" (uid: ")),
        "{told}"
    );
    assert!(told.contains(&format!(
        "[uwsgi-daemons] stopping daemon (pid: {pid}): {command}"
    )));
    assert!(
        told.contains(&format!("daemon \"{command}\" (pid: {pid}) annihilated")),
        "{told}"
    );
    assert!(!lives(pid));
}

#[test]
fn a_daemon_that_ends_is_run_again() {
    let folder = folder();
    let file = folder.path().join("pid");
    let command = staying(&file);
    let mut server = server(&["--attach-daemon", &command]);
    let first = wait_for("the daemon runs", || pid_in_file(&file));
    kill(first, Signal::SIGKILL).unwrap();
    server.ever("[uwsgi-daemons] throttling");
    server.ever(&format!("[uwsgi-daemons] respawning \"{command}\""));
    let other = || pid_in_file(&file).filter(|&pid| pid != first);
    assert!(lives(wait_for("it runs again", other)));
}

#[test]
fn a_daemon_is_killed_with_the_master() {
    let folder = folder();
    let file = folder.path().join("pid");
    let server = server(&["--attach-daemon", &staying(&file)]);
    let pid = wait_for("the daemon runs", || pid_in_file(&file));
    kill(server.pid(), Signal::SIGKILL).unwrap();
    wait_for("it is gone", || (!lives(pid)).then_some(()));
}

#[test]
fn a_daemon_that_does_not_stop_is_killed_with_all_that_it_started() {
    let folder = folder();
    let file = folder.path().join("pid");
    let command = format!(
        "trap '' TERM; sleep 1000 & {}",
        staying(&file).replace("exec ", "")
    );
    let mut server = server(&["--attach-daemon", &command]);
    let pid = wait_for("the daemon runs", || pid_in_file(&file));
    server.signal(Signal::SIGTERM);
    server.line("daemon did not die in time, killing");
    server.line("goodbye");
    assert!(!lives(pid));
}

#[test]
fn a_reload_runs_the_daemon_anew_with_the_signal_of_its_own() {
    let folder = folder();
    let file = folder.path().join("said");
    let options = format!(
        "cmd=trap 'echo told >> said; exit' HUP; echo ready >> said; while :; do sleep 0.01; done,\
         chdir={},reloadsignal=1",
        folder.path().display()
    );
    let mut server = server(&["--attach-daemon2", &options]);
    let said = || read_to_string(&file).unwrap_or_default();
    wait_for("the daemon runs", || (said() == "ready\n").then_some(()));
    server.signal(Signal::SIGHUP);
    server.line("(RE)spawned gateserve master");
    let again = || (said() == "ready\ntold\nready\n").then_some(());
    wait_for("it runs again", again);
}

#[test]
fn the_server_stops_with_a_control_daemon() {
    let folder = folder();
    let file = folder.path().join("pid");
    let server = server(&["--attach-control-daemon", &staying(&file)]);
    let pid = wait_for("the daemon runs", || pid_in_file(&file));
    kill(pid, Signal::SIGKILL).unwrap();
    assert!(server.wait().success());
}

#[test]
fn a_keyed_daemon_gets_its_folder_and_signal() {
    let folder = folder();
    let file = folder.path().join("said");
    let options = format!(
        "cmd=trap 'echo told >> said; exit' INT; echo ready >> said; while :; do sleep 0.01; done,\
         chdir={},stopsignal=2",
        folder.path().display()
    );
    let server = server(&["--attach-daemon2", &options]);
    let said = || read_to_string(&file).unwrap_or_default();
    wait_for("the daemon runs", || (said() == "ready\n").then_some(()));
    server.signal(Signal::SIGTERM);
    assert!(server.wait().success());
    assert_eq!(said(), "ready\ntold\n");
}

#[test]
fn a_touched_file_runs_the_daemon_anew() {
    let folder = folder();
    let (file, touch) = (folder.path().join("pid"), folder.path().join("touch"));
    let options = format!("cmd={},touch={}", staying(&file), touch.display());
    let mut server = server(&["--attach-daemon2", &options]);
    let first = wait_for("the daemon runs", || pid_in_file(&file));
    std::fs::write(&touch, "").unwrap();
    server.line("has been touched... reloading daemon");
    wait_for("it runs anew", || {
        pid_in_file(&file).filter(|&pid| pid != first)
    });
}

#[test]
fn a_smart_daemon_outlives_the_server_and_is_found_again() {
    let folder = folder();
    let pidfile = folder.path().join("smart.pid");
    let value = format!("{} exec sleep 1000", pidfile.display());
    let first = {
        let server = server(&["--smart-attach-daemon2", &value]);
        let pid = wait_for("the daemon runs", || pid_in_file(&pidfile));
        server.signal(Signal::SIGTERM);
        assert!(server.wait().success());
        pid
    };
    assert!(lives(first));
    let mut server = server(&["--smart-attach-daemon2", &value]);
    server.ever("[uwsgi-daemons] found valid/active pidfile for \"exec sleep 1000\"");
    kill(first, Signal::SIGKILL).unwrap();
    server.line("[uwsgi-daemons] spawning");
    let other = || pid_in_file(&pidfile).filter(|&pid| pid != first);
    let second = wait_for("it runs again", other);
    end_after(server, second);
}

#[test]
fn a_smart_daemon_may_go_into_the_background_itself() {
    let folder = folder();
    let pidfile = folder.path().join("smart.pid");
    let command = format!("sleep 1000 & echo $! > {}", pidfile.display());
    let value = format!("{} {command}", pidfile.display());
    let mut server = server(&["--smart-attach-daemon", &value]);
    let first = wait_for("the daemon runs", || pid_in_file(&pidfile));
    server.line("found changed pid");
    kill(first, Signal::SIGKILL).unwrap();
    server.line("[uwsgi-daemons] respawning");
    let other = || pid_in_file(&pidfile).filter(|&pid| pid != first);
    let second = wait_for("it runs again", other);
    end_after(server, second);
}
