//! Taking bytes and lines off a request body that comes piece by piece. Knows no Python.

use bytes::Bytes;

/// Where a read is to stop, if the body does not end before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// After so many bytes (WSGI-INPUT-READ-SHORT: no fewer).
    At(usize),
    /// After a line feed, or after so many bytes (WSGI-INPUT-READLINE-SIZE).
    AtLine(usize),
    /// After so many bytes, or after those of one piece.
    Soon(usize),
}

/// What has been received and not yet been taken.
#[derive(Debug)]
pub(crate) struct Ahead {
    bytes: Bytes,
    /// Nothing follows.
    whole: bool,
}

impl Ahead {
    pub(crate) fn new(bytes: Bytes, whole: bool) -> Self {
        Self { bytes, whole }
    }

    /// What a read gives, if that needs no further piece.
    pub(crate) fn take_at_hand(&mut self, stop: Stop) -> Option<Bytes> {
        let (count, is_enough) = self.measure(stop, 0);
        (is_enough || self.whole).then(|| self.bytes.split_to(count))
    }

    /// What a read gives, in pieces that are not copied; `more` waits for the next piece of the
    /// body. What was read before an error is given to the next read.
    ///
    /// # Errors
    /// As `more`.
    pub(crate) fn take<E>(
        &mut self,
        stop: Stop,
        mut more: impl FnMut() -> Result<Option<Bytes>, E>,
    ) -> Result<Vec<Bytes>, E> {
        let (mut taken, mut size) = (Vec::new(), 0);
        loop {
            let (count, is_enough) = self.measure(stop, size);
            if count > 0 {
                size += count;
                taken.push(self.bytes.split_to(count));
            }
            if is_enough || self.whole {
                return Ok(taken);
            }
            match more()? {
                Some(piece) => self.bytes = piece,
                None => self.whole = true,
            }
        }
    }

    /// How much of what is at hand belongs to a read that has `size` bytes already, and whether
    /// the read is satisfied with it.
    fn measure(&self, stop: Stop, size: usize) -> (usize, bool) {
        let (Stop::At(most) | Stop::AtLine(most) | Stop::Soon(most)) = stop;
        let room = self.bytes.len().min(most - size);
        let at_hand = &self.bytes[..room];
        let is_full = size + room == most;
        match stop {
            Stop::At(_) => (room, is_full),
            Stop::Soon(_) => (room, is_full || size + room > 0),
            Stop::AtLine(_) => match at_hand.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (room, is_full),
            },
        }
    }
}
