//! Clients and applications that do what they should not, beside the load.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wire::fastcgi::{BeginRequest, Kind, params, record};
use wire::{scgi, uwsgi};

use super::site::Site;
use super::support::{self, Peer};
use super::watch;

/// How long a server may take to answer again behind a fault.
const AGAIN: Duration = Duration::from_secs(20);

/// What they did so far.
#[derive(Debug, Default)]
pub(crate) struct Done {
    broken_off: AtomicU64,
    slow: AtomicU64,
    raised: AtomicU64,
    exited: AtomicU64,
    crashed: AtomicU64,
    killed: AtomicU64,
    /// Requests behind a fault that were not answered in time.
    pub(crate) unanswered: AtomicU64,
}

impl Done {
    /// Whether each kind of fault happened.
    pub(crate) fn all_happened(&self) -> bool {
        let kinds = [
            &self.broken_off,
            &self.slow,
            &self.raised,
            &self.exited,
            &self.crashed,
            &self.killed,
        ];
        kinds.iter().all(|kind| kind.load(Relaxed) > 0)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Relaxed);
        write!(
            f,
            "{} requests broken off within head, body or reply over four protocols, {} slow requests; of an \
             application {} exceptions, {} exits and {} crashes, and {} of its workers killed",
            of(&self.broken_off),
            of(&self.slow),
            of(&self.raised),
            of(&self.exited),
            of(&self.crashed),
            of(&self.killed)
        )
    }
}

/// Those at work.
pub(crate) struct Disturbers {
    threads: Vec<JoinHandle<()>>,
    pub(crate) done: Arc<Done>,
}

type Disturb = Box<dyn FnOnce(&Done, &AtomicBool) + Send>;

impl Disturbers {
    pub(crate) fn start(site: &Site, stop: &Arc<AtomicBool>) -> Self {
        let sockets = ["http", "fastcgi", "uwsgi", "scgi"].map(|it| (it, site.socket(it)));
        let (tcp, front, broken) = (site.tcp(), site.front(), site.broken.pid());
        let done = Arc::<Done>::default();
        let each: [Disturb; 3] = [
            Box::new(move |done, stop| break_off(&sockets, done, stop)),
            Box::new(move |done, stop| dawdle(&tcp, done, stop)),
            Box::new(move |done, stop| break_applications(&front, broken, done, stop)),
        ];
        let threads = each.into_iter().map(|disturb| {
            let (done, stop) = (Arc::clone(&done), Arc::clone(stop));
            std::thread::spawn(move || disturb(&done, &stop))
        });
        Self {
            threads: threads.collect(),
            done,
        }
    }

    /// Waits for their end.
    pub(crate) fn join(self) -> Arc<Done> {
        for thread in self.threads {
            thread.join().expect("it has not panicked");
        }
        self.done
    }
}

/// A POST with 1000 octets of body that asks for a reply of a megabyte.
fn request(protocol: &str) -> BytesMut {
    let probe = "size=1000000";
    let (mut bytes, body) = (BytesMut::new(), vec![b'x'; 1000]);
    let environ = support::environ("POST", probe, body.len());
    match protocol {
        "http" => bytes.extend_from_slice(
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nX-Probe: {probe}\r\nContent-Length: 1000\r\n\r\n"
            )
            .as_bytes(),
        ),
        "uwsgi" => uwsgi::encode_request(&environ, 0, 0, &mut bytes).unwrap(),
        "scgi" => scgi::encode_request(&environ, body.len() as u64, &mut bytes).unwrap(),
        _ => {
            let (role, flags) = (BeginRequest::RESPONDER, 0);
            let begin = BeginRequest { role, flags };
            record::encode(Kind::BEGIN_REQUEST, 1, &begin.encode(), &mut bytes);
            params::encode(1, &environ, &mut bytes);
            record::encode_stream(Kind::STDIN, 1, &body, &mut bytes);
            record::encode_end(Kind::STDIN, 1, &mut bytes);
            return bytes;
        }
    }
    bytes.extend_from_slice(&body);
    bytes
}

/// Goes away within the head, the body or the reply, by turns.
fn break_off(sockets: &[(&str, String)], done: &Done, stop: &AtomicBool) {
    let requests: Vec<BytesMut> = sockets
        .iter()
        .map(|(protocol, _)| request(protocol))
        .collect();
    let mut turn = 0;
    while !stop.load(Relaxed) {
        turn += 1;
        let at = turn % sockets.len();
        let whole = &requests[at];
        let cut = match turn / sockets.len() % 3 {
            0 => turn * 7 % (whole.len() - 1000) + 1,
            1 => whole.len() - 500,
            _ => whole.len(),
        };
        let Ok(mut peer) = UnixStream::connect(&sockets[at].1) else {
            // While it reloads the queue may be full for a moment.
            continue;
        };
        if peer.write_all(&whole[..cut]).is_ok() && cut == whole.len() {
            let _ = peer.read(&mut [0; 1000]);
        }
        done.broken_off.fetch_add(1, Relaxed);
        drop(peer);
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Ten clients that send an octet every 100 ms, and begin anew when they have their answer.
fn dawdle(tcp: &str, done: &Done, stop: &AtomicBool) {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut clients: Vec<(Peer, usize)> = (0..10)
        .map(|at| (Peer::to(tcp), at * 4 % request.len()))
        .collect();
    for (peer, sent) in &mut clients {
        let _ = peer.write_all(&request[..*sent]);
    }
    while !stop.load(Relaxed) {
        for (peer, sent) in &mut clients {
            let is_refused = peer.write_all(&request[*sent..=*sent]).is_err();
            *sent += 1;
            if is_refused || *sent == request.len() {
                let is_answered = !is_refused && !peer.rest().is_empty();
                done.slow.fetch_add(u64::from(is_answered), Relaxed);
                (*peer, *sent) = (Peer::to(tcp), 0);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Has an application raise, exit and crash, and kills its worker; behind each an ordinary request has
/// to be answered.
fn break_applications(front: &Path, master: Pid, done: &Done, stop: &AtomicBool) {
    let mut turn = 0;
    while !stop.load(Relaxed) {
        let slot = match turn % 4 {
            0 => ask(front, "/broken/raise").map(|_| &done.raised),
            1 => ask(front, "/broken/exit").map(|_| &done.exited),
            2 => ask(front, "/broken/crash").map(|_| &done.crashed),
            _ => kill_one_below(master).then_some(&done.killed),
        };
        if let Some(count) = slot {
            count.fetch_add(1, Relaxed);
        }
        let began = Instant::now();
        while ask(front, "/broken/fine") != Some(200) {
            if began.elapsed() > AGAIN {
                eprintln!("no answer behind fault {turn}");
                done.unanswered.fetch_add(1, Relaxed);
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        turn += 1;
        std::thread::sleep(Duration::from_millis(150));
    }
}

fn kill_one_below(master: Pid) -> bool {
    let worker = watch::below(master).into_iter().find(|pid| *pid != master);
    worker.is_some_and(|pid| kill(pid, Signal::SIGKILL).is_ok())
}

/// The status that nginx gives; `None` where there is none.
fn ask(front: &Path, path: &str) -> Option<u16> {
    let mut peer = UnixStream::connect(front).ok()?;
    peer.set_read_timeout(Some(AGAIN)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    peer.write_all(request.as_bytes()).ok()?;
    let mut reply = String::new();
    peer.read_to_string(&mut reply).ok()?;
    reply.split(' ').nth(1)?.parse().ok()
}
