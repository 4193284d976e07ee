//! What is made of a uwsgi, SCGI or HTTP reply.

use super::{
    super::super::faults::{find, replaced},
    Act::{self, Habits},
    Fault, fault,
};

/// Where careless code ends a line of a head.
const LINE: usize = 1024;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/reply-chunks-passed",
        &[Habits(|habits| habits.decodes_chunks = false)],
    ),
    fault(
        "gateway/reply-interim-refused",
        &[Habits(|habits| habits.skips_interim = false)],
    ),
    fault(
        "gateway/reply-end-is-a-cut",
        &[Habits(|habits| habits.end_cuts = true)],
    ),
    fault(
        "gateway/reply-version-copied",
        &[Act::Wire(|octets, script| {
            if script.raw.starts_with(b"HTTP/1.0") {
                let copied = replaced(octets, b"HTTP/1.1", b"HTTP/1.0");
                octets.clear();
                octets.extend_from_slice(&copied);
            }
        })],
    ),
    fault(
        "gateway/uwsgi-cgi-reply-refused",
        &[Act::Judge(|output| {
            (!output.starts_with(b"HTTP/")).then_some(502)
        })],
    ),
    fault(
        "gateway/scgi-http-reply-refused",
        &[Act::Judge(|output| {
            output.starts_with(b"HTTP/").then_some(500)
        })],
    ),
    fault(
        "gateway/reply-long-field-cut",
        &[Act::Output(|output| {
            let head = find(output, b"\r\n\r\n").unwrap_or(0);
            let body = output.split_off(head);
            let lines = output[..].split(|&b| b == b'\n');
            let lines: Vec<&[u8]> = lines.map(|line| &line[..line.len().min(LINE)]).collect();
            let cut = lines.join(&b'\n');
            *output = cut[..].into();
            output.unsplit(body);
        })],
    ),
    fault(
        "gateway/reply-bad-line-copied",
        &[
            Act::Output(|output| {
                if let Some(line) = bad_line(output) {
                    let without = replaced(output, &line, b"");
                    *output = without[..].into();
                }
            }),
            Act::Wire(|octets, script| {
                if let Some(line) = bad_line(&script.raw) {
                    let at = find(octets, b"\r\n").map_or(0, |at| at + 2);
                    let rest = octets.split_off(at);
                    octets.extend_from_slice(&line);
                    octets.unsplit(rest);
                }
            }),
        ],
    ),
    fault(
        "gateway/reply-short-padded",
        &[Act::Reply(|reply, _| reply.frame.pads = true)],
    ),
    fault(
        "gateway/stream-empty-is-200",
        &[Act::Conduct(|conduct| conduct.empty_is_200 = true)],
    ),
    fault(
        "gateway/stream-held-back",
        &[Habits(|habits| habits.holds_back = true)],
    ),
];

/// The line of a head that begins as those of the scenarios that are none: `bad`.
fn bad_line(output: &[u8]) -> Option<Vec<u8>> {
    let start = find(output, b"\nbad")? + 1;
    let end = find(&output[start..], b"\n")? + 1;
    Some(output[start..start + end].to_vec())
}
