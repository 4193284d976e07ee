//! `trace-requests` and `server-timing`: when the steps of a request were taken.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::site::{Site, WAYS, Way};

const SLOW: &str = "sleep 0.05; echo 'Content-Type: a/b'; echo; echo one; sleep 0.05; echo two";

/// The lines of a file, once there are so many.
#[track_caller]
fn lines(file: &Path, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap());
            return parsed.collect();
        }
        assert!(Instant::now() < deadline, "too few lines: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_request_has_a_line_with_its_steps_in_order() {
    let site = Site::new();
    site.script("slow", SLOW);
    for name in WAYS {
        let file = site.path(&format!("{name}.json"));
        let options = [
            "--cgi",
            &site.option(),
            "--trace-requests",
            file.to_str().unwrap(),
        ];
        let way = Way::start(name, &options);
        assert_eq!(way.get("/cgi/slow?x").head.status, 200);
        assert_eq!(way.get("/cgi/none").head.status, 404);
        let lines = lines(&file, 2);
        let line = &lines[0];
        assert_eq!(line["protocol"], name);
        assert_eq!(line["method"], "GET");
        assert_eq!(line["uri"], "/cgi/slow?x");
        assert_eq!(line["status"], 200);
        assert_eq!(line["bytes"], 8);
        let at = |line: &Value| line["parsed_at_us"].as_u64().unwrap();
        assert!(
            at(&lines[1]) >= at(line) + line["us"]["end"].as_u64().unwrap() / 2,
            "{line}"
        );
        let steps = [
            "started",
            "spawned",
            "executed",
            "first_byte",
            "head",
            "last_byte",
            "exited",
            "reaped",
            "end",
        ];
        let micros = steps.map(|step| line["us"][step].as_u64().expect(step));
        assert!(micros.is_sorted(), "{line}");
        assert!(
            micros[3] - micros[1] >= 50_000 && micros[5] - micros[4] >= 40_000,
            "{line}"
        );
        let accepted = line["us"]["accepted"].as_i64();
        assert!(accepted.is_some_and(|micros| micros <= 0), "{line}");
        assert_eq!(lines[1]["status"], 404);
        assert_eq!(lines[1]["us"]["spawned"], Value::Null);
    }
}

#[test]
fn a_request_that_follows_on_a_connection_was_accepted_with_the_first() {
    let site = Site::new();
    site.script("slow", SLOW);
    let file = site.path("trace.json");
    let options = [
        "--cgi",
        &site.option(),
        "--trace-requests",
        file.to_str().unwrap(),
    ];
    let way = Way::start("http", &options);
    let mut peer = way.connect();
    let head = "GET /cgi/slow HTTP/1.1\r\nHost: x\r\n";
    peer.send(format!("{head}\r\n{head}Connection: close\r\n\r\n"));
    peer.rest();
    let lines = lines(&file, 2);
    assert_ne!(lines[0]["us"]["accepted"], Value::Null);
    assert_eq!(lines[1]["us"]["accepted"], Value::Null);
}

#[test]
fn a_program_that_is_forked_does_not_exec() {
    let site = Site::new();
    if !Path::new("/usr/bin/python3").is_file() {
        eprintln!("skipped: there is no /usr/bin/python3");
        return;
    }
    let text = "#!/usr/bin/python3\nprint('Content-Type: text/plain\\n\\nhi')\n";
    site.program("hello", text.as_bytes());
    let file = site.path("trace.json");
    let options = [
        "--cgi",
        &site.option(),
        "--cgi-mode",
        "warm",
        "--trace-requests",
        file.to_str().unwrap(),
    ];
    let way = Way::start("http", &options);
    assert_eq!(way.get("/cgi/hello").head.status, 200);
    let line = &lines(&file, 1)[0];
    for step in ["started", "spawned", "first_byte", "last_byte", "exited"] {
        assert!(line["us"][step].is_u64(), "{step}: {line}");
    }
    assert_eq!(line["us"]["executed"], Value::Null);
    assert_eq!(line["us"]["reaped"], Value::Null);
}

#[test]
fn the_client_is_told_the_steps_before_the_head() {
    let site = Site::new();
    site.script("slow", SLOW);
    let way = Way::start("http", &["--cgi", &site.option(), "--server-timing"]);
    let response = way.get("/cgi/slow");
    let timing = response.field("server-timing").expect("it is asked for");
    let names: Vec<_> = timing
        .split(", ")
        .map(|it| it.split_once(";dur=").unwrap().0)
        .collect();
    assert_eq!(
        names,
        ["started", "spawned", "executed", "first_byte", "head"]
    );
    let silent = Way::start("http", &["--cgi", &site.option()]);
    assert_eq!(silent.get("/cgi/slow").field("server-timing"), None);
}

#[test]
fn a_file_that_cannot_be_opened_is_told_of() {
    let site = Site::new();
    let options = ["--cgi", &site.option(), "--trace-requests", "/no/such/file"];
    let way = Way::start("http", &options);
    assert!(
        way.server
            .told()
            .contains("trace-requests /no/such/file: No such file")
    );
    assert_eq!(way.get("/cgi/probe").head.status, 200);
}
