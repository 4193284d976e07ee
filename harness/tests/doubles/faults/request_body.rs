//! The request body and what is told of it.

use std::time::Duration;

use super::{Act, Fault, edit, fault, find};
use crate::doubles::conduct::WaitsFor;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/content-length-zero-without-body",
        &[Act::Environ(|environ, asked| {
            if asked.length.is_none() {
                environ.set("CONTENT_LENGTH", "0");
            }
        })],
    ),
    fault(
        "gateway/no-content-length-without-body",
        &[Act::Environ(|environ, asked| {
            if asked.length.is_none() {
                environ.remove("CONTENT_LENGTH");
            }
        })],
    ),
    fault(
        "gateway/content-length-one-for-empty-body",
        &[Act::Environ(|environ, asked| {
            if asked.length == Some(0) {
                environ.set("CONTENT_LENGTH", "1");
            }
        })],
    ),
    fault(
        "gateway/no-content-length",
        &[Act::Environ(|environ, asked| {
            if asked.sent.header("content-length").is_some() {
                environ.remove("CONTENT_LENGTH");
            }
        })],
    ),
    fault(
        "gateway/asks-twice",
        &[Act::Conduct(|conduct| conduct.asks_twice = true)],
    ),
    fault(
        "gateway/request-buffered",
        &[Act::Conduct(|conduct| conduct.buffers_request = true)],
    ),
    fault(
        "gateway/body-short",
        &[Act::Conduct(|conduct| {
            conduct.feeds = |length| length.saturating_sub(1)
        })],
    ),
    fault(
        "gateway/body-cut-at-64-kib",
        &[Act::Conduct(|conduct| {
            conduct.feeds = |length| length.min(65_535)
        })],
    ),
    fault(
        "gateway/body-ends-at-pause",
        &[Act::Conduct(|conduct| {
            conduct.feed_patience = Some(Duration::from_millis(100))
        })],
    ),
    fault(
        "gateway/chunks-not-decoded",
        &[Act::Conduct(|conduct| conduct.keeps_chunk_heads = true)],
    ),
    fault(
        "gateway/chunked-without-length",
        &[Act::Environ(|environ, asked| {
            if asked.sent.header("transfer-encoding").is_some() {
                environ.remove("CONTENT_LENGTH");
            }
        })],
    ),
    fault(
        "gateway/empty-chunked-body-without-end",
        &[Act::Conduct(|conduct| conduct.holds_empty_chunks = true)],
    ),
    fault(
        "gateway/trailer-in-body",
        &[Act::Conduct(|conduct| conduct.keeps_trailers = true)],
    ),
    fault(
        "gateway/length-beats-chunks",
        &[Act::Head(|head| {
            if head.header("content-length").is_some() {
                head.headers.retain(|field| !field.is("transfer-encoding"));
            }
        })],
    ),
    fault(
        "gateway/content-length-verbatim",
        &[
            Act::Head(|head| {
                for field in head
                    .headers
                    .iter_mut()
                    .filter(|field| field.is("content-length"))
                {
                    if field.value.starts_with(b"+") {
                        field.value = field.value.slice(1..);
                    }
                }
            }),
            Act::Environ(|environ, asked| {
                if let Some(length) = asked.sent.header("content-length") {
                    edit(environ, "CONTENT_LENGTH", |_| length.to_vec());
                }
            }),
        ],
    ),
    fault(
        "gateway/content-length-first-wins",
        &[Act::Head(|head| {
            let mut seen = 0;
            head.headers.retain(|field| {
                seen += usize::from(field.is("content-length"));
                seen < 2 || !field.is("content-length")
            });
        })],
    ),
    fault(
        "gateway/content-type-without-parameters",
        &[Act::Environ(|environ, _| {
            edit(environ, "CONTENT_TYPE", |value| {
                value
                    .split(|&b| b == b';')
                    .next()
                    .unwrap_or_default()
                    .to_vec()
            });
        })],
    ),
    fault(
        "gateway/content-type-only-with-body",
        &[Act::Environ(|environ, asked| {
            if asked.length.is_none() {
                environ.remove("CONTENT_TYPE");
            }
        })],
    ),
    fault(
        "gateway/content-type-invented",
        &[Act::Environ(|environ, asked| {
            if asked.head.method == "POST" && environ.get("CONTENT_TYPE").is_none() {
                environ.set("CONTENT_TYPE", "application/x-www-form-urlencoded");
            }
        })],
    ),
    fault(
        "gateway/get-body-dropped",
        &[Act::Environ(|environ, asked| {
            let is_rare = matches!(&asked.head.method[..], b"GET" | b"OPTIONS" | b"DELETE");
            if is_rare && asked.length.is_some() {
                environ.remove("CONTENT_LENGTH");
            }
        })],
    ),
    fault(
        "gateway/short-request-padded",
        &[Act::Conduct(|conduct| conduct.pads_request = true)],
    ),
    fault(
        "gateway/half-duplex",
        &[Act::Answer(|head| {
            let length = head
                .header("content-length")
                .and_then(|length| std::str::from_utf8(length).ok()?.parse::<u64>().ok());
            let echoes = head
                .header("x-probe")
                .is_some_and(|told| find(told, b"echo").is_some());
            (echoes && length > Some(64 * 1024)).then_some(504)
        })],
    ),
    fault(
        "gateway/no-100-continue",
        &[Act::Conduct(|conduct| conduct.continues = false)],
    ),
    fault(
        "gateway/other-expectation-400",
        &[Act::Answer(|head| {
            let expects = head.header("expect");
            let is_other = expects.is_some_and(|what| !what.eq_ignore_ascii_case(b"100-continue"));
            is_other.then_some(400)
        })],
    ),
    fault(
        "backend/unread-body-502",
        &[Act::Conduct(|conduct| conduct.waits_for = WaitsFor::Input)],
    ),
];
