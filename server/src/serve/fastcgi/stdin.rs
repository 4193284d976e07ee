//! The body of one FastCGI request, between the connection that receives it and the application
//! that reads it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::time::timeout;

use super::spill::Spill;
use crate::exchange::{BodyError, Intake, PIECE};
use crate::serve::connection::wait_in;

/// The input of one request.
pub(super) struct Stdin {
    state: RefCell<State>,
    /// Others share the connection, or may: it must not be held up.
    shared: bool,
}

struct State {
    pieces: VecDeque<Bytes>,
    buffered: usize,
    /// What did not fit, if `shared`.
    spill: Spill,
    /// Bytes of the body that are due, if it was announced.
    due: Option<u64>,
    end: Option<End>,
    aborted: bool,
    /// The application reads no more: what comes is dropped.
    unwanted: bool,
    waiting: Vec<Waker>,
}

/// How the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With its end mark.
    Marked,
    /// With the connection.
    Cut,
}

impl Stdin {
    /// `announced` is CONTENT_LENGTH.
    pub(super) fn new(announced: Option<u64>, shared: bool) -> Self {
        let state = State {
            pieces: VecDeque::new(),
            buffered: 0,
            spill: Spill::default(),
            due: announced,
            end: None,
            aborted: false,
            unwanted: false,
            waiting: Vec::new(),
        };
        Self {
            state: RefCell::new(state),
            shared,
        }
    }

    /// Takes the next bytes of the stream. What goes beyond the announced length is no body
    /// (FCGI-6.2-RESP-STDIN-LEN).
    pub(super) fn push(&self, mut data: Bytes) {
        let mut state = self.state.borrow_mut();
        if let Some(due) = &mut state.due {
            data.truncate(usize::try_from(*due).unwrap_or(usize::MAX));
            *due -= data.len() as u64;
        }
        if data.is_empty() || state.unwanted || state.aborted {
            return;
        }
        if self.shared && (state.buffered >= PIECE || !state.spill.is_empty()) {
            state.spill.write(&data);
        } else {
            state.buffered += data.len();
            state.pieces.push_back(data);
        }
        state.wake();
    }

    /// The stream ended with its mark.
    pub(super) fn end(&self) {
        self.ended(End::Marked);
    }

    /// The connection ended.
    pub(super) fn cut(&self) {
        self.ended(End::Cut);
    }

    fn ended(&self, end: End) {
        let mut state = self.state.borrow_mut();
        state.end.get_or_insert(end);
        state.wake();
    }

    /// The gateway wants no reply any more.
    pub(super) fn abort(&self) {
        let mut state = self.state.borrow_mut();
        state.aborted = true;
        state.wake();
    }

    /// The application reads no more.
    fn forgo(&self) {
        let mut state = self.state.borrow_mut();
        state.unwanted = true;
        state.pieces.clear();
        state.buffered = 0;
        state.spill = Spill::default();
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.state.borrow().aborted
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().end.is_some()
    }

    /// Whether the application has to take something before more is received.
    pub(super) fn is_full(&self) -> bool {
        let state = self.state.borrow();
        !self.shared && state.buffered >= PIECE && !state.aborted
    }

    /// Resolves when the gateway has aborted the request.
    pub(super) async fn aborted(&self) {
        poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            if state.aborted {
                Poll::Ready(())
            } else {
                state.wait(cx)
            }
        })
        .await;
    }

    fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        let mut state = self.state.borrow_mut();
        if state.aborted {
            return Poll::Ready(Err(BodyError::Aborted));
        }
        if let Some(piece) = state.take()? {
            return Poll::Ready(Ok(Some(piece)));
        }
        match (state.due, state.end) {
            (Some(0), _) | (None, Some(End::Marked)) => Poll::Ready(Ok(None)),
            (Some(missing), Some(End::Marked)) => Poll::Ready(Err(BodyError::Malformed(format!(
                "it ended {missing} bytes before its announced length"
            )))),
            (_, Some(End::Cut)) => Poll::Ready(Err(BodyError::ClientGone)),
            (_, None) => state.wait(cx),
        }
    }
}

impl State {
    fn take(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(piece) = self.pieces.pop_front() else {
            let spilt = self.spill.read();
            return spilt
                .map_err(|error| BodyError::Malformed(format!("it could not be kept: {error}")));
        };
        self.buffered -= piece.len();
        Ok(Some(piece))
    }

    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        wait_in(&mut self.waiting, cx)
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// The application's half of a [`Stdin`].
pub(super) struct StdinBody {
    stdin: Rc<Stdin>,
    patience: Duration,
}

impl StdinBody {
    /// `patience` bounds the wait for each piece.
    pub(super) fn new(stdin: Rc<Stdin>, patience: Duration) -> Self {
        Self { stdin, patience }
    }
}

impl Drop for StdinBody {
    fn drop(&mut self) {
        self.stdin.forgo();
    }
}

impl Intake for StdinBody {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>> {
        async {
            let piece = poll_fn(|cx| self.stdin.poll_chunk(cx));
            let waited = timeout(self.patience, piece).await;
            waited.unwrap_or(Err(BodyError::TimedOut(self.patience)))
        }
        .boxed_local()
    }

    fn arrived(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        match self
            .stdin
            .poll_chunk(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(chunk) => Some(chunk),
            Poll::Pending => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn body(stdin: &Rc<Stdin>) -> StdinBody {
        StdinBody::new(Rc::clone(stdin), PATIENCE)
    }

    async fn all(body: &mut StdinBody) -> Result<Vec<u8>, BodyError> {
        let mut bytes = Vec::new();
        while let Some(piece) = body.chunk().await? {
            assert!(piece.len() <= PIECE, "a piece of {} bytes", piece.len());
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn the_announced_length_is_all_there_is() {
        let stdin = Rc::new(Stdin::new(Some(3), true));
        stdin.push("ab".into());
        stdin.push("cd".into());
        assert_eq!(all(&mut body(&stdin)).await.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn a_stream_that_ends_early_is_malformed() {
        let stdin = Rc::new(Stdin::new(Some(3), true));
        stdin.push("ab".into());
        stdin.end();
        assert!(matches!(
            all(&mut body(&stdin)).await,
            Err(BodyError::Malformed(_))
        ));
    }

    #[tokio::test]
    async fn a_connection_that_ends_early_is_a_client_gone() {
        let stdin = Rc::new(Stdin::new(None, true));
        stdin.cut();
        assert_eq!(all(&mut body(&stdin)).await, Err(BodyError::ClientGone));
    }

    #[tokio::test]
    async fn an_abort_ends_the_wait_for_more() {
        let stdin = Rc::new(Stdin::new(Some(3), true));
        let (mut body, abort) = (body(&stdin), async { stdin.abort() });
        let (read, ()) = tokio::join!(all(&mut body), abort);
        assert_eq!(read, Err(BodyError::Aborted));
        stdin.aborted().await;
    }

    #[tokio::test]
    async fn a_body_that_is_not_read_holds_up_only_its_own_connection() {
        let piece = Bytes::from(vec![1; PIECE]);
        for shared in [false, true] {
            let stdin = Stdin::new(None, shared);
            stdin.push(piece.clone());
            assert_eq!(stdin.is_full(), !shared);
        }
    }

    #[test]
    fn what_nobody_will_read_is_not_kept() {
        let stdin = Rc::new(Stdin::new(None, false));
        stdin.push(Bytes::from(vec![1; PIECE]));
        drop(body(&stdin));
        assert!(!stdin.is_full(), "the rest may come");
        stdin.push(Bytes::from(vec![1; PIECE]));
        assert_eq!(stdin.state.borrow().buffered, 0);
    }

    #[tokio::test]
    async fn what_does_not_fit_in_memory_comes_back_in_order() {
        let stdin = Rc::new(Stdin::new(None, true));
        let mut expected = Vec::new();
        for byte in 0..10 {
            let piece = vec![byte; PIECE / 2];
            expected.extend_from_slice(&piece);
            stdin.push(piece.into());
        }
        stdin.end();
        assert_eq!(all(&mut body(&stdin)).await.unwrap(), expected);
    }
}
