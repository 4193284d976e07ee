//! One relayed connection: octets that pass both ways between two sockets, and their ends.

use std::{io, net::Shutdown, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    conversation::Happened,
    tape::{READ, Writer},
};
use crate::transcript::Way;

/// How often one connection may read before others have their turn.
const ROUNDS: usize = 16;

/// The other side sends no more: what can be read must be read now, no further edge will come.
const CLOSING: EventFlags = EventFlags::RDHUP
    .union(EventFlags::HUP)
    .union(EventFlags::ERR);
const READABLE: EventFlags = EventFlags::IN.union(CLOSING);
const WRITABLE: EventFlags = EventFlags::OUT
    .union(EventFlags::HUP)
    .union(EventFlags::ERR);
/// What is watched while nothing waits to be written.
const WATCHED: EventFlags = EventFlags::IN
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// What all connections share.
pub(super) struct Shared {
    pub(super) epoll: OwnedFd,
    pub(super) tape: Writer,
    /// Everything that the application server's address means.
    pub(super) to: Vec<SockAddr>,
}

/// How a turn of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next event tells when to go on.
    Waits,
    /// There is more, but others have their turn first.
    More,
    /// It can be closed.
    Over,
}

/// How much of a connection the decoder hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    All,
    /// No octets any more: some found no room.
    Ends,
    /// There was no room when it began.
    Nothing,
}

/// One of the two sockets.
struct End {
    socket: Socket,
    token: u64,
    /// What could not be written to it yet.
    waiting: Vec<u8>,
    /// Whether its being writable is watched.
    watches_out: bool,
    /// What epoll told of its end so far.
    told: EventFlags,
    /// It may have sent more than was read.
    more: bool,
    /// It sends no more, or what it sends is not wanted any more.
    over: bool,
}

/// Two sockets and what is between them.
pub(super) struct Wire {
    number: u64,
    heard: Heard,
    gateway: End,
    backend: End,
    /// Which address comes next where this connection to the application server fails.
    connecting: Option<usize>,
}

impl End {
    fn new(socket: Socket, token: u64) -> Self {
        Self {
            socket,
            token,
            waiting: Vec::new(),
            watches_out: false,
            told: EventFlags::empty(),
            more: false,
            over: false,
        }
    }

    fn watch(&self, epoll: &OwnedFd) -> io::Result<()> {
        let out = match self.watches_out {
            true => EventFlags::OUT,
            false => EventFlags::empty(),
        };
        let data = EventData::new_u64(self.token);
        Ok(epoll::add(epoll, &self.socket, data, WATCHED | out)?)
    }

    fn watch_out(&mut self, epoll: &OwnedFd, wanted: bool) -> Result<(), Errno> {
        let flags = match wanted {
            true => WATCHED | EventFlags::OUT,
            false => WATCHED,
        };
        self.watches_out = wanted;
        match epoll::modify(epoll, &self.socket, EventData::new_u64(self.token), flags) {
            // It is watched later, with this.
            Err(Errno::NOENT) => Ok(()),
            done => done,
        }
    }

    /// Writes what can be written; the rest waits.
    fn send(&mut self, epoll: &OwnedFd, octets: &[u8]) -> Result<(), Errno> {
        let sent = match self.waiting.is_empty() {
            true => some(send(&self.socket, octets, SendFlags::NOSIGNAL))?,
            false => 0,
        };
        if sent < octets.len() {
            self.waiting.extend_from_slice(&octets[sent..]);
            if !self.watches_out {
                self.watch_out(epoll, true)?;
            }
        }
        Ok(())
    }

    /// Writes what waits; whether all of it was.
    fn flush(&mut self, epoll: &OwnedFd) -> Result<bool, Errno> {
        let sent = some(send(&self.socket, &self.waiting, SendFlags::NOSIGNAL))?;
        self.waiting.drain(..sent);
        if self.waiting.is_empty() {
            self.watch_out(epoll, false)?;
        }
        Ok(self.waiting.is_empty())
    }
}

/// How much was written.
fn some(sent: Result<usize, Errno>) -> Result<usize, Errno> {
    match sent {
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        sent => sent,
    }
}

impl Wire {
    /// A gateway's connection, which is passed on to the application server; `None` where that takes
    /// none. Its events come with twice `place` for the gateway, and one more for the server.
    pub(super) fn open(
        (number, place): (u64, usize),
        gateway: Socket,
        shared: &mut Shared,
    ) -> Option<Self> {
        let heard = match shared.tape.has_room() {
            true => Heard::All,
            false => Heard::Nothing,
        };
        let (backend, connecting) = match connect(&shared.to, 0) {
            Ok(connected) => connected,
            Err(error) if heard == Heard::All => {
                shared
                    .tape
                    .note(number, Happened::Refused(error.to_string()));
                shared.tape.note(number, Happened::Over);
                return None;
            }
            Err(_) => return None,
        };
        let token = place as u64 * 2;
        let mut wire = Self {
            number,
            heard,
            gateway: End::new(gateway, token),
            backend: End::new(backend, token + 1),
            connecting,
        };
        match wire.start(shared) {
            Ok(Step::Over) => None,
            Ok(_) => Some(wire),
            Err(error) => {
                wire.refused(&error, shared);
                None
            }
        }
    }

    fn start(&mut self, shared: &mut Shared) -> io::Result<Step> {
        let step = match self.connecting {
            Some(_) => {
                self.backend.watches_out = true;
                Step::Waits
            }
            None => self.begin(shared)?,
        };
        self.backend.watch(&shared.epoll)?;
        Ok(step)
    }

    /// Both are there. What the gateway sent meanwhile passes first: then watching tells of it only
    /// where more comes.
    fn begin(&mut self, shared: &mut Shared) -> io::Result<Step> {
        let step = self.pass(Way::Request, shared);
        self.gateway.watch(&shared.epoll)?;
        Ok(step)
    }

    /// Whether the connection to the application server is there; where it failed, the next address
    /// is tried.
    fn connected(&mut self, shared: &mut Shared) -> io::Result<bool> {
        let Some(next) = self.connecting else {
            return Ok(true);
        };
        let Some(error) = self.backend.socket.take_error()? else {
            self.connecting = None;
            return Ok(true);
        };
        if next >= shared.to.len() {
            return Err(error);
        }
        (self.backend.socket, self.connecting) = connect(&shared.to, next)?;
        self.backend.watch(&shared.epoll)?;
        match self.connecting {
            Some(_) => Ok(false),
            None => Ok(true),
        }
    }

    /// What epoll told of one of the two sockets.
    pub(super) fn turn(&mut self, token: u64, flags: EventFlags, shared: &mut Shared) -> Step {
        let way = match token == self.gateway.token {
            true => Way::Request,
            false => Way::Reply,
        };
        if self.connecting.is_some() {
            let begun = self.connected(shared).and_then(|is_there| match is_there {
                true => self.begin(shared),
                false => Ok(Step::Waits),
            });
            match begun {
                Ok(Step::Over) => return Step::Over,
                Ok(_) if self.connecting.is_some() => return Step::Waits,
                Ok(_) => {}
                Err(error) => return self.refused(&error, shared),
            }
        }
        let end = self.sender(way);
        end.told |= flags & CLOSING;
        if flags.intersects(WRITABLE) && !end.waiting.is_empty() {
            // What waits here came the other way.
            let back = match way {
                Way::Request => Way::Reply,
                Way::Reply => Way::Request,
            };
            let step = match end.flush(&shared.epoll) {
                Ok(true) => self.pass(back, shared),
                Ok(false) => Step::Waits,
                Err(error) => self.receiver_went(back, error, shared),
            };
            if step == Step::Over {
                return step;
            }
        }
        match flags.intersects(READABLE) {
            true => self.pass(way, shared),
            false => self.step(),
        }
    }

    /// Goes on where others had their turn.
    pub(super) fn resume(&mut self, shared: &mut Shared) -> Step {
        for way in [Way::Request, Way::Reply] {
            if self.sender(way).more && self.pass(way, shared) == Step::Over {
                return Step::Over;
            }
        }
        self.step()
    }

    fn step(&self) -> Step {
        match self.gateway.more || self.backend.more {
            true => Step::More,
            false => Step::Waits,
        }
    }

    fn sender(&mut self, way: Way) -> &mut End {
        match way {
            Way::Request => &mut self.gateway,
            Way::Reply => &mut self.backend,
        }
    }

    fn both(&mut self, way: Way) -> (&mut End, &mut End) {
        match way {
            Way::Request => (&mut self.gateway, &mut self.backend),
            Way::Reply => (&mut self.backend, &mut self.gateway),
        }
    }

    /// Passes octets one way until there are no more, and the end as well.
    fn pass(&mut self, way: Way, shared: &mut Shared) -> Step {
        self.sender(way).more = false;
        for _ in 0..ROUNDS {
            let (from, to) = self.both(way);
            if from.over || !to.waiting.is_empty() {
                return self.step();
            }
            let size = match recv(&from.socket, shared.tape.free(), RecvFlags::empty()) {
                Ok((0, _)) => return self.ended(way, shared),
                Ok((size, _)) => size,
                Err(Errno::AGAIN) => return self.step(),
                Err(Errno::INTR) => continue,
                Err(error) => return self.sender_went(way, error, shared),
            };
            // First on its way, then told.
            let sent = to.send(&shared.epoll, shared.tape.fresh(size));
            let is_blocked = !to.waiting.is_empty();
            // Less than there was room for is all there is; of a side that has ended, the last, unless
            // an error comes behind it.
            let is_all = size < READ;
            let has_ended = !from.told.is_empty();
            let is_last = is_all && has_ended && !from.told.contains(EventFlags::ERR);
            self.copied(way, size, shared);
            match sent {
                Err(error) => return self.receiver_went(way, error, shared),
                Ok(()) if is_blocked => return self.step(),
                Ok(()) if is_last => return self.ended(way, shared),
                Ok(()) if is_all && !has_ended => return self.step(),
                Ok(()) => {}
            }
        }
        self.sender(way).more = true;
        Step::More
    }

    /// Keeps what was just read for the decoder; where there is no room, the rest of the connection
    /// is not decoded.
    fn copied(&mut self, way: Way, size: usize, shared: &mut Shared) {
        if self.heard != Heard::All {
            shared.tape.lose(size);
        } else if !shared.tape.keep(self.number, way, size) {
            self.tell(Happened::Lost, shared);
            self.heard = Heard::Ends;
        }
    }

    fn tell(&self, what: Happened<'static>, shared: &mut Shared) {
        if self.heard != Heard::Nothing {
            shared.tape.note(self.number, what);
        }
    }

    fn done(&self, shared: &mut Shared) -> Step {
        self.tell(Happened::Over, shared);
        Step::Over
    }

    /// Nobody takes the connection.
    fn refused(&self, error: &io::Error, shared: &mut Shared) -> Step {
        self.tell(Happened::Refused(error.to_string()), shared);
        self.done(shared)
    }

    /// The side that sends this way ended in order.
    fn ended(&mut self, way: Way, shared: &mut Shared) -> Step {
        if way == Way::Reply && self.backend.told.contains(EventFlags::HUP) {
            // It has closed and takes no more either.
            self.drain(shared);
            self.tell(Happened::Ended(way), shared);
            return self.done(shared);
        }
        self.tell(Happened::Ended(way), shared);
        let (from, to) = self.both(way);
        from.over = true;
        if to.over {
            return self.done(shared);
        }
        // Where the other side is gone there is nobody to tell.
        to.socket.shutdown(Shutdown::Write).ok();
        self.step()
    }

    /// The side that sends this way is gone: the other is told by a reset, where it can be.
    fn sender_went(&mut self, way: Way, error: Errno, shared: &mut Shared) -> Step {
        self.tell(
            Happened::Broke(way, io::Error::from(error).to_string()),
            shared,
        );
        let (_, to) = self.both(way);
        if to.socket.domain().is_ok_and(|it| it != Domain::UNIX) {
            to.socket.set_linger(Some(Duration::ZERO)).ok();
        }
        self.done(shared)
    }

    /// The side that receives this way is gone. What an application server still sent is passed on, and
    /// its end told of; a gateway waits for nothing more.
    fn receiver_went(&mut self, way: Way, error: Errno, shared: &mut Shared) -> Step {
        if way == Way::Reply {
            self.drain(shared);
            let why = io::Error::from(error).to_string();
            self.tell(Happened::Broke(Way::Request, why), shared);
            return self.done(shared);
        }
        self.gateway.socket.shutdown(Shutdown::Read).ok();
        self.gateway.over = true;
        match self.backend.over {
            true => self.done(shared),
            false => self.step(),
        }
    }

    /// Passes what the gateway has sent until now, before the connection is closed.
    fn drain(&mut self, shared: &mut Shared) {
        for _ in 0..ROUNDS {
            if self.gateway.over {
                return;
            }
            let read = recv(&self.gateway.socket, shared.tape.free(), RecvFlags::empty());
            let Ok((size @ 1.., _)) = read else {
                return;
            };
            // Whether it arrives is for the application server to say.
            self.backend
                .send(&shared.epoll, shared.tape.fresh(size))
                .ok();
            self.copied(Way::Request, size, shared);
            if size < READ {
                return;
            }
        }
    }
}

/// Connects to the first address from this one on that takes it; with the next one's place where the
/// connection is not there yet.
fn connect(to: &[SockAddr], from: usize) -> io::Result<(Socket, Option<usize>)> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (place, address) in to.iter().enumerate().skip(from) {
        let socket = Socket::new(address.domain(), Type::STREAM.nonblocking(), None)?;
        if address.domain() != Domain::UNIX {
            socket.set_tcp_nodelay(true)?;
        }
        match socket.connect(address) {
            Ok(()) => return Ok((socket, None)),
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                return Ok((socket, Some(place + 1)));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
