//! Users, groups, permissions, folders, files and limits of the processes.

mod support;

use std::fs::{Permissions, metadata, read_to_string, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Group, Pid, Uid, User};
use support::Server;
use tempfile::TempDir;

const PROBE: [&str; 3] = ["--http-socket", "127.0.0.1:0", "--probe"];

fn server(extra: &[&str]) -> Server {
    Server::start(&[&PROBE, extra].concat())
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `nobody`, if this is run by root; else the test is left out and says so.
fn nobody(test: &str) -> Option<User> {
    if !Uid::effective().is_root() {
        eprintln!("{test} is left out: it takes root's rights");
        return None;
    }
    let user = User::from_name("nobody").ok().flatten();
    if user.is_none() {
        eprintln!("{test} is left out: there is no user nobody");
    }
    user
}

/// A line of `/proc/PID/status`, split into words, without its name.
#[track_caller]
fn status(pid: Pid, name: &str) -> Vec<String> {
    let status = read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let words = line.expect("the kernel tells it").split_whitespace();
    words.map(str::to_owned).collect()
}

fn refused(args: &[&str]) -> String {
    let mut command = assert_cmd::Command::cargo_bin("gateserve").unwrap();
    let output = command.args(PROBE).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn master_and_workers_run_as_the_user_and_its_groups() {
    let Some(nobody) = nobody("master_and_workers_run_as_the_user_and_its_groups") else {
        return;
    };
    let mut server = server(&["--uid", "nobody"]);
    let (uid, gid) = (nobody.uid.to_string(), nobody.gid.to_string());
    for pid in [server.pid(), server.workers()[0]] {
        assert_eq!(status(pid, "Uid:"), [uid.as_str(); 4]);
        assert_eq!(status(pid, "Gid:"), [gid.as_str(); 4]);
        assert_eq!(status(pid, "Groups:"), [gid.as_str()]);
    }
    kill(server.pid(), Signal::SIGTERM).unwrap();
    server.line("goodbye");
}

#[test]
fn the_folder_is_told_once_though_it_is_entered_again_as_the_user() {
    let Some(_) = nobody("the_folder_is_told_once_though_it_is_entered_again_as_the_user") else {
        return;
    };
    let mut server = server(&["--uid", "nobody", "--chdir", "/usr"]);
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
    let told = |line: &&String| line.contains("chdir() to /usr");
    assert_eq!(server.seen().iter().filter(told).count(), 1);
}

#[test]
fn numbers_name_users_and_groups_that_have_no_account() {
    let Some(_) = nobody("numbers_name_users_and_groups_that_have_no_account") else {
        return;
    };
    let server = server(&["--uid", "45678", "--gid", "45679"]);
    assert_eq!(status(server.workers()[0], "Uid:"), ["45678"; 4]);
    assert_eq!(status(server.workers()[0], "Gid:"), ["45679"; 4]);
    assert_eq!(status(server.workers()[0], "Groups:"), [""; 0]);
}

#[test]
fn added_groups_take_the_place_of_the_accounts_own() {
    let Some(_) = nobody("added_groups_take_the_place_of_the_accounts_own") else {
        return;
    };
    let mut server = server(&["--uid", "nobody", "--add-gid", "mail", "--add-gid", "45679"]);
    let mail = Group::from_name("mail").unwrap().unwrap().gid.to_string();
    let groups = status(server.workers()[0], "Groups:");
    assert_eq!(groups, [mail.as_str(), "45679"]);
    drop(server.workers());
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
}

#[test]
fn a_master_as_root_keeps_its_rights_and_its_workers_do_not() {
    let Some(nobody) = nobody("a_master_as_root_keeps_its_rights_and_its_workers_do_not") else {
        return;
    };
    let server = server(&["--uid", "nobody", "--master-as-root"]);
    assert_eq!(status(server.pid(), "Uid:")[0], "0");
    let worker = server.workers()[0];
    assert_eq!(status(worker, "Uid:")[0], nobody.uid.to_string());
    kill(server.pid(), Signal::SIGKILL).unwrap();
    // The change of user must not have cut the tie to the master.
    let gone = || !Path::new(&format!("/proc/{worker}")).exists() || is_zombie(worker);
    wait_until("the worker ends with its master", gone);
}

fn is_zombie(pid: Pid) -> bool {
    read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

#[track_caller]
fn wait_until(what: &str, there: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !there() {
        assert!(std::time::Instant::now() < deadline, "{what}: not so");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn unix_sockets_belong_to_the_user_unless_an_owner_is_named() {
    let Some(nobody) = nobody("unix_sockets_belong_to_the_user_unless_an_owner_is_named") else {
        return;
    };
    let folder = folder();
    let socket = folder.path().join("app.sock");
    let args = ["--socket", text(&socket), "--probe", "--uid", "nobody"];
    {
        let _server = Server::start(&[&args[..], &["--chmod-socket=660"]].concat());
        let found = metadata(&socket).unwrap();
        assert_eq!(
            (found.uid(), found.gid()),
            (nobody.uid.as_raw(), nobody.gid.as_raw())
        );
        assert_eq!(found.mode() & 0o777, 0o660);
    }
    let _server = Server::start(&[&args[..], &["--chown-socket", "root:mail"]].concat());
    let mail = Group::from_name("mail").unwrap().unwrap().gid.as_raw();
    let found = metadata(&socket).unwrap();
    assert_eq!((found.uid(), found.gid()), (0, mail));
}

#[test]
fn a_low_port_is_bound_before_the_rights_are_given_up() {
    let Some(_) = nobody("a_low_port_is_bound_before_the_rights_are_given_up") else {
        return;
    };
    let low = (600..1000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let address = format!("127.0.0.1:{}", low.expect("a low port is free"));
    let server = Server::start(&["--http-socket", &address, "--probe", "--uid", "nobody"]);
    server.connect();
}

#[test]
fn low_ports_are_kept_by_a_reload_that_has_no_rights_to_bind_them() {
    let Some(_) = nobody("low_ports_are_kept_by_a_reload_that_has_no_rights_to_bind_them") else {
        return;
    };
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    // From above: the other test takes them from below.
    let low: Vec<_> = (600..1000).rev().filter(free).take(2).collect();
    let [http, stats] = [low[0], low[1]].map(|port| format!("127.0.0.1:{port}"));
    let args = ["--http-socket", &http, "--stats", &stats, "--probe"];
    let mut server = Server::start(&[&args[..], &["--uid", "nobody"]].concat());
    server.signal(Signal::SIGHUP);
    server.line("gracefully (RE)spawned");
    server.line("gateserve is ready");
    server.connect();
    assert!(!support::Peer::to(&stats).rest().is_empty());
}

#[test]
fn who_is_not_root_can_become_nobody_else() {
    let Some(_) = nobody("who_is_not_root_can_become_nobody_else") else {
        return;
    };
    let program = env!("CARGO_BIN_EXE_gateserve");
    let command = "exec setpriv --reuid 45678 --clear-groups \"$0\" \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", command, program])
        .args(PROBE)
        .args(["--uid", "nobody"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    if told.contains("not found") || told.contains("Permission denied") {
        eprintln!("who_is_not_root_can_become_nobody_else is left out: {told}");
        return;
    }
    assert!(told.contains("cannot setuid() as non-root user"), "{told}");
}

#[test]
fn chroot_takes_the_paths_that_come_after_it_along() {
    let Some(_) = nobody("chroot_takes_the_paths_that_come_after_it_along") else {
        return;
    };
    let folder = folder();
    let pidfile = folder.path().join("outer.pid");
    let server = Server::start(&[
        "--socket",
        "/app.sock",
        "--probe",
        "--chroot",
        text(folder.path()),
        "--pidfile",
        text(&pidfile),
        "--pidfile2",
        "/inner.pid",
    ]);
    assert!(folder.path().join("app.sock").exists());
    let pid = format!("{}\n", server.pid());
    assert_eq!(read_to_string(&pidfile).unwrap(), pid);
    let inner = folder.path().join("inner.pid");
    assert_eq!(read_to_string(inner).unwrap(), pid);
}

#[test]
fn umask_shapes_the_files_that_are_made() {
    let folder = folder();
    let file = folder.path().join("pid");
    for (mask, mode) in [("027", 0o640), ("077", 0o600)] {
        let _server = server(&["--umask", mask, "--pidfile", text(&file), "--vacuum"]);
        assert_eq!(metadata(&file).unwrap().mode() & 0o777, mode);
        std::fs::remove_file(&file).unwrap();
    }
    assert!(refused(&["--umask", "9"]).contains("three octal digits"));
}

#[test]
fn pidfiles_are_written_before_and_after_the_rights_are_given_up() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (first, second) = (path("first"), path("second"));
    let mut args = vec!["--pidfile", text(&first), "--pidfile2", text(&second)];
    let is_root = Uid::effective().is_root();
    if is_root {
        args.extend(["--uid", "45678"]);
    }
    let server = server(&args);
    for file in [&first, &second] {
        assert_eq!(read_to_string(file).unwrap(), format!("{}\n", server.pid()));
    }
    if is_root {
        assert_eq!(metadata(&first).unwrap().uid(), 0);
        assert_eq!(metadata(&second).unwrap().uid(), 45678);
    }
}

#[test]
fn a_safe_pidfile_is_not_there_before_the_server_is() {
    let folder = folder();
    let file = folder.path().join("safe");
    let look = format!("exec:test ! -e {}", file.display());
    {
        let server = server(&[
            "--safe-pidfile",
            text(&file),
            "--hook-post-fork",
            &look,
            "--vacuum",
        ]);
        wait_until("the pidfile is written", || {
            read_to_string(&file).is_ok_and(|text| text == format!("{}\n", server.pid()))
        });
        server.signal(Signal::SIGTERM);
        assert!(server.wait().success());
    }
    assert!(!file.exists());
    refused(&["--safe-pidfile2", text(&file), "--exec-pre-app", "false"]);
    assert!(!file.exists());
}

#[test]
fn a_pidfile_that_cannot_be_written_does_not_keep_the_server_from_starting() {
    let mut server = server(&["--pidfile", "/no/such/folder/app.pid"]);
    server.connect();
    server.signal(Signal::SIGTERM);
    server.line("goodbye");
}

#[test]
fn vacuum_spares_a_file_that_another_server_has_made() {
    let folder = folder();
    let socket = folder.path().join("app.sock");
    let mut server = Server::start(&["--socket", text(&socket), "--probe", "--vacuum"]);
    std::fs::remove_file(&socket).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    server.signal(Signal::SIGTERM);
    server.line("changed inode. Skip removal");
    server.wait();
    assert!(socket.exists());
}

#[test]
fn relative_files_lie_where_uwsgi_has_them() {
    let (outer, inner) = (folder(), folder());
    let command = format!("cd {} && exec \"$0\" \"$@\"", outer.path().display());
    let args = [
        "--socket",
        "app.sock",
        "--probe",
        "--chdir",
        text(inner.path()),
        "--pidfile",
        "first.pid",
        "--pidfile2",
        "second.pid",
        "--hook-asap",
        "touch:asap",
        "--hook-pre-app",
        "touch:pre-app",
    ];
    let _server = Server::start_by(&["sh", "-c", &command], &args);
    for file in ["first.pid", "asap"] {
        assert!(outer.path().join(file).exists(), "{file}");
    }
    for file in ["app.sock", "second.pid", "pre-app"] {
        assert!(inner.path().join(file).exists(), "{file}");
    }
}

#[test]
fn chdir2_moves_the_workers_alone() {
    let folder = folder();
    let server = server(&["--chdir2", text(folder.path())]);
    let cwd = |pid: Pid| std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    let inside = folder.path().canonicalize().unwrap();
    assert_eq!(cwd(server.workers()[0]), inside);
    assert_ne!(cwd(server.pid()), inside);
}

#[test]
fn env_and_unenv_change_the_environment_in_order() {
    let folder = folder();
    let file: PathBuf = folder.path().join("env");
    let hook = format!("exec:env > {}", file.display());
    let ini = folder.path().join("app.ini");
    let options = [
        "http-socket = 127.0.0.1:0",
        "probe = true",
        "env = FIRST=1",
        "env = SECOND=a=b",
        "unenv = FIRST",
        "env = HOME=/srv",
        &format!("hook-pre-app = {hook}"),
    ];
    std::fs::write(&ini, format!("[uwsgi]\n{}\n", options.join("\n"))).unwrap();
    let _server = Server::start(&[text(&ini)]);
    let env = read_to_string(&file).unwrap();
    let has = |line: &str| env.lines().any(|it| it == line);
    assert!(has("SECOND=a=b") && has("HOME=/srv"), "{env}");
    assert!(!env.contains("FIRST="), "{env}");
}

#[test]
fn limits_hold_for_master_and_workers() {
    let server = server(&["--max-fd", "300", "--limit-as", "4096", "--prio", "5"]);
    for pid in [server.pid(), server.workers()[0]] {
        let limits = read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!(limit("Max open files"), "300");
        assert_eq!(limit("Max address space"), (4096_u64 << 20).to_string());
        let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let nice = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16);
        assert_eq!(nice, Some("5"));
    }
}

#[test]
fn limit_nproc_is_the_users() {
    let server = server(&["--limit-nproc", "5000"]);
    let limits = read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max processes"));
    assert!(line.unwrap().contains(" 5000 "), "{limits}");
}

#[test]
fn each_worker_is_tied_to_its_processor() {
    let server = server(&["--cpu-affinity", "1", "--processes", "2"]);
    let all = std::thread::available_parallelism().unwrap().get();
    for (number, worker) in server.workers().into_iter().enumerate() {
        let allowed = status(worker, "Cpus_allowed_list:");
        assert_eq!(allowed, [(number % all).to_string()]);
    }
}

#[test]
fn orphans_are_killed_where_that_is_asked_for() {
    let server = server(&["--no-orphans"]);
    let worker = server.workers()[0];
    let mut peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: chunks=100; pause=1s; size=100\r\n\r\n");
    support::Responses::on(peer.another()).head();
    kill(server.pid(), Signal::SIGKILL).unwrap();
    // A worker that drained would finish its request first, which takes 100 seconds.
    wait_until("the worker is gone", || {
        !Path::new(&format!("/proc/{worker}")).exists() || is_zombie(worker)
    });
}
