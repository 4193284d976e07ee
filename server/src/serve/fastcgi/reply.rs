//! Replies as FastCGI records.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::cgi::CgiHead;
use wire::environ::Environ;
use wire::fastcgi::{EndRequest, Kind, ProtocolStatus, record};

use super::stdin::Stdin;
use crate::exchange::{Carrier, Ending, FilePart, HeadSize, LastWords, ReplyError};
use crate::log;
use crate::serve::connection::Connection;
use crate::serve::last_words::{self, WireWords};
use crate::serve::oneshot;
use crate::serve::queue::Queue;
use crate::serve::stream_reply::CgiReply;

/// Below this size a piece is copied into its record; above, the record is put around it.
const COPY_BELOW: usize = 4096;

/// The most content of a record that needs no padding.
const WHOLE_RECORD: usize = record::MAX_CONTENT / 8 * 8;

/// What becomes of a connection when a reply is cut off.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// Requests that run on the connection.
    pub(super) active: Cell<usize>,
    /// The connection is to be closed as it is.
    pub(super) happened: Cell<bool>,
}

/// The carrier.
pub(super) struct FastCgiReply {
    connection: Rc<Connection>,
    id: u16,
    form: CgiReply,
    stdin: Rc<Stdin>,
    cuts: Rc<Cuts>,
    stderr_begun: bool,
}

impl FastCgiReply {
    pub(super) fn new(
        connection: &Rc<Connection>,
        id: u16,
        environ: &Environ,
        stdin: &Rc<Stdin>,
        cuts: &Rc<Cuts>,
    ) -> Self {
        Self {
            connection: Rc::clone(connection),
            id,
            form: CgiReply::new(oneshot::is_head(environ)),
            stdin: Rc::clone(stdin),
            cuts: Rc::clone(cuts),
            stderr_begun: false,
        }
    }

    fn check(&self) -> Result<(), ReplyError> {
        if self.stdin.is_aborted() {
            Err(ReplyError::ClientGone)
        } else {
            Ok(())
        }
    }

    /// Ends the request with its END_REQUEST (FCGI-5.5-END-ONCE).
    fn end_request(&self, app_status: u32, queue: &mut Queue) {
        let end = EndRequest {
            app_status,
            protocol_status: ProtocolStatus::REQUEST_COMPLETE,
        };
        record::encode(Kind::END_REQUEST, self.id, &end.encode(), queue.tail());
    }
}

impl Carrier for FastCgiReply {
    fn head(&mut self, head: CgiHead) -> Result<HeadSize, ReplyError> {
        self.check()?;
        let mut encoded = BytesMut::with_capacity(256);
        let size = self.form.head(&head, &mut encoded)?;
        self.connection.send(|queue| {
            record::encode_stream(Kind::STDOUT, self.id, &encoded, queue.tail());
        });
        Ok(size)
    }

    fn body(&mut self, piece: Bytes) -> Result<(), ReplyError> {
        self.check()?;
        if !self.form.drops_body() {
            self.connection
                .send(|queue| push_stdout(self.id, piece, queue));
        }
        Ok(())
    }

    fn file(&mut self, part: FilePart) -> Result<Option<FilePart>, ReplyError> {
        self.check()?;
        // Records have to be put around its bytes.
        Ok((!self.form.drops_body()).then_some(part))
    }

    fn raw(&mut self, bytes: Bytes) -> Result<(), ReplyError> {
        self.check()?;
        self.connection
            .send(|queue| push_stdout(self.id, bytes, queue));
        Ok(())
    }

    fn stderr(&mut self, text: Bytes) {
        log::application(&text);
        if self.check().is_ok() && !text.is_empty() {
            self.stderr_begun = true;
            self.connection.send(|queue| {
                record::encode_stream(Kind::STDERR, self.id, &text, queue.tail());
            });
        }
    }

    fn continue_100(&mut self) {
        // The gateway's to send.
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        self.check()?;
        self.connection.poll_room(cx)
    }

    fn end(&mut self, ending: Ending, exit_status: u32) {
        let is_whole = ending == Ending::Complete || self.stdin.is_aborted();
        if !is_whole && self.cuts.active.get() == 1 {
            // Most gateways take END_REQUEST for the end of a whole reply, and a connection that
            // closes without it for what it is (FCGI-DF-PREMATURE-EOF).
            return self.cuts.happened.set(true);
        }
        let app_status = if is_whole {
            exit_status
        } else {
            exit_status.max(1)
        };
        self.connection.send(|queue| {
            if ending == Ending::Complete && !self.stdin.is_aborted() {
                record::encode_end(Kind::STDOUT, self.id, queue.tail());
            }
            if self.stderr_begun {
                record::encode_end(Kind::STDERR, self.id, queue.tail());
            }
            self.end_request(app_status, queue);
        });
        self.connection.write_now();
    }

    fn closed(&self) -> LocalBoxFuture<'static, ()> {
        let (connection, stdin) = (Rc::clone(&self.connection), Rc::clone(&self.stdin));
        async move {
            tokio::select! {
                () = stdin.aborted() => {}
                () = connection.closed() => {}
            }
        }
        .boxed_local()
    }

    fn last_words(&self) -> Option<Box<dyn LastWords>> {
        let form = last_words::Form::FastCgi {
            id: self.id,
            head_only: self.form.head_only(),
        };
        let wire = self.connection.wire();
        Some(Box::new(WireWords { wire, form }))
    }
}

/// Queues a piece of the body, without copying it if it is large.
fn push_stdout(id: u16, mut piece: Bytes, queue: &mut Queue) {
    while piece.len() >= COPY_BELOW {
        let content = piece.split_to(piece.len().min(WHOLE_RECORD));
        let length = u16::try_from(content.len()).expect("a record's content is below 64 KiB");
        let padding = record::padding(length);
        let header = record::header(Kind::STDOUT, id, length, padding);
        queue.tail().extend_from_slice(&header);
        queue.push(content);
        queue.tail().extend_from_slice(&[0; 8][..padding.into()]);
    }
    record::encode_stream(Kind::STDOUT, id, &piece, queue.tail());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_piece_becomes_records_that_hold_all_of_it() {
        let piece: Bytes = (0..200_000).map(|n| (n % 251) as u8).collect();
        let mut queue = Queue::default();
        push_stdout(7, piece.clone(), &mut queue);
        let (mut wire, mut content) = (queue.to_bytes(), Vec::new());
        while let Some(record) = record::decode(&mut wire).unwrap() {
            assert_eq!((record.kind, record.request_id), (Kind::STDOUT, 7));
            assert!(
                !record.content.is_empty(),
                "an empty record ends the stream"
            );
            content.extend_from_slice(&record.content);
        }
        assert_eq!(content, piece);
    }
}
