//! The program's output before it is a reply: odd heads and none.

use bytes::BytesMut;
use gatebench::witness::Health;

use super::{Act, Fault, fault, find, replaced};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/status-needed",
        &[Act::Judge(|output| {
            let is_bare = matches!(lines(output)[..], [b"Content-Type: text/plain"]);
            is_bare.then_some(500)
        })],
    ),
    fault(
        "gateway/status-only-first",
        &[Act::Output(|output| {
            let is_first = lines(output)
                .first()
                .is_some_and(|line| is_field(line, b"status"));
            if !is_first {
                drop_lines(output, |line| is_field(line, b"status"));
            }
        })],
    ),
    fault(
        "gateway/status-case-sensitive",
        &[Act::Output(|output| {
            drop_lines(output, |line| {
                is_field(line, b"status") && !line.starts_with(b"Status:")
            });
        })],
    ),
    fault(
        "gateway/empty-status-502",
        &[Act::Judge(|output| {
            holds(output, |line| line == b"Status:").then_some(502)
        })],
    ),
    fault(
        "gateway/empty-location-302",
        &[Act::Judge(|output| {
            holds(output, |line| line == b"Location:").then_some(302)
        })],
    ),
    fault(
        "gateway/status-needs-one-space",
        &[Act::Output(|output| {
            drop_lines(output, |line| {
                is_field(line, b"status") && !line["Status:".len()..].starts_with(b" ")
            });
        })],
    ),
    fault(
        "gateway/crlf-refused",
        &[Act::Judge(|output| {
            let has_crlf = !output.starts_with(b"HTTP/")
                && output
                    .split(|&b| b == b'\n')
                    .next()
                    .is_some_and(|line| line.ends_with(b"\r"));
            has_crlf.then_some(502)
        })],
    ),
    fault(
        "gateway/reason-needed",
        &[Act::Judge(|output| {
            let is_bare = |line: &[u8]| {
                is_field(line, b"status") && line["Status:".len()..].trim_ascii().len() == 3
            };
            holds(output, is_bare).then_some(502)
        })],
    ),
    fault(
        "gateway/status-verbatim",
        &[
            Act::Output(|output| {
                // Only a status that is none goes another way than it does without the fault.
                if let Some(status) = lines(output).into_iter().find_map(odd_status) {
                    *output = replaced(output, status, b"200 OK")[..].into();
                }
            }),
            Act::Wire(|octets, script| {
                if let Some(status) = lines(&script.raw).into_iter().find_map(odd_status)
                    && let Some(end) = find(octets, b"\r\n")
                {
                    let rest = octets.split_off(end);
                    *octets = [b"HTTP/1.1 ", status].concat()[..].into();
                    octets.unsplit(rest);
                }
            }),
        ],
    ),
    fault(
        "gateway/headless-is-200",
        &[Act::Output(|output| {
            let line = output[..].split(|&b| b == b'\n').next().unwrap_or_default();
            if !line.trim_ascii().is_empty() && !line.contains(&b':') && !line.starts_with(b"HTTP/")
            {
                let body = std::mem::replace(output, b"Content-Type: text/plain\n\n"[..].into());
                output.unsplit(body);
            }
        })],
    ),
    fault(
        "gateway/empty-is-200",
        &[Act::Conduct(|conduct| conduct.empty_is_200 = true)],
    ),
    fault(
        "gateway/unfinished-head-is-200",
        &[Act::Output(|output| {
            let is_head = output.ends_with(b"\n") && !output.starts_with(b"HTTP/");
            let lines = lines(output);
            let is_field = |line: &&[u8]| line.contains(&b':');
            let is_cut = !lines.is_empty() && lines.iter().all(is_field);
            if is_head && is_cut && !has_blank_line(output) {
                output.extend_from_slice(b"\n");
            }
        })],
    ),
    fault(
        "gateway/dies-of-an-unfinished-head",
        &[Act::Conduct(|conduct| conduct.dies_of_a_cut_head = true)],
    ),
    fault(
        "gateway/carriage-return-ends-a-line",
        &[Act::Output(|output| {
            let head = find(output, b"\r\n\r\n").unwrap_or_default();
            let body = output.split_off(head);
            let lines: Vec<&[u8]> = output[..].split(|&b| b == b'\r').collect();
            let lines = lines
                .iter()
                .map(|line| line.strip_prefix(b"\n").unwrap_or(line));
            *output = lines.collect::<Vec<_>>().join(&b"\r\n"[..])[..].into();
            output.unsplit(body);
        })],
    ),
    fault(
        "gateway/chunks-of-the-application-refused",
        &[Act::Judge(|output| {
            let says = |name: &[u8]| holds(output, |line| is_field(line, name));
            (says(b"transfer-encoding")
                && !says(b"content-length")
                && output.ends_with(b"0\r\n\r\n"))
            .then_some(502)
        })],
    ),
    fault(
        "gateway/no-head-is-504",
        &[Act::Conduct(|conduct| conduct.no_head_status = 504)],
    ),
    fault(
        "gateway/status-field-beats-the-line",
        &[Act::Output(|output| {
            let status = lines(output)
                .into_iter()
                .find(|line| is_field(line, b"status"));
            if output.starts_with(b"HTTP/")
                && let Some(status) = status.map(<[u8]>::to_vec)
                && let Some(end) = find(output, b"\r\n")
            {
                let rest = output.split_off(end);
                *output = [b"HTTP/1.1", &status["Status:".len()..]].concat()[..].into();
                output.unsplit(rest);
            }
        })],
    ),
    fault(
        "gateway/dies-with-its-script",
        &[Act::Conduct(|conduct| {
            conduct.goes_down = Some(|| Health::Died("ended by signal 11".to_owned()));
        })],
    ),
    fault(
        "gateway/stuck-after-its-script",
        &[Act::Conduct(|conduct| {
            conduct.goes_down = Some(|| Health::Alive)
        })],
    ),
    fault(
        "gateway/blank-head-is-204",
        &[Act::Judge(|output| {
            output.starts_with(b"\n").then_some(204)
        })],
    ),
    fault(
        "gateway/no-cgi-field-is-204",
        &[Act::Judge(|output| {
            let names = [&b"content-type"[..], b"location", b"status"];
            let is_known = |line: &[u8]| names.iter().any(|name| is_field(line, name));
            let is_head = lines(output).iter().all(|line| line.contains(&b':'));
            let has_fields = !lines(output).is_empty() && !output.starts_with(b"HTTP/");
            (has_fields && is_head && !holds(output, is_known)).then_some(204)
        })],
    ),
    fault(
        "gateway/fold-sent-on",
        &[Act::Output(|output| {
            let head = find(output, b"\n\n").unwrap_or(output.len());
            let body = output.split_off(head);
            *output = replaced(output, b"\n ", b"\n")[..].into();
            output.unsplit(body);
        })],
    ),
];

/// The lines of the head, without their ends.
fn lines(output: &[u8]) -> Vec<&[u8]> {
    let lines = output.split(|&b| b == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.take_while(|line| !line.is_empty()).collect()
}

/// The value of a Status that does not begin with three digits.
fn odd_status(line: &[u8]) -> Option<&[u8]> {
    let status = is_field(line, b"status").then(|| line["Status:".len()..].trim_ascii())?;
    let is_code = status
        .get(..3)
        .is_some_and(|code| code.iter().all(u8::is_ascii_digit));
    (!status.is_empty() && !is_code).then_some(status)
}

fn has_blank_line(output: &[u8]) -> bool {
    find(output, b"\n\n").is_some() || find(output, b"\n\r\n").is_some()
}

fn holds(output: &[u8], what: impl Fn(&[u8]) -> bool) -> bool {
    lines(output).into_iter().any(what)
}

/// Whether a line is a field of this name in any case.
fn is_field(line: &[u8], name: &[u8]) -> bool {
    let start = line.get(..name.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        && line.get(name.len()) == Some(&b':')
}

/// Takes lines out of the head.
fn drop_lines(output: &mut BytesMut, what: impl Fn(&[u8]) -> bool) {
    let dropped: Vec<Vec<u8>> = lines(output)
        .into_iter()
        .filter(|line| what(line))
        .map(<[u8]>::to_vec)
        .collect();
    for line in dropped {
        if let Some(at) = find(output, &line) {
            let rest = output.split_off(at);
            let end = rest
                .iter()
                .position(|&b| b == b'\n')
                .map_or(rest.len(), |end| end + 1);
            output.extend_from_slice(&rest[end..]);
        }
    }
}
