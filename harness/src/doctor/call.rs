//! One connection to whoever is examined: octets out, an exchange back.

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::{
    address::Address,
    model::Model,
    tap::{Conversation, Ending, Exchange, Happened},
    transcript::Way,
};

/// How one read or one exchange ended, as far as the doctor's patience goes.
#[derive(Debug)]
pub(super) enum Came {
    /// The exchange is over, one way or the other.
    Exchange(Box<Exchange>),
    /// Nothing more came in time; what came so far.
    Silent(Box<Exchange>),
}

impl Came {
    pub(super) fn exchange(&self) -> &Exchange {
        match self {
            Self::Exchange(exchange) | Self::Silent(exchange) => exchange,
        }
    }
}

/// Connects without waiting in a full queue, as gateways do.
///
/// # Errors
/// What the system says of the last address that was tried.
pub(super) fn connect(to: &Address, within: Duration) -> io::Result<Socket> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in to.resolve()? {
        match connect_one(&address, within) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_one(to: &SockAddr, within: Duration) -> io::Result<Socket> {
    let socket = Socket::new(to.domain(), Type::STREAM, None)?;
    if to.domain() == Domain::UNIX {
        socket.set_nonblocking(true)?;
        socket.connect(to)?;
        socket.set_nonblocking(false)?;
    } else {
        socket.connect_timeout(to, within)?;
        socket.set_tcp_nodelay(true)?;
    }
    socket.set_write_timeout(Some(within))?;
    Ok(socket)
}

/// What a single read brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    Octets(Vec<u8>),
    Closed,
    Reset(String),
    Silent,
}

/// Sends octets and waits for the first that come back.
///
/// # Errors
/// Nobody takes the connection.
pub(super) fn first(to: &Address, octets: &[u8], within: Duration) -> io::Result<First> {
    let mut socket = connect(to, within)?;
    if let Err(error) = socket.write_all(octets) {
        // What was said before may still be there.
        if !matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        ) {
            return Err(error);
        }
    }
    let until = Instant::now() + within;
    let mut came = Vec::new();
    loop {
        // A record's header, or a status line as far as its number.
        let enough = if came.first() == Some(&1) { 8 } else { 16 };
        if came.len() >= enough {
            return Ok(First::Octets(came));
        }
        let end = match read(&mut socket, &mut came, until) {
            Ok(0) => First::Closed,
            Ok(_) => continue,
            Err(error) if is_late(&error) => First::Silent,
            Err(error) => First::Reset(error.to_string()),
        };
        return Ok(match came.is_empty() {
            true => end,
            false => First::Octets(came),
        });
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn read(socket: &mut Socket, into: &mut Vec<u8>, until: Instant) -> io::Result<usize> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    socket.set_read_timeout(Some(left))?;
    let mut buffer = [0; 16 * 1024];
    let size = socket.read(&mut buffer)?;
    into.extend_from_slice(&buffer[..size]);
    Ok(size)
}

/// A connection on which requests follow each other.
pub(super) struct Line {
    socket: Socket,
    conversation: Conversation,
    began: Instant,
    within: Duration,
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// Nobody takes the connection.
    pub(super) fn open(to: &Address, protocol: Model, within: Duration) -> io::Result<Self> {
        Ok(Self {
            socket: connect(to, within)?,
            conversation: Conversation::new(1, Some(protocol)),
            began: Instant::now(),
            within,
        })
    }

    /// Sends a request in pieces and reads until its exchange is over.
    pub(super) fn ask(&mut self, pieces: &[&[u8]]) -> Came {
        let until = Instant::now() + self.within;
        for (nth, piece) in pieces.iter().enumerate() {
            if nth > 0 {
                std::thread::sleep(BETWEEN);
            }
            if let Some(over) = self.happened(Happened::Octets(Way::Request, piece)) {
                return Came::Exchange(over);
            }
            if self.socket.write_all(piece).is_err() {
                // It answered or went before it had read all: reading tells which.
                break;
            }
        }
        loop {
            let mut came = Vec::new();
            let what = match read(&mut self.socket, &mut came, until) {
                Ok(0) => Happened::Ended(Way::Reply),
                Ok(_) => Happened::Octets(Way::Reply, &came),
                Err(error) if is_late(&error) => {
                    let over = self.happened(Happened::Over);
                    return Came::Silent(over.unwrap_or_else(nothing));
                }
                Err(error) => Happened::Broke(Way::Reply, error.to_string()),
            };
            let is_end = !matches!(what, Happened::Octets(..));
            match self.happened(what) {
                Some(over) => return Came::Exchange(over),
                None if is_end => {
                    let mut nothing = nothing();
                    nothing.ending = Ending::BackendClosed;
                    return Came::Exchange(nothing);
                }
                None => {}
            }
        }
    }

    fn happened(&mut self, what: Happened<'_>) -> Option<Box<Exchange>> {
        let over = self.conversation.happened(self.began.elapsed(), what);
        over.into_iter().next().map(Box::new)
    }
}

/// Between two pieces of one request.
const BETWEEN: Duration = Duration::from_millis(20);

fn nothing() -> Box<Exchange> {
    Box::default()
}
