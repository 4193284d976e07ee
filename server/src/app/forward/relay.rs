//! From an upstream to the client: one reply.

use std::io;

use bytes::{Bytes, BytesMut};
use wire::cgi::{CgiError, CgiHead, ReplyKind};
use wire::fastcgi::ProtocolStatus;
use wire::http::{ChunkEvent, ChunkedDecoder, HttpError, Limits};

use super::connect::Link;
use super::dialect::{Break, Dialect, Event};
use crate::app::lines::Lines;
use crate::app::patience::Patience;
use crate::exchange::{PIECE, Reply, ReplyError};

/// One reply on its way.
pub(super) struct Relay<'a> {
    pub(super) dialect: Dialect,
    pub(super) link: &'a Link,
    /// The request is a HEAD, so no body is due.
    pub(super) head_only: bool,
    pub(super) patience: &'a Patience,
    pub(super) lines: Lines,
    pub(super) buffer: BytesMut,
    /// Where the body comes in chunks.
    pub(super) chunks: Option<Chunks>,
    /// Whether an earlier request went over the connection, and nothing came since.
    pub(super) may_be_stale: bool,
}

/// A body in chunks that is taken apart.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    decoder: ChunkedDecoder,
    /// What came and is not taken apart yet.
    held: BytesMut,
}

/// What a reply came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was passed on.
    Answered,
    /// Its local redirect is to be followed.
    Redirect(CgiHead),
}

/// A reply that could not be passed on; the upstream's fault, but for the last one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Break(#[from] Break),
    #[error("it had closed the connection before the request came")]
    Stale,
    #[error("it broke the connection: {0}")]
    Read(#[from] io::Error),
    #[error("it ended its reply before the end of the response head, after {0} bytes")]
    NoHead(usize),
    #[error("{0}")]
    Head(#[from] CgiError),
    #[error("the chunks of its reply cannot be told apart: {0}")]
    Chunks(#[from] HttpError),
    #[error("it ended its reply before the last chunk")]
    NoLastChunk,
    #[error("it ended its reply {0} bytes before the Content-Length that it announced")]
    Short(u64),
    #[error(transparent)]
    Reply(ReplyError),
}

impl Fault {
    /// The status to answer while none was sent (DF-TIMEOUT-CODES).
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Break(Break::Refused(ProtocolStatus::OVERLOADED)) => 503,
            _ => 502,
        }
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Head(fault) => Self::Head(fault),
            error => Self::Reply(error),
        }
    }
}

impl Relay<'_> {
    /// Whether the reply is over and nothing came behind it, so that the connection is fit for
    /// another request.
    pub(super) fn is_over(&self) -> bool {
        self.dialect.is_over() && self.buffer.is_empty()
    }

    /// Passes the reply on until its end.
    pub(super) async fn run(&mut self, reply: &mut Reply) -> Result<Outcome, Fault> {
        let (head, first) = self.head(reply).await?;
        if let ReplyKind::LocalRedirect(_) = head.kind()? {
            return Ok(Outcome::Redirect(head));
        }
        let mut due = self.due(&head);
        reply.head(head).await?;
        let mut piece = match &mut self.chunks {
            Some(_) if due == Some(0) => return Ok(Outcome::Answered),
            Some(chunks) => {
                chunks.held.extend_from_slice(&first);
                Bytes::new()
            }
            None => first,
        };
        loop {
            due = due.map(|due| due.saturating_sub(piece.len() as u64));
            self.patience.with_client(reply.body(piece)).await?;
            if due == Some(0) && !self.dialect.is_framed() {
                return Ok(Outcome::Answered);
            }
            match self.body(reply).await? {
                Some(next) => piece = next,
                None => break,
            }
        }
        match due {
            Some(left @ 1..) => Err(Fault::Short(left)),
            _ => Ok(Outcome::Answered),
        }
    }

    /// The response head, and what came of the body with it.
    async fn head(&mut self, reply: &mut Reply) -> Result<(CgiHead, Bytes), Fault> {
        let limits = Limits::default();
        let mut held = BytesMut::new();
        while let Some(piece) = self.more(reply).await? {
            held.extend_from_slice(&piece);
            if let Some(head) = self.dialect.head(&mut held, &limits)? {
                self.chunks = head.is_chunked.then(Chunks::default);
                return Ok((head.cgi, held.freeze()));
            }
        }
        Err(Fault::NoHead(held.len()))
    }

    /// How many bytes of body the head promises, if it says.
    fn due(&self, head: &CgiHead) -> Option<u64> {
        let status = head.status.as_ref().map(|(status, _)| *status);
        if self.head_only || matches!(status, Some(204 | 304)) {
            return Some(0);
        }
        std::str::from_utf8(head.field("content-length")?)
            .ok()?
            .parse()
            .ok()
    }

    /// The next piece of the body, or `None` at its end.
    async fn body(&mut self, reply: &mut Reply) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(Chunks { decoder, held }) = &mut self.chunks {
                match decoder.decode(held)? {
                    Some(ChunkEvent::Data(piece)) => return Ok(Some(piece)),
                    Some(ChunkEvent::End { .. }) => return Ok(None),
                    None => {}
                }
            }
            let more = self.more(reply).await?;
            match (&mut self.chunks, more) {
                (Some(chunks), Some(piece)) => chunks.held.extend_from_slice(&piece),
                (Some(_), None) => return Err(Fault::NoLastChunk),
                (None, more) => return Ok(more),
            }
        }
    }

    /// The next piece of output, or `None` at the end of the reply.
    async fn more(&mut self, reply: &mut Reply) -> Result<Option<Bytes>, Fault> {
        loop {
            match self.dialect.receive(&mut self.buffer)? {
                Some(Event::Output(piece)) => return Ok(Some(piece)),
                Some(Event::Complaint(text)) => self.complain(&text, reply).await?,
                Some(Event::End) => {
                    self.complain_rest(reply).await?;
                    return Ok(None);
                }
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), Fault> {
        self.buffer.reserve(PIECE);
        let read = self.link.read(&mut self.buffer).await;
        if self.may_be_stale && !matches!(read, Ok(1..)) {
            return Err(Fault::Stale);
        }
        self.may_be_stale = false;
        self.patience.renew();
        if read? == 0 {
            self.dialect.closed()?;
        }
        Ok(())
    }

    async fn complain(&mut self, text: &[u8], reply: &mut Reply) -> Result<(), Fault> {
        self.lines.text.extend_from_slice(text);
        match self.lines.whole() {
            Some(lines) => Ok(reply.stderr(lines).await?),
            None => Ok(()),
        }
    }

    async fn complain_rest(&mut self, reply: &mut Reply) -> Result<(), Fault> {
        match self.lines.rest() {
            Some(lines) => Ok(reply.stderr(lines).await?),
            None => Ok(()),
        }
    }
}
