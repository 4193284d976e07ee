//! Rules that look at a request before the application gets it.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

mod support;

use support::{Report, Response, Responses, Server};

fn server(rules: &[&str]) -> Server {
    Server::start(&[&["--http-socket", "127.0.0.1:0", "--probe"], rules].concat())
}

fn request(server: &Server, path: &str, fields: &str) -> Response {
    let mut responses = Responses::on(server.connect());
    responses.peer.send(format!(
        "GET {path} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n"
    ));
    responses.next("GET")
}

fn get(server: &Server, path: &str) -> Response {
    request(server, path, "")
}

#[test]
fn a_rule_answers_what_it_matches() {
    let server = server(&[
        "--route",
        "^/old/(.*)$ redirect:https://${HTTP_HOST}/new/$1",
        "--route",
        "^/gone redirect-permanent:/there",
        "--route",
        "^/closed break:410 Not here",
        "--route",
        "^/secret return:403",
    ]);
    let moved = get(&server, "/old/a/b");
    assert_eq!(moved.head.status, 302);
    assert_eq!(moved.field("Location"), Some("https://a.test/new/a/b"));
    assert_eq!(get(&server, "/gone").head.status, 301);
    let closed = get(&server, "/closed");
    assert_eq!(closed.head.status, 410);
    assert_eq!(closed.head.reason, "Not here");
    let secret = get(&server, "/secret");
    assert_eq!(
        (secret.head.status, secret.body),
        (403, b"Forbidden".to_vec())
    );
    assert_eq!(get(&server, "/other").head.status, 200);
}

#[test]
fn conditions_compare_variables_of_the_request() {
    let server = server(&[
        "--route-if",
        "equal:${HTTP_X_FORWARDED_PROTO};http redirect-permanent:https://${HTTP_HOST}${REQUEST_URI}",
        "--route-if",
        "ishigher:${CONTENT_LENGTH};15000000 break:413 Request Entity Too Large",
        "--route-if",
        "startswith:${HTTP_X_A};one break:501",
        "--route-if",
        "endswith:${HTTP_X_A};two break:502",
        "--route-if",
        "contains:${HTTP_X_A};three break:503",
        "--route-if",
        "regexp:${HTTP_X_A};^f[o]ur$ break:504",
        "--route-if",
        "isdir:${HTTP_X_A} break:505",
        "--route-if-not",
        "empty:${HTTP_X_B} break:506",
    ]);
    let status = |fields: &str| request(&server, "/x?y", fields).head.status;
    let secured = request(&server, "/x?y", "X-Forwarded-Proto: http\r\n");
    assert_eq!(secured.field("Location"), Some("https://a.test/x?y"));
    assert_eq!(status("Content-Length: 15000001\r\n"), 413);
    assert_eq!(status("X-A: one-x\r\n"), 501);
    assert_eq!(status("X-A: x-two\r\n"), 502);
    assert_eq!(status("X-A: x-three-x\r\n"), 503);
    assert_eq!(status("X-A: four\r\n"), 504);
    assert_eq!(status("X-A: /\r\n"), 505);
    assert_eq!(status("X-B: b\r\n"), 506);
    assert_eq!(status("X-A: other\r\n"), 200);
}

#[test]
fn the_first_rule_that_ends_the_rules_counts() {
    let server = server(&[
        "--route",
        "^/health continue:",
        "--route-uri",
        "jump goto:there",
        "--route-run",
        "addheader:X-All: yes",
        "--route-label",
        "there",
        "--route-run",
        "addheader:X-Last: ${REQUEST_METHOD}",
    ]);
    let fields = |path| {
        let reply = get(&server, path);
        (
            reply.field("X-All").is_some(),
            reply.field("X-Last").map(str::to_owned),
        )
    };
    assert_eq!(fields("/health"), (false, None));
    assert_eq!(fields("/a?jump"), (false, Some("GET".into())));
    assert_eq!(fields("/a"), (true, Some("GET".into())));
}

#[test]
fn rules_change_what_the_application_sees_and_sends() {
    let server = server(&[
        "--route",
        "^/v1/(.*) rewrite:/api%20x/$1?version=1",
        "--route-run",
        "addvar:STAGE=of-${HTTP_HOST}",
        "--route-run",
        "remheader:X-Mine",
    ]);
    let reply = get(&server, "/v1/users?b=c");
    let report = Report::of(&reply.body);
    assert_eq!(report.var("PATH_INFO"), Some("/api x/users"));
    assert_eq!(report.var("QUERY_STRING"), Some("version=1&b=c"));
    assert_eq!(report.var("STAGE"), Some("of-a.test"));
    let reply = request(&server, "/", "X-Probe: header=X-Mine: 1; body=x\r\n");
    assert_eq!(reply.field("X-Mine"), None);
}

#[test]
fn donotlog_leaves_a_request_out_of_the_log() {
    let mut server = server(&[
        "--route",
        "^/health donotlog:",
        "--route",
        "^/told log:seen ${PATH_INFO}",
    ]);
    get(&server, "/health");
    get(&server, "/told");
    server.line("seen /told");
    let line = server.line(" GET /");
    assert!(line.contains("GET /told"), "{line}");
}

#[test]
fn a_rule_may_name_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from disk").unwrap();
    let rule = format!("^/file static:{}", file.path().display());
    let server = server(&["--route", &rule]);
    assert_eq!(get(&server, "/file").body, b"from disk");
}

#[test]
fn basicauth_asks_for_the_password() {
    let server = server(&["--route", "^/private basicauth:Area 51,mulder:trustno1"]);
    let stranger = get(&server, "/private");
    assert_eq!(stranger.head.status, 401);
    assert_eq!(
        stranger.field("WWW-Authenticate"),
        Some("Basic realm=\"Area 51\"")
    );
    let known = request(
        &server,
        "/private",
        "Authorization: Basic bXVsZGVyOnRydXN0bm8x\r\n",
    );
    assert_eq!(known.report().var("REMOTE_USER"), Some("mulder"));
    // CGI-4.1.1-AUTH-TYPE; RFC 9110 section 11.1: the name of a scheme has no case.
    let known = request(
        &server,
        "/private",
        "Authorization: BASIC bXVsZGVyOnRydXN0bm8x\r\n",
    );
    assert_eq!(known.report().var("AUTH_TYPE"), Some("Basic"));
}

#[test]
fn an_application_that_redirects_leads_nobody_past_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    script(
        folder.path(),
        "open",
        "echo Location: /private/secret; echo",
    );
    script(
        folder.path(),
        "secret",
        "echo Content-Type: text/plain; echo; echo secret",
    );
    let mount = |at: &str| format!("{at}={}", folder.path().display());
    let server = Server::start(&[
        "--http-socket",
        "127.0.0.1:0",
        "--cgi",
        &mount("/open"),
        "--cgi",
        &mount("/private"),
        "--route",
        "^/private basicauth:Area 51,mulder:trustno1",
    ]);
    assert_eq!(get(&server, "/open/open").head.status, 401);
    let known = request(
        &server,
        "/open/open",
        "Authorization: Basic bXVsZGVyOnRydXN0bm8x\r\n",
    );
    assert_eq!(known.body, b"secret\n");
}

fn script(folder: &Path, name: &str, commands: &str) {
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{commands}\n")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn rules_stand_before_what_is_forwarded_where_there_is_no_application_here() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s").display().to_string();
    let _behind = Server::start(&["--fastcgi-socket", &socket, "--probe"]);
    let below = |prefix: &str| format!("{prefix}={socket}");
    let gateway = Server::start(&[
        "--http",
        "127.0.0.1:0",
        "--fastcgi-to",
        &below("/one"),
        "--fastcgi-to",
        &below("/two"),
        "--route",
        "^/two basicauth:Area 51,mulder:trustno1",
    ]);
    let open = get(&gateway, "/one/x").report();
    assert_eq!(open.var("SCRIPT_NAME"), Some("/one"));
    assert_eq!(get(&gateway, "/two/x").head.status, 401);
    let known = request(
        &gateway,
        "/two/x",
        "Authorization: Basic bXVsZGVyOnRydXN0bm8x\r\n",
    )
    .report();
    assert_eq!(known.var("SCRIPT_NAME"), Some("/two"));
    assert_eq!(known.var("REMOTE_USER"), Some("mulder"));
    assert_eq!(get(&gateway, "/three").head.status, 404);
}

#[test]
fn an_action_that_is_not_known_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.ini");
    std::fs::write(
        &file,
        "[uwsgi]\nhttp = :0\nprobe = 1\nroute = ^/x uwsgi:/tmp/s,0,0\n",
    )
    .unwrap();
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_gateserve"))
        .arg(&file)
        .output()
        .unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        told.contains("`route` takes an action that is known here"),
        "{told}"
    );
    assert!(told.contains("line 4"), "{told}");
}
