//! How a reply reads, and what of it goes over each wire.

use std::time::Duration;

use super::{Answering, Play, output_of};
use crate::{
    model::Model,
    scenario::testing::{catalogue, place, scenario},
};

/// What the vocabulary says to these lines of a scenario.
#[track_caller]
fn refused(lines: &str) -> String {
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = 'recommended'\nsays = 'It holds.'\n\
         requirements = ['CGI-DF-HTTPOXY']\nfaults = ['gateway/httpoxy']\n{lines}"
    );
    match catalogue("cgi/t.toml", &text) {
        Ok(_) => panic!("it is accepted"),
        Err(error) => error.to_string(),
    }
}

fn answering(model: Model) -> Answering {
    Answering {
        model,
        id: 1,
        is_head: false,
    }
}

/// What the first item writes over a model, escaped.
#[track_caller]
fn written(model: Model, item: &str) -> String {
    let scenario = scenario(&format!("models = ['{model}']\nreply = [{item}]"));
    let items = scenario.reply.as_ref().unwrap();
    let plays = items[0].play(&answering(model), &place());
    let octets = plays.iter().find_map(|play| match play {
        Play::Write { octets, .. } => Some(octets),
        _ => None,
    });
    octets.expect("it writes").escape_ascii().to_string()
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest() {
    let said = refused("models = ['fastcgi']\nreply = [{ end_requst = {} }]");
    assert!(said.starts_with("cgi/t.toml:9: "), "{said}");
    assert!(said.contains("did you mean `end_request`?"), "{said}");
}

#[test]
fn an_item_does_one_thing() {
    let said = refused("reply = [{ cgi = 'x', close = true }]");
    assert!(said.contains("this one has `cgi` and `close`"), "{said}");
    let said = refused("reply = [{ cut = 1 }]");
    assert!(said.contains("an item has one of read, report,"), "{said}");
    let said = refused("reply = [{ close = false }]");
    assert!(said.contains("`close` can only be true"), "{said}");
}

#[test]
fn an_item_is_for_the_models_that_have_it() {
    let said = refused("models = ['fastcgi', 'scgi']\nreply = [{ end_request = {} }]");
    assert!(said.contains("`end_request` is not for scgi"), "{said}");
    let said = refused("models = ['fastcgi']\nreply = [{ exit = 3 }]");
    assert!(said.contains("`exit` is not for fastcgi"), "{said}");
}

#[test]
fn what_only_the_recorder_sees_needs_a_reply() {
    let said = refused("expect.received.connections = 1");
    assert!(said.contains("without a `reply`"), "{said}");
    let said = refused("expect.next_request.reply = [{ cgi = 'x' }]");
    assert!(said.contains("needs a `reply` to the first"), "{said}");
}

#[test]
fn a_probe_has_no_place_beside_a_reply() {
    let said = refused("probe.body = 'x'\nreply = [{ report = true }]");
    assert!(said.contains("no probe is behind a gateway"), "{said}");
}

#[test]
fn cgi_output_is_carried_as_the_model_carries_it() {
    let item = r#"{ cgi = "Status: 404 Gone\r\nA: 1\r\n\r\nno" }"#;
    insta::assert_snapshot!(written(Model::Scgi, item), @r"Status: 404 Gone\r\nA: 1\r\n\r\nno");
    insta::assert_snapshot!(written(Model::Uwsgi, item), @r"HTTP/1.1 404 Gone\r\nA: 1\r\n\r\nno");
    insta::assert_snapshot!(written(Model::Http, item), @r"HTTP/1.1 404 Gone\r\nA: 1\r\nContent-Length: 2\r\n\r\nno");
    insta::assert_snapshot!(written(Model::FastCgi, "{ cgi = 'x' }"), @r"\x01\x06\x00\x01\x00\x01\x00\x00x\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
}

#[test]
fn output_that_is_no_cgi_reply_goes_as_it_is() {
    assert_eq!(output_of(b"no head", &answering(Model::Http)), b"no head");
}

#[test]
fn a_head_request_has_a_reply_without_body() {
    let to = Answering {
        is_head: true,
        ..answering(Model::Http)
    };
    let reply = output_of(b"A: 1\n\nbody", &to);
    assert!(reply.ends_with(b"Content-Length: 4\r\n\r\n"));
}

#[test]
fn streams_are_cut_into_records_with_padding_that_is_not_nul() {
    let records = written(
        Model::FastCgi,
        "{ stdout = 'ab', each = 1, padding = 2, id = 7 }",
    );
    insta::assert_snapshot!(records, @r"\x01\x06\x00\x07\x00\x01\x02\x00a\xaa\xaa\x01\x06\x00\x07\x00\x01\x02\x00b\xaa\xaa");
    insta::assert_snapshot!(written(Model::FastCgi, "{ stderr = '' }"), @r"\x01\x07\x00\x01\x00\x00\x00\x00");
}

#[test]
fn a_record_may_lie() {
    let record = "{ record = { version = 2, type = 'STDOUT', content = 'a', length = 9, padding = 1, reserved = 3 } }";
    insta::assert_snapshot!(written(Model::FastCgi, record), @r"\x02\x06\x00\x01\x00\t\x01\x03a\xaa");
    let end = "{ end_request = { protocol_status = 'overloaded', app_status = 258 } }";
    insta::assert_snapshot!(written(Model::FastCgi, end), @r"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x01\x02\x02\x00\x00\x00");
}

#[test]
fn pieces_have_a_size_and_a_time_between_them() {
    let scenario = scenario("reply = [{ text = 'ab', cut = 1, every = '2ms' }]");
    let item = &scenario.reply.as_ref().unwrap()[0];
    assert_eq!((item.cut, item.every), (Some(1), Duration::from_millis(2)));
    let said = refused("reply = [{ text = 'ab', every = '2ms' }]");
    assert!(said.contains("between the pieces of a `cut`"), "{said}");
}
