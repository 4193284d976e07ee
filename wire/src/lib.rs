//! The protocols of the CGI family as values: bytes in, values out, and back.
//!
//! Nothing here opens a socket, reads a clock, starts a task or writes a log
//! (*sans-IO*). So one codec serves a server, a bench, a benchmark and a fuzzer,
//! and its tests are plain functions.
//!
//! Every decoder takes what it can off the front of a [`bytes::BytesMut`] and has
//! three answers: `Ok(Some(value))`, `Ok(None)` for "more bytes are needed", and an
//! error that says what the peer broke. No decoder panics, whatever the bytes.
//!
//! ```
//! use bytes::BytesMut;
//! use wire::http::{Limits, decode_request};
//!
//! let mut buf = BytesMut::from("GET /hello HTTP/1.1\r\nHost: ");
//! assert_eq!(decode_request(&mut buf, &Limits::default())?, None);
//! buf.extend_from_slice(b"example.test\r\n\r\n");
//! let head = decode_request(&mut buf, &Limits::default())?.expect("a whole head");
//! assert_eq!((&head.target[..], buf.len()), (&b"/hello"[..], 0));
//! # Ok::<(), wire::http::HttpError>(())
//! ```
//!
//! # Map
//!
//! | module | what | specification |
//! |---|---|---|
//! | [`environ`] | CGI meta-variables in order | RFC 3875 section 4.1 |
//! | [`http`] | HTTP/1.1 heads, message framing, chunked bodies | RFC 9112 |
//! | [`request`] | an HTTP request to meta-variables | RFC 3875 section 4.1 |
//! | [`cgi`] | the head of a CGI response | RFC 3875 section 6 |
//! | [`fastcgi`] | records, pairs, bodies; the life of requests from either side | FastCGI 1.0 |
//! | [`uwsgi`] | packet header and vars block | Protocol.rst of uWSGI |
//! | [`scgi`] | headers in a netstring | SCGI protocol.txt |
//!
//! Comments cite the rule that a line enforces by its id, such as
//! `CGI-6.3.3-STATUS-SYNTAX`.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod cgi;
pub mod environ;
pub mod fastcgi;
pub mod field;
pub mod http;
pub mod request;
pub mod scgi;
pub mod uwsgi;

mod excerpt;
