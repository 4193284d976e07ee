//! Bad input gets one clear sentence and exit code 2.

use predicates::{prelude::*, str::contains};

use super::gatebench;

/// One sentence on standard error that begins with the program's name.
fn one_sentence() -> impl Predicate<str> {
    predicate::function(|text: &str| {
        text.starts_with("gatebench: ") && text.trim_end().lines().count() == 1
    })
}

#[test]
fn an_unknown_option_is_bad_usage() {
    gatebench()
        .args(["check", "--gatway", "nginx"])
        .assert()
        .code(2)
        .stderr(contains("--gateway"));
}

#[test]
fn an_unknown_gateway_lists_the_known_ones() {
    gatebench()
        .args(["check", "--gateway", "ngnix"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains(
            "unknown gateway `ngnix`; the bench knows nginx, apache, lighttpd, haproxy, caddy, builtin",
        )));
}

#[test]
fn an_unknown_model_lists_the_known_ones() {
    gatebench()
        .args(["check", "--model", "fcgi"])
        .assert()
        .code(2)
        .stderr(contains("cgi, cgi-warm, fastcgi, uwsgi, scgi, http"));
}

#[test]
fn a_scenario_prefix_that_matches_nothing_is_told() {
    gatebench()
        .args(["check", "--gateway", "builtin", "--scenario", "no/such"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("no scenario begins with `no/such`")));
}

#[test]
fn a_missing_scenario_folder_is_told() {
    gatebench()
        .args(["check", "--scenarios", "/no/such/folder"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("/no/such/folder")));
}

#[test]
fn a_broken_scenario_file_names_file_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("cgi")).unwrap();
    let broken = "spec = \"RFC 3875\"\n\n[[scenario]]\nname = \"x\"\nsayz = \"typo\"\n";
    std::fs::write(folder.path().join("cgi/broken.toml"), broken).unwrap();
    gatebench()
        .args(["list", "scenarios", "--scenarios"])
        .arg(folder.path())
        .assert()
        .code(2)
        .stderr(
            contains("cgi/broken.toml")
                .and(contains("sayz"))
                .and(contains("says")),
        );
}

#[test]
fn an_unreachable_engine_is_told_when_containers_are_asked_for() {
    gatebench()
        .args([
            "check",
            "--gateway",
            "nginx",
            "--via",
            "container",
            "--scenario",
            "cgi/",
        ])
        .env("DOCKER_HOST", "unix:///no/such/engine.sock")
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("no container engine answers")));
}

#[test]
fn nothing_stands_in_for_a_container_that_was_asked_for() {
    gatebench()
        .args(["check", "--via", "container"])
        .env("DOCKER_HOST", "unix:///no/such/engine.sock")
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("no container engine answers")));
}

#[test]
fn a_version_that_is_not_there_is_told() {
    gatebench()
        .args(["check", "--gateway", "builtin@99.1"])
        .assert()
        .code(2)
        .stderr(contains("builtin@99.1 was asked for, but builtin here is "));
}

#[test]
fn an_image_for_nobody_is_not_ignored() {
    gatebench()
        .args(["check", "--gateway", "builtin", "--image", "ngnix=nginx:1"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("--image ngnix=…")));
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_the_work() {
    for option in ["--json", "--junit", "--html", "--markdown"] {
        gatebench()
            .args(["run", "--gateway", "builtin", option, "/proc/no/such/file"])
            .assert()
            .code(2)
            .stderr(one_sentence().and(contains("cannot write /proc/no/such/file")));
    }
}

#[test]
fn results_to_compare_with_are_read_before_the_work() {
    gatebench()
        .args(["run", "--gateway", "builtin", "--compare", "/no/old.json"])
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("cannot read results from /no/old.json")));
}

#[test]
fn a_missing_program_of_the_project_is_told_with_a_way_out() {
    gatebench();
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("gatebench");
    std::fs::copy(assert_cmd::cargo::cargo_bin("gatebench"), &alone).unwrap();
    assert_cmd::Command::new(alone)
        .args(["check", "--gateway", "builtin"])
        .env("PATH", "/usr/bin:/bin")
        .current_dir(folder.path())
        .assert()
        .code(2)
        .stderr(one_sentence().and(contains("gateserve was not found in ")));
}

#[test]
fn a_url_where_nobody_listens_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    gatebench()
        .args(["bench", "--url", &url])
        .assert()
        .code(2)
        .stderr(contains("nothing accepts connections at 127.0.0.1:"));
}

#[test]
fn a_url_takes_no_options_of_pairings() {
    gatebench()
        .args([
            "bench",
            "--url",
            "http://127.0.0.1:1/",
            "--gateway",
            "nginx",
        ])
        .assert()
        .code(2)
        .stderr(contains("'--url <URL>' cannot be used with '--gateway"));
}

#[test]
fn a_running_server_says_what_it_speaks_and_is_there() {
    let check = |at: &str| {
        let mut command = gatebench();
        command.args(["check", "--backend-at", at, "--scenario", "fastcgi"]);
        command.assert().code(2)
    };
    check("@gatebench-nobody-listens")
        .stderr(one_sentence().and(contains("write fastcgi://@gatebench-nobody-listens")));
    check("fastcgi://@gatebench-nobody-listens").stderr(one_sentence().and(contains(
        "nothing takes a connection at @gatebench-nobody-listens",
    )));
    check("gopher://127.0.0.1:70").stderr(
        contains("unknown protocol `gopher`; write fastcgi://, uwsgi://, scgi:// or http://")
            .and(contains("or cgi:// before the path of a program")),
    );
    check("cgi://").stderr(contains("cgi:// names no program; write its path"));
}

#[test]
fn what_runs_already_is_not_started() {
    gatebench()
        .args(["check", "--backend-at", "scgi:///s", "--gateway", "nginx"])
        .assert()
        .code(2)
        .stderr(contains("cannot be used with"));
}
