//! What is told of exchanges that went by, whole and octet by octet.

use std::time::Duration;

use bytes::BytesMut;
use wire::{environ::Environ, fastcgi, scgi, uwsgi};

use super::{
    Conversation, Ending, Exchange, Happened, diagnose,
    record::{self, Captured},
};
use crate::{model::Model, scenario, transcript::Way};

const OK: &[u8] = b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nhello";

fn environ(also: &[(&str, &str)]) -> Environ {
    let mut environ = Environ::new();
    for (name, value) in [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/shop/cart"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/shop/cart"),
        ("QUERY_STRING", ""),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("HTTP_HOST", "localhost"),
    ] {
        environ.push(name, value);
    }
    for (name, value) in also {
        environ.remove(name);
        if *value != "(none)" {
            environ.push((*name).to_owned(), (*value).to_owned());
        }
    }
    environ
}

fn request(model: Model, also: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let (mut octets, environ) = (BytesMut::new(), environ(also));
    match model {
        Model::Uwsgi => uwsgi::encode_request(&environ, 0, 0, &mut octets).unwrap(),
        Model::Scgi => scgi::encode_request(&environ, body.len() as u64, &mut octets).unwrap(),
        _ => {
            let client = fastcgi::state::Client::begin(1, false, &environ, &mut octets);
            client.stdin(body, &mut octets);
            client.stdin_end(&mut octets);
            return octets.to_vec();
        }
    }
    octets.extend_from_slice(body);
    octets.to_vec()
}

/// CGI output as the protocol carries it.
fn reply(model: Model, output: &[u8]) -> Vec<u8> {
    if model != Model::FastCgi {
        return output.to_vec();
    }
    let mut octets = BytesMut::new();
    fastcgi::record::encode_stream(fastcgi::Kind::STDOUT, 1, output, &mut octets);
    let end = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
    octets.extend_from_slice(end);
    octets.to_vec()
}

/// What becomes of a request and a reply, fed whole and octet by octet.
#[track_caller]
fn exchange(protocol: Option<Model>, request: &[u8], reply: &[u8]) -> Exchange {
    let mut seen = Vec::new();
    for size in [usize::MAX, 1] {
        let mut conversation = Conversation::new(1, protocol);
        let mut over = Vec::new();
        let mut feed = |what| over.extend(conversation.happened(Duration::ZERO, what));
        for (way, octets) in [(Way::Request, request), (Way::Reply, reply)] {
            let pieces = octets.chunks(size.min(octets.len().max(1)));
            pieces.for_each(|piece| feed(Happened::Octets(way, piece)));
        }
        feed(Happened::Ended(Way::Reply));
        feed(Happened::Over);
        assert_eq!(over.len(), 1, "in pieces of {size}: {over:?}");
        seen.extend(over);
    }
    let [whole, mut single] = <[Exchange; 2]>::try_from(seen).unwrap();
    single.request.gap = whole.request.gap;
    single.reply.gap = whole.reply.gap;
    assert_eq!(whole, single);
    whole
}

fn problems(exchange: &Exchange) -> Vec<&'static str> {
    diagnose(exchange)
        .iter()
        .map(|finding| finding.problem)
        .collect()
}

/// The problems of an exchange by FastCGI.
#[track_caller]
fn told(also: &[(&str, &str)], body: &[u8], output: &[u8]) -> Vec<&'static str> {
    let model = Model::FastCgi;
    problems(&exchange(
        None,
        &request(model, also, body),
        &reply(model, output),
    ))
}

#[test]
fn a_sound_exchange_is_understood_and_nothing_is_told() {
    for model in [Model::FastCgi, Model::Uwsgi, Model::Scgi] {
        let also = [("CONTENT_LENGTH", "4"), ("REQUEST_METHOD", "POST")];
        let exchange = exchange(None, &request(model, &also, b"body"), &reply(model, OK));
        assert_eq!(exchange.protocol, Some(model));
        assert_eq!(exchange.method, "POST");
        assert_eq!(exchange.uri, "/shop/cart");
        assert_eq!(exchange.status, Some(200));
        assert_eq!((exchange.request.body, exchange.reply.body), (4, 5));
        assert_eq!(exchange.ending, Ending::Complete);
        assert_eq!(problems(&exchange), [""; 0], "{model}");
    }
}

#[test]
fn http_exchanges_follow_each_other_on_one_connection() {
    let request =
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let reply = b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nyes";
    let mut conversation = Conversation::new(1, None);
    let mut over = Vec::new();
    for _ in 0..2 {
        for (way, octets) in [(Way::Request, &request[..]), (Way::Reply, reply)] {
            let what = Happened::Octets(way, octets);
            over.extend(conversation.happened(Duration::ZERO, what));
        }
    }
    let told: Vec<_> = over
        .iter()
        .map(|it| (it.nth, it.status, it.request.body, it.reply.body))
        .collect();
    assert_eq!(told, [(1, Some(201), 2, 3), (2, Some(201), 2, 3)]);
}

#[test]
fn each_problem_of_the_variables_is_told_by_name() {
    for (also, body, problem) in [
        (
            &[("REQUEST_URI", "/a.php")][..],
            &b""[..],
            "script-filename-missing",
        ),
        (
            &[("SCRIPT_NAME", "/a.php/x"), ("PATH_INFO", "(none)")],
            b"",
            "path-info-missing",
        ),
        (&[("SCRIPT_NAME", "/shop")], b"", "prefix-twice"),
        (
            &[("REQUEST_URI", "/a%2Fb"), ("PATH_INFO", "/a/b")],
            b"",
            "encoded-slash",
        ),
        (
            &[("REQUEST_URI", "/a%2541"), ("PATH_INFO", "/aA")],
            b"",
            "decoded-twice",
        ),
        (&[("HTTP_X_FORWARDED_PROTO", "https")], b"", "scheme-lost"),
        (&[("HTTP_HOST", "(none)")], b"", "host-missing"),
        (&[("SERVER_NAME", "_")], b"", "server-name-empty"),
        (&[("HTTP_PROXY", "evil")], b"", "httpoxy"),
        (
            &[("PHP_VALUE", "auto_prepend_file=/x")],
            b"",
            "settings-by-request",
        ),
        (&[], b"body", "body-without-length"),
        (&[("CONTENT_LENGTH", "9")], b"body", "body-length-wrong"),
        (&[("CONTENT_LENGTH", "-1")], b"", "content-length-no-number"),
        (
            &[
                ("CONTENT_LENGTH", "4"),
                ("HTTP_TRANSFER_ENCODING", "chunked"),
            ],
            b"body",
            "chunked-told-on",
        ),
        (
            &[
                ("CONTENT_LENGTH", "0"),
                ("HTTP_TRANSFER_ENCODING", "chunked"),
            ],
            b"",
            "chunked-empty",
        ),
        (&[("SERVER_PORT", "(none)")], b"", "rule-broken"),
    ] {
        assert_eq!(told(also, body, OK), [problem], "{also:?}");
    }
}

#[test]
fn each_problem_of_the_reply_is_told_by_name() {
    let large = [b"X-Large: ".as_slice(), &[b'a'; 5000], b"\r\n", OK].concat();
    for (output, problem) in [
        (&large[..], "head-too-large"),
        (b"\xef\xbb\xbfStatus: 200 OK\r\n\r\n", "output-before-head"),
        (b"PHP Warning:  undefined\nStatus: 200 OK\r\n\r\n", "output-before-head"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "output-before-head"),
        (b"<html>\n", "output-before-head"),
        (b"", "rule-broken"),
        (b"Status: 200 OK\r\n\r\nno type", "rule-broken"),
        (b"Status: 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n", "events-buffered"),
        (b"Status: 401 Unauthorized\r\nContent-Type: text/plain\r\nWWW-Authenticate: Basic\r\n\r\nno", "authorization-missing"),
        (b"Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 9\r\n\r\nhi", "rule-broken"),
    ] {
        assert_eq!(told(&[], b"", output), [problem], "{:?}", String::from_utf8_lossy(output));
    }
}

#[test]
fn what_ends_early_is_told_once() {
    let fastcgi = request(Model::FastCgi, &[], b"");
    let of = |protocol, request: &[u8], reply: &[u8]| problems(&exchange(protocol, request, reply));
    assert_eq!(of(None, &fastcgi, b""), ["closed-early"]);
    assert_eq!(
        of(None, &fastcgi, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ["wrong-protocol"]
    );
    let http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(of(Some(Model::Uwsgi), http, b""), ["wrong-protocol"]);
    assert_eq!(of(Some(Model::FastCgi), http, b""), ["wrong-protocol"]);
    let large = "c".repeat(6000);
    let uwsgi = request(Model::Uwsgi, &[("HTTP_COOKIE", &large)], b"");
    assert_eq!(of(None, &uwsgi, b""), ["block-too-large"]);
    let cut = [reply(Model::FastCgi, OK), Vec::new()].concat();
    assert_eq!(of(None, &fastcgi, &cut[..cut.len() - 16]), ["closed-early"]);
    let rejected = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x02\0\0\0";
    assert_eq!(of(None, &fastcgi, rejected), ["request-rejected"]);
}

#[test]
fn a_worker_killed_by_a_timer_is_told_from_one_that_crashed() {
    for (seconds, gone, problem) in [
        (0, Happened::Ended(Way::Reply), "closed-early"),
        (30, Happened::Ended(Way::Reply), "killed-by-timer"),
        (
            60,
            Happened::Broke(Way::Request, "reset".into()),
            "gateway-timeout",
        ),
    ] {
        let mut conversation = Conversation::new(1, None);
        let asked = request(Model::Uwsgi, &[], b"");
        let asked = Happened::Octets(Way::Request, &asked);
        conversation.happened(Duration::ZERO, asked);
        let over = conversation.happened(Duration::from_secs(seconds), gone);
        assert_eq!(problems(&over[0]), [problem]);
    }
}

#[test]
fn a_kept_connection_that_the_server_closes_is_told_of() {
    let mut octets = BytesMut::new();
    let client = fastcgi::state::Client::begin(1, true, &environ(&[]), &mut octets);
    client.stdin_end(&mut octets);
    let mut conversation = Conversation::new(1, None);
    let mut feed = |what| conversation.happened(Duration::ZERO, what);
    feed(Happened::Octets(Way::Request, &octets));
    let reply = reply(Model::FastCgi, OK);
    assert_eq!(feed(Happened::Octets(Way::Reply, &reply)).len(), 1);
    feed(Happened::Ended(Way::Reply));
    assert_eq!(conversation.note().unwrap().problem, "connection-not-kept");
}

#[test]
fn the_rest_of_a_request_that_was_answered_early_is_no_other_request() {
    let also = [("CONTENT_LENGTH", "4"), ("REQUEST_METHOD", "POST")];
    let request = request(Model::FastCgi, &also, b"body");
    let reply = reply(Model::FastCgi, OK);
    // The last 24 octets are the body and its end, behind the end of the variables.
    for cut in [request.len() - 28, request.len() - 20, request.len() - 8] {
        let mut conversation = Conversation::new(1, None);
        let mut over = Vec::new();
        let mut feed = |what| over.extend(conversation.happened(Duration::ZERO, what));
        feed(Happened::Octets(Way::Request, &request[..cut]));
        feed(Happened::Octets(Way::Reply, &reply));
        feed(Happened::Octets(
            Way::Request,
            &request[cut..request.len() - 3],
        ));
        feed(Happened::Broke(Way::Reply, "reset".into()));
        feed(Happened::Over);
        let told: Vec<_> = over
            .iter()
            .map(|it| (it.status, it.answered_early))
            .collect();
        assert_eq!(told, [(Some(200), true)], "cut at {cut}");
    }
}

#[test]
fn what_passed_without_a_copy_is_not_judged() {
    let mut conversation = Conversation::new(1, None);
    let octets = request(Model::FastCgi, &[], b"");
    conversation.happened(Duration::ZERO, Happened::Octets(Way::Request, &octets));
    conversation.happened(Duration::ZERO, Happened::Lost);
    let over = conversation.happened(Duration::ZERO, Happened::Ended(Way::Reply));
    assert!(over[0].incomplete);
}

#[test]
fn every_rule_that_a_finding_names_is_in_the_catalogue() {
    let catalogue = scenario::load_embedded().unwrap();
    let sources = [
        include_str!("diagnose.rs"),
        include_str!("environment.rs"),
        include_str!("rules.rs"),
    ];
    let rule = regex::Regex::new(r#""((?:CGI|DF|FCGI|UWSGI|SCGI)-[A-Za-z0-9.-]+)""#).unwrap();
    let mut named = 0;
    for found in sources.iter().flat_map(|source| rule.captures_iter(source)) {
        assert!(
            catalogue.requirements.get(&found[1]).is_some(),
            "{}",
            &found[1]
        );
        named += 1;
    }
    assert!(named > 30, "{named}");
}

#[test]
fn captured_exchanges_are_scenarios_that_the_bench_reads() {
    let folder = tempfile::tempdir().unwrap();
    for model in [Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http] {
        let (asked, told) = match model {
            Model::Http => (
                b"GET /{x} HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            model => (request(model, &[], b""), reply(model, OK)),
        };
        let captured = Captured::of(&exchange(Some(model), &asked, &told)).unwrap();
        let file = folder.path().join(format!("recorded/{model}.toml"));
        record::write(&file, &[captured]).unwrap();
    }
    let catalogue = scenario::load_dir(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(catalogue.scenarios.len(), 8);
    assert!(catalogue.scenarios.iter().all(|one| !one.uses_probe()));
    let ids: Vec<_> = catalogue
        .scenarios
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert!(
        ids.contains(&"recorded/fastcgi/request-1") && ids.contains(&"recorded/uwsgi/reply-1"),
        "{ids:?}"
    );
}
