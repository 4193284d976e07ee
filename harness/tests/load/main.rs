//! The load generator against small servers that follow a script.

mod cost;
mod server;

use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use gatebench::{
    address::Address,
    load::{
        Ask, Caveat, FailureKind, LoadError, LoadReport, LoadSpec, Pacing, Spacing, Stop, caveat,
        run,
    },
};
use server::{Server, Then};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!";

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `requests` as fast as they are answered, on four connections.
fn closed(server: &Server, requests: u64) -> LoadSpec {
    LoadSpec {
        connections: 4,
        warm_up: Duration::ZERO,
        stop: Stop::Requests(requests),
        ..LoadSpec::new(server.address.clone(), GET.to_vec())
    }
}

/// One connection at `rate` per second for `millis`.
fn open(server: &Server, rate: f64, millis: u64) -> LoadSpec {
    LoadSpec {
        connections: 1,
        pacing: Pacing::Open {
            rate,
            spacing: Spacing::Constant,
        },
        stop: Stop::After(ms(millis)),
        ..closed(server, 1)
    }
}

fn load(spec: &LoadSpec) -> LoadReport {
    run(spec, &AtomicBool::new(false), &mut |_, _| {}).unwrap()
}

/// A server that sends the same bytes each time.
fn same(reply: &'static [u8], then: Then) -> Server {
    Server::tcp(move |_, out| out.write_all(reply).map(|()| then))
}

#[track_caller]
fn assert_all_answered(report: &LoadReport, requests: u64) {
    assert_eq!(report.failures.to_string(), "", "failures");
    assert_eq!(report.answered, requests);
    assert_eq!(report.latency.count(), requests);
    assert_eq!(report.by_second.iter().sum::<u64>(), requests);
}

#[track_caller]
fn assert_all_fail(report: &LoadReport, kind: FailureKind, requests: u64) {
    assert_eq!(report.failures.count(kind), requests, "{}", report.failures);
    assert_eq!(report.failures.total(), requests, "{}", report.failures);
    assert_eq!((report.answered, report.latency.count()), (0, 0));
}

#[test]
fn every_request_is_sent_and_answered_once() {
    let server = same(HELLO, Then::Stay);
    let report = load(&closed(&server, 500).expecting(13));
    assert_all_answered(&report, 500);
    assert_eq!(server.requests(), 500);
    assert_eq!(report.opened, 4);
}

#[test]
fn threads_share_connections_and_requests() {
    let server = same(HELLO, Then::Stay);
    let report = load(&LoadSpec {
        threads: 3,
        ..closed(&server, 500)
    });
    assert_all_answered(&report, 500);
    assert_eq!(server.requests(), 500);
}

#[test]
fn the_warm_up_is_sent_but_not_counted() {
    let server = same(HELLO, Then::Stay);
    let report = load(&LoadSpec {
        warm_up: ms(100),
        ..closed(&server, 100)
    });
    assert_all_answered(&report, 100);
    assert!(server.requests() > 100, "{} requests", server.requests());
}

#[test]
fn chunked_replies_keep_their_connection() {
    let server = same(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nHello,\r\n7\r\n world!\r\n0\r\n\r\n",
        Then::Stay,
    );
    let report = load(&closed(&server, 100).expecting(13));
    assert_all_answered(&report, 100);
    assert_eq!(report.opened, 4);
}

#[test]
fn a_reply_in_single_bytes_is_put_together() {
    let server = Server::tcp(|_, out| {
        for byte in HELLO.chunks(1) {
            out.write_all(byte)?;
            out.flush()?;
        }
        Ok(Then::Stay)
    });
    assert_all_answered(&load(&closed(&server, 20)), 20);
}

#[test]
fn replies_that_end_with_the_connection_are_whole() {
    let server = same(b"HTTP/1.0 200 OK\r\n\r\nHello, world!", Then::Close);
    let report = load(&closed(&server, 50).expecting(13));
    assert_all_answered(&report, 50);
    assert_eq!(report.opened, 50);
}

#[test]
fn an_announced_close_is_no_failure() {
    let server = Server::tcp(|number, out| {
        let last = number % 3 == 2;
        let option = if last { "close" } else { "keep-alive" };
        write!(
            out,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: {option}\r\n\r\n"
        )?;
        Ok(if last { Then::Close } else { Then::Stay })
    });
    assert_all_answered(&load(&closed(&server, 90)), 90);
}

#[test]
fn an_unannounced_close_between_requests_is_no_failure() {
    let server = same(HELLO, Then::Close);
    let report = load(&open(&server, 50.0, 400));
    assert_all_answered(&report, 20);
    assert_eq!(report.opened, 20);
}

#[test]
fn a_request_that_meets_an_unannounced_close_is_sent_again() {
    let server = Server::tcp(|number, out| match number {
        3 => Ok(Then::Close),
        _ => out.write_all(HELLO).map(|()| Then::Stay),
    });
    let report = load(&LoadSpec {
        connections: 1,
        ..closed(&server, 10)
    });
    assert_all_answered(&report, 10);
    assert_eq!((report.retried, report.opened), (1, 2));
}

#[test]
fn a_post_is_never_sent_twice() {
    let server = Server::tcp(|number, out| match number {
        3 => Ok(Then::Close),
        _ => out.write_all(HELLO).map(|()| Then::Stay),
    });
    let report = load(&LoadSpec {
        connections: 1,
        asks: vec![Ask::new(
            b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n".to_vec(),
        )],
        ..closed(&server, 10)
    });
    assert_eq!(report.failures.count(FailureKind::Reset), 1);
    assert_eq!((report.answered, report.retried), (9, 0));
}

#[test]
fn without_keep_alive_each_request_has_its_own_connection() {
    let server = same(HELLO, Then::Stay);
    let report = load(&LoadSpec {
        keep_alive: false,
        ..closed(&server, 60)
    });
    assert_all_answered(&report, 60);
    assert_eq!(report.opened, 60);
}

#[test]
fn the_reply_to_head_has_no_body() {
    let server = same(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", Then::Stay);
    let report = load(&LoadSpec {
        asks: vec![Ask::new(b"HEAD / HTTP/1.1\r\nHost: bench\r\n\r\n".to_vec())],
        ..closed(&server, 30)
    });
    assert_all_answered(&report, 30);
}

#[test]
fn unix_sockets_are_served_by_path_and_by_abstract_name() {
    let dir = tempfile::tempdir().unwrap();
    let abstract_name = format!("gatebench-load-{}", std::process::id());
    for address in [
        Address::Unix(dir.path().join("load.sock")),
        Address::Abstract(abstract_name.into_bytes()),
    ] {
        let server = Server::unix(address, |_, out| out.write_all(HELLO).map(|()| Then::Stay));
        assert_all_answered(&load(&closed(&server, 200)), 200);
    }
}

#[test]
fn a_request_larger_than_the_socket_buffers_is_sent_whole() {
    let head = b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 8388608\r\n\r\n";
    let request = [head.as_slice(), &vec![b'x'; 8 << 20]].concat();
    let dir = tempfile::tempdir().unwrap();
    let path = Address::Unix(dir.path().join("load.sock"));
    let reply = |_, out: &mut dyn Write| out.write_all(HELLO).map(|()| Then::Stay);
    for server in [Server::tcp(reply), Server::unix(path, reply)] {
        let report = load(&LoadSpec {
            connections: 2,
            asks: vec![Ask::new(request.clone())],
            timeout: Duration::from_secs(30),
            ..closed(&server, 4)
        });
        assert_all_answered(&report, 4);
        assert_eq!(report.opened, 2);
    }
}

#[test]
fn another_status_is_a_failure_that_keeps_the_connection() {
    let server = same(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        Then::Stay,
    );
    let report = load(&closed(&server, 40));
    assert_all_fail(&report, FailureKind::Status, 40);
    assert_eq!(
        report.failures.to_string(),
        "40 bad status (status 502, expected 200)"
    );
    assert_eq!(report.opened, 4);
}

#[test]
fn a_body_of_another_length_is_a_failure() {
    let server = same(HELLO, Then::Stay);
    let report = load(&closed(&server, 40).expecting(12));
    assert_all_fail(&report, FailureKind::Body, 40);
}

#[test]
fn what_is_no_http_is_a_failure() {
    let server = same(b"SSH-2.0-OpenSSH_9.2p1\r\n", Then::Stay);
    assert_all_fail(&load(&closed(&server, 10)), FailureKind::Malformed, 10);
}

#[test]
fn a_reply_cut_short_is_a_failure() {
    let server = same(&HELLO[..HELLO.len() - 3], Then::Close);
    let report = load(&closed(&server, 10));
    assert_all_fail(&report, FailureKind::Reset, 10);
    assert_eq!(
        report.failures.to_string(),
        "10 reset (connection closed after 10 bytes of the body, reply unfinished)"
    );
}

#[test]
fn a_server_that_never_answers_times_out() {
    let server = Server::tcp(|_, _| {
        thread::park();
        Ok(Then::Close)
    });
    let report = load(&LoadSpec {
        timeout: ms(60),
        ..closed(&server, 8)
    });
    assert_all_fail(&report, FailureKind::Timeout, 8);
}

#[test]
fn nobody_listening_is_an_error_that_names_the_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(free.local_addr().unwrap().to_string());
    drop(free);
    let spec = LoadSpec::new(address.clone(), GET.to_vec());
    let error = run(&spec, &AtomicBool::new(false), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, LoadError::Unreachable { .. }));
    let beginning = format!("nothing accepts connections at {address}: ");
    assert!(error.to_string().starts_with(&beginning), "{error}");
}

#[test]
fn a_load_without_connections_is_refused() {
    let server = same(HELLO, Then::Stay);
    let spec = LoadSpec {
        connections: 0,
        ..closed(&server, 1)
    };
    let error = run(&spec, &AtomicBool::new(false), &mut |_, _| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bad load: no connections; at least 1 is needed"
    );
}

#[test]
fn open_pacing_shows_the_requests_that_a_stall_held_up() {
    let server = Server::tcp(|number, out| {
        if number == 100 {
            thread::sleep(ms(1000));
        }
        out.write_all(HELLO).map(|()| Then::Stay)
    });
    let report = load(&open(&server, 200.0, 2000));
    assert_eq!(report.latency.count() + report.missed, 400);
    // One request slept. The 200 that were due meanwhile waited for what was left of the second.
    let held_up = report.latency.percentile(99.0);
    assert!(held_up >= 900_000, "p99 is {held_up} µs");
}

#[test]
fn a_stall_at_the_end_is_waited_for() {
    let server = Server::tcp(|number, out| {
        if number == 10 {
            thread::sleep(ms(800));
        }
        out.write_all(HELLO).map(|()| Then::Stay)
    });
    let report = load(&LoadSpec {
        connections: 1,
        stop: Stop::After(ms(500)),
        ..closed(&server, 1)
    });
    assert_eq!(report.latency.count(), 11);
    assert_eq!(report.answered, 10);
    assert!(report.latency.percentiles().max >= 500_000);
    assert_eq!(report.window, ms(500));
}

#[test]
fn a_rate_that_the_server_cannot_keep_up_with_is_said() {
    let server = Server::tcp(|_, out| {
        thread::sleep(ms(20));
        out.write_all(HELLO).map(|()| Then::Stay)
    });
    let report = load(&open(&server, 1000.0, 300));
    assert_eq!(report.latency.count() + report.missed, 300);
    let missed = report.missed;
    assert!(missed > 0);
    assert!(caveat::of_report(&report).contains(&Caveat::Missed { missed }));
}

#[test]
fn requests_take_turns_and_each_knows_its_reply() {
    let server = Server::tcp(|number, out| {
        let reply: &[u8] = match number % 2 {
            0 => HELLO,
            _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        };
        out.write_all(reply).map(|()| Then::Stay)
    });
    let mut missing = Ask::new(GET.to_vec());
    (missing.status, missing.body_len) = (404, Some(0));
    let report = load(&LoadSpec {
        connections: 1,
        asks: vec![Ask::new(GET.to_vec()), missing],
        ..closed(&server, 40)
    });
    assert_all_answered(&report, 40);
}

const LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_slow_client_is_served_but_not_counted() {
    let server = same(HELLO, Then::Stay);
    let report = load(&LoadSpec {
        connections: 1,
        slow: 2,
        stop: Stop::After(ms(900)),
        ..closed(&server, 1)
    });
    assert_eq!(report.failures.to_string(), "");
    assert_eq!(report.opened, 3);
    // What the two asked for came to the server besides.
    assert!(server.requests() > report.answered, "{report:?}");
    assert!(report.slow.answered > 0, "{report:?}");
    assert_eq!(report.slow.failures.total(), 0);
}

#[test]
fn what_a_slow_client_fails_at_is_no_failure_of_the_load() {
    let server = same(LATE, Then::Stay);
    let report = load(&LoadSpec {
        connections: 1,
        slow: 2,
        stop: Stop::After(ms(900)),
        ..closed(&server, 1)
    });
    let refused = report.slow.failures.count(FailureKind::Status);
    assert!(refused > 0, "{report:?}");
    assert!(server.requests() >= report.failures.total() + refused);
    assert_eq!((report.slow.answered, report.answered), (0, 0));
}

#[test]
fn a_steady_rate_ends_the_run_and_a_wild_one_is_said_not_to_be() {
    let server = Server::tcp(|_, out| {
        thread::sleep(ms(5));
        out.write_all(HELLO).map(|()| Then::Stay)
    });
    let steady = |within, most| LoadSpec {
        stop: Stop::Steady { within, most },
        ..closed(&server, 1)
    };
    let report = load(&steady(10.0, Duration::from_secs(600)));
    assert_eq!(report.unsteady, None);
    let report = load(&steady(0.0, ms(400)));
    let after = report.unsteady.unwrap();
    assert!(caveat::of_report(&report).contains(&Caveat::Unsteady { after }));
}

#[test]
fn the_seconds_have_a_histogram_each() {
    let server = same(HELLO, Then::Stay);
    let report = load(&open(&server, 100.0, 1500));
    assert!(report.hdr_by_second().len() >= 2, "{report:?}");
}

#[test]
fn a_cancelled_run_gives_what_it_has() {
    let server = same(HELLO, Then::Stay);
    let spec = LoadSpec {
        stop: Stop::After(Duration::from_secs(600)),
        ..closed(&server, 1)
    };
    let (cancel, began) = (AtomicBool::new(false), Instant::now());
    let mut told = Vec::new();
    let report = run(&spec, &cancel, &mut |elapsed, answered| {
        told.push((elapsed, answered));
        cancel.store(answered > 0, Relaxed);
    })
    .unwrap();
    assert!(report.cancelled && report.answered > 0);
    assert!(report.window <= began.elapsed());
    assert!(told.is_sorted(), "{told:?}");
}
