use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use wire::http::Version;

use super::*;

const HTTP: Form = Form::Http(Asked {
    version: Version::Http11,
    head_only: false,
    keep: true,
    direct: false,
});

/// What the peer reads until the connection is closed.
fn said(form: Form) -> Vec<u8> {
    let (mut peer, socket) = UnixStream::pair().unwrap();
    let wire = Wire::new(socket.as_raw_fd(), true, true);
    assert!(WireWords { wire, form }.say(504, false));
    drop(socket);
    let mut read = Vec::new();
    peer.read_to_end(&mut read).unwrap();
    read
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn http_gets_a_whole_response() {
    assert_eq!(
        text(said(HTTP)),
        "HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 20\r\n\r\n504 Gateway Timeout\n"
    );
}

#[test]
fn http_without_a_gateway_learns_that_the_connection_closes() {
    let direct = Form::Http(Asked {
        version: Version::Http11,
        head_only: true,
        keep: true,
        direct: true,
    });
    let reply = text(said(direct));
    assert!(reply.contains("\r\nConnection: close\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n"), "HEAD has no body: {reply}");
}

#[test]
fn scgi_gets_a_cgi_response() {
    let reply = text(said(Form::Cgi { head_only: false }));
    assert!(
        reply.starts_with("Status: 504 Gateway Timeout\r\n"),
        "{reply}"
    );
    assert!(reply.ends_with("\r\n\r\n504 Gateway Timeout\n"), "{reply}");
}

#[test]
fn fastcgi_gets_records_of_the_request() {
    let reply = said(Form::FastCgi {
        id: 7,
        head_only: false,
    });
    let (mut wire, mut kinds) = (BytesMut::from(reply.as_slice()), Vec::new());
    while let Some(record) = record::decode(&mut wire).unwrap() {
        assert_eq!(record.request_id, 7);
        kinds.push((record.kind, record.content.is_empty()));
    }
    let expected = [
        (Kind::STDOUT, false),
        (Kind::STDOUT, true),
        (Kind::END_REQUEST, false),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn after_the_last_words_the_event_loop_says_nothing() {
    let (_peer, socket) = UnixStream::pair().unwrap();
    let wire = Wire::new(socket.as_raw_fd(), true, true);
    let words = WireWords {
        wire: Arc::clone(&wire),
        form: HTTP,
    };
    assert!(wire.write(|_| (Ok(()), true)).is_ok());
    assert!(words.say(504, false));
    assert!(wire.write(|_| panic!("it may not write")).is_err());
}

#[test]
fn a_reply_that_has_begun_ends_with_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    socket.write_all(b"part").unwrap();
    let mut part = [0; 4];
    peer.read_exact(&mut part).unwrap();
    let wire = Wire::new(socket.as_raw_fd(), true, true);
    assert!(!WireWords { wire, form: HTTP }.say(504, true));
    drop(socket);
    let ended = peer.read(&mut part).unwrap_err().kind();
    assert_eq!(ended, io::ErrorKind::ConnectionReset);
}

#[test]
fn nothing_is_said_behind_half_a_message_over_tls_or_on_a_closed_connection() {
    let (mut peer, socket) = UnixStream::pair().unwrap();
    peer.set_nonblocking(true).unwrap();
    let wire = Wire::new(socket.as_raw_fd(), true, true);
    assert!(wire.write(|_| (Ok(()), false)).is_ok());
    let form = Form::FastCgi {
        id: 1,
        head_only: false,
    };
    let words = WireWords { wire, form };
    assert!(!words.say(504, false));
    let encrypted = Wire::new(socket.as_raw_fd(), true, false);
    assert!(
        !WireWords {
            wire: encrypted,
            form
        }
        .say(504, false)
    );
    let closed = Wire::new(socket.as_raw_fd(), true, true);
    closed.close();
    assert!(!WireWords { wire: closed, form }.say(504, false));
    let nothing = peer.read(&mut [0]).unwrap_err().kind();
    assert_eq!(nothing, io::ErrorKind::WouldBlock);
}
