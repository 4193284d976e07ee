//! The program as a user starts it: help, mistakes, and what comes of configuration files.

use std::io::Write;
use std::net::TcpListener;

use assert_cmd::Command;
use predicates::prelude::*;

fn gateserve(args: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("gateserve").unwrap();
    command
        .args(args)
        .timeout(std::time::Duration::from_secs(20))
        .assert()
}

/// One sentence, exit code 1, nothing on standard output.
#[track_caller]
fn assert_refused(args: &[&str], sentence: &str) {
    gateserve(args)
        .code(1)
        .stdout("")
        .stderr(format!("gateserve: {sentence}\n"));
}

fn ini(text: &str) -> tempfile::TempPath {
    let mut file = tempfile::Builder::new().suffix(".ini").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.into_temp_path()
}

#[test]
fn help_shows_examples_and_topics() {
    let shown = predicate::str::contains("Sockets:")
        .and(predicate::str::contains("Built-in gateway:"))
        .and(predicate::str::contains(
            "gateserve --http-socket 127.0.0.1:8000 --cgi",
        ));
    gateserve(&["--help"]).success().stdout(shown);
}

#[test]
fn version_is_shown() {
    gateserve(&["--version"])
        .success()
        .stdout(predicate::str::starts_with("gateserve "));
}

#[test]
fn completions_and_man_page_come_from_the_same_definition() {
    for (args, part) in [
        (&["--completions", "bash"][..], "--fastcgi-socket"),
        (&["--completions", "zsh"], "fastcgi-socket"),
        (&["--man"], "fastcgi\\-socket"),
    ] {
        gateserve(args)
            .success()
            .stdout(predicate::str::contains(part));
    }
}

#[test]
fn an_unknown_option_is_refused_with_the_nearest() {
    assert_refused(
        &["--sokcet", ":1"],
        "there is no option `--sokcet`; did you mean `--socket`?",
    );
}

#[test]
fn nothing_to_do_is_refused_with_what_is_missing() {
    assert_refused(
        &[],
        "nothing to listen on: give --socket, --fastcgi-socket, --scgi-socket, --http-socket or --http (see --help)",
    );
    assert_refused(
        &["--socket", ":1"],
        "no application to serve: give --cgi or --probe, or forward --http with --uwsgi-to, \
         --fastcgi-to or --scgi-to (see --help)",
    );
}

#[test]
fn a_taken_port_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(
        &["--http-socket", &address, "--probe"],
        &format!("cannot listen on {address}: the port is taken by another program"),
    );
}

#[test]
fn a_socket_in_a_folder_that_is_not_there_is_refused() {
    assert_refused(
        &["--socket", "/no/such/folder/x.sock", "--probe"],
        "cannot listen on /no/such/folder/x.sock: no such folder",
    );
}

#[test]
fn a_cgi_folder_that_is_not_there_is_refused() {
    gateserve(&["--http-socket", "127.0.0.1:0", "--cgi", "/no/such/folder"])
        .code(1)
        .stderr(predicate::str::starts_with(
            "gateserve: cgi /no/such/folder: ",
        ));
}

#[test]
fn a_cgi_mount_of_nothing_is_refused() {
    assert_refused(
        &["--http-socket", "127.0.0.1:0", "--cgi", "/cgi-bin="],
        "`cgi` takes [/PREFIX=]PATH of a folder or program, not `/cgi-bin=` (command line)",
    );
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    gateserve(&["missing.ini"])
        .code(1)
        .stderr(predicate::str::starts_with(
            "gateserve: cannot read configuration missing.ini: ",
        ));
    assert_refused(&["app"], "`app` is neither an option nor an .ini file");
}

#[test]
fn the_configuration_is_checked_and_shown() {
    let file =
        ini("[uwsgi]\nbase = /srv\nsocket = %(base)/app.sock\nprobe = true\nprocesses = 2\n");
    let path = file.to_str().unwrap();
    let shown = format!(
        "[uwsgi]\n; {path}, line 3\nsocket = /srv/app.sock\n; {path}, line 4\nprobe = true\n\
         ; command line\nprocesses = 4\n"
    );
    gateserve(&["--check-config", path, "--processes", "4"])
        .success()
        .stdout(shown)
        .stderr("");
}

#[test]
fn a_bad_value_is_refused_with_its_line() {
    let file = ini("[uwsgi]\nsocket = :1\nprobe = true\nchmod-socket = open\n");
    let path = file.to_str().unwrap();
    assert_refused(
        &["--check-config", path],
        &format!("`chmod-socket` takes three octal digits, as in 660, not `open` ({path}, line 4)"),
    );
}

#[test]
fn options_of_uwsgi_alone_are_told_or_refused() {
    let file = ini("[uwsgi]\nsocket = :1\nprobe = true\nmules = 6\nspooler = a\nvaccum = true\n");
    let path = file.to_str().unwrap();
    gateserve(&["--check-config", path]).success().stderr(format!(
        "gateserve: warning: there is no option `vaccum` ({path}, line 6); did you mean `vacuum`?\n\
         gateserve: warning: options of uWSGI that are not supported yet are left out: mules, spooler\n"
    ));
    gateserve(&["--check-config", "--strict", path]).code(1);
}

#[test]
fn the_environment_counts_before_files_and_after_the_command_line() {
    let file = ini("[uwsgi]\nsocket = :1\nprobe = true\nprocesses = 2\nlisten = 7\n");
    let path = file.to_str().unwrap();
    let mut command = Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--check-config", path, "--processes", "4"])
        .env("UWSGI_PROCESSES", "3")
        .env("UWSGI_LISTEN", "9")
        .assert()
        .success()
        .stdout(
            predicate::str::contains("; environment\nlisten = 9\n")
                .and(predicate::str::contains("; command line\nprocesses = 4\n")),
        );
}
