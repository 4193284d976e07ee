//! What went by, on its way from the relay to the decoder: two tapes that go to and fro between them,
//! so that neither waits for the other and what waits to be decoded is bounded.

use std::{
    sync::mpsc::{Receiver, Sender, TryRecvError, channel},
    time::{Duration, Instant},
};

use super::conversation::Happened;
use crate::transcript::Way;

/// Octets that are read at a time.
pub(super) const READ: usize = 64 * 1024;
/// Octets that a tape holds, marks included: 8 MiB.
const ROOM: usize = 8 << 20;
/// While there is much to do the decoder gets a tape at intervals, so that it wakes seldom.
const INTERVAL: Duration = Duration::from_millis(5);

/// Octets one behind the other, and marks that tell whose they are.
pub(super) struct Tape {
    /// As many more than [`ROOM`] as are read at a time: a full tape can still be read into.
    octets: Vec<u8>,
    used: usize,
    marks: Vec<Mark>,
    lost: u64,
}

/// Something that happened, and where and when.
struct Mark {
    connection: u64,
    at: Duration,
    what: What,
}

enum What {
    /// So many of the tape's octets passed.
    Octets(Way, usize),
    /// Anything else.
    Event(Happened<'static>),
}

impl Tape {
    fn new() -> Self {
        Self {
            octets: vec![0; ROOM + READ],
            used: 0,
            marks: Vec::new(),
            lost: 0,
        }
    }

    fn filled(&self) -> usize {
        self.used + self.marks.len() * size_of::<Mark>()
    }

    /// Octets that passed without being kept since the tape was empty.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Tells what is on it in order: which connection, when since the tap began, and what.
    ///
    /// # Errors
    /// Those of `each`, which ends the telling.
    pub(super) fn play<E>(
        &mut self,
        mut each: impl FnMut(u64, Duration, Happened<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = &self.octets[..self.used];
        for mark in self.marks.drain(..) {
            let what = match mark.what {
                What::Octets(way, size) => {
                    let (octets, behind) = rest.split_at(size);
                    rest = behind;
                    Happened::Octets(way, octets)
                }
                What::Event(what) => what,
            };
            each(mark.connection, mark.at, what)?;
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.marks.clear();
        self.used = 0;
        self.lost = 0;
    }
}

/// Both ends, with a tape each.
pub(super) fn pair(start: Instant) -> (Writer, Reader) {
    let (full, fulls) = channel();
    let (empty, empties) = channel();
    empty.send(Tape::new()).expect("the other end is here");
    let writer = Writer {
        tape: Tape::new(),
        full,
        empty: empties,
        start,
        handed: start,
    };
    let reader = Reader { full: fulls, empty };
    (writer, reader)
}

/// The relay's end.
pub(super) struct Writer {
    tape: Tape,
    full: Sender<Tape>,
    empty: Receiver<Tape>,
    start: Instant,
    /// When the last tape was handed over, since the tap began.
    handed: Instant,
}

/// Whoever decodes has ended.
#[derive(Debug)]
pub(super) struct Ended;

impl Writer {
    /// Where to read the next octets: [`READ`] of them.
    pub(super) fn free(&mut self) -> &mut [u8] {
        &mut self.tape.octets[self.tape.used..][..READ]
    }

    /// What was just read there.
    pub(super) fn fresh(&self, size: usize) -> &[u8] {
        &self.tape.octets[self.tape.used..][..size]
    }

    /// Whether another connection can be told of.
    pub(super) fn has_room(&self) -> bool {
        self.tape.filled() < ROOM
    }

    /// Keeps what was just read; `false` where there is no room for it.
    #[must_use]
    pub(super) fn keep(&mut self, connection: u64, way: Way, size: usize) -> bool {
        if self.tape.filled() + size > ROOM {
            self.lose(size);
            return false;
        }
        self.tape.used += size;
        self.mark(connection, What::Octets(way, size));
        true
    }

    /// Counts octets that are not kept.
    pub(super) fn lose(&mut self, size: usize) {
        self.tape.lost += size as u64;
    }

    /// Notes what happened, also on a full tape: a connection has few such marks.
    pub(super) fn note(&mut self, connection: u64, what: Happened<'static>) {
        self.mark(connection, What::Event(what));
    }

    fn mark(&mut self, connection: u64, what: What) {
        self.tape.marks.push(Mark {
            connection,
            at: self.start.elapsed(),
            what,
        });
    }

    /// Hands the tape over where it is time to and the decoder is ready; how long until this is to
    /// be tried again, where there is something to hand over.
    pub(super) fn hand_over(&mut self, now: Instant) -> Result<Option<Duration>, Ended> {
        if self.tape.marks.is_empty() && self.tape.lost == 0 {
            return Ok(None);
        }
        let since = now.saturating_duration_since(self.handed);
        if since < INTERVAL && self.tape.filled() < ROOM / 2 {
            return Ok(Some(INTERVAL - since));
        }
        match self.empty.try_recv() {
            Ok(spare) => self.swap(spare).map(|()| None),
            Err(TryRecvError::Empty) => Ok(Some(INTERVAL)),
            Err(TryRecvError::Disconnected) => Err(Ended),
        }
    }

    fn swap(&mut self, spare: Tape) -> Result<(), Ended> {
        self.handed = Instant::now();
        let full = std::mem::replace(&mut self.tape, spare);
        self.full.send(full).map_err(|_| Ended)
    }

    /// Hands over what is left: nothing more comes.
    pub(super) fn end(mut self) {
        if let Ok(spare) = self.empty.recv() {
            // Where the decoder has ended there is nobody to tell.
            self.swap(spare).ok();
        }
    }
}

/// The decoder's end.
pub(super) struct Reader {
    full: Receiver<Tape>,
    empty: Sender<Tape>,
}

impl Reader {
    /// Waits for the next tape; `None` where nothing more comes.
    pub(super) fn next(&self) -> Option<Tape> {
        self.full.recv().ok()
    }

    /// Gives a tape back, to be filled again.
    pub(super) fn give_back(&self, mut tape: Tape) {
        tape.clear();
        // A relay that has ended fills none.
        self.empty.send(tape).ok();
    }
}
