//! uwsgi packets.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::uwsgi::{PacketHeader, TooBig, UwsgiError, decode_request, encode_request};

use crate::support::{assert_decodes, refusal};

fn packets() -> impl FnMut(&mut BytesMut) -> Result<Option<(PacketHeader, Environ)>, UwsgiError> {
    |buf| decode_request(buf, 4096)
}

/// The minimal request of the specification.
const GET: &[u8] = b"\x00\x23\x00\x00\x0e\x00REQUEST_METHOD\x03\x00GET\x09\x00PATH_INFO\x01\x00/";

fn get() -> (PacketHeader, Environ) {
    let header = PacketHeader {
        modifier1: 0,
        datasize: 35,
        modifier2: 0,
    };
    (
        header,
        [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")]
            .into_iter()
            .collect(),
    )
}

#[test]
fn variables_come_in_order() {
    assert_decodes(GET, &[get()], packets);
}

#[test]
fn the_body_stays_in_the_buffer() {
    let mut buf = BytesMut::from(&[GET, b"body"].concat()[..]);
    assert_eq!(decode_request(&mut buf, 4096), Ok(Some(get())));
    assert_eq!(buf, "body");
}

#[test]
fn a_value_may_be_empty_or_binary() {
    let wire = b"\x05\x0d\x00\x07\x01\x00A\x03\x00\xff\0\n\x01\x00B\x00\x00";
    let header = PacketHeader {
        modifier1: 5,
        datasize: 13,
        modifier2: 7,
    };
    let environ = [("A", &b"\xff\0\n"[..]), ("B", b"")].into_iter().collect();
    assert_decodes(wire, &[(header, environ)], packets);
}

#[test]
fn sizes_are_little_endian() {
    let header = PacketHeader {
        modifier1: 1,
        datasize: 0x0102,
        modifier2: 3,
    };
    assert_eq!(header.encode(), *b"\x01\x02\x01\x03");
    assert_eq!(PacketHeader::decode(b"\x01\x02\x01\x03rest"), Some(header));
    assert_eq!(PacketHeader::decode(b"\x01\x02\x01"), None);
}

#[test]
fn an_empty_block_is_an_empty_environment() {
    let header = PacketHeader {
        modifier1: 100,
        datasize: 0,
        modifier2: 0,
    };
    assert_decodes(b"\x64\x00\x00\x00", &[(header, Environ::new())], packets);
}

#[test]
fn sizes_beyond_the_block_are_refused() {
    for (block, at) in [
        (&b"\xff\xffAAAAAAAA"[..], 0),
        (b"\x01\x00A\x02\x00B", 0),
        (b"\x01\x00A\x01\x00B\x00", 6),
        (b"\x01\x00A\x01\x00B\x01\x00", 6),
        (b"\x01\x00A", 0),
        (b"\x01\x00A\x01", 0),
    ] {
        let wire = [&[0, block.len() as u8, 0, 0], block].concat();
        assert_eq!(
            refusal(&wire, packets),
            UwsgiError::Overrun(at),
            "{block:?}"
        );
    }
}

#[test]
fn an_empty_key_is_refused() {
    let wire = b"\x00\x0b\x00\x00\x01\x00A\x01\x00B\x00\x00\x01\x00x";
    assert_eq!(refusal(wire, packets), UwsgiError::EmptyKey(6));
}

#[test]
fn a_block_beyond_the_limit_is_refused_by_its_header() {
    let error = refusal(b"\x00\x01\x10\x00", packets);
    assert_eq!(
        error,
        UwsgiError::TooLarge {
            datasize: 4097,
            limit: 4096
        }
    );
}

#[test]
fn http_on_a_uwsgi_socket_is_told_apart() {
    for method in ["GET / HTTP/1.0\r\n", "POST /", "OPTIONS *", "HEAD"] {
        assert_eq!(refusal(method.as_bytes(), packets), UwsgiError::SpeaksHttp);
    }
}

#[test]
fn requests_encode_to_the_bytes_of_the_specification() {
    let mut wire = BytesMut::new();
    encode_request(&get().1, 0, 0, &mut wire).unwrap();
    assert_eq!(wire, GET);
}

#[test]
fn a_variable_without_a_name_is_left_out() {
    let environ: Environ = [("", "x"), ("A", "")].into_iter().collect();
    let mut wire = BytesMut::new();
    encode_request(&environ, 9, 8, &mut wire).unwrap();
    assert_eq!(wire, &b"\x09\x05\x00\x08\x01\x00A\x00\x00"[..]);
}

#[test]
fn a_block_that_no_packet_holds_is_refused_whole() {
    let sized = |len| -> Environ { [("A", "x".repeat(len))].into_iter().collect() };
    let mut wire = BytesMut::new();
    assert_eq!(
        encode_request(&sized(65531), 0, 0, &mut wire),
        Err(TooBig(65536))
    );
    assert!(wire.is_empty());
    assert_eq!(encode_request(&sized(65530), 0, 0, &mut wire), Ok(()));
    assert_eq!(&wire[..4], b"\x00\xff\xff\x00");
}
