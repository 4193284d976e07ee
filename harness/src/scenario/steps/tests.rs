use super::*;
use crate::scenario::testing::{catalogue, levelled};

/// What is said of a scenario with these lines.
fn flaws(lines: &str) -> String {
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = 'recommended'\nsays = 'It holds.'\n\
         requirements = ['CGI-DF-HTTPOXY']\nfaults = ['gateway/httpoxy']\n{lines}"
    );
    catalogue("cgi/t.toml", &text).unwrap_err().to_string()
}

#[test]
fn a_scenario_with_steps_is_for_backends() {
    let scenario = levelled("recommended", "steps = [{ send = { request = {} } }]");
    assert_eq!(scenario.kind(), Kind::Backend);
    assert!(!scenario.uses_probe());
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let said = flaws("steps = [\n  { sent = { request = {} } },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:9: unknown key `sent`; did you mean `send`?");
    let said = flaws("steps = [\n  { send = { reqest = {} } },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:9: unknown key `reqest`; did you mean `request`?");
    let said = flaws("steps = [\n  { send = { request = { metod = 'GET' } } },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:9: unknown key `metod`; did you mean `method`?");
    let said = flaws("steps = [\n  { expect = { respons = {} } },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:9: unknown key `respons`; did you mean `response`?");
    let said =
        flaws("models = ['fastcgi']\nsteps = [\n  { send = { record = { type = 'STDINN' } } },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:10: unknown type `STDINN`; did you mean `STDIN`?");
}

#[test]
fn steps_of_one_protocol_need_its_model() {
    let said = flaws("steps = [{ send = { begin = {} } }]");
    insta::assert_snapshot!(said, @r#"cgi/t.toml:3: a step speaks FastCGI; write `models = ["fastcgi"]`"#);
    let said = flaws("models = ['cgi']\nsteps = [{ send = { packet = {} } }]");
    insta::assert_snapshot!(said, @r#"cgi/t.toml:3: a step speaks uwsgi; write `models = ["uwsgi"]`"#);
    let said = flaws("steps = [{ expect = { exit = 0 } }]");
    insta::assert_snapshot!(said, @r#"cgi/t.toml:3: a step speaks CGI; write `models = ["cgi"]`"#);
}

#[test]
fn a_step_does_one_thing() {
    let said = flaws("steps = [\n  { pause = '1s', close = true },\n]");
    insta::assert_snapshot!(said, @"cgi/t.toml:8: a step has exactly one of connect, send, pause, settle, half_close, close, reset, expect");
    let said = flaws("steps = [{ pause = '1s', within = '1s' }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:8: `within` is for `expect`");
    let said = flaws("steps = [{ send = { request = {}, hex = '00' } }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:8: `send` has exactly one of request, hex, text, size, begin, params, stdin, stdin_end, data, data_end, abort, get_values, record, packet, netstring");
    let said = flaws("steps = [{ send = { request = {}, id = 2 } }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:8: `id` beside it is for params, stdin and data; elsewhere it stands inside");
}

#[test]
fn a_connection_is_opened_before_it_is_used() {
    let said = flaws("steps = [{ close = true, on = 'b' }]");
    insta::assert_snapshot!(said, @r#"cgi/t.toml:3: connection `b` is not opened; write { connect = "b" } before"#);
    let said = flaws("steps = [{ connect = 'a' }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:3: connection `a` is opened twice");
}

#[test]
fn what_speaks_of_a_gateway_has_no_place_beside_steps() {
    let said = flaws("request.method = 'POST'\nsteps = [{ close = true }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:3: `request` speaks of a gateway; beside `steps`, say it by a step, on a connection of its own if need be");
    let said = flaws("one_of = [{ as = 'x', steps = [{ expect = { connection = 'open' } }] }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:3: an outcome has `steps` only where the scenario has");
    let said =
        flaws("steps = [{ close = true }]\none_of = [{ as = 'x', steps = [{ pause = '1s' }] }]");
    insta::assert_snapshot!(said, @"cgi/t.toml:3: the steps of an outcome are `expect`s; send before `one_of`");
}

#[test]
fn the_probe_is_used_by_who_commands_it_or_looks_at_its_answer() {
    let uses = |steps: &str| levelled("recommended", &format!("steps = [{steps}]")).uses_probe();
    assert!(uses("{ send = { request = { probe = { body = 'x' } } } }"));
    assert!(uses("{ expect = { response = { status = 200 } } }"));
    assert!(uses(
        "{ send = { text = \"GET / HTTP/1.1\\r\\nX-Probe: echo\\r\\n\\r\\n\" } }"
    ));
    assert!(!uses(
        "{ send = { hex = '00' } }, { expect = { connection = 'closed' } }"
    ));
    assert!(!uses(
        "{ send = { request = {} } }, { expect = { response = {} } }"
    ));
}
