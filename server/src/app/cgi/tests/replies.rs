//! What a script answers, as the client or gateway gets it.

use super::*;

#[tokio::test]
async fn a_document_comes_with_its_status_and_fields() {
    let site = Site::with(&[(
        "a",
        "echo 'Status: 404 Gone fishing'; echo 'X-A: 1'; echo; echo hi",
    )]);
    let (_, recording) = site.ask(get("/cgi/a")).await;
    let head = recording.head().unwrap();
    assert_eq!(head.status, Some((404, "Gone fishing".into())));
    assert_eq!(head.field("x-a").unwrap(), "1");
    assert_eq!(recording.body(), b"hi\n");
}

#[tokio::test]
async fn error_text_comes_line_by_line_with_the_scripts_name() {
    let script = plain("echo one >&2; printf 'two\\nthree' >&2");
    let site = Site::with(&[("talk.sh", &script)]);
    let (_, recording) = site.ask(get("/cgi/talk.sh")).await;
    let text = String::from_utf8(recording.stderr()).unwrap();
    assert_eq!(text, "talk.sh: one\ntalk.sh: two\ntalk.sh: three\n");
}

#[tokio::test]
async fn much_error_text_does_not_block_the_reply() {
    let noise = "head -c 1000000 /dev/zero | tr '\\0' e >&2";
    let site = Site::with(&[("noisy", &format!("{noise}; {PLAIN} echo hi; {noise}"))]);
    let (served, recording) = site.ask(get("/cgi/noisy")).await;
    assert_eq!(served, Ok(()));
    assert_eq!(recording.body(), b"hi\n");
    let noise = recording
        .stderr()
        .iter()
        .filter(|&&byte| byte == b'e')
        .count();
    assert_eq!(noise, 2_000_000);
}

#[tokio::test]
async fn a_local_redirect_is_answered_by_its_target() {
    let site = Site::with(&[
        (
            "here",
            "echo 'Location: /cgi/there/x?a=b'; echo; echo ignored",
        ),
        (
            "there",
            &plain("echo \"$REQUEST_METHOD $PATH_INFO $QUERY_STRING [$CONTENT_LENGTH]\""),
        ),
    ]);
    let ask = || get("/cgi/here").body(Body::from_bytes("abc".into()));
    for protocol in [
        Protocol::Http,
        Protocol::FastCgi,
        Protocol::Scgi,
        Protocol::Uwsgi,
    ] {
        assert_eq!(site.text(ask().over(protocol)).await, "GET /x a=b []\n");
    }
}

#[tokio::test]
async fn a_local_redirect_to_elsewhere_is_left_to_the_gateway() {
    let site = Site::with(&[("here", "echo 'Location: /static/x'; echo")]);
    let (_, recording) = site.ask(get("/cgi/here").over(Protocol::FastCgi)).await;
    assert_eq!(recording.head().unwrap().location().unwrap(), "/static/x");
}

#[tokio::test]
async fn an_nph_scripts_output_goes_out_untouched_over_http() {
    let raw = "HTTP/1.1 299 Odd\r\nX-A: b\r\n\r\nbody";
    let site = Site::with(&[(
        "nph-raw",
        "printf 'HTTP/1.1 299 Odd\\r\\nX-A: b\\r\\n\\r\\nbody'",
    )]);
    let (_, recording) = site.ask(get("/cgi/nph-raw")).await;
    assert_eq!(recording.raw(), raw.as_bytes());
    let (_, recording) = site.ask(get("/cgi/nph-raw").over(Protocol::FastCgi)).await;
    assert_eq!(recording.head().unwrap().status, Some((299, "Odd".into())));
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn the_exit_status_is_told() {
    let site = Site::with(&[("three", &plain("exit 3"))]);
    let (mut reply, recording) = Reply::recorded();
    let ask = get("/cgi/three").over(Protocol::FastCgi);
    let request = Request {
        environ: ask.environ,
        body: ask.body,
        protocol: ask.protocol,
        http: None,
    };
    site.router().serve(request, &mut reply).await.unwrap();
    reply.end(crate::exchange::Ending::Complete);
    assert_eq!(recording.ended().map(|(_, status)| status), Some(3));
}
