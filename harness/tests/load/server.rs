//! A small scripted HTTP server, a thread per connection.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use gatebench::address::Address;

/// What happens to a connection after a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Stay,
    Close,
}

/// Writes the reply to request number `.0`, counted over all connections from 0.
pub(crate) type Script = dyn Fn(u64, &mut dyn Write) -> io::Result<Then> + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: Address,
    requests: Arc<AtomicU64>,
}

impl Server {
    pub(crate) fn tcp(
        script: impl Fn(u64, &mut dyn Write) -> io::Result<Then> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        Self::serve(address, Arc::new(script), move || Ok(listener.accept()?.0))
    }

    /// On a Unix socket, in the file system or the abstract namespace.
    pub(crate) fn unix(
        address: Address,
        script: impl Fn(u64, &mut dyn Write) -> io::Result<Then> + Send + Sync + 'static,
    ) -> Self {
        let name = match &address {
            Address::Unix(path) => SocketAddr::from_pathname(path),
            Address::Abstract(name) => SocketAddr::from_abstract_name(name),
            Address::Tcp(_) => panic!("no Unix socket: {address}"),
        };
        let listener = UnixListener::bind_addr(&name.unwrap()).unwrap();
        Self::serve(address, Arc::new(script), move || Ok(listener.accept()?.0))
    }

    /// Requests that came.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(SeqCst)
    }

    fn serve<S: Read + Write + Send + 'static>(
        address: Address,
        script: Arc<Script>,
        accept: impl Fn() -> io::Result<S> + Send + 'static,
    ) -> Self {
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            while let Ok(stream) = accept() {
                let (script, counter) = (Arc::clone(&script), Arc::clone(&counter));
                thread::spawn(move || converse(stream, &*script, &counter));
            }
        });
        Self { address, requests }
    }
}

fn converse(mut stream: impl Read + Write, script: &Script, counter: &AtomicU64) {
    let mut buf = Vec::new();
    while read_request(&mut stream, &mut buf).unwrap_or(false) {
        let number = counter.fetch_add(1, SeqCst);
        match script(number, &mut stream) {
            Ok(Then::Stay) => {}
            Ok(Then::Close) | Err(_) => return,
        }
    }
}

/// Takes one request off the stream; `false` at its end.
fn read_request(stream: &mut impl Read, buf: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        if let Some(len) = request_len(buf).filter(|&len| len <= buf.len()) {
            buf.drain(..len);
            return Ok(true);
        }
        let mut read = [0; 16 * 1024];
        match stream.read(&mut read)? {
            0 => return Ok(false),
            len => buf.extend_from_slice(&read[..len]),
        }
    }
}

fn request_len(buf: &[u8]) -> Option<usize> {
    let head = buf.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buf[..head]).unwrap();
    let body = text
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    Some(head + body.map_or(0, |len| len.parse().unwrap()))
}
