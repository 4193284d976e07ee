//! CGI programs, straight behind HTTP and behind each protocol.

mod support;

use std::fs;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use support::site::{Site, Way};
use support::{Responses, Server, eventually, payload};
use wire::http::{LAST_CHUNK, encode_chunk};

/// Runs a check on every way to a site.
fn on_every_way(site: &Site, check: impl Fn(&Way)) {
    for way in Way::all(&["--cgi", &site.option()]) {
        eprintln!("over {}", way.name);
        check(&way);
    }
}

/// Waits for something to become so.
/// The processes whose parent is this one, zombies among them.
fn children(parent: Pid) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let is_child = |stat: &String| {
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(&parent.to_string())
    };
    stats.filter(is_child).collect()
}

#[test]
fn a_program_sees_the_same_request_on_every_way() {
    let site = Site::new();
    on_every_way(&site, |way| {
        let fields = "X-Probe: read=none\r\nProxy: http://evil\r\nX-Two: a\r\nX-Two: b\r\n";
        let report = way
            .ask("GET", "/cgi/probe/a%20b//c?x=%41+y", fields)
            .report();
        for (name, value) in [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SCRIPT_NAME", "/cgi/probe"),
            ("PATH_INFO", "/a b//c"),
            ("QUERY_STRING", "x=%41+y"),
            ("REQUEST_METHOD", "GET"),
            ("HTTP_X_TWO", "a, b"),
            ("SCRIPT_FILENAME", site.path("probe").to_str().unwrap()),
            ("PATH_TRANSLATED", site.path("a b//c").to_str().unwrap()),
        ] {
            assert_eq!(report.var(name), Some(value), "{name} over {}", way.name);
        }
        assert_eq!(report.var("HTTP_PROXY"), None);
        assert_eq!(
            report.var("HOME"),
            None,
            "the server's own environment leaks"
        );
    });
}

#[test]
fn search_words_and_the_folder_reach_the_program() {
    let site = Site::new();
    site.script(
        "where",
        "echo 'Content-Type: a/b'; echo; pwd; echo \"$# $1 $2\"",
    );
    on_every_way(&site, |way| {
        let body = String::from_utf8(way.get("/cgi/where?one+t%77o").body).unwrap();
        let folder = site.path("").display().to_string();
        assert_eq!(
            body,
            format!("{}\n2 one two\n", folder.trim_end_matches('/'))
        );
    });
}

#[test]
fn a_large_body_is_echoed_while_it_is_still_being_sent() {
    let site = Site::new();
    let body = payload(3_000_000);
    on_every_way(&site, |way| {
        let mut responses = Responses::on(way.connect());
        let mut sender = responses.peer.another();
        let head = format!(
            "POST /cgi/probe HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let body = body.clone();
        let sent = body.clone();
        let sending = std::thread::spawn(move || {
            sender.send(head);
            sender.send(sent);
        });
        assert!(
            responses.next("POST").body == body,
            "the echo over {} differs",
            way.name
        );
        sending.join().unwrap();
    });
}

#[test]
fn a_chunked_body_has_its_length() {
    let site = Site::new();
    let body = payload(200_000);
    let mut chunks = bytes::BytesMut::new();
    body.chunks(7_001)
        .for_each(|chunk| encode_chunk(chunk, &mut chunks));
    chunks.extend_from_slice(LAST_CHUNK);
    on_every_way(&site, |way| {
        let mut responses = Responses::on(way.connect());
        responses
            .peer
            .send("POST /cgi/probe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        responses.peer.send(&chunks);
        let report = responses.next("POST").report();
        assert_eq!(report.body_size(), 200_000);
        assert_eq!(report.var("CONTENT_LENGTH"), Some("200000"));
        assert_eq!(report.var("HTTP_TRANSFER_ENCODING"), None);
    });
}

#[test]
fn a_body_that_nobody_reads_does_not_cost_the_reply() {
    let site = Site::new();
    on_every_way(&site, |way| {
        let mut responses = Responses::on(way.connect());
        let head = "POST /cgi/probe HTTP/1.1\r\nHost: a\r\nX-Probe: read=none; size=1000000\r\n";
        responses
            .peer
            .send(format!("{head}Content-Length: 1000000\r\n\r\n"));
        let mut sender = responses.peer.another();
        // The server need not take all of it.
        let sending = std::thread::spawn(move || {
            use std::io::Write;
            let _ = sender.write_all(&payload(1_000_000));
        });
        assert_eq!(responses.next("POST").body.len(), 1_000_000);
        sending.join().unwrap();
    });
}

#[test]
fn head_and_bodiless_statuses_leave_the_connection_in_step() {
    let site = Site::new();
    site.script(
        "wordy",
        "echo \"Status: $QUERY_STRING x\"; echo; echo this is not wanted",
    );
    on_every_way(&site, |way| {
        let mut responses = Responses::on(way.connect());
        for (method, path) in [
            ("HEAD", "/cgi/wordy?200"),
            ("GET", "/cgi/wordy?204"),
            ("GET", "/cgi/wordy?304"),
            ("HEAD", "/cgi/probe"),
        ] {
            responses
                .peer
                .send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert!(responses.next(method).body.is_empty(), "{method} {path}");
        }
        responses
            .peer
            .send("GET /cgi/probe HTTP/1.1\r\nHost: a\r\nX-Probe: body=last\r\n\r\n");
        assert_eq!(responses.next("GET").body, b"last");
    });
}

#[test]
fn the_four_replies_are_told_apart() {
    let site = Site::new();
    on_every_way(&site, |way| {
        let document = way.probe("/cgi/probe", "status=404 Gone fishing; body=x");
        assert_eq!(
            (document.head.status, &document.head.reason[..]),
            (404, &b"Gone fishing"[..])
        );
        let local = way.probe("/cgi/probe", "location=/cgi/probe/next?a=b");
        assert_eq!(local.head.status, 200);
        assert_eq!(local.report().var("PATH_INFO"), Some("/next"));
        let client = way.probe("/cgi/probe", "location=http://example.test/x");
        assert_eq!(
            (client.head.status, client.field("location")),
            (302, Some("http://example.test/x"))
        );
        let both = way.probe(
            "/cgi/probe",
            "status=303 See Other; header=Location: /x; body=moved",
        );
        assert_eq!(
            (both.head.status, both.field("location")),
            (303, Some("/x"))
        );
        assert_eq!(both.body, b"moved");
    });
}

#[test]
fn programs_that_redirect_to_each_other_come_to_an_end() {
    let site = Site::new();
    site.script("ping", "echo 'Location: /cgi/pong'; echo");
    site.script("pong", "echo 'Location: /cgi/ping'; echo");
    on_every_way(&site, |way| {
        assert_eq!(way.get("/cgi/ping").head.status, 500)
    });
}

#[test]
fn an_nph_programs_output_is_the_response() {
    let site = Site::new();
    let raw = "HTTP/1.1 299 Odd\r\nX-A: b\r\n\r\nbody";
    site.script(
        "nph-raw",
        "printf 'HTTP/1.1 299 Odd\\r\\nX-A: b\\r\\n\\r\\nbody'",
    );
    let way = Way::start("http", &["--cgi", &site.option()]);
    let mut peer = way.connect();
    peer.send("GET /cgi/nph-raw HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(String::from_utf8(peer.rest()).unwrap(), raw);
}

#[test]
fn what_cannot_run_has_its_status() {
    let site = Site::new();
    for (name, text) in [
        ("empty", ""),
        ("headless", "echo Hello"),
        ("malformed", "echo 'Status: abc'; echo"),
    ] {
        site.script(name, text);
    }
    fs::write(site.path("plain"), "no program").unwrap();
    on_every_way(&site, |way| {
        for (path, status) in [
            ("/elsewhere", 404),
            ("/cgi/none", 404),
            ("/cgi/", 403),
            ("/cgi/plain", 403),
            ("/cgi/empty", 502),
            ("/cgi/headless", 502),
            ("/cgi/malformed", 502),
        ] {
            assert_eq!(
                way.get(path).head.status,
                status,
                "{path} over {}",
                way.name
            );
        }
        assert_eq!(way.probe("/cgi/probe", "die=before-head").head.status, 502);
    });
}

#[test]
fn a_program_that_crashes_after_its_head_cuts_the_reply() {
    let site = Site::new();
    on_every_way(&site, |way| {
        let mut responses = Responses::on(way.connect());
        responses
            .peer
            .send("GET /cgi/probe HTTP/1.1\r\nHost: a\r\nX-Probe: die=after-head; size=9\r\n\r\n");
        assert_eq!(responses.head().header("content-length").unwrap(), "9");
        assert_eq!(responses.peer.rest(), b"");
    });
}

/// Over uwsgi and SCGI the end of the connection is all that ends such a reply.
#[test]
fn a_crash_shows_where_the_end_of_a_reply_is_marked() {
    let site = Site::new();
    for name in ["http", "fastcgi"] {
        let way = Way::start(name, &["--cgi", &site.option()]);
        let mut peer = way.connect();
        let commands = "die=after-head; size=9; length=no";
        peer.send(format!(
            "GET /cgi/probe HTTP/1.1\r\nHost: a\r\nX-Probe: {commands}\r\n\r\n"
        ));
        let text = String::from_utf8(peer.rest()).unwrap();
        assert!(
            !text.ends_with("0\r\n\r\n"),
            "it looks whole over {name}: {text}"
        );
    }
}

#[test]
fn error_text_goes_to_the_log_with_the_programs_name() {
    let site = Site::new();
    for mut way in Way::all(&["--cgi", &site.option()]) {
        let response = way.probe("/cgi/probe", "stderr=one%0Atwo%1B; body=x");
        assert_eq!(response.body, b"x");
        assert_eq!(way.server.line("probe: one"), "probe: one");
        assert_eq!(way.server.line("probe: two"), "probe: two\\u{1b}");
    }
}

#[test]
fn a_program_inherits_three_descriptors() {
    let site = Site::new();
    site.script(
        "fds",
        "echo 'Content-Type: a/b'; echo; exec ls /proc/self/fd",
    );
    let way = Way::start("http", &["--cgi", &site.option()]);
    // `ls` itself has the folder open as 3.
    assert_eq!(way.get("/cgi/fds").body, b"0\n1\n2\n3\n");
}

#[test]
fn a_silent_program_is_killed_with_its_children() {
    let site = Site::new();
    site.script("silent", "sleep 3600 & echo $$ > pid; wait");
    let way = Way::start("http", &["--cgi", &site.option(), "--cgi-timeout", "1"]);
    assert_eq!(way.get("/cgi/silent").head.status, 504);
    let group: i32 = fs::read_to_string(site.path("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    eventually("the group lives on", || {
        kill(Pid::from_raw(-group), None).is_err()
    });
}

#[test]
fn a_client_that_leaves_takes_its_program_along() {
    let site = Site::new();
    site.script(
        "endless",
        "echo $$ > pid; echo 'Content-Type: a/b'; echo; while echo tick; do sleep 0.01; done",
    );
    on_every_way(&site, |way| {
        let mut peer = way.connect();
        peer.send("GET /cgi/endless HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut seen = bytes::BytesMut::new();
        while !seen.windows(4).any(|at| at == b"tick") {
            assert!(peer.more(&mut seen));
        }
        drop(peer);
        let pid: i32 = fs::read_to_string(site.path("pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        eventually("the program lives on", || {
            kill(Pid::from_raw(pid), None).is_err()
        });
    });
}

#[test]
fn no_process_is_left_behind() {
    let site = Site::new();
    site.script("slow", "sleep 3600");
    // A Unix socket, where a client that has left is told from one that has no more to send.
    let socket = site.path("socket").display().to_string();
    let server = Server::start(&["--http-socket", &socket, "--cgi", &site.option()]);
    for at in 0..30 {
        let commands = [
            "body=x",
            "die=before-head",
            "die=after-head",
            "exit=3; body=x",
        ][at % 4];
        let mut peer = server.connect();
        peer.send(format!(
            "GET /cgi/probe HTTP/1.0\r\nX-Probe: {commands}\r\n\r\n"
        ));
        peer.rest();
        let mut peer = server.connect();
        peer.send("GET /cgi/slow HTTP/1.0\r\n\r\n");
    }
    let worker = server.workers()[0];
    eventually("processes are left", || children(worker).is_empty());
}

#[test]
fn scripts_end_with_the_server() {
    let site = Site::new();
    site.script("stay", "echo $$ > pid; sleep 3600");
    let way = Way::start(
        "http",
        &["--cgi", &site.option(), "--worker-reload-mercy", "1"],
    );
    let mut peer = way.connect();
    peer.send("GET /cgi/stay HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually("it starts", || {
        fs::read_to_string(site.path("pid")).is_ok_and(|pid| !pid.is_empty())
    });
    let pid: i32 = fs::read_to_string(site.path("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    drop(way);
    eventually("the program lives on", || {
        kill(Pid::from_raw(pid), None).is_err()
    });
}

#[test]
fn a_missing_folder_is_a_clear_error() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .args([
            "--http-socket",
            "127.0.0.1:0",
            "--cgi",
            "/nonexistent/folder",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("cgi /nonexistent/folder: No such file or directory"),
        "{text}"
    );
}
