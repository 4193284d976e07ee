//! A server that means ill: it listens on the loopback, answers every connection in one way, and
//! ends with the test.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Moves a cursor, names a window, rings, runs a script, leaves a code span, turns the reading
/// order, and is no UTF-8 in the end.
pub(crate) const EVIL: &[u8] =
    b"\x1b]0;own\x07\x1b[31m<script>alert(1)</script>`&\"'\xe2\x80\xae\xff\xc0";

/// What a connection gets: octets once, then others as long as they are taken.
#[derive(Clone)]
pub(crate) struct Conduct {
    pub(crate) first: Vec<u8>,
    /// Nothing where the connection is closed after the first.
    pub(crate) then: Vec<u8>,
    /// Whether the bench's first two questions are answered as the probe would, so that cases begin.
    pub(crate) poses: bool,
}

/// The server; it stops where it is dropped.
pub(crate) struct Hostile {
    pub(crate) at: SocketAddr,
    over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    listening: Option<JoinHandle<()>>,
}

impl Hostile {
    pub(crate) fn start(conduct: Conduct) -> Self {
        Self::before(None, conduct)
    }

    /// A gateway before a recorder: it poses by forwarding, and later sends to both sides what is
    /// hostile.
    pub(crate) fn gateway(recorder: SocketAddr, conduct: Conduct) -> Self {
        Self::before(Some(recorder), conduct)
    }

    fn before(recorder: Option<SocketAddr>, conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (over, sent) = (Arc::default(), Arc::default());
        let shared = Shared {
            recorder,
            conduct: Arc::new(conduct),
            over: Arc::clone(&over),
            sent: Arc::clone(&sent),
            posed: Arc::default(),
        };
        let listening = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || shared.answer(stream));
            }
        });
        Self {
            at,
            over,
            sent,
            listening: Some(listening),
        }
    }

    /// How many connections got what is hostile.
    pub(crate) fn attacks(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // It wakes by a last connection.
        TcpStream::connect(self.at).ok();
        self.listening.take().map(JoinHandle::join);
    }
}

#[derive(Clone)]
struct Shared {
    recorder: Option<SocketAddr>,
    conduct: Arc<Conduct>,
    over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    posed: Arc<AtomicUsize>,
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let patience = Some(Duration::from_secs(2));
        stream.set_read_timeout(patience).unwrap();
        stream.set_write_timeout(patience).unwrap();
        let mut asked = vec![0; 64 * 1024];
        let size = stream.read(&mut asked).unwrap_or(0);
        if size == 0 {
            return;
        }
        if self.conduct.poses && self.posed.fetch_add(1, Ordering::SeqCst) < 2 {
            match self.recorder {
                Some(recorder) => drop(forward(recorder, &stream, &asked[..size])),
                None => drop(stream.write_all(&as_the_probe(&asked[..size]))),
            }
            return;
        }
        self.sent.fetch_add(1, Ordering::SeqCst);
        if let Some(Ok(recorder)) = self.recorder.map(TcpStream::connect) {
            recorder.set_write_timeout(patience).unwrap();
            let shared = self.clone();
            thread::spawn(move || shared.attack(recorder));
        }
        self.attack(stream);
    }

    fn attack(&self, mut stream: TcpStream) {
        if stream.write_all(&self.conduct.first).is_err() || self.conduct.then.is_empty() {
            return;
        }
        while !self.over.load(Ordering::SeqCst) && stream.write_all(&self.conduct.then).is_ok() {}
    }
}

/// Passes on a request that was begun, and the reply.
fn forward(to: SocketAddr, client: &TcpStream, begun: &[u8]) -> io::Result<()> {
    let mut recorder = TcpStream::connect(to)?;
    recorder.write_all(begun)?;
    let (mut up, mut from) = (recorder.try_clone()?, client.try_clone()?);
    let sending = thread::spawn(move || {
        io::copy(&mut from, &mut up).ok();
        up.shutdown(Shutdown::Write).ok();
    });
    let mut back = client;
    io::copy(&mut recorder, &mut back).ok();
    client.shutdown(Shutdown::Both).ok();
    sending.join().ok();
    Ok(())
}

/// What the probe says to a plain request, and to a command that it does not know.
fn as_the_probe(asked: &[u8]) -> Vec<u8> {
    let asked = String::from_utf8_lossy(asked);
    let (status, body) = match asked.contains("no-such-command") {
        true => ("400 Bad Request", "unknown probe command"),
        false => (
            "200 OK",
            r#"{"probe":1,"language":"rust","interface":"http","pid":7,"environ":[],
            "body":{"size":0,"sha256":"","error":null},"argv":null,"cwd":null}"#,
        ),
    };
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}
