//! One reply, fed as it arrives: where it ends and whether the connection outlives it.
//!
//! No socket and no clock. A reply whose head comes in one piece costs no allocation.

use super::{
    chunks::Chunks,
    head::{self, Framing, Head, Malformed},
};

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Reply {
    /// Asked with HEAD: its head is all there is (RFC 9110 §9.3.2).
    pub(super) bodiless: bool,
    stage: Stage,
    /// A head that came in pieces, up to here.
    partial: Vec<u8>,
    pub(super) status: u16,
    pub(super) body_len: u64,
    pub(super) persistent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Length(u64),
    Chunked(Chunks),
    UntilClose,
    Ended,
}

impl Reply {
    pub(super) fn new(bodiless: bool) -> Self {
        Self {
            bodiless,
            stage: Stage::Head,
            partial: Vec::new(),
            status: 0,
            body_len: 0,
            persistent: false,
        }
    }

    /// Makes ready for the next reply.
    pub(super) fn clear(&mut self) {
        self.stage = Stage::Head;
        self.partial.clear();
        self.body_len = 0;
    }

    /// Whether nothing of it has come yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.stage == Stage::Head && self.partial.is_empty()
    }

    /// Takes what was read; `true` once the reply is whole.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, Malformed> {
        loop {
            if self.stage == Stage::Ended {
                return match bytes.len() {
                    0 => Ok(true),
                    surplus => Err(Malformed::Surplus(surplus)),
                };
            }
            if bytes.is_empty() {
                return Ok(false);
            }
            let used = match self.stage {
                Stage::Head => self.head(bytes)?,
                _ => self.body(bytes)?,
            };
            bytes = &bytes[used..];
        }
    }

    /// The connection ended; `true` if that was the end of the reply as well.
    pub(super) fn ends_by_close(&self) -> bool {
        self.stage == Stage::UntilClose
    }

    fn head(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        if self.partial.is_empty() {
            return match head::read(bytes)? {
                Some(head) => Ok(self.begin_body(&head)),
                None => {
                    self.partial.extend_from_slice(bytes);
                    Ok(bytes.len())
                }
            };
        }
        let before = self.partial.len();
        self.partial.extend_from_slice(bytes);
        let Some(head) = head::read(&self.partial)? else {
            return Ok(bytes.len());
        };
        self.partial.clear();
        Ok(self.begin_body(&head) - before)
    }

    /// Turns to the body that `head` announces; gives the length of the head.
    fn begin_body(&mut self, head: &Head) -> usize {
        self.status = head.status;
        self.persistent = head.persistent;
        self.stage = match head.framing {
            // An interim reply: the one that counts follows (RFC 9110 §15.2).
            _ if head.status < 200 => Stage::Head,
            _ if self.bodiless => Stage::Ended,
            Framing::Length(0) => Stage::Ended,
            Framing::Length(length) => Stage::Length(length),
            Framing::Chunked => Stage::Chunked(Chunks::START),
            Framing::UntilClose => Stage::UntilClose,
        };
        head.len
    }

    fn body(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let (used, content) = match &mut self.stage {
            Stage::Length(left) => {
                let here = (*left).min(bytes.len() as u64);
                *left -= here;
                (here as usize, here)
            }
            Stage::Chunked(chunks) => {
                let taken = chunks.take(bytes)?;
                (taken.used, taken.content)
            }
            _ => (bytes.len(), bytes.len() as u64),
        };
        self.body_len += content;
        if matches!(self.stage, Stage::Length(0) | Stage::Chunked(Chunks::Ended)) {
            self.stage = Stage::Ended;
        }
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes whole and then singly to one reply that is used again, as a connection does.
    #[track_caller]
    fn assert_whole(wire: &[u8], status: u16, body_len: u64) -> bool {
        let mut reply = Reply::new(false);
        for read_size in [wire.len(), 1] {
            reply.clear();
            let mut reads = wire.chunks(read_size).map(|read| reply.feed(read).unwrap());
            let whole = reads.position(|whole| whole);
            assert_eq!(
                whole,
                Some(wire.len().div_ceil(read_size) - 1),
                "in reads of {read_size} bytes"
            );
            assert_eq!((reply.status, reply.body_len), (status, body_len));
        }
        reply.persistent
    }

    #[test]
    fn a_body_of_known_length_ends_by_itself() {
        let persistent = assert_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5);
        assert!(persistent);
    }

    #[test]
    fn a_chunked_body_ends_with_its_last_chunk() {
        assert_whole(
            b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            404,
            5,
        );
    }

    #[test]
    fn an_empty_body_ends_with_the_head() {
        assert_whole(b"HTTP/1.1 204 No Content\r\n\r\n", 204, 0);
    }

    #[test]
    fn interim_replies_are_passed_over() {
        assert_whole(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n\
              HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            200,
            1,
        );
    }

    #[test]
    fn a_reply_without_length_ends_only_with_the_connection() {
        let mut reply = Reply::new(false);
        assert_eq!(reply.feed(b"HTTP/1.0 200 OK\r\n\r\nall of it"), Ok(false));
        assert!(reply.ends_by_close());
        assert_eq!(reply.body_len, 9);
    }

    #[test]
    fn a_cut_reply_is_not_ended_by_the_close() {
        let mut reply = Reply::new(false);
        assert!(reply.is_untouched());
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
        assert_eq!(reply.feed(cut), Ok(false));
        assert!(!reply.ends_by_close() && !reply.is_untouched());
    }

    #[test]
    fn the_reply_to_head_has_no_body() {
        let mut reply = Reply::new(true);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(reply.feed(head), Ok(true));
        reply.clear();
        let with_body = [head.as_slice(), b"hello"].concat();
        assert_eq!(reply.feed(&with_body), Err(Malformed::Surplus(5)));
    }

    #[test]
    fn bytes_behind_the_reply_are_refused() {
        let mut reply = Reply::new(false);
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX";
        assert_eq!(reply.feed(wire), Err(Malformed::Surplus(1)));
    }
}
