//! The body of a request on a connection that carries one request at a time.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::time::timeout;
use wire::http::{ChunkEvent, ChunkedDecoder};

use super::connection::{Connection, Filled, LINGER};
use crate::exchange::{Body, BodyError, Intake, PIECE};

/// The interim response that asks for the body (RFC 9110 section 10.1.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A piece below this size is joined with those that came with it.
const JOIN_BELOW: usize = 4096;

/// A body on its way in; the listener keeps one handle, the application's [`Body`] another.
#[derive(Clone)]
pub(super) struct Incoming {
    connection: Rc<Connection>,
    state: Rc<RefCell<State>>,
}

struct State {
    framing: BodyFraming,
    /// Whether the client waits for `100 Continue`.
    expects_continue: bool,
    /// Why nothing more can be read.
    broken: Option<BodyError>,
}

/// What is left of a body.
pub(super) enum BodyFraming {
    Length(u64),
    Chunked(ChunkedDecoder),
    Done,
}

/// What could be taken from the bytes at hand.
enum Taken {
    Piece(Bytes),
    End,
    /// So many bytes should be read.
    Wants(usize),
}

impl Incoming {
    pub(super) fn new(connection: Rc<Connection>, framing: BodyFraming) -> Self {
        let framing = if let BodyFraming::Length(0) = framing {
            BodyFraming::Done
        } else {
            framing
        };
        let state = State {
            framing,
            expects_continue: false,
            broken: None,
        };
        Self {
            connection,
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// The client will not send the body before it is asked to.
    pub(super) fn expect_continue(&self) {
        self.state.borrow_mut().expects_continue = true;
    }

    /// The application's half.
    pub(super) fn body(&self) -> Body {
        match self.state.borrow().framing {
            BodyFraming::Done => Body::empty(),
            BodyFraming::Length(length) => Body::incoming(Some(length), Box::new(self.clone())),
            BodyFraming::Chunked(_) => Body::incoming(None, Box::new(self.clone())),
        }
    }

    /// Whether the whole body has been read.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state.borrow().framing, BodyFraming::Done)
    }

    /// Whether the client has sent, or is sending, the body without being asked to.
    pub(super) fn is_flowing(&self) -> bool {
        let state = self.state.borrow();
        !state.expects_continue && state.broken.is_none()
    }

    /// Whether the body broke its own framing.
    pub(super) fn is_malformed(&self) -> bool {
        matches!(self.state.borrow().broken, Some(BodyError::Malformed(_)))
    }

    /// Sends `100 Continue` if the client waits for it.
    pub(super) fn ask(&self) {
        if std::mem::take(&mut self.state.borrow_mut().expects_continue) {
            self.connection
                .send(|queue| queue.tail().extend_from_slice(CONTINUE));
        }
    }

    /// The final head goes out: from now on it would be too late to ask.
    pub(super) fn forgo_asking(&self) {
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.expects_continue) {
            // The client may send the body all the same or leave it out (RFC 9110 section
            // 10.1.1), so what follows on the connection cannot be known.
            state.broken = Some(BodyError::Malformed(
                "it was refused before it was sent".into(),
            ));
        }
    }

    /// Reads and drops what is left, if that is no more than `limit` bytes and comes soon; true if
    /// it reached the end.
    pub(super) async fn discard(&self, limit: usize) -> bool {
        timeout(LINGER, self.drop_all(limit)).await == Ok(true)
    }

    async fn drop_all(&self, limit: usize) -> bool {
        let mut dropped = 0;
        while dropped <= limit {
            match self.next().await {
                Ok(Some(piece)) => dropped += piece.len(),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    async fn next(&self) -> Result<Option<Bytes>, BodyError> {
        self.ask();
        loop {
            let wanted = match self.take()? {
                Taken::Piece(piece) => return Ok(Some(piece)),
                Taken::End => return Ok(None),
                Taken::Wants(wanted) => wanted,
            };
            let error = match self.connection.fill(wanted).await {
                Filled::More => continue,
                Filled::End => BodyError::ClientGone,
                Filled::TimedOut => BodyError::TimedOut(self.connection.patience()),
            };
            self.state.borrow_mut().broken = Some(error.clone());
            return Err(error);
        }
    }

    fn take(&self) -> Result<Taken, BodyError> {
        let mut state = self.state.borrow_mut();
        self.connection
            .with_input(|input| match state.take(input)? {
                Taken::Piece(piece) if is_worth_joining(&piece, input) => {
                    Ok(Taken::Piece(state.join(piece, input)))
                }
                taken => Ok(taken),
            })
    }
}

impl State {
    fn take(&mut self, input: &mut BytesMut) -> Result<Taken, BodyError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let taken = self.framing.take(input);
        if let Err(error) = &taken {
            self.broken = Some(error.clone());
        }
        taken
    }

    /// `piece` and what follows it in `input`, as one: a client that sends a byte a chunk must not
    /// cost the application a read a byte. What ends the body is found again by the next
    /// [`Self::take`].
    fn join(&mut self, piece: Bytes, input: &mut BytesMut) -> Bytes {
        let mut joined = BytesMut::from(piece);
        while let Ok(Taken::Piece(next)) = self.take(input) {
            joined.extend_from_slice(&next);
        }
        joined.freeze()
    }
}

fn is_worth_joining(piece: &Bytes, input: &BytesMut) -> bool {
    piece.len() < JOIN_BELOW && !input.is_empty() && piece.len() + input.len() <= PIECE
}

impl BodyFraming {
    fn take(&mut self, input: &mut BytesMut) -> Result<Taken, BodyError> {
        let taken = match self {
            Self::Done | Self::Length(0) => Taken::End,
            Self::Length(left) => take_counted(left, input),
            Self::Chunked(decoder) => take_chunk(decoder, input)?,
        };
        if matches!(taken, Taken::End) || matches!(self, Self::Length(0)) {
            *self = Self::Done;
        }
        Ok(taken)
    }
}

fn take_counted(left: &mut u64, input: &mut BytesMut) -> Taken {
    let wanted = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
    if input.is_empty() {
        return Taken::Wants(wanted);
    }
    let piece = input.split_to(wanted.min(input.len())).freeze();
    *left -= piece.len() as u64;
    Taken::Piece(piece)
}

fn take_chunk(decoder: &mut ChunkedDecoder, input: &mut BytesMut) -> Result<Taken, BodyError> {
    match decoder.decode(input) {
        Ok(Some(ChunkEvent::Data(piece))) => Ok(Taken::Piece(piece)),
        Ok(Some(ChunkEvent::End { .. })) => Ok(Taken::End),
        Ok(None) => Ok(Taken::Wants(PIECE)),
        Err(error) => Err(BodyError::Malformed(error.to_string())),
    }
}

impl Intake for Incoming {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>> {
        self.next().boxed_local()
    }

    fn arrived(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        if !self.is_flowing() {
            return None;
        }
        match self.take() {
            Ok(Taken::Piece(piece)) => Some(Ok(Some(piece))),
            Ok(Taken::End) => Some(Ok(None)),
            Ok(Taken::Wants(_)) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked() -> State {
        State {
            framing: BodyFraming::Chunked(ChunkedDecoder::new()),
            expects_continue: false,
            broken: None,
        }
    }

    /// What is taken of `wire`, small pieces joined, until it is used up.
    fn taken(wire: &str) -> (Vec<Bytes>, State) {
        let (mut state, mut input) = (chunked(), BytesMut::from(wire));
        let mut pieces = Vec::new();
        while let Ok(Taken::Piece(piece)) = state.take(&mut input) {
            pieces.push(state.join(piece, &mut input));
        }
        (pieces, state)
    }

    #[test]
    fn small_chunks_are_joined_up_to_the_end_of_the_body() {
        let (pieces, state) = taken("1\r\na\r\n2\r\nbc\r\n0\r\n\r\nnext");
        assert_eq!(pieces, ["abc"]);
        assert!(matches!(state.framing, BodyFraming::Done));
    }

    #[test]
    fn small_chunks_are_joined_up_to_a_fault_which_is_told_after_them() {
        let (pieces, state) = taken("1\r\na\r\n1\r\nb\r\nx\r\n");
        assert_eq!(pieces, ["ab"]);
        assert!(matches!(state.broken, Some(BodyError::Malformed(_))));
    }
}
