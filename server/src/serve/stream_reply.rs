//! Replies on connections that carry one request at a time: HTTP, uwsgi, SCGI.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::cgi::{CgiError, CgiHead};
use wire::field::Header;

use super::connection::Connection;
use super::http_reply::HttpReply;
use super::incoming::Incoming;
use super::last_words::{self, WireWords};
use super::offload;
use super::queue::Queue;
use crate::exchange::{Carrier, Ending, FilePart, HeadSize, LastWords, Offloaded, ReplyError};
use crate::log;

/// The form that a reply takes.
pub(super) enum Form {
    /// An HTTP response.
    Http(HttpReply),
    /// A CGI response.
    Cgi(CgiReply),
}

/// The carrier.
pub(super) struct StreamReply {
    pub(super) connection: Rc<Connection>,
    pub(super) incoming: Incoming,
    pub(super) form: Form,
    /// The request was none, and the reply says so instead of what the application says.
    pub(super) is_refused: bool,
}

impl Carrier for StreamReply {
    fn head(&mut self, head: CgiHead) -> Result<HeadSize, ReplyError> {
        let head = self.head_or_refusal(head);
        self.settle_expectation(&head);
        if let Form::Http(reply) = &mut self.form
            && !self.incoming.is_flowing()
        {
            // Where the next request would begin cannot be known.
            reply.forgo_keeping();
        }
        let mut size = Ok(HeadSize::default());
        self.connection.send(|queue| {
            size = match &mut self.form {
                Form::Http(reply) => reply.head(&head, queue.tail()),
                Form::Cgi(reply) => reply.head(&head, queue.tail()),
            };
        });
        Ok(size?)
    }

    fn body(&mut self, piece: Bytes) -> Result<(), ReplyError> {
        if self.is_refused {
            return Ok(());
        }
        self.connection.send(|queue| match &mut self.form {
            Form::Http(reply) => reply.body(piece, queue),
            Form::Cgi(reply) => reply.body(piece, queue),
        });
        Ok(())
    }

    fn file(&mut self, part: FilePart) -> Result<Option<FilePart>, ReplyError> {
        if self.is_refused {
            return Ok(None);
        }
        self.connection.send(|queue| match &mut self.form {
            Form::Http(reply) => reply.file(part, queue),
            Form::Cgi(reply) => reply.file(part, queue),
        });
        Ok(None)
    }

    fn offload(&mut self, part: FilePart) -> Result<Offloaded, FilePart> {
        let length = part.len();
        let is_possible = match &self.form {
            Form::Http(reply) => reply.takes_bare(&part),
            Form::Cgi(reply) => !reply.drops_body(),
        };
        if !is_possible || self.is_refused {
            return Err(part);
        }
        let sending = offload::send(&self.connection, part)?;
        if let Form::Http(reply) = &mut self.form {
            reply.took_bare(length);
        }
        Ok(sending)
    }

    fn raw(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        self.incoming.forgo_asking();
        self.connection.send(|queue| match &mut self.form {
            Form::Http(reply) => reply.raw(bytes, queue),
            Form::Cgi(_) => queue.push(bytes),
        });
        Ok(())
    }

    fn stderr(&mut self, text: Bytes) {
        log::application(&text);
    }

    fn continue_100(&mut self) {
        self.incoming.ask();
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        self.connection.poll_room(cx)
    }

    fn end(&mut self, ending: Ending, _exit_status: u32) {
        let mut reusable = false;
        self.connection.send(|queue| {
            reusable = match &mut self.form {
                Form::Http(reply) => reply.end(ending, queue),
                Form::Cgi(_) => false,
            };
        });
        self.connection.set_reusable(reusable);
        self.connection.write_now();
        if ending == Ending::Cut && self.ends_with_connection() {
            self.connection.tear();
        }
    }

    fn closed(&self) -> LocalBoxFuture<'static, ()> {
        let connection = Rc::clone(&self.connection);
        async move { connection.closed().await }.boxed_local()
    }

    fn last_words(&self) -> Option<Box<dyn LastWords>> {
        let form = match &self.form {
            Form::Http(reply) => last_words::Form::Http(reply.asked()),
            Form::Cgi(reply) => last_words::Form::Cgi {
                head_only: reply.head_only(),
            },
        };
        let wire = self.connection.wire();
        Some(Box::new(WireWords { wire, form }))
    }
}

impl StreamReply {
    /// A body that broke its framing makes the request none, whatever the application made of what
    /// it could read (RFC 9112 section 2.2): 400, while there is still time to say so.
    fn head_or_refusal(&mut self, head: CgiHead) -> CgiHead {
        let is_http = matches!(self.form, Form::Http(_));
        if !is_http || !self.incoming.is_malformed() {
            return head;
        }
        self.is_refused = true;
        CgiHead {
            status: Some((400, Bytes::from_static(b"Bad Request"))),
            fields: vec![Header::new("Content-Length", "0")],
        }
    }

    /// Whether nothing but the end of the connection tells where the reply ends.
    fn ends_with_connection(&self) -> bool {
        match &self.form {
            Form::Http(reply) => reply.ends_with_connection(),
            Form::Cgi(reply) => !reply.has_length,
        }
    }

    /// A client that waits for `100 Continue` must learn before the head whether its body is
    /// wanted. An application that begins a success before it has read the body, such as one that
    /// echoes it, wants it; one that begins anything else does not.
    fn settle_expectation(&self, head: &CgiHead) {
        match head.status {
            None | Some((200..=299, _)) => self.incoming.ask(),
            Some(_) => self.incoming.forgo_asking(),
        }
    }
}

/// A reply as CGI output: SCGI, and inside FastCGI's STDOUT.
#[derive(Debug)]
pub(super) struct CgiReply {
    head_only: bool,
    drops_body: bool,
    has_length: bool,
}

impl CgiReply {
    /// `head_only`: the request is a HEAD.
    pub(super) fn new(head_only: bool) -> Self {
        Self {
            head_only,
            drops_body: false,
            has_length: false,
        }
    }

    /// Appends the head.
    pub(super) fn head(
        &mut self,
        head: &CgiHead,
        dst: &mut BytesMut,
    ) -> Result<HeadSize, CgiError> {
        let before = dst.len();
        head.encode(dst);
        let status = head.status.as_ref().map_or(200, |(status, _)| *status);
        self.has_length = head.field("content-length").is_some();
        self.drops_body = self.head_only || matches!(status, 204 | 304);
        Ok(HeadSize {
            status,
            fields: head.fields.len(),
            bytes: dst.len() - before,
        })
    }

    /// Whether the request is a HEAD.
    pub(super) fn head_only(&self) -> bool {
        self.head_only
    }

    fn body(&mut self, piece: Bytes, queue: &mut Queue) {
        if !self.drops_body {
            queue.push(piece);
        }
    }

    fn file(&mut self, part: FilePart, queue: &mut Queue) {
        if !self.drops_body {
            queue.push_file(part);
        }
    }

    /// Whether bytes of the body are to be left out.
    pub(super) fn drops_body(&self) -> bool {
        self.drops_body
    }
}
