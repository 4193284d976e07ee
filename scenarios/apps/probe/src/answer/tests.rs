//! Heads and payloads of plans.

use super::*;

fn cgi(header: &str) -> String {
    let plan = Plan::parse(header.as_bytes()).unwrap();
    let answer = plan.answer(Interface::Cgi, b"GET", &Report::default());
    String::from_utf8(answer.head.unwrap().to_cgi()).unwrap()
}

fn over(interface: Interface, header: &str) -> Answer {
    Plan::parse(header.as_bytes())
        .unwrap()
        .answer(interface, b"GET", &Report::default())
}

#[test]
fn a_text_is_plain_and_has_its_length() {
    assert_eq!(
        cgi("body=hello"),
        "Content-Type: text/plain\nContent-Length: 5\n\n"
    );
}

#[test]
fn fields_follow_in_order_and_repeated() {
    assert_eq!(
        cgi("status=201 Created; body=; header=X-A: 1; header=Set-Cookie: a; header=Set-Cookie: b"),
        "Status: 201 Created\nContent-Type: text/plain\nContent-Length: 0\n\
         X-A: 1\nSet-Cookie: a\nSet-Cookie: b\n\n"
    );
}

#[test]
fn a_given_type_and_length_are_not_doubled() {
    assert_eq!(
        cgi("body=x; header=content-type: a/b; header=CONTENT-LENGTH: 9"),
        "content-type: a/b\nCONTENT-LENGTH: 9\n\n"
    );
}

#[test]
fn length_follows_its_command() {
    assert!(!cgi("body=x; length=no").contains("Content-Length"));
    assert!(!cgi("size=10; chunks=2").contains("Content-Length"));
    assert!(cgi("size=10; chunks=2; length=yes").contains("Content-Length: 10\n"));
    assert!(cgi("body=x; length=77").contains("Content-Length: 77\n"));
    assert!(!cgi("echo; length=yes").contains("Content-Length"));
}

#[test]
fn head_has_the_head_of_get_and_no_body() {
    let plan = Plan::parse(b"size=10").unwrap();
    let get = plan.answer(Interface::Cgi, b"GET", &Report::default());
    let head = plan.answer(Interface::Cgi, b"HEAD", &Report::default());
    assert_eq!(head.head, get.head);
    assert_eq!(head.payload, Payload::Bytes(Vec::new()));
}

#[test]
fn a_status_without_body_has_no_report() {
    assert_eq!(cgi("status=204 No Content"), "Status: 204 No Content\n\n");
    assert_eq!(
        over(Interface::Http, "status=304").payload,
        Payload::Bytes(Vec::new())
    );
}

#[test]
fn a_body_given_with_204_is_sent() {
    let answer = over(Interface::Cgi, "status=204; body=x");
    assert_eq!(answer.payload, Payload::Bytes(b"x".to_vec()));
}

#[test]
fn a_location_stands_alone_over_cgi_and_is_302_elsewhere() {
    assert_eq!(
        cgi("location=/next?a; header=X-A: b"),
        "Location: /next?a\n\n"
    );
    let head = over(Interface::Uwsgi, "location=/next").head.unwrap();
    assert_eq!(head.to_cgi(), b"Status: 302 Found\nLocation: /next\n\n");
}

#[test]
fn the_target_of_a_location_answers_with_the_report() {
    let plan = Plan::parse(b"location=/next?a=b").unwrap();
    let at = |query: &[u8]| {
        let report = Report::new(Interface::Cgi, [(&b"QUERY_STRING"[..], query)]);
        plan.answer(Interface::Cgi, b"GET", &report).payload
    };
    assert_ne!(at(b"a=b"), Payload::Bytes(Vec::new()));
    assert_eq!(at(b"a=c"), Payload::Bytes(Vec::new()));
}

#[test]
fn raw_needs_cgi_output() {
    assert_eq!(over(Interface::Scgi, "raw=x").head, None);
    let refused = over(Interface::Wsgi, "raw=x");
    assert_eq!(refused.head.unwrap().status.unwrap().code, 501);
    let body = br#"{"probe":1,"error":"raw needs a CGI interface"}"#;
    assert_eq!(refused.payload, Payload::Bytes(body.to_vec()));
}

#[test]
fn an_unknown_command_is_refused_with_400() {
    let refusal = Answer::refusal(b"GET", &Unknown::Command("co\"lour".into()));
    assert_eq!(refusal.head.unwrap().status.unwrap().code, 400);
    let body = br#"{"probe":1,"error":"unknown probe command: co\"lour"}"#;
    assert_eq!(refusal.payload, Payload::Bytes(body.to_vec()));
}
