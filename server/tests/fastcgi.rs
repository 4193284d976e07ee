//! The FastCGI listener, byte for byte.

mod support;

use std::io::Write;

use bytes::{Bytes, BytesMut};
use support::{Peer, Report, Server, counter, environ, payload};
use wire::fastcgi::{
    BeginRequest, EndRequest, Kind, ProtocolStatus, Record, pairs, params, record,
};

fn server() -> Server {
    Server::start(&["--fastcgi-socket", "127.0.0.1:0", "--probe"])
}

fn begin(id: u16, flags: u8, dst: &mut BytesMut) {
    let begin = BeginRequest {
        role: BeginRequest::RESPONDER,
        flags,
    };
    record::encode(Kind::BEGIN_REQUEST, id, &begin.encode(), dst);
}

/// A whole request.
fn request(id: u16, flags: u8, probe: &str, body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    begin(id, flags, &mut bytes);
    params::encode(id, &environ("POST", probe, body.len()), &mut bytes);
    record::encode_stream(Kind::STDIN, id, body, &mut bytes);
    record::encode_end(Kind::STDIN, id, &mut bytes);
    bytes
}

const KEEP: u8 = BeginRequest::KEEP_CONN;

/// Records as they come back.
struct Records {
    peer: Peer,
    buf: BytesMut,
}

/// One request's output, up to its END_REQUEST.
#[derive(Debug, Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Whether STDOUT ended with its mark.
    stdout_ended: bool,
    end: Option<EndRequest>,
}

impl Output {
    fn body(&self) -> &[u8] {
        let end = self
            .stdout
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        &self.stdout[end + 4..]
    }

    fn take(&mut self, record: &Record) {
        match record.kind {
            Kind::STDOUT if record.content.is_empty() => self.stdout_ended = true,
            Kind::STDOUT => self.stdout.extend_from_slice(&record.content),
            Kind::STDERR => self.stderr.extend_from_slice(&record.content),
            Kind::END_REQUEST => self.end = Some(EndRequest::decode(&record.content).unwrap()),
            other => panic!("{other} among the records of a request"),
        }
    }
}

impl Records {
    fn on(peer: Peer) -> Self {
        Self {
            peer,
            buf: BytesMut::new(),
        }
    }

    #[track_caller]
    fn record(&mut self) -> Record {
        loop {
            if let Some(record) = record::decode(&mut self.buf).unwrap() {
                return record;
            }
            assert!(self.peer.more(&mut self.buf), "the connection is cut off");
        }
    }

    /// The output of `id`, among which nothing of others is to come.
    #[track_caller]
    fn output(&mut self, id: u16) -> Output {
        let mut output = Output::default();
        while output.end.is_none() {
            let record = self.record();
            assert_eq!(record.request_id, id);
            output.take(&record);
        }
        output
    }
}

#[track_caller]
fn assert_complete(output: &Output) {
    let status = ProtocolStatus::REQUEST_COMPLETE;
    assert_eq!(
        output.end,
        Some(EndRequest {
            app_status: 0,
            protocol_status: status
        })
    );
    assert!(output.stdout_ended);
}

#[test]
fn a_request_is_served_whole_and_byte_by_byte() {
    let server = server();
    let request = request(0x0102, 0, "", b"hello");
    for size in [request.len(), 1] {
        let mut records = Records::on(server.connect());
        records.peer.send_in(&request, size);
        let output = records.output(0x0102);
        assert_complete(&output);
        assert!(
            output
                .stdout
                .starts_with(b"Content-Type: application/json\r\n")
        );
        let report = Report::of(output.body());
        assert_eq!(report.var("SCRIPT_NAME"), Some("/probe"));
        assert_eq!(report.body_size(), 5);
        assert!(
            records.peer.is_closed(),
            "the gateway did not ask to keep the connection"
        );
    }
}

#[test]
fn params_and_stdin_may_come_in_records_of_one_byte() {
    let server = server();
    let (mut bytes, mut stream) = (BytesMut::new(), BytesMut::new());
    for (name, value) in environ("POST", "echo", 5).iter() {
        pairs::encode(name, value, &mut stream);
    }
    begin(1, 0, &mut bytes);
    for byte in &stream {
        record::encode(Kind::PARAMS, 1, &[*byte], &mut bytes);
    }
    record::encode_end(Kind::PARAMS, 1, &mut bytes);
    for byte in b"hello" {
        record::encode(Kind::STDIN, 1, &[*byte], &mut bytes);
    }
    record::encode_end(Kind::STDIN, 1, &mut bytes);
    let mut records = Records::on(server.connect());
    records.peer.send(bytes);
    assert_eq!(records.output(1).body(), b"hello");
}

#[test]
fn a_kept_connection_serves_one_request_after_the_other() {
    let server = server();
    let mut records = Records::on(server.connect());
    for size in [0, 1, 5000, 70_000, 200_000] {
        records
            .peer
            .send(request(1, KEEP, &format!("size={size}"), b""));
        let output = records.output(1);
        assert_complete(&output);
        assert_eq!(output.body(), counter(size));
    }
}

#[test]
fn requests_of_one_connection_run_at_the_same_time() {
    let server = server();
    let mut records = Records::on(server.connect());
    records
        .peer
        .send(request(1, KEEP, "delay=10s; body=slow", b""));
    records.peer.send(request(2, KEEP, "body=fast", b""));
    assert_eq!(records.output(2).body(), b"fast");
}

#[test]
fn input_may_be_interleaved() {
    let server = server();
    let mut bytes = BytesMut::new();
    begin(1, KEEP, &mut bytes);
    begin(2, KEEP, &mut bytes);
    params::encode(2, &environ("POST", "echo", 2), &mut bytes);
    params::encode(1, &environ("POST", "echo", 2), &mut bytes);
    for (id, piece) in [(2, b"c"), (1, b"a"), (2, b"d"), (1, b"b")] {
        record::encode(Kind::STDIN, id, piece, &mut bytes);
    }
    record::encode_end(Kind::STDIN, 2, &mut bytes);
    record::encode_end(Kind::STDIN, 1, &mut bytes);
    let mut records = Records::on(server.connect());
    records.peer.send(bytes);
    let mut outputs = [Output::default(), Output::default()];
    while outputs.iter().any(|output| output.end.is_none()) {
        let record = records.record();
        outputs[usize::from(record.request_id) - 1].take(&record);
    }
    assert_eq!(outputs[0].body(), b"ab");
    assert_eq!(outputs[1].body(), b"cd");
}

#[test]
fn a_request_that_does_not_read_holds_up_no_other() {
    let server = server();
    let mut records = Records::on(server.connect());
    let body = payload(4 << 20);
    records
        .peer
        .send(request(1, KEEP, "delay=10s; read=none; body=slow", &body));
    records.peer.send(request(2, KEEP, "body=fast", b""));
    assert_eq!(records.output(2).body(), b"fast");
}

#[test]
fn bodies_stream_both_ways_at_the_same_time() {
    let server = server();
    for flags in [0, KEEP] {
        let body = payload(8 << 20);
        let peer = server.connect();
        let mut sender = peer.another();
        let request = request(1, flags, "echo", &body);
        let sending = std::thread::spawn(move || sender.send(request));
        let output = Records::on(peer).output(1);
        sending.join().unwrap();
        assert_complete(&output);
        assert_eq!(output.body(), body);
    }
}

#[test]
fn an_abort_is_answered_with_the_end_of_the_request() {
    let server = server();
    let mut records = Records::on(server.connect());
    records.peer.send(request(1, KEEP, "delay=10s", b""));
    let mut abort = BytesMut::new();
    record::encode(Kind::ABORT_REQUEST, 1, b"", &mut abort);
    records.peer.send(abort);
    let output = records.output(1);
    let status = output.end.map(|end| end.protocol_status);
    assert_eq!(status, Some(ProtocolStatus::REQUEST_COMPLETE));
    records.peer.send(request(1, KEEP, "body=next", b""));
    assert_eq!(records.output(1).body(), b"next");
}

#[test]
fn an_abort_while_the_body_is_due_is_answered_too() {
    let server = server();
    let mut records = Records::on(server.connect());
    let mut bytes = BytesMut::new();
    begin(1, KEEP, &mut bytes);
    params::encode(1, &environ("POST", "", 100), &mut bytes);
    record::encode(Kind::STDIN, 1, b"half", &mut bytes);
    record::encode(Kind::ABORT_REQUEST, 1, b"", &mut bytes);
    records.peer.send(bytes);
    assert!(records.output(1).end.is_some());
}

#[test]
fn records_of_ids_that_are_not_active_are_ignored() {
    let server = server();
    let mut records = Records::on(server.connect());
    let mut stray = BytesMut::new();
    for kind in [Kind::PARAMS, Kind::STDIN, Kind::DATA, Kind::ABORT_REQUEST] {
        record::encode(kind, 7, b"stray", &mut stray);
    }
    for _ in 0..2 {
        records.peer.send(&stray);
        records.peer.send(request(7, KEEP, "body=x", b""));
        assert_eq!(records.output(7).body(), b"x");
    }
}

#[test]
fn stdin_that_ends_after_the_reply_does_not_disturb_the_next_request() {
    let server = server();
    let mut records = Records::on(server.connect());
    let whole = request(1, KEEP, "read=none; body=x", b"hello");
    let (most, stdin_end) = whole.split_at(whole.len() - record::HEADER_LEN);
    records.peer.send(most);
    assert_eq!(records.output(1).body(), b"x");
    let mut glued = BytesMut::from(stdin_end);
    glued.extend_from_slice(&request(1, KEEP, "body=y", b""));
    records.peer.send(glued);
    assert_eq!(records.output(1).body(), b"y");
}

#[test]
fn a_reply_is_not_lost_if_stdin_ends_late() {
    let server = server();
    let mut records = Records::on(server.connect());
    let whole = request(1, 0, "read=none; size=300000", b"hello");
    let (most, stdin_end) = whole.split_at(whole.len() - record::HEADER_LEN);
    records.peer.send(most);
    // Wait for the head, so that the reply is well under way.
    let first = records.record();
    records.peer.send(stdin_end);
    let mut output = records.output(1);
    let mut stdout = first.content.to_vec();
    stdout.append(&mut output.stdout);
    assert!(stdout.ends_with(&counter(300_000)));
}

#[test]
fn management_records_are_answered_even_during_a_request() {
    let server = server();
    let mut records = Records::on(server.connect());
    let mut bytes = BytesMut::new();
    begin(1, KEEP, &mut bytes);
    let mut query = BytesMut::new();
    pairs::encode(b"FCGI_MPXS_CONNS", b"", &mut query);
    pairs::encode(b"X_UNKNOWN", b"", &mut query);
    record::encode(Kind::GET_VALUES, 0, &query, &mut bytes);
    record::encode(Kind(200), 0, b"?", &mut bytes);
    records.peer.send(bytes);
    let values = records.record();
    assert_eq!(
        (values.kind, values.request_id),
        (Kind::GET_VALUES_RESULT, 0)
    );
    assert_eq!(&values.content[..], b"\x0f\x01FCGI_MPXS_CONNS1");
    let unknown = records.record();
    assert_eq!(
        (unknown.kind, unknown.content[0]),
        (Kind::UNKNOWN_TYPE, 200)
    );
}

#[test]
fn a_role_that_is_not_known_is_refused() {
    let server = server();
    let mut records = Records::on(server.connect());
    let mut bytes = BytesMut::new();
    let begin = BeginRequest {
        role: BeginRequest::FILTER,
        flags: KEEP,
    };
    record::encode(Kind::BEGIN_REQUEST, 3, &begin.encode(), &mut bytes);
    records.peer.send(bytes);
    let status = records.output(3).end.map(|end| end.protocol_status);
    assert_eq!(status, Some(ProtocolStatus::UNKNOWN_ROLE));
    records.peer.send(request(3, KEEP, "body=x", b""));
    assert_eq!(records.output(3).body(), b"x");
}

#[test]
fn error_text_goes_to_the_gateway_and_to_the_log() {
    let mut server = server();
    let mut records = Records::on(server.connect());
    records
        .peer
        .send(request(1, 0, "stderr=something broke; body=x", b""));
    let output = records.output(1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("something broke"));
    assert_eq!(output.body(), b"x");
    server.line("something broke");
}

#[test]
fn the_exit_status_is_the_appstatus() {
    let server = server();
    let mut records = Records::on(server.connect());
    records.peer.send(request(1, 0, "exit=3; body=x", b""));
    assert_eq!(records.output(1).end.map(|end| end.app_status), Some(3));
}

#[test]
fn a_reply_that_dies_half_way_has_no_end_of_request() {
    let server = server();
    let mut peer = server.connect();
    peer.send(request(1, KEEP, "die=after-head; chunks=2; size=10", b""));
    let mut rest = BytesMut::from(&peer.rest()[..]);
    while let Some(record) = record::decode(&mut rest).unwrap() {
        assert!(
            record.kind == Kind::STDOUT && !record.content.is_empty(),
            "{record:?}"
        );
    }
}

#[test]
fn a_stream_that_is_no_fastcgi_is_closed() {
    let mut server = server();
    let mut peer = server.connect();
    peer.send(b"\x02\x01\x00\x01\x00\x08\x00\x00");
    assert!(peer.is_closed());
    server.line("gateway broke FastCGI: protocol version 2, expected 1");
    let mut browser = server.connect();
    browser.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(browser.is_closed());
    server.line("gateway speaks HTTP on a FastCGI socket");
}

#[test]
fn a_gateway_that_ends_its_direction_still_gets_the_reply() {
    let server = server();
    let mut records = Records::on(server.connect());
    records
        .peer
        .send(request(1, 0, "delay=50ms; body=late", b""));
    records.peer.end_sending();
    assert_eq!(records.output(1).body(), b"late");
}

#[test]
fn params_beyond_the_buffer_size_are_refused() {
    let mut server = Server::start(&[
        "--fastcgi-socket",
        "127.0.0.1:0",
        "--probe",
        "--buffer-size",
        "1024",
    ]);
    let mut environ = environ("GET", "", 0);
    environ.push("HTTP_X_LONG", Bytes::from("x".repeat(2000)));
    let mut bytes = BytesMut::new();
    begin(1, KEEP, &mut bytes);
    params::encode(1, &environ, &mut bytes);
    let mut records = Records::on(server.connect());
    records.peer.send(bytes);
    let status = records.output(1).end.map(|end| end.protocol_status);
    assert_eq!(status, Some(ProtocolStatus::OVERLOADED));
    server.line("request refused over FastCGI: its PARAMS exceed 1024 bytes; raise --buffer-size");
}

#[test]
fn only_the_web_servers_of_the_environment_may_connect() {
    let serve = |servers: &str, socket: &str| {
        let variable = format!("FCGI_WEB_SERVER_ADDRS={servers}");
        Server::start_by(
            &["env", &variable],
            &["--fastcgi-socket", socket, "--probe"],
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let unix = folder.path().join("s").display().to_string();
    let admitted = |server: &Server| {
        let mut peer = server.connect();
        // Who is not welcome may find the connection closed before all is written.
        _ = peer.write_all(&request(1, 0, "body=in", b""));
        !peer.is_closed()
    };
    assert!(admitted(&serve("127.0.0.2, 127.0.0.1", "127.0.0.1:0")));
    assert!(admitted(&serve("127.0.0.1", "[::ffff:127.0.0.1]:0")));
    let mut other = serve("127.0.0.2,::1", "127.0.0.1:0");
    assert!(!admitted(&other) && !admitted(&other));
    other.line("connection from 127.0.0.1 closed: it is none of fastcgi-web-servers");
    // FastCGI 1.0 section 3.2: another transport than TCP is in no list.
    assert!(!admitted(&serve("127.0.0.1", &unix)));
}
