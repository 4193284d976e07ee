//! Many slow clients beside a few ordinary ones: all of these are answered, and hardly later.
//!
//! `GATESERVE_SLOW` (150) says how many are slow. `benches/reliability/crowd` has 2,000, and holds the
//! 99th percentile of the others to twice its quiet value.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use support::{Responses, Server, python};

/// Between two octets of a slow client.
const STEP: Duration = Duration::from_millis(500);

/// Parts in which the crowd moves, one after the other.
const SLICES: usize = 100;

/// Ordinary clients, each with a connection that it keeps.
const ORDINARY: usize = 8;

/// How long the ordinary ones are measured.
fn span() -> Duration {
    Duration::from_secs(if is_long() { 15 } else { 2 })
}

fn slow_clients() -> usize {
    let asked = std::env::var("GATESERVE_SLOW").ok();
    asked.map_or(150, |text| text.parse().expect("a number"))
}

fn is_long() -> bool {
    std::env::var_os("GATESERVE_SLOW").is_some()
}

/// Clients that send their head, or their body, or take their reply, an octet at a time.
struct Crowd {
    stop: Arc<AtomicBool>,
    /// Those that have a connection at the moment.
    held: Arc<AtomicU64>,
    thread: Option<JoinHandle<u64>>,
}

/// What a slow client is slow at.
#[derive(Clone, Copy)]
enum At {
    Head,
    Body,
    Reply,
}

impl Crowd {
    fn gather(address: &str, count: usize) -> Self {
        let (stop, held) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let of_thread = (address.to_owned(), Arc::clone(&stop), Arc::clone(&held));
        let thread = thread::spawn(move || {
            let (address, stop, held) = of_thread;
            dawdle(&address, count, &stop, &held)
        });
        let thread = Some(thread);
        Self { stop, held, thread }
    }

    /// Ends them; how many connections there were in all.
    fn leave(mut self) -> u64 {
        self.stop.store(true, Relaxed);
        let thread = self.thread.take().expect("it is joined once");
        thread.join().expect("it has not panicked")
    }
}

fn dawdle(address: &str, count: usize, stop: &AtomicBool, held: &AtomicU64) -> u64 {
    let mut clients: Vec<Option<(TcpStream, usize)>> = (0..count).map(|_| None).collect();
    let mut opened = 0;
    // Each has its moment: a crowd does not move in step.
    let share = count.div_ceil(SLICES);
    for slice in (0..SLICES).cycle().take_while(|_| !stop.load(Relaxed)) {
        let began = Instant::now();
        let numbered = clients.iter_mut().enumerate();
        for (number, client) in numbered.skip(slice * share).take(share) {
            let at = [At::Head, At::Body, At::Reply][number % 3];
            let goes_on = match client {
                Some((stream, sent)) => goes_on(stream, sent, at),
                None => {
                    *client = begin(address, at).map(|stream| (stream, 0));
                    opened += u64::from(client.is_some());
                    true
                }
            };
            if !goes_on {
                *client = None;
            }
        }
        held.store(clients.iter().flatten().count() as u64, Relaxed);
        thread::sleep((STEP / SLICES as u32).saturating_sub(began.elapsed()));
    }
    opened
}

const SLOW_HEAD: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: 0123456789012345678901234567890123456789\r\n\r\n";

fn begin(address: &str, at: At) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_nodelay(true).ok()?;
    let text = match at {
        At::Head => "G".to_owned(),
        At::Body => {
            "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: echo\r\nContent-Length: 1000\r\n\r\n".to_owned()
        }
        At::Reply => "GET / HTTP/1.1\r\nHost: a\r\nX-Probe: size=8000000\r\n\r\n".to_owned(),
    };
    stream.write_all(text.as_bytes()).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

/// One octet more; false where the connection is over.
fn goes_on(stream: &mut TcpStream, sent: &mut usize, at: At) -> bool {
    *sent += 1;
    match at {
        At::Head => *sent < SLOW_HEAD.len() && stream.write_all(&SLOW_HEAD[*sent..=*sent]).is_ok(),
        At::Body => *sent < 1000 && stream.write_all(b"x").is_ok(),
        At::Reply => !matches!(stream.read(&mut [0]), Ok(0)),
    }
}

/// The latencies of the ordinary clients, sorted; each request has to be answered.
fn ordinary(server: &Server) -> Vec<Duration> {
    let until = Instant::now() + span();
    let clients: Vec<JoinHandle<Vec<Duration>>> = (0..ORDINARY)
        .map(|_| {
            let mut responses = Responses::on(server.connect());
            thread::spawn(move || {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let began = Instant::now();
                    responses
                        .peer
                        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Probe: body=quick\r\n\r\n");
                    assert_eq!(responses.next("GET").body, b"quick");
                    latencies.push(began.elapsed());
                    thread::sleep(Duration::from_millis(5));
                }
                latencies
            })
        })
        .collect();
    let mut all: Vec<Duration> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("every request is answered"))
        .collect();
    all.sort_unstable();
    all
}

fn percentile(sorted: &[Duration], of_hundred: usize) -> Duration {
    sorted[(sorted.len() * of_hundred / 100).min(sorted.len() - 1)]
}

/// Room for a crowd, in this process and in the server that it starts.
fn raise_limit() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

#[track_caller]
fn a_crowd_keeps_nobody(name: &str, server: &Server) {
    let count = slow_clients();
    // Each worker has had its first request.
    ordinary(server);
    let quiet = ordinary(server);
    let crowd = Crowd::gather(&server.addresses[0], count);
    let deadline = Instant::now() + Duration::from_secs(30);
    while crowd.held.load(Relaxed) < count as u64 {
        assert!(Instant::now() < deadline, "slow clients find no connection");
        thread::sleep(Duration::from_millis(10));
    }
    let beside = ordinary(server);
    let opened = crowd.leave();
    let of = |latencies: &[Duration]| (percentile(latencies, 50), percentile(latencies, 99));
    let ((quiet_50, quiet_99), (p50, p99)) = (of(&quiet), of(&beside));
    let line = format!(
        "| {name} | {count} ({opened} connections) | {} | {quiet_50:.2?} | {p50:.2?} | {quiet_99:.2?} | {p99:.2?} |",
        beside.len()
    );
    println!("{line}");
    support::figures(&line);
    if is_long() {
        assert!(p99 <= 2 * quiet_99, "{p99:?}, quiet {quiet_99:?}");
    }
}

#[test]
fn a_crowd_of_slow_clients_keeps_nobody_from_the_probe() {
    raise_limit();
    let server = support::probe::server(&["--processes", "2"]);
    a_crowd_keeps_nobody("native", &server);
}

#[test]
fn a_crowd_of_slow_clients_keeps_nobody_from_an_application() {
    needs_python!();
    raise_limit();
    let site = python::Site::new(
        "def application(environ, start_response):\n\
         \x20   probe = environ.get('HTTP_X_PROBE', '')\n\
         \x20   if probe.startswith('size='):\n\
         \x20       size = int(probe[5:])\n\
         \x20       start_response('200 OK', [('Content-Length', str(size))])\n\
         \x20       return [b'x' * size]\n\
         \x20   body = environ['wsgi.input'].read() if probe == 'echo' else probe[5:].encode()\n\
         \x20   start_response('200 OK', [('Content-Length', str(len(body)))])\n\
         \x20   return [body]\n",
    );
    // Without it a body is read by the application, whose only thread waits for it.
    let options = ["--processes", "2", "--post-buffering", "8192"];
    let server = site.serve(&[&python::HTTP[..], &options].concat());
    a_crowd_keeps_nobody("WSGI, post-buffering", &server);
}
