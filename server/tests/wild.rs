//! Configurations as people have them, modelled on those of public projects: what the check of a
//! configuration says about each, and that uWSGI itself reads them alike.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The options that most of 94 public configurations have, most frequent first; names of variables
/// that their authors made up are left out.
const FREQUENT: [&str; 100] = [
    "master",
    "processes",
    "module",
    "chdir",
    "socket",
    "vacuum",
    "enable-threads",
    "uid",
    "threads",
    "gid",
    "buffer-size",
    "chmod-socket",
    "http",
    "wsgi-file",
    "harakiri",
    "max-requests",
    "die-on-term",
    "callable",
    "static-map",
    "pidfile",
    "virtualenv",
    "env",
    "disable-logging",
    "http-socket",
    "lazy-apps",
    "plugins",
    "pythonpath",
    "disable-write-exception",
    "single-interpreter",
    "post-buffering",
    "stats",
    "workers",
    "http-timeout",
    "ignore-sigpipe",
    "ignore-write-errors",
    "logto",
    "need-app",
    "thunder-lock",
    "logger",
    "chown-socket",
    "plugin",
    "strict",
    "ini",
    "memory-report",
    "home",
    "log-master",
    "offload-threads",
    "reload-on-rss",
    "socket-timeout",
    "auto-procname",
    "cheaper",
    "daemonize",
    "harakiri-verbose",
    "log-5xx",
    "log-format",
    "touch-reload",
    "worker-reload-mercy",
    "attach-daemon",
    "endif",
    "route",
    "log-encoder",
    "if-env",
    "http-auto-chunked",
    "listen",
    "log-date",
    "logformat",
    "static-expires",
    "stats-http",
    "wsgi-disable-file-wrapper",
    "log-route",
    "gevent",
    "hook-master-start",
    "http-keepalive",
    "log-4xx",
    "log-maxsize",
    "log-reopen",
    "protocol",
    "static-gzip-all",
    "uwsgi-socket",
    "if-not-env",
    "spooler",
    "add-header",
    "alarm",
    "alarm-segfault",
    "file",
    "honour-stdin",
    "http-enable-proxy-protocol",
    "http-websockets",
    "log-backupname",
    "log-x-forwarded-for",
    "logto2",
    "manage-script-name",
    "master-fifo",
    "max-worker-lifetime",
    "no-defer-accept",
    "procname-prefix",
    "procname-prefix-spaced",
    "py-autoreload",
    "req-logger",
    "route-if",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wild")
}

/// gateserve in the folder of the configurations, in an environment of its own.
fn gateserve(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateserve"));
    command
        .args(args)
        .current_dir(folder())
        .env_clear()
        .env("SENTRY_DSN", "https://key@sentry.example/1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_most_frequent_options_are_all_known() {
    let known = gateserve(&["--dump-options"]).output().unwrap().stdout;
    let known = text(&known);
    let known: Vec<_> = known.lines().collect();
    let is_missing = |name: &&&str| !known.contains(name);
    let missing: Vec<_> = FREQUENT.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "not known: {missing:?}");
}

/// What the check says, and its exit code.
fn checked(file: &str) -> String {
    let output = gateserve(&["--check-config", "--ini", file])
        .output()
        .unwrap();
    assert_eq!(text(&output.stderr), "");
    let report = text(&output.stdout).replace(&folder().display().to_string(), "[wild]");
    format!("{report}exit code {}", output.status.code().unwrap())
}

macro_rules! snapshots {
    ($($name:ident: $file:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            insta::with_settings!({ snapshot_path => "wild", prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!($file, checked($file));
            });
        })*
    };
}

snapshots! {
    sections_of_one_file_are_put_together: "django-sections.ini",
    text_behind_a_value_is_told: "trailing-comments.ini",
    conditions_and_loops_are_followed: "conditions.ini",
    leftovers_of_merges_and_templates_are_named: "leftovers.ini",
    quotes_and_signs_are_told: "quotes.ini",
    what_stands_in_for_an_option_is_told: "spoolers-and-mules.ini",
    strict_names_everything: "strict.ini",
    lines_may_end_as_in_windows: "windows.ini",
}

/// The lines of `show-config` between its first and last.
fn listed(bytes: &[u8]) -> Vec<String> {
    let text = text(bytes);
    let lines = text.lines().map(str::trim_end);
    lines
        .skip_while(|line| !line.ends_with("instance configuration"))
        .skip(1)
        .take_while(|line| *line != ";end of configuration")
        .map(String::from)
        .collect()
}

/// uWSGI cannot list a configuration that it refuses: one with plugins that it does not find.
const REFUSED: [&str; 3] = ["conditions.ini", "spoolers-and-mules.ini", "strict.ini"];

#[test]
fn uwsgi_itself_reads_the_same() {
    let uwsgi = std::env::var("UWSGI").unwrap_or_else(|_| "uwsgi".to_owned());
    if Command::new(&uwsgi).arg("--version").output().is_err() {
        eprintln!("skipped: uwsgi_itself_reads_the_same needs uwsgi 2.0 on the PATH or in UWSGI");
        return;
    }
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    for file in files.filter(|file| file.ends_with(".ini") && !REFUSED.contains(&file.as_str())) {
        let ours = gateserve(&["--check-config", "--show-config", "--ini", &file])
            .output()
            .unwrap();
        let theirs = Command::new(&uwsgi)
            .args(["--no-server", "--show-config", "--ini", &file])
            .current_dir(folder())
            .env_clear()
            // By which it is found.
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap();
        let (ours, theirs) = (listed(&ours.stdout), listed(&theirs.stderr));
        assert!(ours.len() > 5, "{file}: {ours:?}");
        // The second line is the option that keeps the program from serving.
        assert_eq!(ours[2..], theirs[2..], "{file}");
    }
}
