//! Passes connections on and keeps what goes by on a tape that it never waits for: one thread, one
//! edge-triggered epoll.
//!
//! A connection costs as few system calls as can be: its sockets are registered once, what the
//! gateway has sent by then is read before, and a read that does not fill its room is the last until
//! the next edge.

use std::{
    io,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    io::Errno,
};
use socket2::{SockAddr, Socket};

use super::{
    listener::Listener,
    tape::Writer,
    wire::{Shared, Step, Wire},
};

/// How long accepting pauses where the machine has no sockets left.
const RECOVER: Duration = Duration::from_millis(10);
/// Events taken from epoll at once.
const EVENTS: usize = 256;
/// Connections accepted at once.
const ACCEPTS: usize = 64;

/// What epoll tells of the listener and of the end by; connections have twice their place.
const LISTENER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;

/// Relays every connection of a listener.
pub(super) struct Relay {
    listener: Listener,
    shared: Shared,
    wires: Vec<Option<Wire>>,
    /// Places of `wires` that are free.
    free: Vec<usize>,
    /// Places that are free when this turn is over: until then events of their past may come.
    ended: Vec<usize>,
    /// Places whose connections may go on without an event.
    again: Vec<usize>,
    /// Connections so far.
    number: u64,
    /// Connections may wait to be accepted.
    waiting: bool,
    /// Until when none is.
    pause: Option<Instant>,
}

impl Relay {
    /// Relays what comes in at `listener` to the first of the addresses that takes it, until `stop`
    /// can be read.
    ///
    /// # Errors
    /// The machine refuses an epoll.
    pub(super) fn new(
        listener: Listener,
        to: Vec<SockAddr>,
        tape: Writer,
        stop: BorrowedFd<'_>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let edge = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), edge)?;
        epoll::add(&epoll, stop, EventData::new_u64(STOP), EventFlags::IN)?;
        Ok(Self {
            listener,
            shared: Shared { epoll, tape, to },
            wires: Vec::new(),
            free: Vec::new(),
            ended: Vec::new(),
            again: Vec::new(),
            number: 0,
            waiting: false,
            pause: None,
        })
    }

    /// Relays until `stop` can be read, or nobody decodes any more.
    ///
    /// # Errors
    /// The listener cannot be used any more.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        let mut tape_due = None;
        loop {
            let timeout = self.timeout(tape_due);
            match epoll::wait(
                &self.shared.epoll,
                spare_capacity(&mut events),
                timeout.as_ref(),
            ) {
                Err(Errno::INTR) => {}
                ready => drop(ready?),
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.waiting = true,
                    STOP => {
                        self.shared.tape.end();
                        return Ok(());
                    }
                    _ => self.event(event),
                }
            }
            self.resume();
            self.accept()?;
            self.free.append(&mut self.ended);
            tape_due = match self.shared.tape.hand_over(Instant::now()) {
                Ok(due) => due,
                Err(_) => return Ok(()),
            };
        }
    }

    /// How long to wait for events.
    fn timeout(&self, tape_due: Option<Duration>) -> Option<Timespec> {
        let accepts = match self.pause {
            Some(until) => Some(until.saturating_duration_since(Instant::now())),
            None => self.waiting.then_some(Duration::ZERO),
        };
        let resumes = (!self.again.is_empty()).then_some(Duration::ZERO);
        let first = [tape_due, accepts, resumes].into_iter().flatten().min()?;
        // Whole milliseconds, so that no wait ends just before what it is for.
        let millis = first.as_micros().div_ceil(1000);
        Timespec::try_from(Duration::from_millis(millis.try_into().ok()?)).ok()
    }

    fn event(&mut self, event: Event) {
        let token = event.data.u64();
        let place = usize::try_from(token / 2).unwrap_or(usize::MAX);
        if let Some(Some(wire)) = self.wires.get_mut(place) {
            let step = wire.turn(token, event.flags, &mut self.shared);
            self.stepped(place, step);
        }
    }

    fn resume(&mut self) {
        for place in std::mem::take(&mut self.again) {
            if let Some(wire) = &mut self.wires[place] {
                let step = wire.resume(&mut self.shared);
                self.stepped(place, step);
            }
        }
    }

    fn stepped(&mut self, place: usize, step: Step) {
        match step {
            Step::Waits => {}
            Step::More => self.again.push(place),
            Step::Over => {
                self.wires[place] = None;
                self.ended.push(place);
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        if self.pause.is_some_and(|until| until > Instant::now()) || !self.waiting {
            return Ok(());
        }
        self.pause = None;
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok(gateway) => self.open(gateway),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting = false;
                    return Ok(());
                }
                Err(error) if is_fatal(&error) => return Err(error),
                Err(_) => {
                    self.pause = Some(Instant::now() + RECOVER);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, gateway: Socket) {
        self.number += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.wires.push(None);
            self.wires.len() - 1
        });
        match Wire::open((self.number, place), gateway, &mut self.shared) {
            Some(wire) => self.wires[place] = Some(wire),
            None => self.ended.push(place),
        }
    }
}

fn is_fatal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK)
    )
}
