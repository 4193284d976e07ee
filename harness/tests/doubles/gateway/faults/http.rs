//! HTTP requests that are not as they should be, and what is made of the replies to them.

use bytes::BytesMut;

use super::{super::super::faults::replaced, Act::Habits, Fault, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/http-no-host",
        &[Habits(|habits| {
            habits.opening = |octets| drop_line(octets, "host:");
        })],
    ),
    fault(
        "gateway/http-named-fields-passed",
        &[Habits(|habits| habits.passes_named = true)],
    ),
    fault(
        "gateway/http-hop-fields-passed",
        &[Habits(|habits| habits.passes_hops = true)],
    ),
    fault(
        "gateway/http-both-framings",
        &[Habits(|habits| {
            habits.opening = |octets| {
                edit(
                    octets,
                    b"\r\nContent-Length:",
                    b"\r\nTransfer-Encoding: chunked\r\nContent-Length:",
                );
            };
        })],
    ),
    fault(
        "gateway/http-via-other",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, FIRST_END, b" HTTP/1.1\r\nVia: 1.1 other\r\n");
        })],
    ),
    fault(
        "gateway/http-forwarded-other",
        &[Habits(|habits| {
            habits.opening = |octets| {
                edit(
                    octets,
                    FIRST_END,
                    b" HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n",
                );
            };
        })],
    ),
    fault(
        "gateway/http-asks-in-1-0",
        &[Habits(|habits| {
            habits.opening = |octets| edit(octets, FIRST_END, b" HTTP/1.0\r\n");
        })],
    ),
    fault(
        "gateway/reply-cut-chunks-whole",
        &[Habits(|habits| habits.cut_chunks_end = true)],
    ),
    fault(
        "gateway/reply-length-beats-chunks",
        &[Habits(|habits| {
            habits.reply = |octets| {
                if octets
                    .windows(15)
                    .any(|window| window == b"Content-Length:")
                {
                    drop_line(octets, "transfer-encoding:");
                }
            };
        })],
    ),
    fault(
        "gateway/reply-bad-length-dropped",
        &[Habits(|habits| {
            habits.reply = |octets| {
                edit(octets, b"Content-Length: four\r\n", b"");
                edit(octets, b"Content-Length: 4\r\nContent-Length: 5\r\n", b"");
            };
        })],
    ),
    fault(
        "gateway/reply-fold-dropped",
        &[Habits(|habits| {
            habits.reply = |octets| edit(octets, b"\r\n two", b"two");
        })],
    ),
];

/// How a request line ends.
const FIRST_END: &[u8] = b" HTTP/1.1\r\n";

fn edit(octets: &mut BytesMut, what: &[u8], with: &[u8]) {
    *octets = BytesMut::from(&replaced(octets, what, with)[..]);
}

/// Drops the line of a head that begins so, whatever the case of its letters.
fn drop_line(octets: &mut BytesMut, begins: &str) {
    let lines = octets.split_inclusive(|&b| b == b'\n');
    let begins = begins.as_bytes();
    let stays = |line: &&[u8]| {
        !line
            .get(..begins.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(begins))
    };
    let kept: Vec<&[u8]> = lines.filter(stays).collect();
    *octets = BytesMut::from(&kept.concat()[..]);
}
