//! Redirects inside and to the client.

use wire::{
    cgi::ReplyKind,
    http::{Framing, Header},
};

use super::{Act, Fault, fault, find};
use crate::doubles::conduct::Follows;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/local-redirect-sent",
        &[Act::Conduct(|conduct| conduct.follows = Follows::Never)],
    ),
    fault(
        "gateway/client-redirect-200",
        &[Act::Reply(|reply, script| {
            if matches!(script.head.kind(), Ok(ReplyKind::ClientRedirect(_))) {
                (reply.head.status, reply.head.reason) = (200, "OK".into());
            }
        })],
    ),
    fault(
        "gateway/redirect-as-302",
        &[Act::Reply(|reply, script| {
            if script.is_redirect_with_document() {
                (reply.head.status, reply.head.reason) = (302, "Found".into());
            }
        })],
    ),
    fault(
        "gateway/location-is-a-redirect",
        &[Act::Reply(|reply, script| {
            if reply.head.status == 201 && script.head.location().is_some() {
                (reply.head.status, reply.head.reason) = (302, "Found".into());
            }
        })],
    ),
    fault(
        "gateway/redirect-variables",
        &[Act::Environ(|environ, asked| {
            let told = asked.sent.header("x-probe");
            let is_redirected = told.is_some_and(|told| find(told, b"location=").is_some());
            if is_redirected && !asked.query().is_empty() {
                environ.set("REDIRECT_URL", asked.path.script_name.clone());
                environ.set("REDIRECT_QUERY_STRING", "");
            }
        })],
    ),
    fault(
        "gateway/redirect-body-dropped",
        &[Act::Reply(|reply, script| {
            if script.is_redirect_with_document() {
                reply
                    .head
                    .headers
                    .retain(|field| !field.is("content-length") && !field.is("transfer-encoding"));
                reply.head.headers.push(Header::new("Content-Length", "0"));
                reply.frame = Framing::Length(0).into();
            }
        })],
    ),
    fault(
        "gateway/local-redirect-with-status-followed",
        &[Act::Conduct(|conduct| conduct.follows = Follows::EveryPath)],
    ),
];
