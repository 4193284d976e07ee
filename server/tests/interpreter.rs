//! Which interpreter runs, and what is said where none can.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::python::{HTTP, Site, get};
use support::{Ended, packages};

const PREFIX: &str = "
import sys
def application(environ, start_response):
    start_response('200 OK', [])
    return [('%s %s' % (sys.prefix, sys.base_prefix != sys.prefix)).encode()]
";

/// What is said instead of a start.
#[track_caller]
fn refused(site: &Site, args: &[&str]) -> String {
    let ended = Ended::of(&[&site.options()[..], &HTTP, args].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    ended.log
}

/// A program that says it is a Python of this kind.
fn fake(folder: &Path, name: &str, answer: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{answer}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_virtual_environment_is_found_by_any_of_its_names_and_below_chdir() {
    needs_python!();
    let home = match packages::environment("empty", &[]) {
        Ok(home) => home,
        Err(why) => return eprintln!("skipped: no virtual environment: {why}"),
    };
    let site = Site::new(PREFIX);
    let link = site.folder.path().join("venv");
    std::os::unix::fs::symlink(&home, link).unwrap();
    let absolute = home.to_str().unwrap();
    for (option, value) in [("--home", absolute), ("-H", absolute), ("--venv", "venv")] {
        let server = site.serve(&[&HTTP[..], &[option, value]].concat());
        let seen = String::from_utf8(get(&server, "/").body).unwrap();
        assert!(seen.ends_with("True"), "{option}: {seen}");
    }
}

#[test]
fn an_environment_without_an_interpreter_is_told_with_the_cure() {
    needs_python!();
    let site = Site::new(PREFIX);
    let log = refused(&site, &["--virtualenv", "/no/such/place"]);
    assert!(
        log.contains("there is no virtualenv /no/such/place: create it"),
        "{log}"
    );
    fs::create_dir(site.folder.path().join("broken")).unwrap();
    let log = refused(&site, &["--virtualenv", "broken"]);
    assert!(
        log.contains("has no bin/python: create it with `python3 -m venv"),
        "{log}"
    );
    let log = refused(&site, &["--python-bin", "no-such-python"]);
    assert!(
        log.contains("cannot run the interpreter no-such-python: No such file"),
        "{log}"
    );
}

/// The check is a text that old interpreters run as well; a new one runs it here with the facts of
/// an old one.
#[test]
fn an_interpreter_that_is_too_old_or_of_another_kind_is_refused() {
    needs_python!();
    let site = Site::new(PREFIX);
    let pretend = |fact: &str| {
        let run = format!(
            "exec python3 -c \"import sys; {fact}; \nsys.argv = ['-c'] + sys.argv[3:]\nexec(open('boot.py').read())\" \"$@\""
        );
        // `$2` is the text that the interpreter was told to run.
        format!(
            "cd {}; printf '%s' \"$2\" > boot.py; {run}",
            site.folder.path().display()
        )
    };
    for (fact, part) in [
        (
            "sys.version_info = (3, 8, 1)",
            "is Python 3.8, older than 3.9: name another",
        ),
        (
            "sys.abiflags = 't'",
            "is a free-threaded build, which is not supported",
        ),
        ("sys.implementation.name = 'pypy'", "is pypy, not CPython"),
    ] {
        fake(site.folder.path(), "bin/python", &pretend(fact));
        let log = refused(&site, &["--python-bin", "bin/python"]);
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
}
