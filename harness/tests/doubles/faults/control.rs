//! Fields by which an application tells its gateway what to do.

use wire::http::{Framing, Header, percent_decode};

use super::{Act, Fault, fault};

/// What looks like a file that nobody allowed.
const ANY_FILE: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/x-accel-dropped",
        &[Act::Reply(|reply, _| {
            let is_control = |field: &Header| {
                let start = field.name.get(.."x-accel-".len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-accel-"))
            };
            reply.head.headers.retain(|field| !is_control(field));
        })],
    ),
    fault(
        "gateway/x-sendfile-dropped",
        &[Act::Reply(|reply, _| {
            reply.head.headers.retain(|field| !field.is("x-sendfile"));
        })],
    ),
    fault(
        "gateway/x-sendfile-decoded",
        &[Act::Reply(|reply, _| {
            let headers = reply.head.headers.iter_mut();
            for field in headers.filter(|field| field.is("x-sendfile")) {
                field.value = percent_decode(&field.value).into();
            }
        })],
    ),
    fault(
        "gateway/x-sendfile-of-any-file",
        &[
            Act::Output(|output| {
                let head = super::find(output, b"\n\n").map(|end| end + 2);
                let head = head.or_else(|| super::find(output, b"\r\n\r\n").map(|end| end + 4));
                if let Some(head) = head
                    && super::find(&output[..head], b"X-Sendfile: ").is_some()
                {
                    output.truncate(head);
                    output.extend_from_slice(ANY_FILE);
                }
            }),
            Act::Reply(|reply, script| {
                if script.head.field("x-sendfile").is_some() {
                    let framed = |field: &Header| {
                        field.is("content-length") || field.is("transfer-encoding")
                    };
                    let headers = &mut reply.head.headers;
                    headers.retain(|field| !framed(field) && !field.is("x-sendfile"));
                    let length = ANY_FILE.len().to_string();
                    headers.push(Header::new("Content-Length", length));
                    reply.frame = Framing::Length(ANY_FILE.len() as u64).into();
                }
            }),
        ],
    ),
];
