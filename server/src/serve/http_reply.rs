//! How a reply looks on a connection that carries HTTP responses: HTTP itself, and uwsgi, whose
//! responses are HTTP. Pure: values in, bytes out.

use bytes::{BufMut, Bytes, BytesMut};
use wire::cgi::{CgiError, CgiHead};
use wire::http::{Header, LAST_CHUNK, ResponseHead, Version};

use super::queue::Queue;
use crate::clock;
use crate::exchange::{Ending, FilePart, HeadSize};

/// What the request says of its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The version to answer in.
    pub(super) version: Version,
    /// HEAD: no body, whatever the head says.
    pub(super) head_only: bool,
    /// The connection could carry another request.
    pub(super) keep: bool,
    /// The server speaks HTTP itself, instead of through a gateway: it dates its responses and
    /// manages the connection.
    pub(super) direct: bool,
}

/// The state of one reply.
#[derive(Debug)]
pub(super) struct HttpReply {
    asked: Asked,
    framing: Framing,
}

/// How the body is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// No head yet.
    Unknown,
    /// There is none; what comes is dropped.
    Absent,
    /// So many bytes are due.
    Length(u64),
    Chunked,
    /// All until the connection closes.
    UntilClose,
}

impl HttpReply {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            framing: Framing::Unknown,
        }
    }

    /// What the request says.
    pub(super) fn asked(&self) -> Asked {
        self.asked
    }

    /// No other response is to follow on the connection; the head says so.
    pub(super) fn forgo_keeping(&mut self) {
        self.asked.keep = false;
    }

    /// Appends the head.
    pub(super) fn head(
        &mut self,
        head: &CgiHead,
        dst: &mut BytesMut,
    ) -> Result<HeadSize, CgiError> {
        // Not the application's to say, but a wish that can be granted.
        self.asked.keep &= head
            .field("connection")
            .is_none_or(|value| value != "close");
        let mut response = head.to_response(self.asked.version)?;
        self.frame(&mut response);
        if self.asked.direct {
            self.add_connection_fields(&mut response);
        }
        let before = dst.len();
        response.encode(dst);
        let bytes = dst.len() - before;
        Ok(HeadSize {
            status: response.status,
            fields: response.headers.len(),
            bytes,
        })
    }

    /// Decides how the body is sent.
    fn frame(&mut self, response: &mut ResponseHead) {
        // RFC 9110 section 8.6: no Content-Length with 204.
        if response.status == 204 {
            response.headers.retain(|field| !field.is("content-length"));
        }
        // RFC 9110 section 15.3.6: with 205 there is nothing to come, and the client is told so.
        if response.status == 205 && !self.asked.head_only {
            response.headers.retain(|field| !field.is("content-length"));
            response.headers.push(Header::new("Content-Length", "0"));
        }
        let length = response
            .header("content-length")
            .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        self.framing = match length {
            _ if self.asked.head_only || matches!(response.status, 204 | 304) => Framing::Absent,
            Some(length) => Framing::Length(length),
            None if self.asked.direct && self.asked.version == Version::Http11 => Framing::Chunked,
            None => Framing::UntilClose,
        };
        if self.framing == Framing::Chunked {
            response
                .headers
                .push(Header::new("Transfer-Encoding", "chunked"));
        }
        self.asked.keep &= self.framing != Framing::UntilClose;
    }

    fn add_connection_fields(&self, response: &mut ResponseHead) {
        if response.header("date").is_none() {
            response
                .headers
                .push(Header::new("Date", clock::http_date()));
        }
        match (self.asked.keep, self.asked.version) {
            (false, _) => response.headers.push(Header::new("Connection", "close")),
            (true, Version::Http10) => {
                response
                    .headers
                    .push(Header::new("Connection", "keep-alive"));
            }
            (true, Version::Http11) => {}
        }
    }

    /// Queues a piece of the body. Bytes beyond the announced length are dropped: the next
    /// response would be taken to begin there.
    pub(super) fn body(&mut self, mut piece: Bytes, queue: &mut Queue) {
        match &mut self.framing {
            Framing::Unknown | Framing::Absent => {}
            Framing::UntilClose => queue.push(piece),
            Framing::Length(left) => {
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
                queue.push(piece);
            }
            Framing::Chunked => {
                queue
                    .tail()
                    .put_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                queue.push(piece);
                queue.tail().put_slice(b"\r\n");
            }
        }
    }

    /// Queues part of a file as a piece of the body, as [`Self::body`] does bytes.
    pub(super) fn file(&mut self, mut part: FilePart, queue: &mut Queue) {
        match &mut self.framing {
            Framing::Unknown | Framing::Absent => {}
            Framing::UntilClose => queue.push_file(part),
            Framing::Length(left) => {
                part.truncate(*left);
                *left -= part.len();
                queue.push_file(part);
            }
            Framing::Chunked => {
                queue
                    .tail()
                    .put_slice(format!("{:x}\r\n", part.len()).as_bytes());
                queue.push_file(part);
                queue.tail().put_slice(b"\r\n");
            }
        }
    }

    /// Whether part of a file may be sent as it is, without anything around it.
    pub(super) fn takes_bare(&self, part: &FilePart) -> bool {
        match self.framing {
            Framing::Length(left) => part.len() <= left,
            Framing::UntilClose => true,
            Framing::Unknown | Framing::Absent | Framing::Chunked => false,
        }
    }

    /// Such a part was sent.
    pub(super) fn took_bare(&mut self, length: u64) {
        if let Framing::Length(left) = &mut self.framing {
            *left -= length;
        }
    }

    /// Queues bytes of a response that the application made itself; only the end of the
    /// connection tells where it ends.
    pub(super) fn raw(&mut self, bytes: Bytes, queue: &mut Queue) {
        self.asked.keep = false;
        self.framing = Framing::UntilClose;
        queue.push(bytes);
    }

    /// Whether only the end of the connection tells where the reply ends.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.framing == Framing::UntilClose
    }

    /// Queues what ends the body; true if another response may follow.
    pub(super) fn end(&mut self, ending: Ending, queue: &mut Queue) -> bool {
        let is_whole = ending == Ending::Complete && !matches!(self.framing, Framing::Length(1..));
        if is_whole && self.framing == Framing::Chunked {
            queue.tail().put_slice(LAST_CHUNK);
        }
        self.asked.keep && is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: Asked = Asked {
        version: Version::Http11,
        head_only: false,
        keep: true,
        direct: true,
    };
    const GATEWAY: Asked = Asked {
        direct: false,
        keep: false,
        ..DIRECT
    };

    fn ok() -> CgiHead {
        CgiHead::new(200).with("Date", "now")
    }

    /// What goes out for a head and pieces of body, and whether the connection stays.
    fn sent(
        asked: Asked,
        head: CgiHead,
        pieces: &[&'static str],
        ending: Ending,
    ) -> (String, bool) {
        let (mut reply, mut queue) = (HttpReply::new(asked), Queue::default());
        reply.head(&head, queue.tail()).unwrap();
        for &piece in pieces {
            reply.body(piece.into(), &mut queue);
        }
        let keep = reply.end(ending, &mut queue);
        (String::from_utf8(queue.tail().to_vec()).unwrap(), keep)
    }

    #[test]
    fn a_body_of_known_length_goes_as_it_is() {
        let (bytes, keep) = sent(
            DIRECT,
            ok().with("Content-Length", "3"),
            &["ab", "cd"],
            Ending::Complete,
        );
        assert_eq!(
            bytes,
            "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 3\r\n\r\nabc"
        );
        assert!(keep);
    }

    #[test]
    fn a_body_of_unknown_length_goes_in_chunks() {
        let (bytes, keep) = sent(DIRECT, ok(), &["ab", "c"], Ending::Complete);
        let body = bytes.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert!(bytes.contains("Transfer-Encoding: chunked\r\n") && keep);
    }

    #[test]
    fn a_client_of_http_1_0_gets_the_body_until_the_close() {
        let asked = Asked {
            version: Version::Http10,
            ..DIRECT
        };
        let (bytes, keep) = sent(asked, ok(), &["ab"], Ending::Complete);
        assert_eq!(
            bytes,
            "HTTP/1.0 200 OK\r\nDate: now\r\nConnection: close\r\n\r\nab"
        );
        assert!(!keep);
    }

    #[test]
    fn a_kept_connection_is_announced_in_http_1_0() {
        let asked = Asked {
            version: Version::Http10,
            ..DIRECT
        };
        let (bytes, keep) = sent(
            asked,
            ok().with("Content-Length", "0"),
            &[],
            Ending::Complete,
        );
        assert!(
            bytes.contains("Connection: keep-alive\r\n") && keep,
            "{bytes}"
        );
    }

    #[test]
    fn a_reply_that_was_cut_off_does_not_look_whole() {
        let (bytes, keep) = sent(DIRECT, ok(), &["ab"], Ending::Cut);
        assert!(bytes.ends_with("2\r\nab\r\n") && !keep);
    }

    #[test]
    fn a_body_shorter_than_announced_ends_the_connection() {
        let head = ok().with("Content-Length", "3");
        assert!(!sent(DIRECT, head, &["ab"], Ending::Complete).1);
    }

    #[test]
    fn a_reply_to_head_has_the_length_and_no_body() {
        let asked = Asked {
            head_only: true,
            ..DIRECT
        };
        let head = ok().with("Content-Length", "3");
        let (bytes, keep) = sent(asked, head, &["abc"], Ending::Complete);
        assert!(
            bytes.ends_with("Content-Length: 3\r\n\r\n") && keep,
            "{bytes}"
        );
    }

    #[test]
    fn status_204_has_neither_length_nor_body() {
        let head = CgiHead::new(204)
            .with("Date", "now")
            .with("Content-Length", "3");
        let (bytes, keep) = sent(DIRECT, head, &["abc"], Ending::Complete);
        assert_eq!(bytes, "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
        assert!(keep);
    }

    #[test]
    fn status_205_has_no_body_and_says_so() {
        for head in [
            CgiHead::new(205),
            CgiHead::new(205).with("Content-Length", "3"),
        ] {
            let head = head.with("Date", "now");
            let (bytes, keep) = sent(DIRECT, head, &["abc"], Ending::Complete);
            let end = "Date: now\r\nContent-Length: 0\r\n\r\n";
            assert_eq!(bytes, format!("HTTP/1.1 205 Reset Content\r\n{end}"));
            assert!(keep);
        }
    }

    #[test]
    fn a_gateway_gets_no_fields_of_the_connection() {
        let (bytes, keep) = sent(GATEWAY, CgiHead::new(200), &["ab"], Ending::Complete);
        assert_eq!(bytes, "HTTP/1.1 200 OK\r\n\r\nab");
        assert!(!keep);
    }

    #[test]
    fn a_direct_response_is_dated() {
        let (bytes, _) = sent(DIRECT, CgiHead::new(200), &[], Ending::Complete);
        assert!(
            bytes.contains("\r\nDate: ") && bytes.contains(" GMT\r\n"),
            "{bytes}"
        );
    }
}
