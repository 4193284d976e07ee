//! The gateway against upstreams that misbehave on purpose.

use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::exchange::{HttpFacts, Protocol, Recording};
use crate::options::Scripts;
use crate::socket::Address;

/// An upstream that reads one request and answers with the given bytes.
struct Double {
    folder: TempDir,
    listener: UnixListener,
}

/// What the upstream does once it has answered.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Stay,
}

impl Double {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        Self { folder, listener }
    }

    fn app(&self, protocol: Protocol) -> ForwardApp {
        let address = Address::Unix(self.folder.path().join("socket"));
        ForwardApp::new(Upstream {
            prefix: String::new(),
            protocol,
            address,
            keepalive: 0,
            scripts: Scripts {
                root: None,
                index: "index.php".to_owned(),
            },
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(20),
        })
    }

    /// Reads until the request holds `end`, answers, and gives what it read.
    async fn answer(&self, end: &[u8], reply: &[u8], then: Then) -> Vec<u8> {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let seen = read_to(&mut stream, end).await;
        stream.write_all(reply).await.unwrap();
        if then == Then::Stay {
            // Until the gateway has enough.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        seen
    }
}

async fn read_to(stream: &mut UnixStream, end: &[u8]) -> Vec<u8> {
    let mut seen = BytesMut::new();
    while !seen.ends_with(end) {
        assert_ne!(
            stream.read_buf(&mut seen).await.unwrap(),
            0,
            "cut off: {seen:?}"
        );
    }
    seen.to_vec()
}

fn request(method: &'static str, body: Body) -> Request {
    let mut environ = Environ::new();
    environ.push("REQUEST_METHOD", method);
    environ.push("PATH_INFO", "/");
    let http = Some(HttpFacts {
        target: "/".into(),
        version: wire::http::Version::Http11,
    });
    Request {
        environ,
        body,
        protocol: Protocol::Http,
        http,
    }
}

/// Asks once; the upstream answers these bytes.
async fn ask(
    protocol: Protocol,
    method: &'static str,
    reply: &[u8],
    then: Then,
) -> (Result<(), AppError>, Recording) {
    let upstream = Double::new();
    let app = upstream.app(protocol);
    let (mut sent, recording) = Reply::recorded();
    let end: &[u8] = match protocol {
        Protocol::Scgi => b"\0,",
        Protocol::FastCgi => b"\x01\x05\0\x01\0\0\0\0",
        _ => b"/",
    };
    let (served, _) = tokio::join!(
        app.serve(request(method, Body::empty()), &mut sent),
        upstream.answer(end, reply, then)
    );
    (served, recording)
}

/// Status and log text where the upstream answers these bytes and closes.
async fn error(protocol: Protocol, reply: &[u8]) -> (u16, String) {
    let (served, recording) = ask(protocol, "GET", reply, Then::Close).await;
    assert!(recording.head().is_none());
    let error = served.unwrap_err();
    (
        error.status,
        error.log.split_once("socket: ").unwrap().1.into(),
    )
}

const END: &[u8] = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";

/// A FastCGI record of at most 255 bytes.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[1, kind, 0, 1, 0, length, 0, 0], content].concat()
}

#[tokio::test]
async fn a_uwsgi_reply_is_http_and_ends_with_the_connection() {
    let reply = b"HTTP/1.1 404 Gone fishing\r\nX-A: b\r\nConnection: close\r\n\r\nbody";
    let (served, recording) = ask(Protocol::Uwsgi, "GET", reply, Then::Close).await;
    assert_eq!(served, Ok(()));
    let head = recording.head().unwrap();
    assert_eq!(head.status, Some((404, "Gone fishing".into())));
    assert_eq!(head.fields.len(), 1, "hop-by-hop fields stay behind");
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn interim_replies_are_skipped() {
    let reply =
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
    let (served, recording) = ask(Protocol::Uwsgi, "GET", reply, Then::Close).await;
    assert_eq!(served, Ok(()));
    assert_eq!(recording.head().unwrap().status, Some((200, "OK".into())));
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn a_reply_in_chunks_is_taken_apart_and_needs_no_close() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n";
    let whole = format!("{head}3\r\none\r\n3;x=y\r\ntwo\r\n0\r\n\r\n");
    let (served, recording) = ask(Protocol::Uwsgi, "GET", whole.as_bytes(), Then::Stay).await;
    assert_eq!(served, Ok(()));
    assert_eq!(recording.body(), b"onetwo");
    assert_eq!(recording.head().unwrap().field("content-length"), None);
    let (served, _) = ask(Protocol::Uwsgi, "HEAD", head.as_bytes(), Then::Stay).await;
    assert_eq!(served, Ok(()));
    let cut = format!("{head}3\r\none\r\n");
    let (served, _) = ask(Protocol::Uwsgi, "GET", cut.as_bytes(), Then::Close).await;
    let log = served.unwrap_err().log;
    assert!(
        log.ends_with("it ended its reply before the last chunk"),
        "{log}"
    );
}

#[tokio::test]
async fn a_reply_of_known_length_needs_no_close() {
    let reply = b"Status: 200 OK\nContent-Length: 4\n\nbody";
    let (served, recording) = ask(Protocol::Scgi, "GET", reply, Then::Stay).await;
    assert_eq!(served, Ok(()));
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn a_reply_to_head_needs_no_body() {
    let reply = b"Status: 200 OK\nContent-Length: 4\n\n";
    let (served, recording) = ask(Protocol::Scgi, "HEAD", reply, Then::Stay).await;
    assert_eq!(served, Ok(()));
    assert_eq!(
        recording.head().unwrap().field("content-length").unwrap(),
        "4"
    );
}

#[tokio::test]
async fn fastcgi_output_and_error_text_are_told_apart() {
    let records = [
        record(7, b"warn"),
        record(6, b"Content-Type: text/plain\r\n"),
        record(7, b"ing\nmore"),
        record(6, b"\r\nbo"),
        record(6, b"dy"),
        record(6, b""),
        END.to_vec(),
    ];
    let (served, recording) = ask(Protocol::FastCgi, "GET", &records.concat(), Then::Stay).await;
    assert_eq!(served, Ok(()));
    assert_eq!(recording.body(), b"body");
    let text = String::from_utf8(recording.stderr()).unwrap();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split_once("socket: ").unwrap().1)
        .collect();
    assert_eq!(lines, ["warning", "more"]);
}

#[tokio::test]
async fn a_body_is_sent_after_its_announcement() {
    let upstream = Double::new();
    let app = upstream.app(Protocol::Scgi);
    let (mut reply, recording) = Reply::recorded();
    let body = Body::from_bytes("hello".into());
    let (served, seen) = tokio::join!(
        app.serve(request("POST", body), &mut reply),
        upstream.answer(b"hello", b"Content-Type: a/b\n\nhi", Then::Close)
    );
    assert_eq!(served, Ok(()));
    assert!(seen.windows(17).any(|at| at == b"CONTENT_LENGTH\x005\0"));
    assert_eq!(recording.body(), b"hi");
}

#[tokio::test]
async fn a_body_and_its_echo_may_be_larger_than_all_buffers() {
    let upstream = Double::new();
    let app = upstream.app(Protocol::Uwsgi);
    let bytes: Bytes = (0..4_000_000).map(|at| (at % 251) as u8).collect();
    let (mut reply, recording) = Reply::recorded();
    let echo = async {
        let (stream, _) = upstream.listener.accept().await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let mut head = vec![0; 4];
        reader.read_exact(&mut head).await.unwrap();
        let mut block = vec![0; usize::from(head[1]) + usize::from(head[2]) * 256];
        reader.read_exact(&mut block).await.unwrap();
        writer.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
        let mut body = reader.take(4_000_000);
        tokio::io::copy(&mut body, &mut writer).await.unwrap();
    };
    let body = Body::from_bytes(bytes.clone());
    let (served, ()) = tokio::join!(app.serve(request("POST", body), &mut reply), echo);
    assert_eq!(served, Ok(()));
    assert!(recording.body() == bytes, "the echo differs");
}

#[tokio::test]
async fn an_early_reply_comes_through() {
    let upstream = Double::new();
    let app = upstream.app(Protocol::Uwsgi);
    let (mut reply, recording) = Reply::recorded();
    let body = Body::from_bytes(vec![0; 4_000_000].into());
    let early = async {
        let (mut stream, _) = upstream.listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap();
        stream
    };
    let (served, _stream) = tokio::join!(app.serve(request("POST", body), &mut reply), early);
    assert_eq!(served, Ok(()));
    assert_eq!(recording.head().unwrap().status.unwrap().0, 413);
}

#[tokio::test]
async fn a_local_redirect_is_asked_for() {
    for protocol in [Protocol::Scgi, Protocol::Uwsgi] {
        let upstream = Double::new();
        let app = upstream.app(protocol);
        let (mut reply, recording) = Reply::recorded();
        let end: &[u8] = if protocol == Protocol::Scgi {
            b"\0,"
        } else {
            b"/"
        };
        let (served, _) = tokio::join!(
            app.serve(request("GET", Body::empty()), &mut reply),
            upstream.answer(end, b"Location: /next?a\n\n", Then::Close)
        );
        assert_eq!(served, Ok(()));
        assert!(recording.head().is_none());
        assert_eq!(reply.take_redirect().unwrap().path(), "/next");
    }
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_no_reply() {
    for (protocol, reply, log) in [
        (
            Protocol::Uwsgi,
            &b""[..],
            "it ended its reply before the end of the response head, after 0 bytes",
        ),
        (
            Protocol::Scgi,
            b"Status: 200",
            "it ended its reply before the end of the response head, after 11 bytes",
        ),
        (
            Protocol::FastCgi,
            b"",
            "it closed the connection in the middle of its reply",
        ),
        (
            Protocol::FastCgi,
            b"\x02\x06\0\x01\0\0\0\0",
            "it sent a malformed record: protocol version 2, expected 1",
        ),
        (
            Protocol::FastCgi,
            END,
            "it ended its reply before the end of the response head, after 0 bytes",
        ),
    ] {
        assert_eq!(error(protocol, reply).await, (502, log.into()));
    }
}

#[tokio::test]
async fn a_refused_request_is_502_or_503() {
    for (protocol_status, status) in [(1, 502), (2, 503), (3, 502), (77, 502)] {
        let end = record(3, &[0, 0, 0, 0, protocol_status, 0, 0, 0]);
        assert_eq!(
            error(Protocol::FastCgi, &end).await.0,
            status,
            "{protocol_status}"
        );
    }
}

#[tokio::test]
async fn a_malformed_head_is_the_upstreams_fault() {
    for head in [&b"no colon\n\n"[..], b"Status: abc\n\n", b"\n\nbody"] {
        assert_eq!(error(Protocol::Scgi, head).await.0, 502);
    }
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_seen_as_cut() {
    let reply = b"Status: 200 OK\nContent-Length: 9\n\nbody";
    let (served, recording) = ask(Protocol::Scgi, "GET", reply, Then::Close).await;
    let log = served.unwrap_err().log;
    assert!(
        log.ends_with("it ended its reply 5 bytes before the Content-Length that it announced")
    );
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn records_that_break_off_are_seen_as_cut() {
    let reply = record(6, b"Content-Type: a/b\n\nbody");
    let (served, recording) = ask(Protocol::FastCgi, "GET", &reply, Then::Close).await;
    assert!(served.is_err());
    assert_eq!(recording.body(), b"body");
}

#[tokio::test]
async fn nobody_there_is_502() {
    let mut app = Double::new().app(Protocol::Uwsgi);
    app.upstream.address = Address::Unix("/nonexistent/socket".into());
    let (mut reply, _recording) = Reply::recorded();
    let error = app
        .serve(request("GET", Body::empty()), &mut reply)
        .await
        .unwrap_err();
    assert_eq!(error.status, 502);
    let expected =
        "upstream /nonexistent/socket: cannot connect: No such file or directory (os error 2)";
    assert_eq!(error.log, expected);
}

#[tokio::test]
async fn a_silent_upstream_is_504() {
    let upstream = Double::new();
    let mut app = upstream.app(Protocol::Uwsgi);
    app.upstream.timeout = Duration::from_millis(20);
    let (mut reply, _recording) = Reply::recorded();
    let error = app
        .serve(request("GET", Body::empty()), &mut reply)
        .await
        .unwrap_err();
    assert_eq!(error.status, 504);
}

#[tokio::test]
async fn a_client_that_goes_away_closes_the_connection() {
    let upstream = Double::new();
    let app = upstream.app(Protocol::Uwsgi);
    let (mut reply, recording) = Reply::recorded();
    let watch = async {
        let (mut stream, _) = upstream.listener.accept().await.unwrap();
        read_to(&mut stream, b"/").await;
        recording.hang_up();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let (served, ()) = tokio::join!(
        async { app.serve(request("GET", Body::empty()), &mut reply).await },
        watch
    );
    assert_eq!(served, Err(ReplyError::ClientGone.into()));
}

#[tokio::test]
async fn variables_beyond_a_packet_are_431() {
    let upstream = Double::new();
    let app = upstream.app(Protocol::Uwsgi);
    let mut request = request("GET", Body::empty());
    request.environ.push("HTTP_COOKIE", vec![b'x'; 70_000]);
    let (mut reply, _recording) = Reply::recorded();
    assert_eq!(
        app.serve(request, &mut reply).await.unwrap_err().status,
        431
    );
}
