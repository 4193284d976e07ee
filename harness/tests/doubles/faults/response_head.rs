//! The head of a reply: from the script's fields to those of HTTP.

use bytes::Bytes;
use wire::http::{Framing, Header, reason_phrase};

use super::{Act, Fault, cut, fault, find, replaced};
use crate::doubles::conduct::Dates;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/lf-kept",
        &[Act::Wire(|octets, _| {
            if let Some(field) = find(octets, b"X-B: ")
                && let Some(end) = find(&octets[field..], b"\r\n")
            {
                let rest = octets.split_off(field + end + 1);
                octets.truncate(field + end);
                octets.unsplit(rest);
            }
        })],
    ),
    fault(
        "gateway/status-field-sent",
        &[Act::Reply(|reply, script| {
            if let Some((code, reason)) = &script.head.status {
                let line = [format!("{code} ").as_bytes(), reason].concat();
                reply.head.headers.push(Header::new("Status", line));
            }
        })],
    ),
    fault(
        "gateway/reason-replaced",
        &[Act::Reply(|reply, _| {
            reply.head.reason = reason_phrase(reply.head.status).into();
        })],
    ),
    fault(
        "gateway/type-guessed",
        &[Act::Reply(|reply, _| {
            let head = &mut reply.head;
            let has_document = (200..300).contains(&head.status) && head.status != 204;
            if has_document && head.header("content-type").is_none() {
                head.headers.push(Header::new("Content-Type", "text/html"));
            }
        })],
    ),
    fault(
        "gateway/javascript-type-renamed",
        &[Act::Reply(|reply, _| {
            let fields = reply.head.headers.iter_mut();
            for field in fields.filter(|field| field.is("content-type")) {
                if field.value.starts_with(b"application/javascript") {
                    field.value = "text/javascript".into();
                }
            }
        })],
    ),
    fault(
        "gateway/type-lower-cased",
        &[Act::Reply(|reply, _| {
            for field in reply
                .head
                .headers
                .iter_mut()
                .filter(|field| field.is("content-type"))
            {
                field.value = field.value.to_ascii_lowercase().into();
            }
        })],
    ),
    fault(
        "gateway/type-sent-twice",
        &[
            // Under its own name the second one would not pass the reader of heads.
            Act::Output(|output| {
                let first = find(output, b"Content-Type:").map_or(0, |at| at + 1);
                let rest = output.split_off(first);
                let renamed = replaced(&rest, b"\nContent-Type:", b"\nSecond-Type:");
                output.extend_from_slice(&renamed);
            }),
            Act::Reply(|reply, _| {
                for field in reply
                    .head
                    .headers
                    .iter_mut()
                    .filter(|field| field.is("second-type"))
                {
                    field.name = "Content-Type".into();
                }
            }),
        ],
    ),
    fault(
        "gateway/joins-set-cookie",
        &[Act::Reply(|reply, _| {
            let cookies = take_cookies(&mut reply.head.headers);
            if !cookies.is_empty() {
                reply
                    .head
                    .headers
                    .push(Header::new("Set-Cookie", cookies.join(&b", "[..])));
            }
        })],
    ),
    fault(
        "gateway/last-set-cookie-wins",
        &[Act::Reply(|reply, _| {
            let last = take_cookies(&mut reply.head.headers).pop();
            let last = last.map(|value| Header::new("Set-Cookie", value));
            reply.head.headers.extend(last);
        })],
    ),
    fault(
        "gateway/unknown-fields-dropped",
        &[Act::Reply(|reply, _| {
            reply.head.headers.retain(|field| !field.is("x-powered-by"));
        })],
    ),
    fault(
        "gateway/date-doubled",
        &[Act::Conduct(|conduct| conduct.dates = Dates::Always)],
    ),
    fault(
        "gateway/no-date",
        &[Act::Conduct(|conduct| conduct.dates = Dates::Never)],
    ),
    fault(
        "gateway/response-field-cut",
        &[Act::Reply(|reply, _| {
            for field in &mut reply.head.headers {
                field.value = cut(&field.value).into();
            }
        })],
    ),
    fault(
        "gateway/response-fields-beyond-100-dropped",
        &[Act::Reply(|reply, _| reply.head.headers.truncate(100))],
    ),
    fault(
        "gateway/answers-conditions",
        &[Act::Reply(|reply, script| {
            let known = script.request.header("if-none-match");
            if known.is_some() && known == reply.head.header("etag") && reply.head.status == 200 {
                (reply.head.status, reply.head.reason) = (304, "Not Modified".into());
                reply.frame = Framing::None.into();
            }
        })],
    ),
    fault(
        "gateway/answers-ranges",
        &[Act::Reply(|reply, script| {
            if script.request.header("range").is_some() && reply.head.status == 200 {
                (reply.head.status, reply.head.reason) = (206, "Partial Content".into());
                let headers = &mut reply.head.headers;
                headers.retain(|field| !field.is("content-length"));
                headers.push(Header::new("Content-Range", "bytes 0-3/10"));
                headers.push(Header::new("Content-Length", "4"));
                reply.frame = Framing::Length(4).into();
            }
        })],
    ),
    fault(
        "gateway/encoding-doubled",
        &[Act::Reply(|reply, _| {
            let headers = reply.head.headers.iter_mut();
            for field in headers.filter(|field| field.is("content-encoding")) {
                field.value = [&field.value[..], b", ", &field.value].concat().into();
            }
        })],
    ),
    fault(
        "gateway/final-103",
        &[Act::Conduct(|conduct| conduct.interim_is_final = true)],
    ),
    fault(
        "gateway/every-script-is-nph",
        &[Act::Conduct(|conduct| conduct.nph = true)],
    ),
    fault(
        "gateway/keep-alive-sent-on",
        &[Act::Reply(|reply, script| {
            let sent_on = script
                .head
                .fields
                .iter()
                .filter(|field| field.is("keep-alive"));
            reply.head.headers.extend(sent_on.cloned());
        })],
    ),
];

fn take_cookies(headers: &mut Vec<Header>) -> Vec<Bytes> {
    let cookies = headers.iter().filter(|field| field.is("set-cookie"));
    let values = cookies.map(|field| field.value.clone()).collect();
    headers.retain(|field| !field.is("set-cookie"));
    values
}
