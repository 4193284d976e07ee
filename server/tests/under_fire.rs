//! Reloads and restarts under load: no request is lost, on whatever way it comes, GET and POST.
//!
//! The quick form asks some hundred times on each way; `benches/reliability/run` has the long one,
//! for which `GATESERVE_REQUESTS` says how many, and `GATESERVE_FIGURES` where the figures go.

mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use support::Server;
use support::load::{Aim, Load, Place};
use support::nginx::Nginx;
use tempfile::TempDir;

/// How many requests each way is to answer at least.
fn requests() -> u64 {
    let asked = std::env::var("GATESERVE_REQUESTS").ok();
    asked.map_or(600, |text| text.parse().expect("a number"))
}

/// A server, nginx in front of it where there is one, and the ways to both.
struct Site {
    folder: TempDir,
    server: Server,
    _nginx: Option<Nginx>,
    aims: Vec<Aim>,
}

/// Connections are kept wherever they can be.
const NGINX: &str = r"
upstream over_http { server unix:HERE/http.sock; keepalive 8; }
upstream over_fastcgi { server unix:HERE/fastcgi.sock; keepalive 8; }
server {
    listen unix:HERE/nginx.sock;
    keepalive_requests 100000000;
    location /http { proxy_pass http://over_http; proxy_http_version 1.1; proxy_set_header Connection ''; }
    location /fastcgi {
        fastcgi_pass over_fastcgi; fastcgi_keep_conn on;
        fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param REQUEST_URI $request_uri; fastcgi_param PATH_INFO $uri;
    }
    location /uwsgi {
        uwsgi_pass unix:HERE/uwsgi.sock;
        uwsgi_param REQUEST_METHOD $request_method; uwsgi_param CONTENT_LENGTH $content_length;
        uwsgi_param REQUEST_URI $request_uri; uwsgi_param PATH_INFO $uri;
        uwsgi_param SERVER_PROTOCOL $server_protocol;
    }
}";

impl Site {
    fn start(lines: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let place = here.display();
        let ini = format!(
            "[uwsgi]\nprobe = true\ndisable-logging = true\nhttp-socket = 127.0.0.1:0\n\
             http-socket = {place}/http.sock\nfastcgi-socket = {place}/fastcgi.sock\n\
             uwsgi-socket = {place}/uwsgi.sock\nmaster-fifo = {place}/fifo\n{}\n",
            lines.join("\n").replace("HERE", &place.to_string())
        );
        std::fs::write(here.join("touched"), "").unwrap();
        std::fs::write(here.join("app.ini"), ini).unwrap();
        let server = Server::start(&[here.join("app.ini").to_str().unwrap()]);
        let tcp = server
            .addresses
            .iter()
            .find(|it| it.starts_with("127."))
            .unwrap();
        let mut aims = vec![Aim {
            name: "HTTP",
            place: Place::Tcp(tcp.clone()),
            path: "/",
        }];
        let front = here.join("nginx.sock");
        let nginx = Nginx::start(here, &NGINX.replace("HERE", &place.to_string()), &front);
        if nginx.is_none() {
            eprintln!("nginx is not here: only HTTP without a gateway is under load");
        } else {
            let ways = [
                ("nginx HTTP", "/http"),
                ("nginx FastCGI", "/fastcgi"),
                ("nginx uwsgi", "/uwsgi"),
            ];
            aims.extend(ways.map(|(name, path)| Aim {
                name,
                place: Place::Unix(front.clone()),
                path,
            }));
        }
        Self {
            folder,
            server,
            _nginx: nginx,
            aims,
        }
    }

    fn touch(&self) {
        // The time of the file must differ, whatever the clock's grain.
        let file = std::fs::File::options()
            .append(true)
            .open(self.path("touched"))
            .unwrap();
        let later = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(2);
        file.set_modified(later).unwrap();
    }

    fn tell_fifo(&self, byte: &str) {
        let mut fifo = std::fs::File::options()
            .write(true)
            .open(self.path("fifo"))
            .unwrap();
        fifo.write_all(byte.as_bytes()).unwrap();
    }

    /// Writes `byte` to the FIFO until the log has a line with one of these.
    #[track_caller]
    fn until_told(&mut self, byte: &str, one: &str, other: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut told = String::new();
        while !(told.contains(one) || told.contains(other)) {
            assert!(Instant::now() < deadline, "no {one:?} after {byte:?}");
            self.tell_fifo(byte);
            std::thread::sleep(Duration::from_millis(50));
            let before = self.server.seen().len();
            self.server.has_told(one);
            told = self.server.seen()[before..].join("\n");
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Puts a server under load, has `fire` disturb it again and again, and counts.
#[track_caller]
fn nothing_is_lost(name: &str, lines: &[&str], mut fire: impl FnMut(&mut Site)) {
    let mut site = Site::start(lines);
    let load = Load::start(&site.aims, 2);
    let (wanted, mut fires) = (requests(), 0);
    while load.failed() == 0 && (load.least() < wanted || fires < 3) {
        load.until(load.least() + wanted.min(3000) / 6);
        fire(&mut site);
        fires += 1;
    }
    load.until(load.least() + 20);
    let counts = load.stop();
    for (way, count) in &counts {
        let (answered, failed) = (count.answered(), count.failed());
        figure(&format!(
            "| {name} | {way} | {fires} | {answered} | {failed} |"
        ));
        assert_eq!(
            failed,
            0,
            "{name}, after {fires}: {:?}\n{}",
            count.reasons(),
            site.server.told()
        );
    }
}

/// A line for the report.
fn figure(line: &str) {
    println!("{line}");
    support::figures(line);
}

#[test]
fn a_reload_loses_nothing() {
    nothing_is_lost("HUP", &["processes = 2"], |site| {
        site.server.signal(Signal::SIGHUP);
        site.server.line("gracefully (RE)spawned");
        site.server.line("gateserve is ready");
    });
}

#[test]
fn a_touched_file_loses_nothing() {
    let lines = ["processes = 2", "touch-reload = HERE/touched"];
    nothing_is_lost("touch-reload", &lines, |site| {
        site.touch();
        site.server.line("gracefully (RE)spawned");
        site.server.line("gateserve is ready");
    });
}

#[test]
fn a_chain_reload_loses_nothing() {
    let lines = ["processes = 2", "touch-chain-reload = HERE/touched"];
    nothing_is_lost("touch-chain-reload", &lines, |site| {
        site.touch();
        site.server.line("chain reload starting");
        site.server.line("chain reloading complete");
    });
}

#[test]
fn a_reload_of_the_workers_alone_loses_nothing() {
    nothing_is_lost("fifo w", &["processes = 2"], |site| {
        site.tell_fifo("w");
        site.server.line("Respawned uWSGI worker");
        site.server.line("Respawned uWSGI worker");
    });
}

#[test]
fn max_requests_loses_nothing() {
    let lines = [
        "processes = 2",
        "max-requests = 50",
        "min-worker-lifetime = 0",
    ];
    nothing_is_lost("max-requests", &lines, |site| {
        site.server.line("Respawned uWSGI worker");
    });
}

#[test]
fn a_worker_that_is_told_to_end_loses_nothing() {
    nothing_is_lost("TERM to a worker", &["processes = 2"], |site| {
        let told = site.server.told();
        let last = told
            .lines()
            .rev()
            .find(|line| line.contains("worker 1 ("))
            .unwrap();
        let before = if last.contains("(new pid: ") {
            "(new pid: "
        } else {
            "(pid: "
        };
        kill(support::pid_in(last, before), Signal::SIGTERM).unwrap();
        site.server.line("Respawned uWSGI worker 1 (");
    });
}

#[test]
fn more_and_fewer_workers_lose_nothing() {
    let lines = ["processes = 4", "cheaper = 1", "cheaper-initial = 1"];
    nothing_is_lost("cheaper", &lines, |site| {
        site.until_told("+", "Respawned uWSGI worker", "spawned gateserve worker");
        // Only a worker that has nothing to do at that moment ends.
        site.until_told("-", "cheaped.", "cheaped.");
    });
}

/// `kill -9` of the master: its workers end, and the socket is free for the next server.
#[test]
fn a_killed_server_makes_room_for_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let args = [
        "--http-socket",
        socket.to_str().unwrap(),
        "--probe",
        "--vacuum",
    ];
    for _ in 0..3 {
        let first = Server::start(&args);
        first.signal(Signal::SIGKILL);
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            assert!(Instant::now() < deadline, "its workers do not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let second = Server::start(&args);
        support::probe::assert_alive(&second);
        second.signal(Signal::SIGTERM);
        assert!(second.wait().success());
        assert!(!socket.exists(), "it was the second one's");
    }
}

/// The same while its workers still finish requests: the next one need not wait for them.
#[test]
fn a_killed_server_lets_go_of_its_sockets_while_its_workers_finish() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let args = [
        "--http-socket",
        socket.to_str().unwrap(),
        "--http-socket",
        "127.0.0.1:0",
        "--probe",
        "--vacuum",
    ];
    let first = Server::start(&args);
    let tcp = first.addresses[1].clone();
    let mut late = support::Responses::on(support::Peer::to(socket.to_str().unwrap()));
    late.peer
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: delay=3s; body=late\r\n\r\n");
    // By then it is in a worker's hands.
    std::thread::sleep(Duration::from_millis(500));
    first.signal(Signal::SIGKILL);
    let again = [&args[..3], &[tcp.as_str()], &args[4..]].concat();
    let second = Server::start(&again);
    support::probe::assert_alive(&second);
    let finished = late.next("GET").body;
    assert_eq!(finished, b"late", "it was in a worker's hands");
    assert!(socket.exists(), "it is the second one's");
    second.signal(Signal::SIGTERM);
    assert!(second.wait().success());
}
