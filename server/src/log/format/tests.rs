use std::time::Duration;

use wire::environ::Environ;

use super::super::facts::RequestFacts;
use super::{LineFormat, Subject, Worker, variables};
use crate::exchange::{Notes, Sent};

/// The line that a format makes of one and the same request.
fn line_with(format: &str, date: Option<&str>) -> String {
    let format = LineFormat::new(format, date);
    let mut environ = Environ::new();
    for (name, value) in [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a?b=\"c\"\n"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "192.0.2.1"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_USER_AGENT", "curl/8"),
        ("CONTENT_LENGTH", "12"),
        ("HTTP_COOKIE", "k=v"),
    ] {
        environ.push(name, value);
    }
    let mut facts = RequestFacts::of(&environ, &format.wanted(false));
    facts.began = Duration::from_micros(784_111_777_000_123);
    let mut notes = Notes {
        core: 3,
        write_errors: 1,
        read_errors: 2,
        ..Notes::default()
    };
    notes.set("user_id", "77");
    let sent = Sent {
        status: 200,
        fields: 2,
        head_bytes: 79,
        body_bytes: 1000,
    };
    let subject = Subject {
        facts: &facts,
        sent,
        notes: &notes,
        took: Duration::from_micros(1_234_567),
        worker: Worker {
            pid: 4711,
            number: 2,
            rss: 50 * 1024 * 1024 + 7,
            vsz: 900 * 1024 * 1024,
        },
    };
    let mut line = String::new();
    format.render(&mut line, &subject);
    line
}

#[track_caller]
fn assert_logs(format: &str, expected: &str) {
    assert_eq!(line_with(format, None), format!("{expected}\n"), "{format}");
}

#[test]
fn each_variable_stands_for_its_fact() {
    for (format, expected) in [
        ("%(method) %(uri) %(proto)", "POST /a?b=\"c\"\\n HTTP/1.1"),
        ("%(addr) %(host) %(uagent)", "192.0.2.1 example.org curl/8"),
        ("%(status) %(headers)", "200 2"),
        ("%(size)=%(hsize)+%(rsize)", "1079=79+1000"),
        ("%(micros) %(msecs) %(secs)", "1234567 1234 1.234567"),
        ("%(time) %(tmsecs)", "784111777 784111777000"),
        ("%(tmicros)", "784111777000123"),
        ("%(cl) %(vars) %(pktsize)", "12 8 184"),
        ("%(pid) %(wid) %(core) %(switches)", "4711 2 3 1"),
        ("%(rss) %(rssM) %(vszM)", "52428807 50 900"),
        ("%(modifier1) %(modifier2)", "0 0"),
        ("%(werr) %(rerr) %(ioerr)", "1 2 3"),
        ("%(var.HTTP_COOKIE)|%(var.HTTP_HOST)", "k=v|example.org"),
        ("%(metric.worker.1.requests)", "0"),
        ("%(user_id)", "77"),
    ] {
        assert_logs(format, expected);
    }
}

#[test]
fn what_has_no_value_is_a_dash() {
    assert_logs("%(user) %(referer) %(nonsense)", "- - -");
    assert_logs("%(var.HTTP_NONE)", "-");
    assert_logs("%(json_referer)", "-");
}

#[test]
fn json_variables_fit_between_quotes() {
    let line = line_with(r#"{"uri": "%(json_uri)", "wid": %(json_wid)}"#, None);
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["uri"], "/a?b=\"c\"\n");
    assert_eq!(read["wid"], 2);
}

#[test]
fn text_is_cut_where_uwsgi_cuts_it() {
    assert_logs("plain", "plain");
    assert_logs("100%%(status)", "100%200");
    assert_logs("100% (status) %s", "100% (status) %s");
    assert_logs("(%(status))", "(200)");
    assert_logs("é%(status)é", "é200é");
    // An unfinished variable: uWSGI too writes what is before it twice.
    assert_logs("a%(status", "aa%(status");
    assert_logs("%()", "%()");
}

#[test]
fn a_date_is_written_as_asked_for() {
    let date = |format, date| {
        let line = line_with(format, date);
        line.trim_end().to_owned()
    };
    // The zone is the machine's, so only what does not depend on it is looked at.
    assert_eq!(date("%(ftime)", Some("on %Y!")), "on 1994!");
    assert_eq!(date("%(ftime)", None), date("%(ltime)", None));
    let common = "06/Nov/1994:08:49:37 +0000";
    assert_eq!(date("%(ltime)", Some("%Y")).len(), common.len());
    assert!(date("%(ctime)", None).ends_with(" 1994"));
}

#[test]
fn the_names_are_uwsgis() {
    let of_uwsgi = "uri method user addr host proto uagent referer status rsize hsize size cl \
                    micros msecs secs tmsecs tmicros time ctime epoch pid wid switches vars core \
                    vsz rss vszM rssM pktsize modifier1 modifier2 headers werr rerr ioerr";
    let mut names = variables::NAMES.to_vec();
    let mut expected: Vec<_> = of_uwsgi.split(' ').collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn any_text_is_a_format() {
    use proptest::prelude::*;
    proptest!(|(format in "[%()a-é ]{0,40}")| {
        let line = line_with(&format, None);
        prop_assert!(line.ends_with('\n'));
    });
}
