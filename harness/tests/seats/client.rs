//! The HTTP client: what it makes of replies, whole and byte by byte, and what it sends.

use std::{future::Future, net::SocketAddr, time::Duration};

use gatebench::{
    scenario::{Action, Script},
    seats::{ConnectError, client::Client},
    transcript::Log,
    witness::{ClientView, Connection},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server for one connection.
async fn serve<F, Served>(serve: F) -> SocketAddr
where
    F: FnOnce(TcpStream) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    address
}

/// A server that takes the connection and never says a word.
async fn silent() -> SocketAddr {
    serve(|held| async move {
        std::future::pending::<()>().await;
        drop(held);
    })
    .await
}

async fn connect(to: SocketAddr) -> Client {
    Client::connect(to, Log::default(), 0).await.unwrap()
}

fn script(actions: Vec<Action>) -> Script {
    Script {
        method: "GET".to_owned(),
        actions,
        within: Duration::from_secs(5),
    }
}

fn send(octets: &[u8]) -> Action {
    Action::Send(octets.to_vec())
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

/// What happens behind the last octet of a reply.
#[derive(Clone, Copy)]
enum Then {
    Holds,
    Closes,
}

/// Plays a request whose reply comes in writes of `size` octets.
async fn view(method: &str, reply: &'static [u8], size: usize, then: Then) -> ClientView {
    let address = serve(move |mut stream| async move {
        stream.set_nodelay(true).unwrap();
        head(&mut stream).await;
        for piece in reply.chunks(size) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        if let Then::Holds = then {
            std::future::pending::<()>().await;
        }
    })
    .await;
    let script = Script {
        method: method.to_owned(),
        ..script(vec![send(GET)])
    };
    ClientView {
        // A moment is never the same twice.
        first_byte: None,
        ..connect(address).await.play(&script).await
    }
}

/// What the client sees of `reply`, which is the same however it is cut.
async fn seen(method: &str, reply: &'static [u8], then: Then) -> ClientView {
    let whole = view(method, reply, reply.len(), then).await;
    assert_eq!(view(method, reply, 1, then).await, whole, "byte by byte");
    whole
}

fn body(view: &ClientView) -> &[u8] {
    assert_eq!(view.body.size, view.body.kept.len() as u64);
    &view.body.kept
}

#[tokio::test]
async fn a_counted_reply_leaves_the_connection_open() {
    let view = seen("GET", OK, Then::Holds).await;
    assert_eq!((view.status, view.reason.as_str()), (Some(200), "OK"));
    assert_eq!(body(&view), b"ok");
    assert_eq!(view.connection, Connection::Open);
    assert_eq!(view.malformed, None);
    let digest = "2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df";
    assert_eq!(view.body.sha256, digest);
}

#[tokio::test]
async fn chunks_are_joined() {
    let reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n";
    let view = seen("GET", reply, Then::Holds).await;
    assert_eq!(body(&view), b"food");
    assert_eq!(view.connection, Connection::Open);
}

#[tokio::test]
async fn without_a_length_the_end_of_the_connection_is_the_end() {
    let view = seen("GET", b"HTTP/1.1 200 OK\r\n\r\nall of it", Then::Closes).await;
    assert_eq!(body(&view), b"all of it");
    assert_eq!(view.connection, Connection::Closed);
}

#[tokio::test]
async fn interim_responses_stand_apart() {
    let reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let view = seen("GET", reply, Then::Holds).await;
    assert_eq!(view.interim, [100, 103]);
    assert_eq!((view.status, view.header("link")), (Some(204), None));
}

#[tokio::test]
async fn the_length_of_a_reply_to_head_announces_nothing() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let view = seen("HEAD", reply, Then::Holds).await;
    assert_eq!((view.body.size, view.connection), (0, Connection::Open));
}

#[tokio::test]
async fn a_reply_that_ends_early_is_cut() {
    let replies: [&'static [u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
    ];
    for reply in replies {
        let view = seen("GET", reply, Then::Closes).await;
        assert_eq!(view.connection, Connection::Cut);
        assert_eq!(view.malformed, None);
    }
}

#[tokio::test]
async fn octets_behind_the_end_are_malformed_though_the_connection_closes() {
    let reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok and more";
    let view = seen("GET", reply, Then::Closes).await;
    assert_eq!(body(&view), b"ok");
    assert_eq!(view.connection, Connection::Closed);
    let flaw = "9 octets after the end of the message";
    assert_eq!(view.malformed.as_deref(), Some(flaw));
}

#[tokio::test]
async fn octets_behind_the_end_of_a_kept_connection_are_malformed() {
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!";
    let view = view("GET", whole, whole.len(), Then::Holds).await;
    let flaw = "1 octets after the end of the message";
    assert_eq!(view.malformed.as_deref(), Some(flaw));
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    let view = seen(
        "GET",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        Then::Closes,
    )
    .await;
    assert_eq!(view.status, None);
    assert!(view.malformed.is_some());
}

#[tokio::test]
async fn a_reply_that_does_not_come_stalls() {
    let mut client = connect(silent().await).await;
    let soon = Script {
        within: Duration::from_millis(50),
        ..script(vec![send(GET)])
    };
    let view = client.play(&soon).await;
    assert_eq!((view.status, view.connection), (None, Connection::Stalled));
    assert!(!client.reusable(&view));
}

#[tokio::test]
async fn nobody_who_listens_is_a_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = Client::connect(address, Log::default(), 0).await.err();
    assert!(
        matches!(refused, Some(ConnectError::Refused(_))),
        "{refused:?}"
    );
}

/// More than any socket's buffers hold.
const LARGE: u64 = 32 << 20;

#[tokio::test]
async fn an_early_reply_does_not_end_the_sending() {
    let address = serve(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        let mut body = (&mut stream).take(LARGE);
        tokio::io::copy(&mut body, &mut tokio::io::sink())
            .await
            .unwrap();
        head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut client = connect(address).await;
    let pattern = Action::SendPattern {
        size: LARGE,
        chunked: false,
    };
    let view = client.play(&script(vec![send(GET), pattern])).await;
    assert_eq!(
        (view.status, view.connection),
        (Some(200), Connection::Open)
    );
    assert!(client.reusable(&view), "all was sent");
    let next = client.play(&script(vec![send(GET)])).await;
    assert_eq!(next.status, Some(200));
}

#[tokio::test]
async fn a_server_that_hangs_up_on_a_body_leaves_its_reply() {
    let address = serve(|mut stream| async move {
        head(&mut stream).await;
        let reply = b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(reply).await.unwrap();
        stream.shutdown().await.unwrap();
        // Unread octets would reset the connection before the reply is read.
        tokio::io::copy(&mut stream, &mut tokio::io::sink())
            .await
            .ok();
    })
    .await;
    let mut client = connect(address).await;
    let pattern = Action::SendPattern {
        size: LARGE,
        chunked: false,
    };
    let view = client.play(&script(vec![send(GET), pattern])).await;
    assert_eq!(
        (view.status, view.connection),
        (Some(413), Connection::Closed)
    );
    assert!(!client.reusable(&view));
}

#[tokio::test]
async fn the_body_waits_for_the_word_to_continue() {
    let address = serve(|mut stream| async move {
        head(&mut stream).await;
        let early = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(early.is_err(), "nothing was sent ahead of the word");
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'b');
        stream.write_all(OK).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let actions = vec![send(GET), Action::AwaitContinue, send(b"b")];
    let view = connect(address).await.play(&script(actions)).await;
    assert_eq!((view.interim, view.status), (vec![100], Some(200)));
}

#[tokio::test]
async fn a_half_close_ends_the_sending_and_not_the_reading() {
    let address = serve(|mut stream| async move {
        let mut request = Vec::new();
        stream.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, GET);
        stream.write_all(OK).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut client = connect(address).await;
    let view = client
        .play(&script(vec![send(GET), Action::HalfClose]))
        .await;
    assert_eq!(view.status, Some(200));
    assert!(!client.reusable(&view), "nothing can be sent any more");
}

#[tokio::test]
async fn a_close_waits_for_nothing() {
    let actions = vec![send(GET), Action::Close];
    let view = connect(silent().await).await.play(&script(actions)).await;
    assert_eq!((view.status, view.connection), (None, Connection::Closed));
}
