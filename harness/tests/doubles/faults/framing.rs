//! How a reply is framed: statuses and methods without body, lengths, chunks.

use wire::http::{Framing, Header, Version};

use super::{Act, Fault, fault};
use crate::doubles::reply::Reply;

/// Where careless code ends a large reply.
const MOST: u64 = 32 << 20;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/transfer-encoding-sent-on",
        &[Act::Reply(|reply, script| {
            let made_up = script
                .head
                .fields
                .iter()
                .filter(|field| field.is("transfer-encoding"));
            let made_up: Vec<Header> = made_up.cloned().collect();
            if !made_up.is_empty() {
                unframe(reply);
                reply.head.headers.extend(made_up);
                reply.frame = Framing::UntilClose.into();
                reply.stays = false;
            }
        })],
    ),
    fault(
        "gateway/both-framings-sent-on",
        &[Act::Reply(|reply, script| {
            let made_up = script.head.field("transfer-encoding");
            if let Some(made_up) = made_up.filter(|_| reply.head.header("content-length").is_some())
            {
                let field = Header::new("Transfer-Encoding", made_up.clone());
                reply.head.headers.push(field);
            }
        })],
    ),
    fault(
        "gateway/head-body-sent",
        &[Act::Reply(|reply, script| {
            if script.request.method == "HEAD" {
                reply.frame = Framing::UntilClose.into();
            }
        })],
    ),
    fault(
        "gateway/head-length-zero",
        &[Act::Reply(|reply, script| {
            if script.request.method == "HEAD" {
                measure(reply, 0);
                reply.frame = Framing::None.into();
            }
        })],
    ),
    fault(
        "gateway/body-with-204",
        &[Act::Reply(|reply, _| send_body_with(reply, 204))],
    ),
    fault(
        "gateway/body-with-304",
        &[Act::Reply(|reply, _| send_body_with(reply, 304))],
    ),
    fault(
        "gateway/body-with-205",
        &[Act::Reply(|reply, script| {
            let length = script.head.field("content-length");
            let length = length.and_then(|length| std::str::from_utf8(length).ok()?.parse().ok());
            if reply.head.status == 205
                && let Some(length) = length
            {
                measure(reply, length);
            }
        })],
    ),
    fault(
        "gateway/length-with-204",
        &[Act::Reply(|reply, _| {
            if reply.head.status == 204 {
                reply.head.headers.push(Header::new("Content-Length", "0"));
            }
        })],
    ),
    fault(
        "gateway/unknown-length-is-zero",
        &[Act::Reply(|reply, script| {
            let is_plain = script.request.method == "GET"
                && script
                    .head
                    .content_type()
                    .is_some_and(|t| t == "application/octet-stream");
            if is_plain && script.head.field("content-length").is_none() {
                measure(reply, 0);
            }
        })],
    ),
    fault(
        "gateway/reply-cut-at-32-mib",
        &[Act::Reply(|reply, _| {
            if matches!(reply.frame.framing, Framing::Length(length) if length > MOST) {
                measure(reply, MOST);
            }
        })],
    ),
    fault(
        "gateway/chunks-for-http-1-0",
        &[Act::Reply(|reply, script| {
            let is_old = script.request.version == Version::Http10;
            if is_old && reply.frame.framing == Framing::UntilClose {
                reply
                    .head
                    .headers
                    .push(Header::new("Transfer-Encoding", "chunked"));
                reply.frame = Framing::Chunked.into();
            }
        })],
    ),
    fault(
        "gateway/short-reply-padded",
        &[Act::Reply(|reply, _| reply.frame.pads = true)],
    ),
    fault(
        "gateway/short-reply-left-open",
        &[Act::Reply(|reply, _| reply.frame.leaves_open = true)],
    ),
    fault(
        "gateway/excess-sent-on",
        &[Act::Reply(|reply, _| reply.frame.exceeds = true)],
    ),
];

/// Takes back what the gateway said about the body's frame.
fn unframe(reply: &mut Reply) {
    let frames = |field: &Header| field.is("content-length") || field.is("transfer-encoding");
    reply.head.headers.retain(|field| !frames(field));
}

/// Gives the body this length, true or not.
fn measure(reply: &mut Reply, length: u64) {
    unframe(reply);
    reply
        .head
        .headers
        .push(Header::new("Content-Length", length.to_string()));
    reply.frame = Framing::Length(length).into();
}

/// Lets a body follow a status that has none.
fn send_body_with(reply: &mut Reply, status: u16) {
    if reply.head.status == status {
        reply.frame = Framing::UntilClose.into();
    }
}
