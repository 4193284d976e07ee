//! The same figures for Prometheus.

mod support;

use std::time::{Duration, Instant};

use support::{Peer, Responses, Server};

/// The metrics, and the server that tells them.
fn started(extra: &[&str]) -> (Server, String) {
    let args = [
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--metrics",
        "127.0.0.1:0",
    ];
    let server = Server::start(&[&args[..], extra].concat());
    let told = server.told();
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("*** Metrics server enabled on "));
    let address = line
        .and_then(|line| line.split_once(" fd: "))
        .expect("it is told")
        .0;
    let address = address.to_owned();
    (server, address)
}

fn scraped(address: &str) -> String {
    let mut responses = Responses::on(Peer::to(address));
    responses
        .peer
        .send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = responses.next("GET");
    assert_eq!(
        response.field("Content-Type"),
        Some("text/plain; version=0.0.4")
    );
    String::from_utf8(response.body).unwrap()
}

#[test]
fn each_worker_has_its_figures() {
    let (server, address) = started(&["--processes", "2"]);
    for _ in 0..3 {
        let mut responses = Responses::on(server.connect());
        responses.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        responses.next("GET");
    }
    let value = |text: &str, name: &str| -> f64 {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
        line.parse().unwrap()
    };
    let requests = |text: &str| -> f64 {
        let of = |worker| {
            value(
                text,
                &format!("gateserve_requests_total{{worker=\"{worker}\"}}"),
            )
        };
        of(1) + of(2)
    };
    // A request is counted just after its response.
    let deadline = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = scraped(&address);
        if requests(&text) == 3.0 {
            break text;
        }
        assert!(
            Instant::now() < deadline,
            "3 requests are not counted: {text}"
        );
    };
    let value = |name: &str| value(&text, name);
    for worker in 1..=2 {
        let of = |name: &str| value(&format!("gateserve_{name}{{worker=\"{worker}\"}}"));
        assert_eq!((of("spawns_total"), of("worker_accepting")), (1.0, 1.0));
        assert!(of("worker_resident_bytes") > 100_000.0);
    }
    let socket = &server.addresses[0];
    assert_eq!(
        value(&format!(
            "gateserve_listen_queue_max{{socket=\"{socket}\"}}"
        )),
        100.0
    );
    assert!(value("gateserve_start_time_seconds") > 1e9);
}

#[test]
fn the_text_is_of_prometheus_format() {
    let (_server, address) = started(&[]);
    let text = scraped(&address);
    let mut kinds = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge"), "{line}");
            // A counter's name ends so, and nothing is told of twice.
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            assert!(!kinds.contains(&name), "{line}");
            kinds.push(name);
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(kinds.last(), Some(&name), "{line} follows its own type");
            line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
        }
    }
    assert!(kinds.len() > 10, "{text}");
}
