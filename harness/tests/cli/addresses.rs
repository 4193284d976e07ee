//! nginx told of its backend by each form of an address: with a backend behind a relay, and with
//! the recorder in its place.

use gatebench::{outcome::Outcome, results::Results};

use predicates::str::contains;

use super::gatebench;

/// Where programs are, if nginx is among them.
fn with_nginx() -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = format!("{}:/usr/sbin", path.to_string_lossy());
    let is_here = std::env::split_paths(&path).any(|folder| folder.join("nginx").is_file());
    if !is_here {
        eprintln!("skipped: no nginx here");
    }
    is_here.then_some(path)
}

/// Plays one scenario for pairings and one for recorders; `None` where there is no nginx.
fn played(variant: &str) -> Option<Results> {
    let path = with_nginx()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let arguments = ["check", "--via", "process", "--backend", "gateserve"];
    let scenarios = "cgi/path-info/whole-path,uwsgi/gw-reply/fields-first";
    gatebench()
        .args(arguments)
        .args(["--gateway", &format!("nginx:{variant}"), "--model", "uwsgi"])
        .args(["--scenario", scenarios])
        .arg("--json")
        .arg(&file)
        .env("PATH", path)
        .current_dir(folder.path())
        .assert()
        .success();
    Some(serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap())
}

#[track_caller]
fn assert_reached(variant: &str) {
    let Some(results) = played(variant) else {
        return;
    };
    let gateway = format!("nginx:{variant}");
    let of_it = results.results.iter();
    let of_it: Vec<_> = of_it
        .filter(|case| case.gateway.as_ref() == Some(&gateway))
        .collect();
    assert_eq!(of_it.len(), 2, "one before gateserve, one before the bench");
    for case in of_it {
        assert_eq!(case.outcome, Outcome::Pass, "{case:?}");
    }
}

#[test]
fn by_address_and_port() {
    assert_reached("tcp");
}

#[test]
fn by_the_name_of_this_host() {
    assert_reached("localhost");
}

#[test]
fn by_an_ipv6_address() {
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        assert_reached("ipv6");
    }
}

#[test]
fn by_suwsgi_with_tls() {
    assert_reached("tls");
}

#[test]
fn what_a_relay_stands_in_is_not_measured() {
    let Some(path) = with_nginx() else { return };
    let folder = tempfile::tempdir().unwrap();
    gatebench()
        .args(["bench", "--via", "process", "--gateway", "nginx:tcp"])
        .args(["--model", "uwsgi", "--backend", "gateserve"])
        .args(["--rounds", "1", "--duration", "1s"])
        .env("PATH", path)
        .current_dir(folder.path())
        .assert()
        .code(2)
        .stderr(contains("a relay of the bench stands"));
}
