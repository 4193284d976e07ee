//! Clients that ask without a pause on connections that they keep, and count what fails.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use wire::http::{ChunkEvent, ChunkedDecoder, Framing, Limits, decode_response};

use super::Peer;

/// Longer than any reply here takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom a client asks, and for what.
#[derive(Clone, Debug)]
pub struct Aim {
    /// A name for the figures.
    pub name: &'static str,
    /// Where the client connects.
    pub place: Place,
    /// The path that it asks for.
    pub path: &'static str,
}

#[derive(Clone, Debug)]
pub enum Place {
    Tcp(String),
    Unix(PathBuf),
}

impl Place {
    fn connect(&self) -> std::io::Result<Peer> {
        let peer = match self {
            Self::Tcp(address) => Peer::Tcp(TcpStream::connect(address)?),
            Self::Unix(path) => Peer::Unix(UnixStream::connect(path)?),
        };
        match &peer {
            Peer::Tcp(stream) => stream.set_read_timeout(Some(PATIENCE))?,
            Peer::Unix(stream) => stream.set_read_timeout(Some(PATIENCE))?,
        }
        Ok(peer)
    }
}

/// What came of it at one aim.
#[derive(Debug, Default)]
pub struct Count {
    answered: AtomicU64,
    failed: AtomicU64,
    /// The first few failures.
    reasons: Mutex<Vec<String>>,
}

impl Count {
    pub fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    pub fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    pub fn reasons(&self) -> Vec<String> {
        self.reasons.lock().unwrap().clone()
    }

    fn fail(&self, reason: String) {
        self.failed.fetch_add(1, Relaxed);
        let mut reasons = self.reasons.lock().unwrap();
        if reasons.len() < 5 {
            reasons.push(reason);
        }
    }
}

/// Clients at work; they stop when told to, or dropped.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
    pub counts: Vec<(&'static str, Arc<Count>)>,
}

impl Load {
    /// So many clients at each of these aims.
    pub fn start(aims: &[Aim], clients_each: usize) -> Self {
        Self::paced(aims, clients_each, Duration::ZERO)
    }

    /// The same with a pause before each request.
    pub fn paced(aims: &[Aim], clients_each: usize, pause: Duration) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let (mut clients, mut counts) = (Vec::new(), Vec::new());
        for aim in aims {
            let count = Arc::<Count>::default();
            counts.push((aim.name, Arc::clone(&count)));
            for number in 0..clients_each {
                let (aim, stop, count) = (aim.clone(), Arc::clone(&stop), Arc::clone(&count));
                let run = move || ask_until(&stop, &aim, &count, (number as u64, pause));
                clients.push(std::thread::spawn(run));
            }
        }
        Self {
            stop,
            clients,
            counts,
        }
    }

    /// What was answered at the aim that has the least.
    pub fn least(&self) -> u64 {
        let answered = self.counts.iter().map(|(_, count)| count.answered());
        answered.min().expect("there are aims")
    }

    pub fn failed(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count.failed()).sum()
    }

    /// Waits until each aim has answered so many in all, or anything fails.
    #[track_caller]
    pub fn until(&self, least: u64) {
        let (mut seen, mut since) = (0, Instant::now());
        while self.least() < least && self.failed() == 0 {
            if self.least() > seen {
                (seen, since) = (self.least(), Instant::now());
            }
            assert!(since.elapsed() < PATIENCE, "no answers any more");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Lets each client finish its request.
    pub fn stop(mut self) -> Vec<(&'static str, Arc<Count>)> {
        self.end();
        std::mem::take(&mut self.counts)
    }

    fn end(&mut self) {
        self.stop.store(true, Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

/// GET and POST by turns, each on the connection of the one before where the server keeps it. No
/// request is sent twice.
fn ask_until(stop: &AtomicBool, aim: &Aim, count: &Count, (mut number, pause): (u64, Duration)) {
    let mut kept: Option<Peer> = None;
    while !stop.load(Relaxed) {
        std::thread::sleep(pause);
        number += 1;
        let was_kept = kept.is_some();
        let asked = match kept.take().map_or_else(|| aim.place.connect(), Ok) {
            Ok(peer) => ask(peer, aim.path, number),
            Err(error) => Err(format!("no connection: {error}")),
        };
        match asked {
            Ok(again) => {
                count.answered.fetch_add(1, Relaxed);
                kept = again;
            }
            Err(reason) => count.fail(format!("{}, kept: {was_kept}: {reason}", aim.name)),
        }
        // Most connections are idle now and then.
        if number.is_multiple_of(16) {
            std::thread::sleep(Duration::from_millis(number % 7));
        }
    }
}

/// One request; the connection, if another may follow on it.
fn ask(mut peer: Peer, path: &str, number: u64) -> Result<Option<Peer>, String> {
    let text = format!("request {number}");
    let (method, request) = if number.is_multiple_of(2) {
        let probe = format!("X-Probe: body=request%20{number}");
        (
            "GET",
            format!("GET {path} HTTP/1.1\r\nHost: a\r\n{probe}\r\n\r\n"),
        )
    } else {
        let length = text.len();
        let fields = format!("Host: a\r\nX-Probe: echo\r\nContent-Length: {length}");
        (
            "POST",
            format!("POST {path} HTTP/1.1\r\n{fields}\r\n\r\n{text}"),
        )
    };
    let failed = |what: &str| format!("{method} {number} {what}");
    peer.write_all(request.as_bytes())
        .map_err(|error| failed(&format!("not taken: {error}")))?;
    let mut buf = BytesMut::new();
    let head = loop {
        match decode_response(&mut buf, &Limits::default()) {
            Ok(Some(head)) => break head,
            Ok(None) => {
                more(&mut peer, &mut buf).map_err(|it| failed(&format!("no head: {it}")))?
            }
            Err(error) => return Err(failed(&format!("bad head: {error}"))),
        }
    };
    if head.status != 200 {
        return Err(failed(&format!("answered {}", head.status)));
    }
    let framing = head
        .framing(method.as_bytes())
        .map_err(|it| failed(&it.to_string()))?;
    let body = match framing {
        Framing::Length(length) => {
            while (buf.len() as u64) < length {
                more(&mut peer, &mut buf).map_err(|it| failed(&format!("cut: {it}")))?;
            }
            buf.split().to_vec()
        }
        Framing::Chunked => chunked(&mut peer, &mut buf).map_err(|it| failed(&it))?,
        other => return Err(failed(&format!("has no end of its own: {other:?}"))),
    };
    if body != text.as_bytes() {
        return Err(failed(&format!(
            "answered {:?}",
            String::from_utf8_lossy(&body)
        )));
    }
    let closes = head
        .header("connection")
        .is_some_and(|it| it.eq_ignore_ascii_case(b"close"));
    Ok((!closes).then_some(peer))
}

fn more(peer: &mut Peer, buf: &mut BytesMut) -> Result<(), String> {
    let mut piece = [0; 4096];
    match peer.read(&mut piece) {
        Ok(0) => Err("closed".into()),
        Ok(count) => {
            buf.extend_from_slice(&piece[..count]);
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn chunked(peer: &mut Peer, buf: &mut BytesMut) -> Result<Vec<u8>, String> {
    let (mut decoder, mut body) = (ChunkedDecoder::new(), Vec::new());
    loop {
        match decoder.decode(buf).map_err(|error| error.to_string())? {
            Some(ChunkEvent::Data(piece)) => body.extend_from_slice(&piece),
            Some(ChunkEvent::End { .. }) => return Ok(body),
            None => more(peer, buf).map_err(|it| format!("cut: {it}"))?,
        }
    }
}
