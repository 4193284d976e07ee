//! A FastCGI connection as an application server sees it.

use bytes::BytesMut;
use wire::environ::Environ;
use wire::fastcgi::state::{AppEvent, Application, Limits, MAX_PARAMS, Refusal};
use wire::fastcgi::values::{Capacity, query};
use wire::fastcgi::{BeginRequest, Kind, Malformed, ProtocolStatus, params, record};

const LIMITS: Limits = Limits {
    params_bytes: 1000,
    capacity: Capacity {
        max_conns: 8,
        max_reqs: 2,
        mpxs: true,
    },
};

/// A script of records, written as a gateway sends them.
#[derive(Default)]
struct Wire(BytesMut);

impl Wire {
    fn record(mut self, kind: Kind, id: u16, content: &[u8]) -> Self {
        record::encode(kind, id, content, &mut self.0);
        self
    }

    fn begin(self, id: u16) -> Self {
        self.begin_as(id, BeginRequest::RESPONDER, BeginRequest::KEEP_CONN)
    }

    fn begin_as(self, id: u16, role: u16, flags: u8) -> Self {
        self.record(
            Kind::BEGIN_REQUEST,
            id,
            &BeginRequest { role, flags }.encode(),
        )
    }

    fn params(mut self, id: u16) -> Self {
        params::encode(id, &environ(), &mut self.0);
        self
    }
}

fn environ() -> Environ {
    [("REQUEST_METHOD", "GET"), ("QUERY_STRING", "")]
        .into_iter()
        .collect()
}

fn request(id: u16) -> AppEvent {
    AppEvent::Request {
        id,
        keep_conn: true,
        role: 1,
        environ: environ(),
    }
}

fn refused(id: u16, why: Refusal) -> AppEvent {
    AppEvent::Refused { id, why }
}

fn stdin(id: u16, data: &'static str) -> AppEvent {
    AppEvent::Stdin {
        id,
        data: data.into(),
    }
}

/// Feeds `wire` in reads of `read_size` and gives the events and the reply.
fn receive(
    application: &mut Application,
    wire: &[u8],
    read_size: usize,
) -> Result<(Vec<AppEvent>, BytesMut), Malformed> {
    let (mut buf, mut reply, mut events) = (BytesMut::new(), BytesMut::new(), Vec::new());
    for read in wire.chunks(read_size) {
        buf.extend_from_slice(read);
        while let Some(event) = application.receive(&mut buf, &mut reply)? {
            events.push(event);
        }
    }
    Ok((events, reply))
}

/// Asserts the events and the reply of `wire` on a fresh connection, read whole and singly.
#[track_caller]
fn assert_received(wire: Wire, events: &[AppEvent], reply: &[u8]) {
    for read_size in [wire.0.len(), 1] {
        let mut application = Application::new(LIMITS);
        let seen = receive(&mut application, &wire.0, read_size).unwrap();
        assert_eq!(
            seen,
            (events.to_vec(), BytesMut::from(reply)),
            "in reads of {read_size} bytes"
        );
    }
}

#[track_caller]
fn assert_refused(wire: Wire, expected: Malformed) {
    let received = receive(&mut Application::new(LIMITS), &wire.0, wire.0.len());
    assert_eq!(received, Err(expected));
}

fn end(id: u8, status: ProtocolStatus) -> [u8; 16] {
    [1, 3, 0, id, 0, 8, 0, 0, 0, 0, 0, 0, status.0, 0, 0, 0]
}

#[test]
fn a_request_comes_with_its_parameters_then_its_body() {
    assert_received(
        Wire::default()
            .begin(1)
            .params(1)
            .record(Kind::STDIN, 1, b"ab")
            .record(Kind::STDIN, 1, b""),
        &[request(1), stdin(1, "ab"), AppEvent::StdinEnd { id: 1 }],
        b"",
    );
}

#[test]
fn parameters_may_be_cut_anywhere() {
    let mut wire = Wire::default().begin(1);
    for byte in b"\x0e\x03REQUEST_METHODGET\x0c\x00QUERY_STRING" {
        wire = wire.record(Kind::PARAMS, 1, &[*byte]);
    }
    assert_received(wire.record(Kind::PARAMS, 1, b""), &[request(1)], b"");
}

#[test]
fn interleaved_requests_are_told_apart() {
    assert_received(
        Wire::default()
            .begin(1)
            .begin(2)
            .params(2)
            .params(1)
            .record(Kind::STDIN, 2, b"b")
            .record(Kind::STDIN, 1, b"a")
            .record(Kind::STDIN, 1, b""),
        &[
            request(2),
            request(1),
            stdin(2, "b"),
            stdin(1, "a"),
            AppEvent::StdinEnd { id: 1 },
        ],
        b"",
    );
}

#[test]
fn records_of_inactive_requests_are_ignored() {
    assert_received(
        Wire::default()
            .params(7)
            .record(Kind::STDIN, 7, b"x")
            .record(Kind::ABORT_REQUEST, 7, b"")
            .record(Kind::DATA, 7, b"x")
            .begin(1)
            .params(1),
        &[request(1)],
        b"",
    );
}

#[test]
fn an_id_is_free_again_once_its_request_has_ended() {
    let mut application = Application::new(LIMITS);
    let first = Wire::default().begin(1).params(1);
    receive(&mut application, &first.0, 64).unwrap();
    application.ended(1);
    let rest = Wire::default()
        .record(Kind::STDIN, 1, b"late")
        .record(Kind::STDIN, 1, b"")
        .begin(1)
        .params(1);
    let (events, _) = receive(&mut application, &rest.0, 64).unwrap();
    assert_eq!(events, [request(1)], "late input belongs to no request");
    assert!(!application.should_close());
}

#[test]
fn begin_for_an_active_request_is_refused() {
    assert_refused(Wire::default().begin(1).begin(1), Malformed::BeginTwice(1));
    assert_refused(
        Wire::default().begin(1).params(1).begin(1),
        Malformed::BeginTwice(1),
    );
}

#[test]
fn inputs_come_in_order() {
    let early = Wire::default().begin(1).record(Kind::STDIN, 1, b"x");
    assert_refused(early, Malformed::BeforeParams(Kind::STDIN));
    let late = Wire::default()
        .begin(1)
        .params(1)
        .record(Kind::PARAMS, 1, b"\x01\x01AB");
    assert_refused(late, Malformed::AfterEnd(Kind::PARAMS));
}

#[test]
fn input_after_the_end_of_the_body_is_ignored() {
    let wire = Wire::default()
        .begin(1)
        .params(1)
        .record(Kind::STDIN, 1, b"");
    let wire = wire
        .record(Kind::STDIN, 1, b"x")
        .record(Kind::STDIN, 1, b"");
    assert_received(wire, &[request(1), AppEvent::StdinEnd { id: 1 }], b"");
}

#[test]
fn a_malformed_request_closes_the_connection() {
    let cut_pair = Wire::default()
        .begin(1)
        .record(Kind::PARAMS, 1, b"\x7f\x7fA")
        .record(Kind::PARAMS, 1, b"");
    assert_refused(cut_pair, Malformed::PairOverrun(253));
    let short = Wire::default().record(Kind::BEGIN_REQUEST, 1, b"1234567");
    assert_refused(
        short,
        Malformed::BodyLength {
            kind: Kind::BEGIN_REQUEST,
            len: 7,
        },
    );
}

#[test]
fn unknown_roles_are_answered() {
    for role in [0, 2, 3, 4, 65535] {
        assert_received(
            Wire::default()
                .begin_as(5, role, 1)
                .params(5)
                .record(Kind::STDIN, 5, b""),
            &[refused(5, Refusal::Role(role))],
            &end(5, ProtocolStatus::UNKNOWN_ROLE),
        );
    }
}

#[test]
fn requests_beyond_the_capacity_are_answered() {
    assert_received(
        Wire::default()
            .begin(1)
            .begin(2)
            .begin(3)
            .params(3)
            .params(1),
        &[refused(3, Refusal::TooMany(2)), request(1)],
        &end(3, ProtocolStatus::OVERLOADED),
    );
    let capacity = Capacity {
        mpxs: false,
        ..LIMITS.capacity
    };
    let mut application = Application::new(Limits { capacity, ..LIMITS });
    let wire = Wire::default().begin(1).begin(2).params(2).params(1);
    let (events, reply) = receive(&mut application, &wire.0, 64).unwrap();
    assert_eq!(
        (events, &reply[..]),
        (
            vec![refused(2, Refusal::Multiplexed), request(1)],
            &end(2, ProtocolStatus::CANT_MPX_CONN)[..]
        )
    );
}

#[test]
fn parameters_beyond_the_limit_end_the_request() {
    let wire = Wire::default()
        .begin(1)
        .record(Kind::PARAMS, 1, &[0; 1001])
        .params(1)
        .begin(2)
        .params(2);
    let events = [refused(1, Refusal::ParamsTooLarge(1000)), request(2)];
    assert_received(wire, &events, &end(1, ProtocolStatus::OVERLOADED));
}

#[test]
fn parameters_beyond_counting_end_the_request_however_short_they_are() {
    let limits = Limits {
        params_bytes: 100_000,
        ..LIMITS
    };
    for (count, expected) in [(MAX_PARAMS, 0), (MAX_PARAMS + 1, 1)] {
        let empty = vec![0; 2 * count];
        let wire = Wire::default().begin(1).record(Kind::PARAMS, 1, &empty);
        let (events, _) = receive(&mut Application::new(limits), &wire.0, 64).unwrap();
        let refused = refused(1, Refusal::TooManyParams(MAX_PARAMS));
        assert_eq!(events, vec![refused; expected]);
    }
}

#[test]
fn an_abort_reaches_the_application_or_ends_the_request_at_once() {
    assert_received(
        Wire::default()
            .begin(1)
            .params(1)
            .record(Kind::ABORT_REQUEST, 1, b""),
        &[request(1), AppEvent::Abort { id: 1 }],
        b"",
    );
    assert_received(
        Wire::default()
            .begin(1)
            .record(Kind::ABORT_REQUEST, 1, b"")
            .begin(1)
            .params(1),
        &[request(1)],
        &end(1, ProtocolStatus::REQUEST_COMPLETE),
    );
}

#[test]
fn management_values_are_answered_at_any_time() {
    let asked = query(&["FCGI_MPXS_CONNS", "X"]);
    assert_received(
        Wire::default()
            .begin(1)
            .record(Kind::GET_VALUES, 0, &asked)
            .params(1),
        &[request(1)],
        b"\x01\x0a\0\0\0\x12\x06\0\x0f\x01FCGI_MPXS_CONNS1\0\0\0\0\0\0",
    );
    assert_received(
        Wire::default().record(Kind::GET_VALUES, 0, b""),
        &[],
        b"\x01\x0a\0\0\0\0\0\0",
    );
}

#[test]
fn unknown_management_types_are_answered() {
    for kind in [0, 12, 200, 255] {
        let reply = [1, 11, 0, 0, 0, 8, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0];
        assert_received(
            Wire::default()
                .record(Kind(kind), 0, b"x")
                .begin(1)
                .params(1),
            &[request(1)],
            &reply,
        );
    }
}

#[test]
fn types_that_make_no_sense_here_are_skipped() {
    let wire = Wire::default()
        .begin(1)
        .record(Kind::STDOUT, 1, b"x")
        .record(Kind::END_REQUEST, 1, b"12345678")
        .record(Kind(200), 1, b"x")
        .record(Kind::GET_VALUES, 1, b"x")
        .record(Kind::UNKNOWN_TYPE, 0, b"12345678")
        .record(Kind::BEGIN_REQUEST, 0, b"12345678")
        .params(1);
    assert_received(wire, &[request(1)], b"");
}

#[test]
fn a_connection_not_to_be_kept_closes_after_its_last_request() {
    let mut application = Application::new(LIMITS);
    let wire = Wire::default().begin_as(1, 1, 0xfe).params(1);
    receive(&mut application, &wire.0, 64).unwrap();
    assert!(!application.should_close());
    application.ended(1);
    assert!(application.should_close());

    let mut application = Application::new(LIMITS);
    receive(&mut application, &Wire::default().begin_as(1, 9, 0).0, 64).unwrap();
    assert!(application.should_close(), "a refused request ends at once");
}
