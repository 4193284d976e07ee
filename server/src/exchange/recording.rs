//! A carrier for unit tests: it keeps what an application sends.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::sync::watch;
use wire::cgi::CgiHead;

use super::{Carrier, Ending, HeadSize, Reply, ReplyError};

/// What an application sent through a [`Reply::recorded`] reply.
#[derive(Clone)]
pub(crate) struct Recording {
    kept: Rc<RefCell<Kept>>,
    gone: Rc<watch::Sender<bool>>,
}

#[derive(Default)]
struct Kept {
    head: Option<CgiHead>,
    body: Vec<u8>,
    raw: Vec<u8>,
    stderr: Vec<u8>,
    ended: Option<(Ending, u32)>,
}

impl Reply {
    /// A reply that goes nowhere, and the record of it. `raw` is allowed.
    pub(crate) fn recorded() -> (Self, Recording) {
        let gone = Rc::new(watch::Sender::new(false));
        let recording = Recording {
            kept: Rc::default(),
            gone,
        };
        (Self::new(Box::new(recording.clone())), recording)
    }
}

impl Recording {
    pub(crate) fn head(&self) -> Option<CgiHead> {
        self.kept.borrow().head.clone()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.kept.borrow().body.clone()
    }

    pub(crate) fn raw(&self) -> Vec<u8> {
        self.kept.borrow().raw.clone()
    }

    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.kept.borrow().stderr.clone()
    }

    /// How the reply ended, with the exit status, once it was ended.
    pub(crate) fn ended(&self) -> Option<(Ending, u32)> {
        self.kept.borrow().ended
    }

    /// Makes the peer go away.
    pub(crate) fn hang_up(&self) {
        self.gone.send_replace(true);
    }

    fn check(&self) -> Result<(), ReplyError> {
        if *self.gone.borrow() {
            Err(ReplyError::ClientGone)
        } else {
            Ok(())
        }
    }
}

impl Carrier for Recording {
    fn head(&mut self, head: CgiHead) -> Result<HeadSize, ReplyError> {
        let status = head.status.as_ref().map_or(200, |(code, _)| *code);
        let fields = head.fields.len();
        self.kept.borrow_mut().head = Some(head);
        Ok(HeadSize {
            status,
            fields,
            bytes: 0,
        })
    }

    fn body(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        self.kept.borrow_mut().body.extend_from_slice(&bytes);
        Ok(())
    }

    fn raw(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        self.kept.borrow_mut().raw.extend_from_slice(&bytes);
        Ok(())
    }

    fn stderr(&mut self, text: Bytes) {
        self.kept.borrow_mut().stderr.extend_from_slice(&text);
    }

    fn continue_100(&mut self) {}

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        Poll::Ready(self.check())
    }

    fn end(&mut self, ending: Ending, exit_status: u32) {
        self.kept.borrow_mut().ended = Some((ending, exit_status));
    }

    fn closed(&self) -> LocalBoxFuture<'static, ()> {
        let mut gone = self.gone.subscribe();
        async move {
            // The sender lives in the recording; without it nobody can hang up any more.
            if gone.wait_for(|gone| *gone).await.is_err() {
                std::future::pending().await
            }
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_before_the_head_is_refused() {
        let (mut reply, _recording) = Reply::recorded();
        assert_eq!(reply.body("x".into()).await, Err(ReplyError::NoHead));
        assert!(!reply.head_sent());
    }

    #[tokio::test]
    async fn a_second_head_is_refused() {
        let (mut reply, recording) = Reply::recorded();
        reply.head(CgiHead::default()).await.unwrap();
        assert_eq!(
            reply.head(CgiHead::default()).await,
            Err(ReplyError::SecondHead)
        );
        assert!(recording.head().is_some());
    }

    #[tokio::test]
    async fn a_raw_response_tells_its_status_to_the_log() {
        let (mut reply, recording) = Reply::recorded();
        reply
            .raw("HTTP/1.1 404 Not Found\r\n\r\n".into())
            .await
            .unwrap();
        reply.raw("gone".into()).await.unwrap();
        assert_eq!(reply.sent().status, 404);
        assert_eq!(recording.raw(), b"HTTP/1.1 404 Not Found\r\n\r\ngone");
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_ends_the_reply() {
        let (mut reply, recording) = Reply::recorded();
        reply.head(CgiHead::default()).await.unwrap();
        recording.hang_up();
        reply.closed().await;
        assert_eq!(reply.body("x".into()).await, Err(ReplyError::ClientGone));
    }

    #[tokio::test]
    async fn an_application_that_never_waits_gives_others_a_turn() {
        let (mut reply, _recording) = Reply::recorded();
        reply.head(CgiHead::default()).await.unwrap();
        let greedy = async { while reply.body("x".into()).await.is_ok() {} };
        tokio::select! {
            biased;
            () = greedy => unreachable!("it has no end"),
            () = std::future::ready(()) => {}
        }
    }
}
