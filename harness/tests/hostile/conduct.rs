//! What hostile servers say, by protocol.

use super::server::{Conduct, EVIL};

fn endless_of(first: &[u8], then: &[u8]) -> Conduct {
    Conduct {
        first: first.to_vec(),
        then: then.to_vec(),
        poses: false,
    }
}

pub(crate) mod http {
    use std::{
        io::{Read, Write},
        process::{Command, Stdio},
    };

    use super::{Conduct, EVIL, endless_of};

    /// Interim replies, fields, one field, body, chunks, a chunk's extension and trailers without end.
    pub(crate) fn endless() -> Vec<Conduct> {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let field = [b"X-A: ", &[b'a'; 100][..], b"\r\n"].concat();
        let many = [b'a'; 60_000];
        vec![
            endless_of(b"", &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2000)),
            endless_of(b"HTTP/1.1 200 OK\r\n", &field),
            endless_of(b"HTTP/1.1 200 OK\r\nX-A: ", &many),
            endless_of(b"HTTP/1.1 200 OK\r\n\r\n", &many),
            endless_of(chunked, &b"1\r\na\r\n".repeat(10_000)),
            endless_of(&[chunked, &b"1;a="[..]].concat(), &many),
            endless_of(&[chunked, &b"0\r\n"[..]].concat(), &field),
        ]
    }

    /// Fields, one field, body and chunks of a request without end.
    pub(crate) fn endless_requests() -> Vec<Conduct> {
        let field = [b"X-A: ", &[b'a'; 100][..], b"\r\n"].concat();
        let many = [b'a'; 60_000];
        let post = b"POST /app/case HTTP/1.1\r\nHost: a\r\n";
        let with = |more: &[u8]| [&post[..], more].concat();
        vec![
            endless_of(&with(b""), &field),
            endless_of(&with(b"X-A: "), &many),
            endless_of(&with(b"Content-Length: 99999999999\r\n\r\n"), &many),
            endless_of(
                &with(b"Transfer-Encoding: chunked\r\n\r\n"),
                &b"1\r\na\r\n".repeat(10_000),
            ),
        ]
    }

    /// A request with hostile words in every place that takes them.
    pub(crate) fn evil_request() -> Conduct {
        let length = EVIL.len().to_string();
        let parts = [
            &b"GET /app/"[..],
            EVIL,
            b" HTTP/1.1\r\nX-Evil: ",
            EVIL,
            b"\r\nContent-Length: ",
            length.as_bytes(),
            b"\r\n\r\n",
            EVIL,
        ];
        endless_of(&parts.concat(), b"")
    }

    /// A good reply with hostile words in the body and in every place that takes them.
    pub(crate) fn evil() -> Conduct {
        // No control character, so that strict readers take it.
        let markup = b"<script>alert(1)</script>`own`\xff";
        let length = EVIL.len().to_string();
        let parts = [
            &b"HTTP/1.1 404 "[..],
            markup,
            b"\r\nX-Evil: ",
            markup,
            b"\r\nContent-Type: ",
            markup,
            b"\r\nContent-Length: ",
            length.as_bytes(),
            b"\r\n\r\n",
            EVIL,
        ];
        endless_of(&parts.concat(), b"")
    }

    /// 256 MiB of zeros, compressed; `None` where there is no gzip.
    pub(crate) fn bomb() -> Option<Conduct> {
        let mut gzip = Command::new("gzip");
        let mut gzip = gzip
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut zeros = gzip.stdin.take()?;
        let writing =
            std::thread::spawn(move || (0..256).try_for_each(|_| zeros.write_all(&[0; 1 << 20])));
        let mut body = Vec::new();
        gzip.stdout.take()?.read_to_end(&mut body).ok()?;
        writing.join().unwrap().ok()?;
        gzip.wait().ok()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Some(endless_of(&[head.as_bytes(), &body].concat(), b""))
    }
}

pub(crate) mod fastcgi {
    use super::{Conduct, EVIL, endless_of};

    const END_REQUEST: u8 = 3;
    const STDOUT: u8 = 6;
    const STDERR: u8 = 7;
    const UNKNOWN_TYPE: u8 = 11;

    fn record(kind: u8, id: u8, content: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[1, kind, 0, id, high, low, 0, 0], content].concat()
    }

    /// A head, a body, complaints and management records without end.
    pub(crate) fn endless() -> Vec<Conduct> {
        let field = [b"X-A: ", &[b'a'; 60_000][..], b"\r\n"].concat();
        let head = record(STDOUT, 1, b"Content-Type: text/plain\r\n\r\n");
        vec![
            endless_of(b"", &record(STDOUT, 1, &field)),
            endless_of(&head, &record(STDOUT, 1, &[b'a'; 60_000])),
            endless_of(b"", &record(STDERR, 1, &EVIL.repeat(900))),
            endless_of(b"", &record(UNKNOWN_TYPE, 0, &[9; 8]).repeat(4000)),
        ]
    }

    /// Hostile words on both streams, in fields and body.
    pub(crate) fn evil() -> Conduct {
        let head = [
            b"Status: 200 ",
            EVIL,
            b"\r\nX-Evil: ",
            EVIL,
            b"\r\n\r\n",
            EVIL,
        ]
        .concat();
        let records = [
            record(STDERR, 1, EVIL),
            record(STDOUT, 1, &head),
            record(STDOUT, 1, b""),
            record(END_REQUEST, 1, &[0; 8]),
        ];
        endless_of(&records.concat(), b"")
    }
}
