//! What is understood of each protocol, whole and octet by octet.

use super::{super::stage::Taken, of};
use crate::{model::Model, witness::recorded::Asked};

/// What was taken, however it was cut; with it why not, where it could not be understood.
#[track_caller]
fn taken(model: Model, wire: &[u8]) -> (Vec<Asked>, Option<String>) {
    let in_pieces = |size: usize| {
        let (mut decoder, mut taken) = (of(model), Taken::default());
        let fed = wire
            .chunks(size)
            .try_for_each(|piece| decoder.feed(piece, &mut taken));
        let count = taken.line.requests.len();
        let mut requests: Vec<Asked> = (0..count).map(|request| taken.view(request)).collect();
        for record in requests.iter_mut().flat_map(|asked| &mut asked.records) {
            record.at = std::time::Duration::ZERO;
        }
        (requests, fed.err())
    };
    let whole = in_pieces(wire.len());
    assert_eq!(in_pieces(1), whole, "in single octets");
    whole
}

fn params(asked: &Asked) -> Vec<(&str, &str)> {
    let params = asked.params.iter();
    params.map(|param| (&*param.name, &*param.value)).collect()
}

const BEGIN: &[u8] = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0";

#[test]
fn a_fastcgi_request_is_told_record_by_record() {
    let rest = b"\x01\x04\0\x01\0\x0a\x01\x09\x01\x01A1\x80\0\0\x01\0B\xff\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x02\0\0hi\x01\x05\0\x01\0\0\0\0";
    let (requests, flaw) = taken(Model::FastCgi, &[BEGIN, rest].concat());
    assert_eq!(flaw, None);
    let [asked] = &requests[..] else {
        panic!("{} requests", requests.len())
    };
    assert_eq!(params(asked), [("A", "1"), ("B", "")]);
    let forms: Vec<_> = asked.params.iter().map(|param| param.forms).collect();
    assert_eq!(forms, [Some((1, 1)), Some((4, 1))]);
    assert_eq!(asked.body.kept, b"hi");
    assert!(asked.is_whole && asked.has_head && !asked.aborted);
    let lengths: Vec<u16> = asked.records.iter().map(|record| record.length).collect();
    assert_eq!(lengths, [8, 10, 0, 2, 0]);
    assert_eq!(asked.records[1].padding, 1);
}

#[test]
fn a_record_of_another_version_is_kept_as_it_came() {
    let mut odd = BEGIN.to_vec();
    (odd[0], odd[7]) = (9, 5);
    let (requests, flaw) = taken(Model::FastCgi, &odd);
    let record = &requests[0].records[0];
    assert_eq!((record.version, record.reserved, flaw), (9, 5, None));
}

#[test]
fn an_abort_is_seen_before_and_behind_the_end_of_the_body() {
    let abort = b"\x01\x02\0\x01\0\0\0\0";
    let end = b"\x01\x05\0\x01\0\0\0\0";
    for wire in [[BEGIN, abort].concat(), [BEGIN, end, abort].concat()] {
        let (requests, _) = taken(Model::FastCgi, &wire);
        assert!(requests[0].aborted);
    }
}

#[test]
fn a_pair_that_runs_past_its_stream_is_malformed() {
    let rest = b"\x01\x04\0\x01\0\x03\0\0\x05\x05A\x01\x04\0\x01\0\0\0\0";
    let (_, flaw) = taken(Model::FastCgi, &[BEGIN, rest].concat());
    assert!(flaw.is_some());
}

#[test]
fn a_uwsgi_packet_tells_its_header() {
    let wire = b"\x05\x13\0\x07\x0e\0CONTENT_LENGTH\x01\x002hi";
    let (requests, flaw) = taken(Model::Uwsgi, wire);
    let asked = &requests[0];
    let packet = asked.packet.unwrap();
    assert_eq!(
        (packet.modifier1, packet.size, packet.modifier2),
        (5, 19, 7)
    );
    assert!(packet.exact && asked.is_whole && flaw.is_none());
    assert_eq!(asked.body.kept, b"hi");
}

#[test]
fn vars_that_do_not_fill_their_block_are_told() {
    let (requests, flaw) = taken(Model::Uwsgi, b"\0\x07\0\0\x01\0A\x01\x001x");
    assert_eq!(requests[0].packet.map(|packet| packet.exact), Some(false));
    assert!(flaw.is_some());
}

#[test]
fn a_netstring_is_taken_as_it_is_spelled() {
    let (requests, flaw) = taken(Model::Scgi, b"024:CONTENT_LENGTH\x002\0SCGI\x001\0;hi");
    let asked = &requests[0];
    let netstring = asked.netstring.clone().unwrap();
    assert_eq!((&*netstring.length, netstring.comma), ("024", false));
    assert_eq!(params(asked), [("CONTENT_LENGTH", "2"), ("SCGI", "1")]);
    assert_eq!(flaw, None);
}

#[test]
fn what_is_no_netstring_is_malformed() {
    let (_, flaw) = taken(Model::Scgi, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let flaw = flaw.unwrap();
    assert!(flaw.starts_with("no netstring: its length is"), "{flaw}");
}

#[test]
fn http_requests_follow_each_other_on_a_connection() {
    let wire = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
    let (requests, flaw) = taken(Model::Http, wire);
    let lines: Vec<_> = requests.iter().map(|asked| asked.line.as_deref()).collect();
    assert_eq!(lines, [Some("POST /a HTTP/1.1"), Some("GET /b HTTP/1.0")]);
    assert_eq!(requests[0].body.kept, b"hi");
    assert!(requests.iter().all(|asked| asked.is_whole) && flaw.is_none());
}
