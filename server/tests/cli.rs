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

/// The same from a server that began to start: the sentence is the last line.
#[track_caller]
fn assert_stops(args: &[&str], sentence: &str) {
    gateserve(args)
        .code(1)
        .stdout("")
        .stderr(predicate::str::ends_with(format!(
            "gateserve: {sentence}\n"
        )));
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
        "no application to serve: give --module, --wsgi-file, --cgi or --probe, or forward --http with --uwsgi-to, \
         --fastcgi-to or --scgi-to (see --help)",
    );
}

#[test]
fn a_taken_port_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_stops(
        &["--http-socket", &address, "--probe"],
        &format!("cannot listen on {address}: the port is taken by another program"),
    );
}

#[test]
fn a_socket_in_a_folder_that_is_not_there_is_refused() {
    assert_stops(
        &["--socket", "/no/such/folder/x.sock", "--probe"],
        "cannot listen on /no/such/folder/x.sock: no such folder",
    );
}

#[test]
fn a_cgi_folder_that_is_not_there_is_refused() {
    gateserve(&["--http-socket", "127.0.0.1:0", "--cgi", "/no/such/folder"])
        .code(1)
        .stderr(predicate::str::contains("gateserve: cgi /no/such/folder: "));
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
    assert_refused(
        &["app"],
        "`app` is neither an option nor a configuration file (.ini, .yaml, .json, .toml, .xml)",
    );
}

#[test]
fn the_configuration_is_checked_and_shown() {
    let file = ini("[uwsgi]\nbase = /tmp\nsocket = %(base)/app.sock\nprobe\nprocesses = 2\n");
    let path = file.to_str().unwrap();
    let shown = format!(
        "[uwsgi]\n; {path}, line 3\nsocket = /tmp/app.sock\n; {path}, line 4\nprobe = true\n\
         ; command line\nprocesses = 4\n"
    );
    gateserve(&["--check-config", "--ini", path, "--processes", "4"])
        .success()
        .stdout(predicate::str::starts_with(shown))
        .stdout(predicate::str::ends_with("\nThe server would start.\n"))
        .stderr("");
}

#[test]
fn a_bad_value_is_refused_with_its_line() {
    let file = ini("[uwsgi]\nsocket = :1\nprobe = true\nchmod-socket = open\n");
    let path = file.to_str().unwrap();
    let sentence =
        format!("`chmod-socket` takes three octal digits, as in 660, not `open` ({path}, line 4)");
    assert_refused(&[path], &sentence);
    gateserve(&["--check-config", path])
        .code(1)
        .stdout(predicate::str::ends_with(format!(
            "\nThe server would not start:\n  {sentence}\n"
        )));
}

#[test]
fn strict_refuses_everything_at_once() {
    let file =
        ini("[uwsgi]\nsocket = :1\nprobe = true\nlegion-freq = 60\nvaccum = true\nplugin = php\n");
    let path = file.to_str().unwrap();
    assert_refused(
        &["--strict", path],
        &format!(
            "refused because of strict: there is no option `vaccum` ({path}, line 5); did you \
             mean `vacuum`?, `legion-freq` ({path}, line 4) is not supported, there is no plugin \
             `php` ({path}, line 6)"
        ),
    );
    gateserve(&["--check-config", path]).success();
    gateserve(&["--check-config", "--strict", path]).code(1);
}

/// What counts for an option, as the check shows it.
#[track_caller]
fn assert_counts(command: &mut Command, expected: &str) {
    command
        .assert()
        .success()
        .stdout(predicate::str::contains(expected));
}

#[test]
fn the_last_of_environment_command_line_and_files_counts() {
    let file = ini("[uwsgi]\nsocket = :1\nprobe = true\nprocesses = 2\n");
    let path = file.to_str().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::cargo_bin("gateserve").unwrap();
        command
            .arg("--check-config")
            .args(args)
            .env("UWSGI_PROCESSES", "3")
            .env("UWSGI_LISTEN", "9");
        command
    };
    assert_counts(&mut run(&[path]), "; environment\nlisten = 9\n");
    let from_file = format!("; {path}, line 4\nprocesses = 2\n");
    assert_counts(&mut run(&["--ini", path]), &from_file);
    assert_counts(&mut run(&["-p", "4", "--ini", path]), &from_file);
    assert_counts(
        &mut run(&["--ini", path, "-p", "4"]),
        "; command line\nprocesses = 4\n",
    );
    // A file without an option comes last, wherever it stands, as in uWSGI; it is told.
    assert_counts(&mut run(&[path, "-p", "4"]), &from_file);
    assert_counts(
        &mut run(&[path, "-p", "4"]),
        "a file named without an option is read last",
    );
}

#[test]
fn every_format_of_a_file_means_the_same() {
    let texts = [
        ("ini", "[uwsgi]\nsocket = :1\nsocket = :2\nprobe = true\n"),
        (
            "yaml",
            "uwsgi:\n  socket:\n    - ':1'\n    - ':2'\n  probe: true\n",
        ),
        ("yml", "uwsgi:\n  socket: [':1', ':2']\n  probe: yes\n"),
        (
            "json",
            "{\"uwsgi\": {\"socket\": [\":1\", \":2\"], \"probe\": true}}",
        ),
        ("toml", "[uwsgi]\nsocket = [':1', ':2']\nprobe = true\n"),
        (
            "xml",
            "<uwsgi><socket>:1</socket><socket>:2</socket><probe/></uwsgi>",
        ),
    ];
    for (extension, text) in texts {
        let mut file = tempfile::Builder::new()
            .suffix(&format!(".{extension}"))
            .tempfile()
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        for args in [&[path][..], &[&format!("--{extension}"), path]] {
            gateserve(&[&["--check-config"], args].concat())
                .success()
                .stdout(predicate::str::contains("socket = :1\n"))
                .stdout(predicate::str::contains("socket = :2\n"))
                .stdout(predicate::str::contains("\nprobe = "));
        }
    }
}

#[test]
fn a_file_that_is_not_well_formed_is_refused_with_its_line() {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(b"[uwsgi]\nsocket = :1\n").unwrap();
    let path = file.path().to_str().unwrap();
    gateserve(&[path])
        .code(1)
        .stderr(predicate::str::starts_with(format!(
            "gateserve: {path}, line 2: "
        )));
}

#[test]
fn configuration_comes_from_standard_input_and_from_commands() {
    let text = "[uwsgi]\nsocket = :1\nprobe = true\n";
    let mut command = Command::cargo_bin("gateserve").unwrap();
    command
        .args(["--check-config", "--ini", "-"])
        .write_stdin(text)
        .assert()
        .success()
        .stdout(predicate::str::contains("; -, line 2\nsocket = :1\n"));
    let file = ini(text);
    let exec = format!("exec://cat {}", file.to_str().unwrap());
    gateserve(&["--check-config", "--ini", &exec]).success();
}

#[test]
fn a_section_is_chosen_behind_a_colon() {
    let file = ini("[uwsgi]\nsocket = :1\n[production]\nsocket = :2\nprobe = true\n");
    let spec = format!("{}:production", file.to_str().unwrap());
    for args in [&["--ini", &spec][..], &[&spec]] {
        gateserve(&[&["--check-config"], args].concat())
            .success()
            .stdout(predicate::str::contains("socket = :2\n"));
    }
}

#[test]
fn a_section_that_is_missing_is_told_in_uwsgis_words() {
    let file = ini("[other]\nsocket = :1\n");
    let path = file.to_str().unwrap();
    gateserve(&[path, "--socket", "127.0.0.1:0", "--no-such"]).code(1);
    gateserve(&["--check-config", path, "-s", ":1", "--probe"])
        .success()
        .stdout(predicate::str::contains(format!(
            "Can't find section \"uwsgi\" in INI configuration file {path}"
        )));
}

#[test]
fn print_and_show_config_say_what_they_are_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = ini("[uwsgi]\nname = shop\nprint = this is %(name)\nshow-config = true\nprobe\n");
    // It ends because the port is taken.
    gateserve(&[file.to_str().unwrap(), "--http-socket", &address])
        .code(1)
        .stdout("this is shop\n")
        .stderr(predicate::str::contains(
            "probe = \n;end of configuration\n",
        ));
}

#[test]
fn options_that_are_accepted_say_what_happens_instead() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = "gateserve: `thunder-lock` (command line): Workers take connections";
    for (args, expected) in [
        (&["--thunder-lock"][..], 1),
        (&["--set", "thunder-lock=false"], 0),
    ] {
        gateserve(&[&["--probe", "--http-socket", &address], args].concat())
            .code(1)
            .stderr(predicate::str::contains(told).count(expected));
    }
}

#[test]
fn all_option_names_can_be_listed() {
    gateserve(&["--dump-options"])
        .success()
        .stdout(predicate::str::contains("\nworkers\n"));
}
