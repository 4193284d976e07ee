//! A FastCGI request as a gateway sees it.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::fastcgi::state::{Client, ClientEvent};
use wire::fastcgi::{EndRequest, Kind, Malformed, ProtocolStatus, record};

use crate::support::{assert_decodes, refusal};

/// Decodes the output of request 1.
fn outputs() -> impl FnMut(&mut BytesMut) -> Result<Option<ClientEvent>, Malformed> {
    let mut client = Client::begin(1, true, &Environ::new(), &mut BytesMut::new());
    move |buf| client.receive(buf)
}

/// The records of an application server.
fn wire(records: &[(Kind, u16, &[u8])]) -> BytesMut {
    let mut wire = BytesMut::new();
    for (kind, id, content) in records {
        record::encode(*kind, *id, content, &mut wire);
    }
    wire
}

const COMPLETE: EndRequest = EndRequest {
    app_status: 938,
    protocol_status: ProtocolStatus::REQUEST_COMPLETE,
};

#[test]
fn a_request_goes_out_as_the_specification_writes_it() {
    let environ: Environ = [("SERVER_PORT", "80")].into_iter().collect();
    let mut wire = BytesMut::new();
    let client = Client::begin(1, true, &environ, &mut wire);
    client.stdin(b"", &mut wire);
    client.stdin(b"hello", &mut wire);
    client.stdin_end(&mut wire);
    client.abort(&mut wire);
    let expected: [&[u8]; 6] = [
        b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0",
        b"\x01\x04\0\x01\0\x0f\x01\0\x0b\x02SERVER_PORT80\0",
        b"\x01\x04\0\x01\0\0\0\0",
        b"\x01\x05\0\x01\0\x05\x03\0hello\0\0\0",
        b"\x01\x05\0\x01\0\0\0\0",
        b"\x01\x02\0\x01\0\0\0\0",
    ];
    assert_eq!(wire, expected.concat());
}

#[test]
fn output_ends_with_the_request() {
    let wire = wire(&[
        (Kind::STDERR, 1, b"warning"),
        (Kind::STDOUT, 1, b"Content-Type: text/plain\r\n\r\nok"),
        (Kind::STDERR, 1, b""),
        (Kind::STDOUT, 1, b""),
        (Kind::END_REQUEST, 1, &COMPLETE.encode()),
    ]);
    let expected = [
        ClientEvent::Stderr("warning".into()),
        ClientEvent::Stdout("Content-Type: text/plain\r\n\r\nok".into()),
        ClientEvent::StdoutEnd,
        ClientEvent::End(COMPLETE),
    ];
    assert_decodes(&wire, &expected, outputs);
}

#[test]
fn the_end_of_stdout_may_be_left_out() {
    let wire = wire(&[
        (Kind::STDOUT, 1, b"x"),
        (Kind::END_REQUEST, 1, &COMPLETE.encode()),
    ]);
    assert_decodes(
        &wire,
        &[ClientEvent::Stdout("x".into()), ClientEvent::End(COMPLETE)],
        outputs,
    );
}

#[test]
fn what_no_request_asked_for_is_skipped() {
    let wire = wire(&[
        (Kind::GET_VALUES_RESULT, 0, b""),
        (Kind::UNKNOWN_TYPE, 0, b"12345678"),
        (Kind(200), 1, b"x"),
        (Kind::STDOUT, 1, b"x"),
    ]);
    assert_decodes(&wire, &[ClientEvent::Stdout("x".into())], outputs);
}

#[test]
fn output_of_another_request_is_refused() {
    for id in [0, 2] {
        let error = refusal(&wire(&[(Kind::STDOUT, id, b"x")]), outputs);
        assert_eq!(
            error,
            Malformed::RequestId {
                expected: 1,
                seen: id
            }
        );
    }
}

#[test]
fn types_of_the_gateway_are_refused() {
    for kind in [
        Kind::BEGIN_REQUEST,
        Kind::PARAMS,
        Kind::STDIN,
        Kind::DATA,
        Kind::GET_VALUES,
    ] {
        assert_eq!(
            refusal(&wire(&[(kind, 1, b"x")]), outputs),
            Malformed::Direction(kind)
        );
    }
}

#[test]
fn stdout_after_its_end_is_refused() {
    let error = refusal(
        &wire(&[(Kind::STDOUT, 1, b""), (Kind::STDOUT, 1, b"x")]),
        outputs,
    );
    assert_eq!(error, Malformed::AfterEnd(Kind::STDOUT));
}

#[test]
fn an_end_of_another_length_is_refused() {
    let error = refusal(&wire(&[(Kind::END_REQUEST, 1, b"1234567")]), outputs);
    assert_eq!(
        error,
        Malformed::BodyLength {
            kind: Kind::END_REQUEST,
            len: 7
        }
    );
}

#[test]
fn what_follows_the_end_stays_in_the_buffer() {
    let end = wire(&[(Kind::END_REQUEST, 1, &COMPLETE.encode())]);
    let mut buf = BytesMut::from(&[&end[..], b"leftover"].concat()[..]);
    let mut receive = outputs();
    assert_eq!(receive(&mut buf), Ok(Some(ClientEvent::End(COMPLETE))));
    assert_eq!(receive(&mut buf), Ok(None));
    assert_eq!(buf, "leftover");
}
