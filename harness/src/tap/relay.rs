//! Passes connections on and copies what goes by into a bounded queue, which nobody waits for.

use std::{
    cell::{Cell, RefCell},
    fs, io,
    net::Shutdown,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    rc::Rc,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::conversation::Happened;
use crate::{address::Address, transcript::Way};

/// Octets that may wait to be decoded: 16 MiB.
const WAITING: usize = 16 << 20;
/// Octets that are read at a time.
const READ: usize = 64 * 1024;
/// How long accepting pauses where the machine has no sockets left.
const RECOVER: Duration = Duration::from_millis(10);

/// Something that happened, and where and when.
pub(super) struct Event {
    pub(super) connection: u64,
    pub(super) at: Duration,
    pub(super) what: Happened,
}

/// Between the relay, which never waits for it, and whoever decodes.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    octets: usize,
    sleeping: bool,
    over: bool,
    lost: u64,
}

/// What was taken from the queue.
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    /// Octets that passed without being decoded, so far.
    pub(super) lost: u64,
    /// Nothing more comes.
    pub(super) over: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event; `false` where octets found no room.
    fn push(&self, event: Event) -> bool {
        let mut state = self.state();
        if let Happened::Octets(_, octets) = &event.what {
            if state.octets + octets.len() > WAITING {
                state.lost += octets.len() as u64;
                return false;
            }
            state.octets += octets.len();
        }
        state.events.push(event);
        if state.sleeping {
            state.sleeping = false;
            self.filled.notify_one();
        }
        true
    }

    fn lose(&self, octets: usize) {
        self.state().lost += octets as u64;
    }

    /// Waits for events and takes all there are.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.state();
        while state.events.is_empty() && !state.over {
            state.sleeping = true;
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.sleeping = false;
        state.octets = 0;
        Batch {
            events: std::mem::take(&mut state.events),
            lost: state.lost,
            over: state.over,
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.state().over = true;
        self.filled.notify_one();
    }
}

/// A listening socket of either kind.
pub struct Listener {
    kind: Kind,
    at: Address,
}

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens. A Unix socket is open to everybody, as the gateway's workers run as another user;
    /// one that a dead process left behind is replaced.
    ///
    /// # Errors
    /// The address is taken, does not resolve, or may not be used.
    pub fn bind(at: &Address) -> io::Result<Self> {
        if let Address::Unix(path) = at {
            let is_socket = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
            let is_dead = || std::os::unix::net::UnixStream::connect(path).is_err();
            if is_socket && is_dead() {
                fs::remove_file(path)?;
            }
        }
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in at.resolve()? {
            match listen(&address) {
                Ok(socket) => {
                    if let Address::Unix(path) = at {
                        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
                    }
                    let kind = match at {
                        Address::Tcp(_) => Kind::Tcp(TcpListener::from_std(socket.into())?),
                        _ => Kind::Unix(UnixListener::from_std(socket.into())?),
                    };
                    let at = at.clone();
                    return Ok(Self { kind, at });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn accept(&self) -> io::Result<Stream> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Kind::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

fn listen(address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    if address.domain() != Domain::UNIX {
        socket.set_reuse_address(true)?;
    }
    socket.bind(address)?;
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.at {
            // Whoever removed it has done what is left to do.
            fs::remove_file(path).ok();
        }
    }
}

/// A connection of either kind.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    async fn connect(to: &Address) -> io::Result<Self> {
        match to {
            Address::Tcp(host_port) => {
                let stream = TcpStream::connect(host_port).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            // Such a connection is there at once or never: nothing has to be waited for.
            Address::Unix(_) | Address::Abstract(_) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
                for address in to.resolve()? {
                    socket.connect(&address)?;
                }
                Ok(Self::Unix(UnixStream::from_std(socket.into())?))
            }
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Unix(stream) => stream.writable().await,
        }
    }

    fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buf),
            Self::Unix(stream) => stream.try_read(buf),
        }
    }

    fn try_write(&self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(octets),
            Self::Unix(stream) => stream.try_write(octets),
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }

    /// Ends the sending direction; where the other side is gone there is nobody to tell.
    fn end(&self) {
        self.socket().shutdown(Shutdown::Write).ok();
    }

    /// Makes the coming close a reset, where the socket has such a thing.
    fn reset(&self) {
        if let Self::Tcp(_) = self {
            self.socket().set_linger(Some(Duration::ZERO)).ok();
        }
        self.socket().shutdown(Shutdown::Both).ok();
    }
}

/// Relays until its future is dropped.
pub(super) struct Relay {
    pub(super) to: Address,
    pub(super) queue: Arc<Queue>,
    pub(super) start: Instant,
}

/// Relays every connection of `listener`; needs a `LocalSet`.
pub(super) async fn serve(listener: &Listener, relay: Rc<Relay>) -> io::Result<()> {
    let mut number = 0;
    loop {
        match listener.accept().await {
            Ok(gateway) => {
                number += 1;
                let wire = Wire {
                    number,
                    lost: RefCell::new(false),
                    half: Cell::new(false),
                    relay: relay.clone(),
                };
                tokio::task::spawn_local(wire.carry(gateway));
            }
            Err(error) if is_fatal(&error) => return Err(error),
            Err(_) => tokio::time::sleep(RECOVER).await,
        }
    }
}

fn is_fatal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK)
    )
}

/// Why a step of passing octets did not pass any.
enum Stop {
    /// Nothing to read yet.
    Empty,
    /// Reading failed.
    Sender(io::Error),
    /// Writing failed.
    Receiver(io::Error),
}

/// One relayed connection.
struct Wire {
    number: u64,
    lost: RefCell<bool>,
    /// One direction has ended in order.
    half: Cell<bool>,
    relay: Rc<Relay>,
}

impl Wire {
    async fn carry(self, gateway: Stream) {
        match Stream::connect(&self.relay.to).await {
            Ok(backend) => {
                let up = self.pass(&gateway, &backend, Way::Request);
                let down = self.pass(&backend, &gateway, Way::Reply);
                tokio::join!(up, down);
            }
            Err(error) => self.tell(Happened::Refused(error.to_string())),
        }
        self.tell(Happened::Over);
    }

    fn tell(&self, what: Happened) {
        self.relay.queue.push(Event {
            connection: self.number,
            at: self.relay.start.elapsed(),
            what,
        });
    }

    /// Copies octets for the decoder; where it is behind, the rest of the connection is not decoded.
    fn copy(&self, way: Way, octets: &[u8]) {
        let mut lost = self.lost.borrow_mut();
        if *lost {
            self.relay.queue.lose(octets.len());
            return;
        }
        let event = Event {
            connection: self.number,
            at: self.relay.start.elapsed(),
            what: Happened::Octets(way, octets.to_vec()),
        };
        if !self.relay.queue.push(event) {
            *lost = true;
            self.tell(Happened::Lost);
        }
    }

    /// Passes octets one way until their end, and the end as well.
    async fn pass(&self, from: &Stream, to: &Stream, way: Way) {
        thread_local! {
            // One buffer for all: nothing is held over a wait.
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
        }
        loop {
            let step = BUFFER.with_borrow_mut(|buffer| match from.try_read(buffer) {
                Ok(size) => {
                    let octets = &buffer[..size];
                    if size == 0 {
                        return Ok(Some(Vec::new()));
                    }
                    // First on its way, then told.
                    let sent = match to.try_write(octets) {
                        Ok(sent) => Ok(sent),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                        Err(error) => Err(Stop::Receiver(error)),
                    };
                    self.copy(way, octets);
                    let sent = sent?;
                    Ok(Some(octets[sent..].to_vec()).filter(|rest| !rest.is_empty()))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Stop::Empty),
                Err(error) => Err(Stop::Sender(error)),
            });
            match step {
                Ok(None) => {}
                Ok(Some(rest)) if rest.is_empty() => {
                    // Behind the second end both are closed anyway.
                    if !self.half.replace(true) {
                        to.end();
                    }
                    return self.tell(Happened::Ended(way));
                }
                Ok(Some(rest)) => {
                    if let Err(error) = write(to, &rest).await {
                        return self.receiver_went(from, way, &error);
                    }
                }
                Err(Stop::Empty) => {
                    if let Err(error) = from.readable().await {
                        return self.sender_went(to, way, &error);
                    }
                }
                Err(Stop::Sender(error)) => return self.sender_went(to, way, &error),
                Err(Stop::Receiver(error)) => return self.receiver_went(from, way, &error),
            }
        }
    }

    /// The side that sends this way is gone: the other is told by a reset.
    fn sender_went(&self, to: &Stream, way: Way, error: &io::Error) {
        self.tell(Happened::Broke(way, error.to_string()));
        to.reset();
    }

    /// The side that receives this way is gone. What it still sent is passed by the other direction,
    /// which tells of its end as well; a gateway's may never come, since it waits for nothing more.
    fn receiver_went(&self, from: &Stream, way: Way, error: &io::Error) {
        if way == Way::Reply {
            self.tell(Happened::Broke(Way::Request, error.to_string()));
        }
        from.socket().shutdown(Shutdown::Read).ok();
    }
}

async fn write(to: &Stream, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        to.writable().await?;
        match to.try_write(octets) {
            Ok(sent) => octets = &octets[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
